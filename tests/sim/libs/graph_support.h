/* SPDX-License-Identifier: Apache-2.0 */
/* graph_support.h - graphs on the plugin by itself, for suites that look behind the engine. */
#ifndef TSM_SIM_GRAPH_SUPPORT_H
#define TSM_SIM_GRAPH_SUPPORT_H

#include "operations/networks.h"
#include "operations/session.h"
#include "engine/devices.h"
#include "passes/passes.h"
#include "lib_support.h"

#define SEED 50u

/* float32: sums of up to some thousand products, several layers deep; 16 bits: a rounding of each of some ten
 * layers. */
static const struct {
    tsm_precision precision;
    double tolerance;
} precisions[] = { { TSM_PRECISION_FP32, 1e-4 },
                   { TSM_PRECISION_TF32, 0.01 },
                   { TSM_PRECISION_FP16, 0.01 },
                   { TSM_PRECISION_BF16, 0.08 } };

/* What the plugin exports. */
static inline const tsm_backend *cuda_backend(void)
{
    const tsm_backend *backend = NULL;
    tsm_device device;
    tsm_error error;

    assert_ok(tsm_device_parse(&device, "cuda", &error), &error);
    assert_ok(tsm_device_backend(&backend, device.kind, &error), &error);
    return backend;
}

/* Nothing is tuned, or kept: the first candidate is taken. */
static inline tsm_backend_config cuda_config(tsm_precision precision, tsm_shift_method method)
{
    return (tsm_backend_config){ .precision = precision, .shift_method = method, .graphs = true, .cache_dir = "" };
}

/* A graph on the plugin, with one worker. */
typedef struct cuda_session {
    const tsm_backend *backend;
    const tsm_graph *graph;
    tsm_prepared *prepared;
    tsm_worker *worker;
} cuda_session;

static inline cuda_session cuda_open(const tsm_graph *graph, const tsm_backend_config *config)
{
    cuda_session s = { .backend = cuda_backend(), .graph = graph };
    tsm_backend_report report = { 0 };
    tsm_error error;

    assert_ok(s.backend->prepare(&s.prepared, graph, config, &report, &error), &error);
    assert_ok(s.backend->worker_create(&s.worker, s.prepared, &error), &error);
    return s;
}

static inline void cuda_close(cuda_session *s)
{
    s->backend->worker_destroy(s->worker);
    s->backend->release(s->prepared);
    assert_nothing_left();
}

/* Logits of a plan for the hashed input, malloc'ed. Two runs must give the same bits. */
static inline float *cuda_run(const cuda_session *s, tsm_plan *plan, const tsm_dims *shapes)
{
    const size_t count = (size_t)tsm_dims_count(&shapes[s->graph->output]);
    float *pixels = hashed_array((size_t)tsm_dims_count(&shapes[tsm_graph_input(s->graph)]), SEED), *logits[2];
    tsm_error error;

    for (int i = 0; i < 2; i++) {
        const tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
        const tsm_tensor output = { .data = logits[i] = poisoned_array(count) };
        const tsm_run_arguments arguments = { .input = &input, .output = &output };

        assert_ok(s->backend->run(plan, &arguments, &error), &error);
    }
    assert_bytes(logits[1], logits[0], count * sizeof(float), "second run");
    free(pixels);
    free(logits[1]);
    return logits[0];
}

/* Logits of an optimised graph on the plugin, *count of them; malloc'ed. */
static inline float *cuda_logits(const tsm_graph *graph, const tsm_shape *shape, tsm_precision precision,
                                 tsm_shift_method method, size_t *count)
{
    const tsm_backend_config config = cuda_config(precision, method);
    const tsm_plan_arguments arguments = { .shapes = network_shapes(graph, shape) };
    cuda_session s = cuda_open(graph, &config);
    tsm_plan *plan = NULL;
    tsm_error error;
    float *logits;

    assert_ok(s.backend->plan(&plan, s.worker, &arguments, &error), &error);
    logits = cuda_run(&s, plan, arguments.shapes);
    *count = (size_t)tsm_dims_count(&arguments.shapes[graph->output]);
    s.backend->plan_release(plan);
    cuda_close(&s);
    free((void *)(uintptr_t)arguments.shapes);
    return logits;
}

#endif
