/* SPDX-License-Identifier: Apache-2.0 */
/* support.h - what the tests with Check share: running a suite, and comparisons with a reason. */
#ifndef TSM_TESTS_SUPPORT_H
#define TSM_TESTS_SUPPORT_H

#include <check.h>

#include "operations/values.h"

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

/* |got - want| <= tolerance * max|want| for every element; says which one is worst. NaN fails. */
static inline void assert_close(const float *got, const float *want, size_t count, double tolerance, const char *what)
{
    const difference d = largest_difference(got, want, count);

    ck_assert_msg(d.worst <= tolerance * d.largest, "%s: element %zu is %.9g, want %.9g (tolerance %g of %g)", what,
                  d.at, (double)got[d.at], (double)want[d.at], tolerance, d.largest);
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
