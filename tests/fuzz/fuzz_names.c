/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_names.c - any text as names, one a line: of checkpoints, whose parts say what the file does not, and of the
 * files in a folder, which are sorted, and chosen from. */
#include "fuzz.h"
#include "names/filename.h"
#include "video/frame_names.h"

#define MOST_NAMES  12
#define MOST_LENGTH 255 /* of a name in a file system */

static bool same_filename(const tsm_filename *a, const tsm_filename *b)
{
    return a->segments == b->segments && a->shift_div == b->shift_div && a->place == b->place &&
           strcmp(a->arch, b->arch) == 0 && a->tpool == b->tpool && a->nonlocal == b->nonlocal;
}

/* Only the last part of a path says anything, and what it says fits. */
static void check_filename(const char *path)
{
    const char *slash = strrchr(path, '/');
    const tsm_filename said = tsm_filename_parse(path), last = tsm_filename_parse(slash ? slash + 1 : path);

    if (!memchr(said.arch, '\0', sizeof said.arch) || !same_filename(&said, &last)) abort();
    if (said.segments < 0 || said.segments > 9999 || said.shift_div < 0 || said.shift_div > 9999) abort();
    if (said.place > TSM_PLACE_BLOCK || said.nonlocal > TSM_NONLOCAL_GAUSSIAN) abort();
}

/* Every name is before, or behind, every other, and their order is that of the list. */
static void check_order(const tsm_frame_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        for (size_t k = 0; k < names->count; k++) {
            const int order = tsm_frame_name_compare(names->items[i], names->items[k]);

            if (i == k ? order != 0 : i < k ? order >= 0 : order <= 0) abort();
        }
}

/* A wildcard or a number in the name itself means something else in a pattern. */
static bool is_plain(const char *name)
{
    return !strpbrk(name, "#%*?");
}

static void check_choice(tsm_frame_names *names)
{
    char *pattern, *note;
    tsm_error error;
    const size_t before = names->count;
    const tsm_status status = tsm_frame_names_choose(names, &pattern, &note, &error);

    fuzz_check(status, &error);
    if (status != TSM_OK) return;
    if (names->count < 1 || names->count > before || !pattern || (note && strchr(note, '\n'))) abort();
    for (size_t i = 0; i < names->count; i++)
        if (is_plain(names->items[i]) && !tsm_frame_name_matches(names->items[i], pattern)) abort();
    check_order(names);
    tsm_free(pattern);
    tsm_free(note);
}

/* Each name once, as in a folder. */
static void add(tsm_frame_names *names, const char *name)
{
    tsm_error error;

    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0) return;
    if (!*name || strlen(name) > MOST_LENGTH || names->count == MOST_NAMES) return;
    if (tsm_frame_names_add(names, name, &error) != TSM_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = calloc(bytes + 1, 1), *rest = text, *name;
    tsm_frame_names names = { 0 };

    if (!text) abort();
    if (bytes) memcpy(text, data, bytes);
    while ((name = strsep(&rest, "\n")) != NULL) {
        check_filename(name);
        if (names.count > 0) tsm_frame_name_matches(name, names.items[0]);
        tsm_frame_name_is_image(name);
        add(&names, name);
    }
    tsm_frame_names_sort(&names);
    check_order(&names);
    if (names.count > 0) check_choice(&names);
    tsm_frame_names_clear(&names);
    free(text);
    return 0;
}
