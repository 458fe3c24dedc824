/* SPDX-License-Identifier: Apache-2.0 */
/* labels.c - see labels.h. */
#include "labels.h"

#include <string.h>

/* The length of `text` without the line ends, LF or CRLF, at its end. */
static size_t trimmed_length(const char *text)
{
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '\n') {
        length--;
        if (length > 0 && text[length - 1] == '\r') length--;
    }
    return length;
}

tsm_status tsm_labels_parse(tsm_labels *labels, const char *text, int classes, tsm_error *error)
{
    size_t length = trimmed_length(text), lines = length > 0;
    char *line, *rest;

    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    if (lines != (size_t)classes)
        return tsm_fail(error, TSM_ERROR_MODEL, "there are %zu labels, the network has %d classes", lines, classes);
    labels->text = tsm_strndup(text, length);
    labels->names = tsm_alloc_zero(lines, sizeof *labels->names);
    if (!labels->text || !labels->names) return tsm_fail_memory(error, length + lines * sizeof *labels->names);
    rest = labels->text;
    while ((line = strsep(&rest, "\n")) != NULL) {
        size_t end = strlen(line);

        if (end > 0 && line[end - 1] == '\r') line[end - 1] = '\0';
        labels->names[labels->count++] = line;
    }
    return TSM_OK;
}

void tsm_labels_clear(tsm_labels *labels)
{
    tsm_free(labels->text);
    tsm_free(labels->names);
    *labels = (tsm_labels){ 0 };
}
