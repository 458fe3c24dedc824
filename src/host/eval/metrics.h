/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what papers report of a data set: Prec@1, Prec@5, mean class accuracy, and which classes are confused.
 */
#ifndef TSM_EVAL_METRICS_H
#define TSM_EVAL_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <tsm/tsm.h>

#define METRICS_MAX_CONFUSION 4096 /* classes; more have no confusion matrix */

typedef struct metrics {
    int classes, videos, right1, right5;
    int *of_class, *right1_of, *right5_of; /* (classes) */
    uint32_t *confusion; /* (classes of the list, classes found); NULL beyond METRICS_MAX_CONFUSION */
} metrics;

/* Errors: MEMORY. */
tsm_status metrics_open(metrics *m, int classes, tsm_error *error);
void metrics_close(metrics *m);

/* Counts a video of class `label` by its scores (classes); the class ranks behind all that score higher and, of equal
 * ones, before those of higher number. Returns the class that scores highest. */
int metrics_add(metrics *m, int label, const float *scores);

/* A video with several classes: it is right where any of them is among the best, and each of them counts as its own.
 * The confusion has none of it. */
int metrics_add_several(metrics *m, const int *labels, int count, const float *scores);

/* Mean average precision: of every class that `has` says any video has, the precision at each of its videos when all
 * are ordered by the class's score, averaged; and that over the classes. scores is (videos, classes); a video whose
 * `skip` is not 0 does not count. Errors: MEMORY. */
tsm_status metrics_mean_ap(const float *scores, int videos, int classes,
                           int (*has)(const void *user, int video, int class), const void *user, const bool *skip,
                           double *map, tsm_error *error);

/* Shares, 0..1; 0 where there is nothing to count. The mean class accuracy is over the classes that have videos. */
double metrics_share(int part, int whole);
double metrics_mean_class(const metrics *m);

/* Wilson's interval of a share: where the true one lies in 95 of 100 cases. */
void metrics_interval(int part, int whole, double *low, double *high);

#endif
