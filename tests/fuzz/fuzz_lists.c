/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lists.c - any bytes as a list of videos, in whichever form they look like and in each of the others. */
#include "eval/eval.h"
#include "fuzz.h"

static const char *label_of(const void *user, int i)
{
    static const char *const names[] = { "a", "b c", NULL, "d" };

    (void)user;
    return names[i % 4];
}

static void check_videos(const video_list *l)
{
    for (int i = 0; i < l->count; i++)
        if (!*l->videos[i].path || l->videos[i].line < 1 || l->videos[i].frames < 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    for (int form = LIST_AUTO; form <= LIST_KINETICS; form++) {
        video_list l;
        tsm_error error;
        tsm_status status = list_parse(&l, data, bytes, "fuzz", (list_form)form, &error);

        fuzz_check(status, &error);
        if (status != TSM_OK) {
            if (l.count || l.videos) abort();
            continue;
        }
        check_videos(&l);
        fuzz_check(list_resolve(&l, label_of, NULL, 4, &error), &error);
        list_clear(&l);
    }
    return 0;
}
