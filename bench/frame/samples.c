/* SPDX-License-Identifier: Apache-2.0 */
/* samples.c - see samples.h. */
#include "samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_SAMPLES 400

bool bench_samples_add(bench_samples *samples, double value)
{
    if (samples->count == samples->capacity) {
        const int capacity = samples->capacity ? 2 * samples->capacity : 64;
        double *values = realloc(samples->values, (size_t)capacity * sizeof *values);

        if (!values) return false;
        samples->values = values;
        samples->capacity = capacity;
    }
    samples->values[samples->count++] = value;
    return true;
}

void bench_samples_clear(bench_samples *samples)
{
    free(samples->values);
    memset(samples, 0, sizeof *samples);
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

/* Of sorted values, nearest rank. */
static double at_rank(const double *sorted, int count, double percent)
{
    const int rank = (int)ceil(percent / 100 * count);

    return sorted[rank < 1 ? 0 : rank - 1];
}

static double middle(const double *sorted, int count)
{
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double bench_percentile(double *values, int count, double percent)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return at_rank(values, count, percent);
}

double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return middle(values, count);
}

static double median_of_copy(const double *values, int count, double *copy)
{
    memcpy(copy, values, (size_t)count * sizeof *copy);
    return bench_median(copy, count);
}

static double shown_by(const double *sorted, int count, double percent, int least)
{
    return count >= least ? at_rank(sorted, count, percent) : NAN;
}

bench_summary bench_summarise(const bench_samples *samples)
{
    const int count = samples->count, half = count / 2;
    bench_summary s = { count, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    double *sorted = count ? malloc((size_t)count * sizeof *sorted) : NULL, sum = 0;

    if (!sorted) return s;
    if (half >= 4)
        s.drift = median_of_copy(samples->values + count - half, half, sorted) /
                      median_of_copy(samples->values, half, sorted) -
                  1;
    s.median = median_of_copy(samples->values, count, sorted);
    for (int i = 0; i < count; i++) sum += sorted[i];
    s.mean = sum / count;
    s.min = sorted[0];
    s.max = sorted[count - 1];
    if (count >= 4) s.spread = (at_rank(sorted, count, 75) - at_rank(sorted, count, 25)) / s.median;
    s.p50 = s.median;
    s.p90 = shown_by(sorted, count, 90, 10);
    s.p95 = shown_by(sorted, count, 95, 20);
    s.p99 = shown_by(sorted, count, 99, 100);
    free(sorted);
    return s;
}

json_t *bench_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *bench_summary_json(const bench_summary *s)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "p50", bench_real(s->p50), "p90",
                     bench_real(s->p90), "p95", bench_real(s->p95), "p99", bench_real(s->p99), "min",
                     bench_real(s->min), "max", bench_real(s->max), "mean", bench_real(s->mean), "spread",
                     bench_real(s->spread), "runs", s->runs);
}

json_t *bench_samples_json(const bench_samples *samples)
{
    const int shown = samples->count < SHOWN_SAMPLES ? samples->count : SHOWN_SAMPLES;
    json_t *array = json_array();

    for (int i = 0; i < shown; i++)
        json_array_append_new(array, bench_real(samples->values[(int64_t)i * samples->count / shown]));
    return array;
}

double bench_median_ratio(const bench_samples *first, const bench_samples *second)
{
    const int count = first->count < second->count ? first->count : second->count;
    double *ratios = count ? malloc((size_t)count * sizeof *ratios) : NULL, median;

    if (!ratios) return NAN;
    for (int i = 0; i < count; i++) ratios[i] = first->values[i] / second->values[i];
    median = bench_median(ratios, count);
    free(ratios);
    return median;
}
