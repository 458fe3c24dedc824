/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - what classify found for one input, and printing it. */
#ifndef TSM_CLI_VERDICT_H
#define TSM_CLI_VERDICT_H

#include <tsm/tsm.h>
#include <tsm/video.h>

typedef struct verdict {
    const char *input;
    const tsm_clips_info *clips;
    double network_ms;
    int count; /* of the arrays, best first */
    const int *classes;
    const char *const *labels;
    const double *scores, *logits;
} verdict;

void verdict_print_text(const verdict *v);

/* The labels alone, a line each. */
void verdict_print_labels(const verdict *v);

/* Each returns 0, or -1 with a line on stderr. */
int verdict_print_json(const verdict *v);

/* With where the window lies. */
int verdict_print_window_json(const verdict *v, const tsm_window *where);

/* The line of an input that failed. */
int verdict_print_failure(const char *input, const tsm_error *error);

#endif
