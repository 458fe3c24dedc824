/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_shapes.c - a small network and a shape of the input's choice, on the CPU and in plain C: both refuse it, or
 * both give the same logits. Shapes of any size are planned within a limit of memory. */
#include <stdbool.h>

#include "engine/engine.h"
#include "fuzz.h"
#include "operations/random_graphs.h"
#include "operations/session.h"
#include "passes/passes.h"

#define MOST_MACS   4000000u
#define MOST_VALUES 400000 /* of the largest value */
#define MOST_BYTES  (32u << 20)
#define TOLERANCE   1e-4 /* of the largest logit: some fourteen layers of sums in float32 */

/* The input, a choice a byte; zeros where it ends. */
typedef struct choices {
    const uint8_t *at, *end;
} choices;

static int choose(void *state, int bound)
{
    choices *c = state;

    return c->at < c->end ? *c->at++ % bound : 0;
}

static int choose_number(choices *c)
{
    uint32_t number = 0;

    for (int i = 0; i < 4; i++) number = number << 8 | (uint32_t)choose(c, 256);
    return (int)number;
}

/* Planned and let go again: within its limit of memory, or refused. */
static void plan_only(const tsm_backend *backend, const tsm_graph *graph, const tsm_shape *shape)
{
    const tsm_backend_config config = { .threads = 1, .max_bytes = MOST_BYTES };
    tsm_error error;
    session s;
    const tsm_status status = session_open(&s, backend, graph, &config, shape, &error);

    fuzz_check(status, &error);
    if (status == TSM_OK && backend->worker_bytes(s.worker) > MOST_BYTES) abort();
    session_close(&s);
}

/* Runs twice; the logits are the caller's, NULL where the device refuses. */
static float *run(const tsm_backend *backend, const tsm_backend_config *config, const tsm_graph *graph,
                  const tsm_shape *shape, const float *pixels, size_t *count)
{
    float *logits[2];
    tsm_error error;
    tsm_tensor input;
    session s;
    const tsm_status status = session_open(&s, backend, graph, config, shape, &error);

    fuzz_check(status, &error);
    if (status != TSM_OK) return NULL;
    *count = (size_t)tsm_dims_count(session_output(&s));
    input = planes_of((float *)(uintptr_t)pixels, session_input(&s));
    for (int i = 0; i < 2; i++) {
        tsm_tensor output;

        logits[i] = poisoned_array(*count);
        output = logits_of(logits[i], session_output(&s));
        must_ok(session_run(&s, &input, &output, &error), &error);
    }
    if (memcmp(logits[0], logits[1], *count * sizeof(float)) != 0) abort();
    free(logits[1]);
    session_close(&s);
    return logits[0];
}

/* The graph as it was drawn in plain C, and after the passes on the CPU. */
static void compare(tsm_graph *graph, const tsm_shape *shape, const tsm_backend_config *config)
{
    const tsm_backend_config plain = { 0 };
    const tsm_dims dims = { shape->n, shape->t, shape->h, shape->w, graph->in_channels };
    float *pixels = hashed_array((size_t)tsm_dims_count(&dims), 1), *want, *got;
    size_t count = 0;
    tsm_error error;

    want = must(run(&tsm_backend_reference, &plain, graph, shape, pixels, &count));
    must_ok(tsm_graph_optimize(graph, &error), &error);
    got = run(&tsm_backend_cpu, config, graph, shape, pixels, &count);
    if (got) {
        const difference d = largest_difference(got, want, count);

        if (d.worst > TOLERANCE * d.largest) {
            fprintf(stderr, "logit %zu of %zu is %g, want %g\n", d.at, count, (double)got[d.at], (double)want[d.at]);
            abort();
        }
    }
    free(got);
    free(want);
    free(pixels);
}

/* Is it small enough to be run? */
static bool is_small(const tsm_graph *graph, const tsm_shape *shape)
{
    tsm_dims *shapes = must(malloc((size_t)graph->count * sizeof *shapes));
    tsm_error error;
    const tsm_status status = tsm_graph_infer(graph, shape, shapes, &error);
    bool small = status == TSM_OK && tsm_graph_macs(graph, shapes) <= MOST_MACS;

    fuzz_check(status, &error);
    for (int i = 0; small && i < graph->count; i++) small = tsm_dims_count(&shapes[i]) <= MOST_VALUES;
    free(shapes);
    return small;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    choices c = { data, data + bytes };
    const bool any_size = choose(&c, 8) == 0;
    tsm_shape shape = { 1 + choose(&c, 3), 1 + choose(&c, 9), 1 + choose(&c, 24), 1 + choose(&c, 24) };
    const tsm_backend_config config = { .threads = 1, .shift_method = (tsm_shift_method)choose(&c, 5) };
    const int values = 1 + choose(&c, RANDOM_GRAPH_VALUES);
    tsm_error error;
    network net;

    if (any_size) shape = (tsm_shape){ choose_number(&c), choose_number(&c), choose_number(&c), choose_number(&c) };
    net = random_graph(choose, &c, values, (uint32_t)choose(&c, 256));
    if (any_size) {
        const tsm_status status = tsm_shape_check(&shape, &error);

        fuzz_check(status, &error);
        if (status == TSM_OK) plan_only(&tsm_backend_reference, net.graph, &shape);
        must_ok(tsm_graph_optimize(net.graph, &error), &error);
        if (status == TSM_OK) plan_only(&tsm_backend_cpu, net.graph, &shape);
    } else if (is_small(net.graph, &shape)) {
        compare(net.graph, &shape, &config);
    }
    network_free(&net);
    return 0;
}
