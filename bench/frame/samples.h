/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h - what was measured, and what may be said of it. */
#ifndef TSM_BENCH_SAMPLES_H
#define TSM_BENCH_SAMPLES_H

#include <jansson.h>
#include <stdbool.h>

/* In the order in which they were measured. */
typedef struct bench_samples {
    double *values;
    int count, capacity;
} bench_samples;

/* False: out of memory. */
bool bench_samples_add(bench_samples *samples, double value);
void bench_samples_clear(bench_samples *samples);

/* A percentile that so few runs do not show is NaN: p90 takes 10, p95 20, p99 100. */
typedef struct bench_summary {
    int runs;
    double median, mean, min, max;
    double spread; /* of the middle half, as a part of the median */
    double drift;  /* of the second half's median over the first's, less 1 */
    double p50, p90, p95, p99;
} bench_summary;

bench_summary bench_summarise(const bench_samples *samples);

/* {"p50": .., "p90": .., "p95": .., "p99": .., "min": .., "max": .., "mean": .., "spread": .., "runs": ..}; null for
 * what is not known. */
json_t *bench_summary_json(const bench_summary *summary);

/* null for NaN. */
json_t *bench_real(double value);

/* At most 400 of the samples, evenly chosen and in order, as an array. */
json_t *bench_samples_json(const bench_samples *samples);

/* Median of first[i] / second[i]: of what was measured in the same round. */
double bench_median_ratio(const bench_samples *first, const bench_samples *second);

/* Of `count` values, which get sorted; percent in 0..100, nearest rank. */
double bench_percentile(double *values, int count, double percent);
double bench_median(double *values, int count);

#endif
