/* SPDX-License-Identifier: Apache-2.0 */
/* support.h - what the unit tests share: running a suite, seeded random data, poison, and comparisons with a reason.
 */
#ifndef TSM_TESTS_SUPPORT_H
#define TSM_TESTS_SUPPORT_H

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/tsm.h>

/* Runs a suite and returns main's exit status. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
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
    float *values = malloc((count ? count : 1) * sizeof *values);

    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < count; i++) values[i] = hashed_value((uint32_t)i, seed);
    return values;
}

/* An array of signalling junk, so that an element which nobody writes shows. */
static inline float *poisoned_array(size_t count)
{
    float *values = malloc((count ? count : 1) * sizeof *values);

    ck_assert_ptr_nonnull(values);
    memset(values, 0xff, count * sizeof *values);
    return values;
}

/* |got - want| <= tolerance * max|want| for every element; says which one is worst. NaN fails. */
static inline void assert_close(const float *got, const float *want, size_t count, double tolerance, const char *what)
{
    double largest = 1e-30, worst = 0;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - (double)want[i]);
        if (!(difference <= worst)) {
            worst = difference;
            at = i;
        }
    }
    ck_assert_msg(worst <= tolerance * largest, "%s: element %zu is %.9g, want %.9g (tolerance %g of %g)", what, at,
                  (double)got[at], (double)want[at], tolerance, largest);
}

static inline void assert_ok(tsm_status status, const tsm_error *error)
{
    ck_assert_msg(status == TSM_OK, "%s: %s", tsm_status_name(status), error->text);
}

/* A failure must carry its code, one line of text, and the word that names the thing. */
static inline void assert_error(tsm_status status, const tsm_error *error, tsm_status want, const char *names)
{
    ck_assert_msg(status == want, "status %s, want %s (%s)", tsm_status_name(status), tsm_status_name(want),
                  error->text);
    ck_assert_int_eq(error->code, want);
    ck_assert_ptr_null(strchr(error->text, '\n'));
    ck_assert_msg(strstr(error->text, names) != NULL, "\"%s\" does not name \"%s\"", error->text, names);
}

#endif
