/* SPDX-License-Identifier: Apache-2.0 */
/* graph_support.h - graphs on the plugin against the reference backend, for the suites of its operations. */
#ifndef TSM_SIM_GRAPH_SUPPORT_H
#define TSM_SIM_GRAPH_SUPPORT_H

#include "operations/networks.h"
#include "engine/engine.h"
#include "passes/passes.h"
#include "lib_support.h"

#define SEED      50u
#define TOLERANCE 1e-4 /* float sums of up to some thousand products, several layers deep */

/* 16 bits: a rounding of each of some ten layers. */
static const struct {
    tsm_precision precision;
    double tolerance;
} precisions[] = { { TSM_PRECISION_FP32, TOLERANCE },
                   { TSM_PRECISION_TF32, 0.01 },
                   { TSM_PRECISION_FP16, 0.01 },
                   { TSM_PRECISION_BF16, 0.08 } };

/* Logits of an optimised graph on the plugin, *count of them; malloc'ed. Two runs must give the same bits. */
static inline float *cuda_logits(const tsm_graph *graph, const tsm_shape *shape, tsm_precision precision,
                                 tsm_shift_method method, size_t *count)
{
    tsm_backend_config config = { .precision = precision, .shift_method = method, .std = { 1, 1, 1 } };
    tsm_graph *shaped = tsm_graph_clone(graph);
    tsm_backend_report report = { 0 };
    const tsm_backend *backend = NULL;
    void *state = NULL, *plan = NULL;
    uint64_t bytes = 0;
    tsm_error error;

    assert_ok(tsm_device_cuda(&backend, &error), &error);
    assert_ok(tsm_graph_infer(shaped, shape, &error), &error);
    assert_ok(backend->prepare(&state, graph, &config, &report, &error), &error);
    assert_ok(backend->plan(&plan, state, shaped, &bytes, &error), &error);
    *count = (size_t)tsm_dims_count(&shaped->nodes[shaped->output].dims);
    float *pixels = hashed_array((size_t)tsm_dims_count(&shaped->nodes[0].dims), SEED), *logits[2];
    for (int i = 0; i < 2; i++) {
        const tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
        const tsm_tensor output = { .data = logits[i] = poisoned_array(*count) };

        assert_ok(backend->run(plan, &input, &output, &error), &error);
    }
    assert_bytes(logits[1], logits[0], *count * sizeof(float), "second run");
    backend->plan_release(plan);
    backend->release(state);
    tsm_graph_destroy(&shaped);
    free(pixels);
    free(logits[1]);
    assert_nothing_left();
    return logits[0];
}

/* Both ways to shift, against the reference on the graph as it was before the passes. */
static inline void compare(network *net, const tsm_shape *shape, tsm_precision precision, double tolerance)
{
    float *want = network_logits(net->graph, shape, SEED);
    tsm_error error;

    assert_ok(tsm_graph_optimize(net->graph, &error), &error);
    for (int i = 0; i < 2; i++) {
        size_t count;
        float *got = cuda_logits(net->graph, shape, precision, i ? TSM_SHIFT_OVERLAP : TSM_SHIFT_COPY, &count);

        assert_close(got, want, count, tolerance, i ? "overlap" : "copy");
        free(got);
    }
    free(want);
    network_free(net);
}

#endif
