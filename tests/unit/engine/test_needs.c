/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_needs.c - where the libraries of a plugin are found: in Python's packages and no toolkit, say; and that they
 * come from one place, though the loader finds one of them elsewhere: in TSM_FAKE_LIBRARIES/half, which is in its
 * path.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "engine/devices.h"
#include "support.h"

#define NEEDY  TSM_FAKE_PLUGINS "/fake_needy.so"
#define PYTHON "/lib/python3.9/site-packages/nvidia"

static const tsm_needs needs = {
    .variable = "TSM_FAKE_PATH",
    .libraries = (const char *const[]){ "libtsm_fake_one", "libtsm_fake_two", NULL },
    .places = (const char *const[]){ "$TSM_FAKE_NOTHING/lib", "/nowhere/at/all", TSM_FAKE_LIBRARIES "/ha*",
                                     "$TSM_FAKE_PYTHON/lib/python3*/site-packages/nvidia", NULL },
};

/* In a process of its own, since a plugin stays loaded. Returns whether the backend is called `want`; where it is
 * refused, whether the text has `want`. */
static bool opens(const char *path, const char *python, const char *want)
{
    const pid_t child = fork();
    int status = -1;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const tsm_backend *backend = NULL;
        tsm_error error = { 0 };

        setenv("TSM_FAKE_PATH", path, 1);
        setenv("TSM_FAKE_PYTHON", python, 1);
        if (tsm_plugin_open(&backend, NEEDY, "tsm_fake_backend", &needs, &error) == TSM_OK)
            _exit(strcmp(backend->name, want) != 0);
        if (!strstr(error.text, want)) fprintf(stderr, "%s\n", error.text);
        _exit(backend || error.code != TSM_ERROR_DEVICE || !strstr(error.text, want));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(found_in_packages)
{
    ck_assert(opens("", TSM_FAKE_LIBRARIES "/env", "one of packages, two of packages"));
}
END_TEST

START_TEST(found_where_the_variable_says)
{
    ck_assert(opens(TSM_FAKE_LIBRARIES "/env" PYTHON, "", "one of packages, two of packages"));
    ck_assert(opens(TSM_FAKE_LIBRARIES "/toolkit", TSM_FAKE_LIBRARIES "/env", "one of toolkit, two of toolkit"));
    ck_assert(opens(TSM_FAKE_LIBRARIES "/toolkit/lib64", "", "one of toolkit, two of toolkit"));
}
END_TEST

START_TEST(missing)
{
    ck_assert(opens("", "", "libtsm_fake_one.so.1: cannot open"));
    ck_assert(opens("", "", "TSM_FAKE_PATH can say"));
    ck_assert(opens("", "/nowhere", "libtsm_fake_one.so.1: cannot open"));
    ck_assert(opens(TSM_FAKE_LIBRARIES "/half", TSM_FAKE_LIBRARIES "/env", "no libtsm_fake_one there"));
    ck_assert(opens("/nowhere", "", "no libtsm_fake_one there"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("needs");
    TCase *places = tcase_create("places");

    tcase_add_test(places, found_in_packages);
    tcase_add_test(places, found_where_the_variable_says);
    tcase_add_test(places, missing);
    suite_add_tcase(suite, places);
    return run_suite(suite);
}
