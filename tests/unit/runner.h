/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h - runs a graph on a backend for hashed pixels, and looks at any of its values. */
#ifndef TSM_TESTS_RUNNER_H
#define TSM_TESTS_RUNNER_H

#include "networks.h"

#define RUNNER_SEED 50u /* of the pixels */

/* A graph on a backend. */
typedef struct runner {
    const tsm_backend *backend;
    tsm_backend_config config;
    void *state, *plan;
    tsm_graph *shaped;
    float *pixels;
    size_t count; /* of the values that it writes */
} runner;

/* What is written is the value of node `probe` (-1: the logits). */
static inline void runner_open(runner *r, const tsm_graph *graph, const tsm_shape *shape, int probe)
{
    tsm_backend_report report = { 0 };
    uint64_t bytes = 0;
    tsm_error error;

    r->config.std[0] = r->config.std[1] = r->config.std[2] = 1;
    r->shaped = tsm_graph_clone(graph);
    assert_ok(tsm_graph_infer(r->shaped, shape, &error), &error);
    if (probe >= 0) r->shaped->output = probe;
    r->count = (size_t)tsm_dims_count(&r->shaped->nodes[r->shaped->output].dims);
    r->pixels = hashed_array((size_t)tsm_dims_count(&r->shaped->nodes[0].dims), RUNNER_SEED);
    assert_ok(r->backend->prepare(&r->state, graph, &r->config, &report, &error), &error);
    ck_assert_ptr_nonnull(report.library);
    assert_ok(r->backend->plan(&r->plan, r->state, r->shaped, &bytes, &error), &error);
    ck_assert_uint_gt(bytes, 0);
}

static inline float *runner_run(const runner *r)
{
    float *values = poisoned_array(r->count);
    const tsm_tensor input = { .data = r->pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = values };
    tsm_error error;

    assert_ok(r->backend->run(r->plan, &input, &output, &error), &error);
    return values;
}

static inline void runner_close(runner *r)
{
    r->backend->plan_release(r->plan);
    r->backend->release(r->state);
    tsm_graph_destroy(&r->shaped);
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
