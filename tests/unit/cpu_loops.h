/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_loops.h - what the tests of the CPU backend's loops share: a table of awkward shapes and shifts, poisoned outputs
 * with a guard that shows who writes past their end, and comparisons.
 */
#ifndef TSM_TESTS_CPU_LOOPS_H
#define TSM_TESTS_CPU_LOOPS_H

#include "graph/backend.h"
#include "support.h"

#define SEED  20190u
#define GUARD 64

/* fold: odd ones, none, all channels (n_div 1), more than half. */
static const struct {
    tsm_dims dims;
    int fold;
} cases[] = {
    { { 1, 8, 7, 7, 64 }, 8 },   { { 2, 3, 5, 9, 30 }, 3 },      { { 3, 1, 4, 4, 16 }, 2 },
    { { 1, 2, 1, 1, 7 }, 1 },    { { 2, 5, 13, 11, 24 }, 0 },    { { 1, 4, 3, 3, 5 }, 5 },
    { { 2, 4, 6, 2, 10 }, 5 },   { { 1, 3, 2, 5, 9 }, 7 },       { { 1, 1, 9, 9, 3 }, 1 },
    { { 1, 16, 23, 3, 40 }, 5 }, { { 1, 3, 2, 2, 2500 }, 1100 },
};
#define CASES ((int)(sizeof cases / sizeof *cases))

/* Shift number `i` of a case: each direction, folds that differ, one that is empty, none at all. */
static inline tsm_shift shift_of(int i, int index)
{
    const int fold = cases[i].fold, c = cases[i].dims.c, more = 2 * fold + 1 < c ? 2 * fold + 1 : c;
    const tsm_shift shifts[] = { tsm_shift_both(fold, c), { fold, more, -1 }, { fold, fold, -1 }, { fold, fold, 1 },
                                 { 0, more, 1 },          { c, c, -1 },       { 0, 0, 0 } };

    return shifts[index];
}
#define SHIFTS 7

static inline size_t count_of(const tsm_dims *dims)
{
    return (size_t)tsm_dims_count(dims);
}

static inline float *output_of(size_t count)
{
    return poisoned_array(count + GUARD);
}

static inline void assert_guard(const float *values, size_t count)
{
    const unsigned char *guard = (const unsigned char *)(values + count);
    size_t i = 0;

    while (i < GUARD * sizeof *values && guard[i] == 0xff) i++;
    ck_assert_msg(i == GUARD * sizeof *values, "byte %zu past the end was written", i);
}

static inline void assert_same(const float *got, const float *want, size_t count, const char *what)
{
    size_t i = 0;

    while (i < count && memcmp(&got[i], &want[i], sizeof *got) == 0) i++;
    if (i < count) ck_abort_msg("%s: element %zu is %.9g, want %.9g", what, i, (double)got[i], (double)want[i]);
}

/* The same up to an absolute error. */
static inline void assert_near(const float *got, const float *want, size_t count, double tolerance, const char *what)
{
    size_t i = 0;

    while (i < count && fabs((double)got[i] - (double)want[i]) <= tolerance) i++;
    if (i < count) ck_abort_msg("%s: element %zu is %.9g, want %.9g", what, i, (double)got[i], (double)want[i]);
}

/* A copy with a guard behind it. */
static inline float *copy_of(const float *values, size_t count)
{
    float *copy = output_of(count);

    for (size_t i = 0; i < count; i++) copy[i] = values[i];
    return copy;
}

#endif
