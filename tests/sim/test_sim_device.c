/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_device.c - the simulated device itself: right kernels pass on every seed, each mistake is caught.
 *
 * A mistake runs in a child, since AddressSanitizer ends the process. What must be caught on sight (all but the races
 * of builds without the race check) is caught on every seed; the others on one of SEEDS at least.
 */
#include "device_support.h"
#include "mutants.h"

#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 16, CAUGHT = 3 };

/* Runs a mutant in a child and returns whether it was caught; its report goes to `report`. */
static bool caught(const tsm_mutant *mutant, uint64_t seed, char *report, size_t room)
{
    int ends[2], status;
    size_t used = 0;
    ssize_t got;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        tsm_sim_clear();
        tsm_sim_seed(seed);
        _exit(mutant->run(true) && !tsm_sim_failure() ? 0 : CAUGHT);
    }
    close(ends[1]);
    while (used + 1 < room && (got = read(ends[0], report + used, room - 1 - used)) > 0) used += (size_t)got;
    report[used] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static bool says(const char *report, const tsm_mutant *mutant)
{
    for (int i = 0; i < 2; i++)
        if (mutant->says[i] && strstr(report, mutant->says[i])) return true;
    return !mutant->says[0]; /* a wrong result, nothing else */
}

static void passes(const tsm_mutant *mutant)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        tsm_sim_seed(seed);
        bool good = mutant->run(false);
        ck_assert_msg(good && !tsm_sim_failure(), "%s, seed %d: %s", mutant->name, (int)seed,
                      tsm_sim_failure() ? tsm_sim_failure() : "wrong result");
    }
}

START_TEST(right_kernels_pass)
{
    for (int i = 0; i < tsm_mutant_count; i++) passes(&tsm_mutants[i]);
    for (int i = 0; i < tsm_tensor_mutant_count; i++) passes(&tsm_tensor_mutants[i]);
    for (int i = 0; i < tsm_group_mutant_count; i++) passes(&tsm_group_mutants[i]);
    ck_assert_uint_eq(tsm_sim_live_allocations(), 0);
}
END_TEST

static void is_caught(const tsm_mutant *mutant)
{
    int times = 0;
    char report[2000];

    if (mutant->found == TSM_FOUND_INSTRUMENTED && !tsm_sim_instrumented()) return;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool found = caught(mutant, seed, report, sizeof report);
        times += found;
        if (!tsm_sim_instrumented()) continue;
        ck_assert_msg(found, "%s: not caught on seed %d", mutant->name, (int)seed);
        ck_assert_msg(says(report, mutant), "%s: \"%s\" does not say why", mutant->name, report);
    }
    ck_assert_msg(times > 0, "%s: not caught on %d seeds", mutant->name, (int)SEEDS);
}

START_TEST(mistakes_are_caught)
{
    is_caught(&tsm_mutants[_i]);
}
END_TEST

START_TEST(tensor_mistakes_are_caught)
{
    is_caught(&tsm_tensor_mutants[_i]);
}
END_TEST

START_TEST(group_mistakes_are_caught)
{
    is_caught(&tsm_group_mutants[_i]);
}
END_TEST

/* A failure names kernel, block, thread and seed, and the next launch is not affected by it. */
START_TEST(failures_have_their_place)
{
    if (!tsm_sim_instrumented()) return;
    tsm_sim_seed(77);
    ck_assert(!tsm_mutants[2].run(true));
    ck_assert_ptr_nonnull(tsm_sim_failure());
    ck_assert_ptr_nonnull(strstr(tsm_sim_failure(), "kernel divergent_kernel, block ("));
    ck_assert_ptr_nonnull(strstr(tsm_sim_failure(), ", thread ("));
    ck_assert_ptr_nonnull(strstr(tsm_sim_failure(), "mutants.cu:"));
    ck_assert_ptr_nonnull(strstr(tsm_sim_failure(), "(seed 77)"));
    tsm_sim_clear();
    ck_assert(tsm_mutants[2].run(false));
    ck_assert_ptr_null(tsm_sim_failure());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulated device");
    TCase *tests = tcase_create("device");

    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, right_kernels_pass);
    tcase_add_loop_test(tests, mistakes_are_caught, 0, tsm_mutant_count);
    tcase_add_loop_test(tests, tensor_mistakes_are_caught, 0, tsm_tensor_mutant_count);
    tcase_add_loop_test(tests, group_mistakes_are_caught, 0, tsm_group_mutant_count);
    tcase_add_test(tests, failures_have_their_place);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
