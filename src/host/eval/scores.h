/* SPDX-License-Identifier: Apache-2.0 */
/* scores.h - from the logits of a video's clips to its scores. */
#ifndef TSM_EVAL_SCORES_H
#define TSM_EVAL_SCORES_H

#include <tsm/tsm.h>
#include <tsm/video.h>

/* Combines logits (clips, classes) of all views and samples of one video.
 *   scores  (classes), add up to 1: TSM_MODE_MIT takes the softmax of the mean logits, TSM_MODE_MMACTION2 the
 *           mean of every clip's softmax
 *   means   (classes), the mean logits, in both modes
 * Errors: FORMAT, where a logit is not finite. */
tsm_status scores_combine(tsm_video_mode mode, const float *logits, int clips, int classes, double *scores,
                          double *means, tsm_error *error);

/* The same where classes do not exclude each other: scores are sigmoids, each 0..1 by itself. TSM_MODE_MIT takes the
 * sigmoid of the mean logit, TSM_MODE_MMACTION2 the mean of every clip's sigmoid. */
tsm_status scores_combine_multi(tsm_video_mode mode, const float *logits, int clips, int classes, double *scores,
                                double *means, tsm_error *error);

/* The classes of the `count` <= classes highest scores, best first; of equal ones the higher mean logit, then the
 * lower class, comes first. */
void scores_top(const double *scores, const double *means, int classes, int count, int *top);

#endif
