/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h - runs a graph on a backend for hashed pixels, and looks at any of its values. */
#ifndef TSM_TESTS_RUNNER_H
#define TSM_TESTS_RUNNER_H

#include "operations/networks.h"
#include "support.h"

#define RUNNER_SEED 50u /* of the pixels */

/* A graph on a backend. */
typedef struct runner {
    const tsm_backend *backend;
    tsm_backend_config config;
    const tsm_graph *graph;
    tsm_prepared *prepared;
    tsm_worker *worker;
    tsm_plan *plan;
    tsm_dims *shapes;
    float *pixels;
    int probe;
    size_t count; /* of the values that it writes */
} runner;

/* What a run gives is the value of node `probe` (-1: the logits). */
static inline void runner_open(runner *r, const tsm_graph *graph, const tsm_shape *shape, int probe)
{
    tsm_backend_report report = { 0 };
    tsm_error error;

    r->graph = graph;
    r->shapes = network_shapes(graph, shape);
    r->probe = probe;
    r->count = (size_t)tsm_dims_count(&r->shapes[probe < 0 ? graph->output : probe]);
    r->pixels = hashed_array((size_t)tsm_dims_count(&r->shapes[tsm_graph_input(graph)]), RUNNER_SEED);
    assert_ok(r->backend->prepare(&r->prepared, graph, &r->config, &report, &error), &error);
    ck_assert_ptr_nonnull(report.library);
    assert_ok(r->backend->worker_create(&r->worker, r->prepared, &error), &error);
    assert_ok(r->backend->plan(&r->plan, r->worker, &(tsm_plan_arguments){ .shapes = r->shapes }, &error), &error);
    ck_assert_uint_gt(r->backend->worker_bytes(r->worker), 0);
}

/* Waits for the value of one node. */
typedef struct runner_probe {
    const runner *r;
    float *values;
    int seen;
} runner_probe;

static inline void runner_see(void *user, int node, const tsm_dims *dims, const float *values)
{
    runner_probe *probe = user;

    if (node != probe->r->probe) return;
    ck_assert_int_eq(tsm_dims_count(dims), (int64_t)probe->r->count);
    memcpy(probe->values, values, probe->r->count * sizeof *values);
    probe->seen++;
}

static inline float *runner_run(const runner *r)
{
    runner_probe probe = { .r = r, .values = poisoned_array(r->count) };
    const tsm_visitor visitor = { runner_see, &probe };
    float *logits = poisoned_array((size_t)tsm_dims_count(&r->shapes[r->graph->output]));
    const tsm_tensor input = { .data = r->pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = logits };
    tsm_run_arguments arguments = { .input = &input, .output = &output };
    tsm_error error;

    if (r->probe >= 0) arguments.visitor = &visitor;
    assert_ok(r->backend->run(r->plan, &arguments, &error), &error);
    if (r->probe < 0) {
        free(probe.values);
        return logits;
    }
    ck_assert_int_eq(probe.seen, 1);
    free(logits);
    return probe.values;
}

static inline void runner_close(runner *r)
{
    r->backend->plan_release(r->plan);
    r->backend->worker_destroy(r->worker);
    r->backend->release(r->prepared);
    free(r->shapes);
    free(r->pixels);
}

/* The values, malloc'ed. Runs twice; the second run, on an arena full of the first one's values, must give the same
 * bits. */
static inline float *values_of(const tsm_backend *backend, const tsm_graph *graph, const tsm_shape *shape, int probe,
                               tsm_shift_method method, int threads, size_t *count)
{
    runner r = { .backend = backend, .config = { .shift_method = method, .threads = threads } };
    float *first, *second;

    runner_open(&r, graph, shape, probe);
    first = runner_run(&r);
    second = runner_run(&r);
    ck_assert_msg(memcmp(first, second, r.count * sizeof *first) == 0, "two runs differ");
    *count = r.count;
    free(second);
    runner_close(&r);
    return first;
}

#endif
