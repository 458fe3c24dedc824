/* SPDX-License-Identifier: Apache-2.0 */
/* stream_label.h - the label that is shown of a stream: it changes where another one is clearly ahead for a while. */
#ifndef TSM_CLI_STREAM_LABEL_H
#define TSM_CLI_STREAM_LABEL_H

#include <stdbool.h>

typedef struct stream_label {
    int patience;  /* predictions in a row that another class must lead, >= 1 */
    double margin; /* by so much of the score */
    int shown;     /* class; -1: none yet */
    int candidate, run;
} stream_label;

#define STREAM_LABEL_INIT                                                                                            \
    {                                                                                                                \
        .patience = 1, .shown = -1                                                                                   \
    }

/* The next prediction, whose best class is `best`; the first is shown at once. Returns whether the label has changed.
 */
bool stream_label_take(stream_label *label, const double *scores, int best);

#endif
