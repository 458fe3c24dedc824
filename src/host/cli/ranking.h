/* SPDX-License-Identifier: Apache-2.0 */
/* ranking.h - the best classes of one input, with their names, out of what a network gave for its clips. */
#ifndef TSM_CLI_RANKING_H
#define TSM_CLI_RANKING_H

#include <tsm/tsm.h>
#include <tsm/video.h>

typedef char ranking_name[24]; /* "class 17", for a class without a label */

typedef struct ranking {
    const tsm_model *model; /* borrowed */
    int class_count, top;   /* classes; how many are named, fewer than `top` where `threshold` leaves fewer */
    int multi_label;        /* scores are independent of each other */
    double threshold;       /* of a multi-label score that counts */
    int most;
    double *scores, *means; /* (class_count) */
    int *classes;           /* (most), best first, and so are those below */
    const char **labels;
    ranking_name *names;
    double *top_scores, *top_logits;
} ranking;

/* Makes room for the `most` best classes of a model of `class_count`. Errors: MEMORY. */
tsm_status ranking_open(ranking *r, const tsm_model *model, int class_count, int most, tsm_error *error);
void ranking_close(ranking *r);

/* Fills scores and the best classes from logits (clips, class_count). Errors: FORMAT, where one is not finite. */
tsm_status ranking_fill(ranking *r, tsm_video_mode mode, const float *logits, int clips, tsm_error *error);

#endif
