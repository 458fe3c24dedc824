/* SPDX-License-Identifier: Apache-2.0 */
/* labels.h - the names of classes, one a line. */
#ifndef TSM_MODEL_LABELS_H
#define TSM_MODEL_LABELS_H

#include "core/status.h"

typedef struct tsm_labels {
    char *text; /* lines cut into strings; owned */
    char **names;
    int count; /* 0: no labels */
} tsm_labels;

/* Splits `text` into lines (LF or CRLF; blank lines at the end do not count). Errors: MODEL where the number of lines
 * is not `classes`, MEMORY. Cleared with tsm_labels_clear, also on failure. */
tsm_status tsm_labels_parse(tsm_labels *labels, const char *text, int classes, tsm_error *error);
void tsm_labels_clear(tsm_labels *labels);

#endif
