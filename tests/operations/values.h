/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - seeded random numbers, poison and guards for tests on any device, and how near two arrays are. Part of
 * no test framework: what cannot go on ends the program. */
#ifndef TSM_OPERATIONS_VALUES_H
#define TSM_OPERATIONS_VALUES_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/tsm.h>

/* Ends the program where there is no memory. */
static inline void *must(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "out of memory\n");
    abort();
}

static inline void must_ok(tsm_status status, const tsm_error *error)
{
    if (status == TSM_OK) return;
    fprintf(stderr, "%s: %s\n", tsm_status_name(status), error->text);
    abort();
}

/* The hash behind every random test value: element `i` of stream `seed`, in [-1, 1). The golden generator has the
 * same. */
static inline float hashed_value(uint32_t i, uint32_t seed)
{
    uint32_t x = i * 2654435761u + seed * 40503u;

    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    x ^= x >> 16;
    return (float)((x >> 8) * (1.0 / 8388608.0) - 1.0);
}

static inline float *hashed_array(size_t count, uint32_t seed)
{
    float *values = must(malloc((count ? count : 1) * sizeof *values));

    for (size_t i = 0; i < count; i++) values[i] = hashed_value((uint32_t)i, seed);
    return values;
}

/* An array of signalling junk, so that an element which nobody writes shows. */
static inline float *poisoned_array(size_t count)
{
    float *values = must(malloc((count ? count : 1) * sizeof *values));

    memset(values, 0xff, count * sizeof *values);
    return values;
}

/* Where two arrays differ most. */
typedef struct difference {
    double worst, largest; /* the difference, and the largest wanted value */
    size_t at;
} difference;

/* NaN differs from everything. */
static inline difference largest_difference(const float *got, const float *want, size_t count)
{
    difference d = { 0, 1e-30, 0 };

    for (size_t i = 0; i < count; i++) d.largest = fmax(d.largest, fabs((double)want[i]));
    for (size_t i = 0; i < count && !isnan(d.worst); i++) {
        const double between = fabs((double)got[i] - (double)want[i]);

        if (between <= d.worst) continue;
        d.worst = between;
        d.at = i;
    }
    if (isnan(d.worst)) d.worst = INFINITY;
    return d;
}

#endif
