/* SPDX-License-Identifier: Apache-2.0 */
/* classification.h - what classify found for one input, and printing it. */
#ifndef TSM_CLI_CLASSIFICATION_H
#define TSM_CLI_CLASSIFICATION_H

#include <tsm/tsm.h>
#include <tsm/video.h>

typedef struct classification {
    const char *input;
    const tsm_clips_info *clips;
    double network_ms;
    int count; /* of the arrays, best first */
    const int *classes;
    const char *const *labels;
    const double *scores, *logits;
} classification;

void classification_print_text(const classification *v);

/* The labels alone, a line each. */
void classification_print_labels(const classification *v);

/* Each returns 0, or -1 with a line on stderr. */
int classification_print_json(const classification *v);

/* With where the window lies. */
int classification_print_window_json(const classification *v, const tsm_window *where);

/* The line of an input that failed. */
int classification_print_failure(const char *input, const tsm_error *error);

#endif
