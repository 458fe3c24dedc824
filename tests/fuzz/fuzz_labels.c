/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_labels.c - any bytes as a list of class names: the command's reader, and the library's on what that one lets
 * through. */
#include "eval/eval.h"
#include "fuzz.h"
#include "model/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tsm_labels labels = { 0 };
    tsm_error error;
    char *text;
    int count;
    tsm_status status = labels_parse(data, bytes, "fuzz", &text, &count, &error);

    fuzz_check(status, &error);
    if (status != TSM_OK) return 0;
    status = tsm_labels_parse(&labels, text, count, &error);
    fuzz_check(status, &error);
    /* Both must count the same names. */
    if (status != TSM_OK || labels.count != count) abort();
    for (int i = 0; i < count; i++)
        if (strchr(labels.names[i], '\n')) abort();
    tsm_labels_clear(&labels);
    free(text);
    return 0;
}
