/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers of the CPU backend: several of one prepared graph, several plans in one arena, what becomes of them when
 * one more fails, who may listen to a run, and who may stop it.
 */
#include <pthread.h>

#include "cpu/winograd.h"
#include "operations/everything.h"
#include "passes/passes.h"
#include "runner.h"

#define SEED RUNNER_SEED

/* ---- One prepared graph, several workers and plans ----------------------------------------------------------- */

typedef struct thread {
    pthread_t handle;
    const tsm_graph *graph;
    tsm_prepared *prepared;
    tsm_shape shape;
    float *want, *got;
    size_t count;
} thread;

static void *work(void *opaque)
{
    thread *t = opaque;
    tsm_dims *shapes = network_shapes(t->graph, &t->shape);
    float *pixels = hashed_array((size_t)t->shape.n * t->shape.t * t->shape.h * t->shape.w * 3, SEED);
    const tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = t->got };
    const tsm_run_arguments arguments = { .input = &input, .output = &output };
    tsm_worker *worker = NULL;
    tsm_plan *plan = NULL;
    tsm_error error;

    assert_ok(tsm_backend_cpu.worker_create(&worker, t->prepared, &error), &error);
    for (int i = 0; i < 3; i++) {
        assert_ok(tsm_backend_cpu.plan(&plan, worker, &(tsm_plan_arguments){ .shapes = shapes }, &error), &error);
        for (int k = 0; k < 5; k++) assert_ok(tsm_backend_cpu.run(plan, &arguments, &error), &error);
        tsm_backend_cpu.plan_release(plan);
    }
    tsm_backend_cpu.worker_destroy(worker);
    free(shapes);
    free(pixels);
    return NULL;
}

START_TEST(workers_share_weights)
{
    tsm_backend_config config = { .threads = 2 };
    tsm_backend_report report;
    thread threads[3] = { { .shape = { 1, 4, 33, 21 } },
                          { .shape = { 2, 3, 40, 40 } },
                          { .shape = { 1, 4, 33, 21 } } };
    network net = network_make(SEED, 3);
    tsm_prepared *prepared = NULL;
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    assert_ok(tsm_backend_cpu.prepare(&prepared, net.graph, &config, &report, &error), &error);
    for (int i = 0; i < 3; i++) {
        thread *t = &threads[i];
        t->graph = net.graph;
        t->prepared = prepared;
        t->want = values_of(&tsm_backend_cpu, net.graph, &t->shape, -1, TSM_SHIFT_AUTO, 2, &t->count);
        t->got = poisoned_array(t->count);
    }
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_create(&threads[i].handle, NULL, work, &threads[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i].handle, NULL);
        ck_assert(memcmp(threads[i].got, threads[i].want, threads[i].count * sizeof(float)) == 0);
        free(threads[i].got);
        free(threads[i].want);
    }
    tsm_backend_cpu.release(prepared);
    network_free(&net);
}
END_TEST

#define SHAPES 4

/* Plans of a worker, made from the smallest to the largest so that the arena grows under those before, or the other
 * way round: each gives what it gives alone, and the arena is that of the largest. */
START_TEST(plans_share_an_arena)
{
    static const tsm_shape shapes[SHAPES] = {
        { 1, 2, 17, 17 }, { 1, 4, 33, 21 }, { 2, 3, 40, 40 }, { 3, 4, 48, 40 }
    };
    runner alone[SHAPES] = { 0 };
    tsm_plan *plans[SHAPES] = { 0 };
    network net = network_make(SEED, 3);
    tsm_worker *worker = NULL;
    uint64_t largest = 0;
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    for (int i = 0; i < SHAPES; i++) {
        alone[i] = (runner){ .backend = &tsm_backend_cpu, .config = { .threads = 2 } };
        runner_open(&alone[i], net.graph, &shapes[i], -1);
        if (tsm_backend_cpu.worker_bytes(alone[i].worker) > largest)
            largest = tsm_backend_cpu.worker_bytes(alone[i].worker);
    }
    assert_ok(tsm_backend_cpu.worker_create(&worker, alone[0].prepared, &error), &error);
    for (int k = 0; k < SHAPES; k++) {
        const int i = _i ? SHAPES - 1 - k : k;
        const tsm_plan_arguments arguments = { .shapes = alone[i].shapes };

        assert_ok(tsm_backend_cpu.plan(&plans[i], worker, &arguments, &error), &error);
        for (int j = 0; j < SHAPES; j++) {
            float *want, *got;
            runner shared = alone[j];

            if (!plans[j]) continue;
            shared.plan = plans[j];
            want = runner_run(&alone[j]);
            got = runner_run(&shared);
            ck_assert_msg(memcmp(got, want, alone[j].count * sizeof *got) == 0, "plan %d after plan %d", j, i);
            free(want);
            free(got);
        }
    }
    ck_assert_uint_eq(tsm_backend_cpu.worker_bytes(worker), largest);
    for (int i = 0; i < SHAPES; i++) tsm_backend_cpu.plan_release(plans[i]);
    tsm_backend_cpu.worker_destroy(worker);
    for (int i = 0; i < SHAPES; i++) runner_close(&alone[i]);
    network_free(&net);
}
END_TEST

/* A plan that makes the arena grow fails at every allocation in turn: the plan before runs as before, and a limit on
 * bytes is heeded before anything is allocated. */
START_TEST(failed_plan_changes_nothing)
{
    const tsm_shape small = { 1, 2, 17, 17 }, large = { 1, 3, 33, 33 };
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 1 } };
    tsm_status status = TSM_ERROR_MEMORY;
    network net = network_make(SEED, 3);
    tsm_plan_arguments arguments = { 0 };
    tsm_plan *plan = NULL;
    uint64_t bytes;
    tsm_error error;
    float *want;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    runner_open(&r, net.graph, &small, -1);
    arguments.shapes = network_shapes(net.graph, &large);
    want = runner_run(&r);
    bytes = tsm_backend_cpu.worker_bytes(r.worker);
    for (uint64_t n = 1; status != TSM_OK; n++) {
        float *got;

        tsm_alloc_fail_at(n);
        status = tsm_backend_cpu.plan(&plan, r.worker, &arguments, &error);
        tsm_alloc_fail_at(0);
        got = runner_run(&r);
        ck_assert_mem_eq(got, want, r.count * sizeof *got);
        free(got);
        if (status == TSM_OK) break;
        ck_assert_int_eq(status, TSM_ERROR_MEMORY);
        ck_assert_uint_eq(tsm_backend_cpu.worker_bytes(r.worker), bytes);
        ck_assert_uint_lt(n, 100000);
    }
    ck_assert_uint_gt(tsm_backend_cpu.worker_bytes(r.worker), bytes);
    tsm_backend_cpu.plan_release(plan);
    free((void *)(uintptr_t)arguments.shapes);
    free(want);
    runner_close(&r);
    network_free(&net);
}
END_TEST

START_TEST(bytes_are_limited_before_they_are_allocated)
{
    const tsm_shape shape = { 1, 3, 33, 33 };
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 1 } };
    network net = network_make(SEED, 3);
    tsm_plan *plan = NULL;
    uint64_t bytes;
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    runner_open(&r, net.graph, &shape, -1);
    bytes = tsm_backend_cpu.worker_bytes(r.worker);
    runner_close(&r);
    r.config.max_bytes = bytes;
    runner_open(&r, net.graph, &shape, -1);
    runner_close(&r);
    r.config.max_bytes = bytes - 1;
    tsm_backend_report report = { 0 };
    tsm_dims *shapes = network_shapes(net.graph, &shape);
    char text[80];
    assert_ok(tsm_backend_cpu.prepare(&r.prepared, net.graph, &r.config, &report, &error), &error);
    assert_ok(tsm_backend_cpu.worker_create(&r.worker, r.prepared, &error), &error);
    snprintf(text, sizeof text, "needs %llu bytes, the limit is %llu", (unsigned long long)bytes,
             (unsigned long long)bytes - 1);
    assert_error(tsm_backend_cpu.plan(&plan, r.worker, &(tsm_plan_arguments){ .shapes = shapes }, &error), &error,
                 TSM_ERROR_MEMORY, text);
    ck_assert_ptr_null(plan);
    ck_assert_uint_eq(tsm_backend_cpu.worker_bytes(r.worker), 0);
    tsm_backend_cpu.worker_destroy(r.worker);
    tsm_backend_cpu.release(r.prepared);
    free(shapes);
    network_free(&net);
}
END_TEST

/* ---- Who listens ---------------------------------------------------------------------------------------------- */

typedef struct listener {
    int seen[64], steps[64]; /* per node */
    bool gathered, in_place, winograd, onednn, loop;
} listener;

static void see_value(void *user, int node, const tsm_dims *dims, const float *values)
{
    listener *l = user;

    ck_assert(dims->c > 0 && isfinite(values[0]));
    l->seen[node]++;
}

static void see_step(void *user, int node, const char *how, double ms)
{
    listener *l = user;

    ck_assert(ms >= 0);
    l->steps[node]++;
    l->gathered = l->gathered || strcmp(how, "gather 1x1 AVX-512") == 0;
    l->in_place = l->in_place || strcmp(how, "shift, in place") == 0;
    l->winograd = l->winograd || strcmp(how, "winograd 3x3 AVX-512") == 0;
    l->onednn = l->onednn || (strncmp(how, "oneDNN ", 7) == 0 && how[7]);
    l->loop = l->loop || strcmp(how, "loop") == 0;
}

/* Every value is shown once, after all of its steps; every step says how it was done. */
START_TEST(visitors_and_profilers)
{
    const tsm_shape shape = { 1, 2, 33, 33 };
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 2 } };
    listener l = { 0 };
    const tsm_visitor visitor = { see_value, &l };
    const tsm_profiler profiler = { see_step, &l };
    network net = network_make(SEED, 3);
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_int_lt(net.graph->count, 64);
    runner_open(&r, net.graph, &shape, -1);
    float logits[NETWORK_CLASSES];
    const tsm_tensor input = { .data = r.pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = logits };
    const tsm_run_arguments arguments = {
        .input = &input, .output = &output, .visitor = &visitor, .profiler = &profiler
    };
    assert_ok(r.backend->run(r.plan, &arguments, &error), &error);
    for (int i = 0; i < net.graph->count; i++) {
        ck_assert_msg(l.seen[i] == 1, "%s was shown %d times", net.graph->nodes[i].name, l.seen[i]);
        ck_assert_int_ge(l.steps[i], 1);
    }
    ck_assert(l.onednn && l.loop);
    ck_assert(tsm_cpu_winograd_available() ? l.winograd : l.in_place);
    runner_close(&r);
    network_free(&net);
}
END_TEST

static int cancel_later(void *user)
{
    int *left = user;

    return (*left)-- <= 0;
}

/* After any number of questions: cancelled, and the next run is as if nothing had been. */
START_TEST(cancelling)
{
    const tsm_shape shape = { 1, 2, 17, 17 };
    int left = INT32_MAX;
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 1, .cancel = { cancel_later, &left } } };
    network net = network_make(SEED, 3);
    tsm_backend_report report = { 0 };
    tsm_prepared *prepared = NULL;
    tsm_plan *plan = NULL;
    tsm_error error;
    float *want, *got;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    runner_open(&r, net.graph, &shape, -1);
    want = runner_run(&r);
    left = 3;
    assert_error(tsm_backend_cpu.prepare(&prepared, net.graph, &r.config, &report, &error), &error,
                 TSM_ERROR_CANCELLED, "cancelled");
    ck_assert_ptr_null(prepared);
    left = 3;
    assert_error(tsm_backend_cpu.plan(&plan, r.worker, &(tsm_plan_arguments){ .shapes = r.shapes }, &error), &error,
                 TSM_ERROR_CANCELLED, "cancelled");
    ck_assert_ptr_null(plan);
    for (int n = 0; n < 20; n += 6) {
        const tsm_tensor input = { .data = r.pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
        float logits[NETWORK_CLASSES];
        const tsm_tensor output = { .data = logits };

        left = n;
        assert_error(r.backend->run(r.plan, &(tsm_run_arguments){ .input = &input, .output = &output }, &error),
                     &error, TSM_ERROR_CANCELLED, "cancelled");
    }
    left = INT32_MAX;
    got = runner_run(&r);
    ck_assert_mem_eq(got, want, r.count * sizeof *got);
    free(want);
    free(got);
    runner_close(&r);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_workers");
    TCase *workers = tcase_create("workers");

    tcase_set_timeout(workers, 120);
    tcase_add_test(workers, workers_share_weights);
    tcase_add_loop_test(workers, plans_share_an_arena, 0, 2);
    tcase_add_test(workers, failed_plan_changes_nothing);
    tcase_add_test(workers, bytes_are_limited_before_they_are_allocated);
    tcase_add_test(workers, visitors_and_profilers);
    tcase_add_test(workers, cancelling);
    suite_add_tcase(suite, workers);
    return run_suite(suite);
}
