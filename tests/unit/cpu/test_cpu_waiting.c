/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours and forks: beside busy processes threads wait briefly, and what is added for it goes again; in a child
 * after a fork a team is refused, never waited for.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/status.h"
#include "cpu/waiting.h"
#include "operations/everything.h"
#include "passes/passes.h"
#include "runner.h"

static const tsm_shape shape = { 1, 2, 33, 33 };

static network make_network(void)
{
    network net = network_make(RUNNER_SEED, 3);
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    return net;
}

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks)) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

#define MAX_NEIGHBOURS 64

static int start_neighbours(pid_t pids[MAX_NEIGHBOURS])
{
    const int count = tsm_cpu_count() * 2 < MAX_NEIGHBOURS ? tsm_cpu_count() * 2 : MAX_NEIGHBOURS;

    for (int i = 0; i < count; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0)
            for (volatile unsigned busy = 0;; busy++) {
            }
    }
    return count;
}

/* With a neighbour on every CPU waits become brief within moments, the results stay what they are, and with the
 * engine its sleeping threads go. */
START_TEST(neighbours)
{
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 2 } };
    network net = make_network();
    pid_t pids[MAX_NEIGHBOURS];
    int count, threads;
    float *want, *got;
    bool briefly = false;

    runner_open(&r, net.graph, &shape, -1);
    want = runner_run(&r);
    runner_close(&r);
    ck_assert(!tsm_cpu_waits_briefly());
    threads = count_threads();
    count = start_neighbours(pids);
    r = (runner){ .backend = &tsm_backend_cpu, .config = { .threads = 2 } };
    runner_open(&r, net.graph, &shape, -1);
    for (const double end = tsm_now_ms() + 20e3; tsm_now_ms() < end && !briefly;) {
        got = runner_run(&r);
        ck_assert_mem_eq(got, want, r.count * sizeof *got);
        free(got);
        briefly = tsm_cpu_waits_briefly();
    }
    for (int i = 0; i < count; i++) kill(pids[i], SIGKILL);
    for (int i = 0; i < count; i++) waitpid(pids[i], NULL, 0);
    ck_assert_msg(briefly || tsm_cpu_count() == 1, "threads wait for long beside %d neighbours", count);
    runner_close(&r);
    ck_assert(!tsm_cpu_waits_briefly());
    ck_assert_int_le(count_threads(), threads);
    free(want);
    network_free(&net);
}
END_TEST

/* What a caller asked for in the environment is left alone. */
START_TEST(environment_is_heeded)
{
    tsm_cpu_waiting waiting = { 0 };

    setenv("OMP_WAIT_POLICY", "active", 1);
    tsm_cpu_waiting_hold(2);
    for (int i = 0; i < 100; i++) {
        tsm_cpu_waiting_begin(&waiting, 2);
        ck_assert(!waiting.measures);
        tsm_cpu_waiting_end(&waiting);
    }
    ck_assert(!tsm_cpu_waits_briefly());
    tsm_cpu_waiting_let_go();
    unsetenv("OMP_WAIT_POLICY");
}
END_TEST

/* ---- Forks ---------------------------------------------------------------------------------------------------- */

/* Runs `check` in a child, which has ten seconds; its status is what it returned. */
static int in_child(int (*check)(const runner *), const runner *r)
{
    const pid_t pid = fork();
    int status = -1;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        alarm(10);
        _exit(check(r));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Number of the first thing that is not as it should be. */
static int parents_engine_is_refused(const runner *r)
{
    float logits[NETWORK_CLASSES];
    const tsm_tensor input = { .data = r->pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = logits };
    tsm_backend_config config = { .threads = 2 };
    tsm_backend_report report = { 0 };
    tsm_prepared *prepared = NULL;
    tsm_plan *plan = NULL;
    tsm_error error;

    if (r->backend->run(r->plan, &(tsm_run_arguments){ .input = &input, .output = &output }, &error) !=
            TSM_ERROR_ARGUMENT ||
        !strstr(error.text, "fork"))
        return 1;
    if (r->backend->plan(&plan, r->worker, &(tsm_plan_arguments){ .shapes = r->shapes }, &error) !=
            TSM_ERROR_ARGUMENT ||
        !strstr(error.text, "fork"))
        return 2;
    if (r->backend->prepare(&prepared, r->graph, &config, &report, &error) != TSM_ERROR_ARGUMENT ||
        !strstr(error.text, "fork"))
        return 3;
    r->backend->plan_release(r->plan); /* what the child has of it may go */
    r->backend->worker_destroy(r->worker);
    r->backend->release(r->prepared);
    return 0;
}

static int one_thread_works(const runner *r)
{
    runner mine = { .backend = r->backend, .config = { .threads = 1 } };
    float *got, *again;
    int failed;

    runner_open(&mine, r->graph, &shape, -1);
    got = runner_run(&mine);
    again = runner_run(&mine);
    failed = memcmp(got, again, mine.count * sizeof *got) != 0 || !isfinite(got[0]);
    free(got);
    free(again);
    runner_close(&mine);
    return failed;
}

START_TEST(forks)
{
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 2 } };
    network net = make_network();
    float *before, *after;

    runner_open(&r, net.graph, &shape, -1);
    before = runner_run(&r);
    ck_assert_int_eq(in_child(parents_engine_is_refused, &r), 0);
    ck_assert_int_eq(in_child(one_thread_works, &r), 0);
    after = runner_run(&r); /* the parent notices nothing */
    ck_assert_mem_eq(after, before, r.count * sizeof *after);
    free(before);
    free(after);
    runner_close(&r);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_waiting");
    TCase *waiting = tcase_create("waiting");

    unsetenv("OMP_WAIT_POLICY"); /* which tests are usually run with */
    unsetenv("GOMP_SPINCOUNT");
    tcase_set_timeout(waiting, 120);
    tcase_add_test(waiting, environment_is_heeded);
    tcase_add_test(waiting, neighbours);
    tcase_add_test(waiting, forks);
    suite_add_tcase(suite, waiting);
    return run_suite(suite);
}
