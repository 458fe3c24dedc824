/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU backend against the reference backend: every kind of convolution that a graph may hold, each way to realise
 * the shift, residuals in place and not, and a network of all operations; then what it refuses, and that runs are
 * repeatable, also with several threads at once.
 */
#include <omp.h>
#include <pthread.h>

#include "passes/passes.h"
#include "runner.h"

#define SEED RUNNER_SEED

/* One convolution between two others, so that its input lies in the arena and may be read again. */
typedef struct conv_case {
    tsm_shape shape;
    int from, to, kernel, stride, groups;
    tsm_shift shift;
    enum { ALONE, RESIDUAL, RESIDUAL_READ_AGAIN, INPUT_READ_AGAIN, INPUT_IS_RESIDUAL } neighbours;
    tsm_act act;
    bool bias;
} conv_case;

static const conv_case cases[] = {
    { { 1, 8, 7, 7 }, 64, 16, 1, 1, 1, { 8, 16, 1 }, ALONE, TSM_ACT_RELU, true },
    { { 1, 4, 7, 7 }, 64, 64, 1, 1, 1, { 8, 16, 1 }, INPUT_READ_AGAIN, TSM_ACT_RELU, true },
    { { 2, 3, 5, 9 }, 30, 17, 1, 1, 1, { 3, 6, 1 }, INPUT_READ_AGAIN, TSM_ACT_NONE, true },
    { { 3, 1, 4, 6 }, 16, 16, 1, 1, 1, { 2, 4, 1 }, INPUT_READ_AGAIN, TSM_ACT_RELU6, false },
    { { 1, 2, 9, 9 }, 20, 20, 3, 1, 1, { 2, 4, 1 }, INPUT_READ_AGAIN, TSM_ACT_RELU, true },
    { { 2, 4, 11, 6 }, 24, 9, 3, 2, 1, { 5, 10, 1 }, ALONE, TSM_ACT_RELU, true },
    { { 1, 4, 11, 6 }, 24, 40, 1, 2, 1, { 3, 6, 1 }, INPUT_READ_AGAIN, TSM_ACT_NONE, true },
    { { 2, 2, 6, 5 }, 10, 12, 1, 2, 1, { 0 }, ALONE, TSM_ACT_NONE, false },
    { { 1, 3, 8, 8 }, 16, 16, 3, 1, 16, { 2, 4, 1 }, ALONE, TSM_ACT_RELU6, true },
    { { 1, 3, 8, 8 }, 12, 18, 3, 1, 3, { 0 }, ALONE, TSM_ACT_RELU, true },
    { { 1, 2, 15, 13 }, 3, 64, 7, 2, 1, { 0 }, ALONE, TSM_ACT_RELU, true },
    { { 1, 4, 5, 5 }, 32, 32, 1, 1, 1, { 0 }, RESIDUAL, TSM_ACT_RELU, true },
    { { 2, 4, 5, 5 }, 8, 8, 3, 1, 1, { 1, 2, 1 }, RESIDUAL, TSM_ACT_RELU, true },
    { { 2, 4, 5, 5 }, 33, 33, 1, 1, 1, { 4, 8, 1 }, RESIDUAL_READ_AGAIN, TSM_ACT_RELU, true },
    { { 1, 5, 4, 4 }, 16, 16, 3, 1, 1, { 2, 4, 1 }, RESIDUAL_READ_AGAIN, TSM_ACT_NONE, false },
    { { 1, 5, 4, 4 }, 24, 24, 1, 1, 1, { 3, 6, 1 }, INPUT_IS_RESIDUAL, TSM_ACT_RELU, true },
    { { 2, 3, 4, 4 }, 24, 24, 3, 1, 1, { 24, 24, 1 }, INPUT_IS_RESIDUAL, TSM_ACT_RELU, true },
    { { 1, 3, 6, 6 }, 12, 12, 1, 1, 1, { 7, 12, 1 }, INPUT_READ_AGAIN, TSM_ACT_RELU, true },
    { { 2, 3, 5, 9 }, 30, 17, 1, 1, 1, { 3, 7, -1 }, INPUT_READ_AGAIN, TSM_ACT_LEAKY_RELU, true },
    { { 1, 4, 6, 5 }, 24, 24, 3, 1, 1, { 3, 3, -1 }, RESIDUAL, TSM_ACT_SIGMOID, true },
    { { 1, 5, 4, 4 }, 16, 70, 1, 1, 1, { 0, 5, 1 }, INPUT_READ_AGAIN, TSM_ACT_SIGMOID, true },
    { { 1, 3, 7, 5 }, 32, 8, 1, 2, 1, { 6, 6, -1 }, INPUT_READ_AGAIN, TSM_ACT_LEAKY_RELU, true },
    { { 2, 4, 5, 5 }, 20, 20, 3, 1, 20, { 4, 9, -1 }, INPUT_READ_AGAIN, TSM_ACT_LEAKY_RELU, true },
    { { 1, 6, 3, 3 }, 600, 40, 1, 1, 1, { 75, 75, -1 }, INPUT_READ_AGAIN, TSM_ACT_RELU, false },
};
#define CASES ((int)(sizeof cases / sizeof *cases))

/* Builds the network of a case and returns the index of the node to look at. */
static int build_case(network *net, const conv_case *c)
{
    const int before = network_conv(net, "before", 0, 4, c->from, 1, 1);
    const int other = c->neighbours >= RESIDUAL ? network_conv(net, "other", 0, 4, c->to, 1, 1) : -1;
    const int conv = network_conv(net, "conv", before, c->from / c->groups, c->to, c->kernel, c->stride);
    tsm_node *node = tsm_graph_node(net->graph, conv);
    int last = conv;

    node->in_channels = c->from;
    node->groups = c->groups;
    node->shift = c->shift;
    node->act = c->act;
    if (c->bias) node->bias = network_random(net, c->to, -1, 1);
    if (c->neighbours == RESIDUAL || c->neighbours == RESIDUAL_READ_AGAIN) node->inputs[1] = other;
    if (c->neighbours == INPUT_IS_RESIDUAL) node->inputs[1] = before;
    if (c->neighbours == RESIDUAL_READ_AGAIN) last = network_add(net, "again", conv, other);
    if (c->neighbours == INPUT_READ_AGAIN) {
        const int again = network_conv(net, "again", before, c->from, c->to, 1, c->stride);
        last = network_add(net, "sum", conv, again);
    }
    network_head(net, last, c->to);
    return last;
}

/* Against the reference's double sums: a float sum of k products of unit variance is off by some sqrt(k) * eps, two
 * layers deep; 2e-5 leaves room for k up to a few thousand. Copying and moving in place feed the same numbers to the
 * same kernel, so they agree to the bit. */
START_TEST(convolutions)
{
    const conv_case *c = &cases[_i];
    network net = network_make(SEED + (uint32_t)_i, 4);
    const int probe = build_case(&net, c);
    size_t count;
    float *want = values_of(&tsm_backend_reference, net.graph, &c->shape, probe, TSM_SHIFT_AUTO, 0, &count);
    float *moved = values_of(&tsm_backend_cpu, net.graph, &c->shape, probe, TSM_SHIFT_INPLACE, 2, &count);
    float *copied = values_of(&tsm_backend_cpu, net.graph, &c->shape, probe, TSM_SHIFT_COPY, 2, &count);
    float *alone = values_of(&tsm_backend_cpu, net.graph, &c->shape, probe, TSM_SHIFT_INPLACE, 1, &count);
    float *chosen = values_of(&tsm_backend_cpu, net.graph, &c->shape, probe, TSM_SHIFT_AUTO, 2, &count);

    assert_close(moved, want, count, 2e-5, "in place");
    assert_close(alone, want, count, 2e-5, "one thread");
    assert_close(chosen, want, count, 2e-5, "the method chosen for this CPU");
    ck_assert_msg(memcmp(moved, copied, count * sizeof *moved) == 0, "the shift methods differ");
    free(want);
    free(moved);
    free(copied);
    free(alone);
    free(chosen);
    network_free(&net);
}
END_TEST

/* A non-local block, as the paper draws it. */
static int add_attention(network *net, int x, int channels, bool softmax)
{
    const int half = channels / 2, queries = network_conv(net, "theta", x, channels, half, 1, 1);
    const int keys = network_maxpool(net, "phi_pool", network_conv(net, "phi", x, channels, half, 1, 1));
    const int values = network_maxpool(net, "g_pool", network_conv(net, "g", x, channels, half, 1, 1));
    const int y = network_attention(net, "attention", queries, keys, values, softmax);

    return network_add(net, "nl_add", network_conv_norm(net, "w", y, half, channels, 1, 1), x);
}

/* Squeeze and excitation. */
static int add_gate(network *net, int x, int channels)
{
    int y = network_conv(net, "squeeze", network_node(net, TSM_OP_AVGPOOL, "mean", x), channels, channels / 4, 1, 1);

    y = network_act(net, "relu", y, TSM_ACT_RELU);
    y = network_act(net, "sigmoid", network_conv(net, "excite", y, channels / 4, channels, 1, 1), TSM_ACT_SIGMOID);
    return network_act(net, "gated", network_scale(net, "gate", x, y), TSM_ACT_LEAKY_RELU);
}

/* A network with everything: stem, pool, both placements, both kinds of block, the three shifts, attention, a gate, a
 * mean of windows. */
static void build_network(network *net, bool block_placement)
{
    static const tsm_shift shifts[] = { { 3, 6, 1 }, { 2, 5, -1 }, { 4, 4, -1 } };
    int x = network_act(net, "relu", network_conv_norm(net, "stem", 0, 3, 16, 7, 2), TSM_ACT_RELU);

    x = network_maxpool(net, "pool", x);
    for (int i = 0; i < 3; i++) {
        const int shifted = network_shift_by(net, "shift", x, shifts[i]), width = 16 << i;
        const int identity = block_placement ? shifted : x;
        int y = network_conv_norm(net, "conv1", shifted, i ? width / 2 : width, width, i == 1 ? 3 : 1, 1);

        y = network_act(net, "relu1", y, TSM_ACT_RELU);
        y = network_conv_norm(net, "conv2", y, width, width, 3, i ? 2 : 1);
        if (i) {
            const int pooled = i == 2 ? network_window_mean(net, "mean", identity, 2) : identity;
            const int down = network_conv_norm(net, "downsample", pooled, width / 2, width, 1, i == 2 ? 1 : 2);
            y = network_add(net, "add", y, down);
        } else {
            y = network_add(net, "add", y, identity);
        }
        x = network_act(net, "relu2", y, TSM_ACT_RELU);
        x = i == 1 ? add_gate(net, x, width) : add_attention(net, x, width, i == 0);
    }
    network_head(net, x, 64);
}

START_TEST(networks_agree)
{
    const bool block_placement = _i & 1, optimized = _i & 2, per_frame = _i & 4;
    const tsm_shape shape = { .n = 2, .t = 5, .h = 37, .w = 29 };
    network net = network_make(SEED, 3);
    tsm_error error;
    size_t count;

    build_network(&net, block_placement);
    net.graph->per_frame = per_frame;
    if (per_frame) net.graph->output = tsm_graph_node(net.graph, net.graph->output)->inputs[0]; /* before the mean */
    float *want = network_logits(net.graph, &shape, SEED);
    if (optimized) {
        assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    } else { /* shifts, sums and activations as nodes of their own, which the backend must run as well */
        assert_ok(tsm_pass_fold_batchnorm(net.graph, &error), &error);
    }
    float *moved = values_of(&tsm_backend_cpu, net.graph, &shape, -1, TSM_SHIFT_INPLACE, 0, &count);
    float *chosen = values_of(&tsm_backend_cpu, net.graph, &shape, -1, TSM_SHIFT_AUTO, 2, &count);
    float *copied = values_of(&tsm_backend_cpu, net.graph, &shape, -1, TSM_SHIFT_COPY, 3, &count);
    ck_assert_uint_eq(count, (size_t)shape.n * (size_t)(per_frame ? shape.t : 1) * NETWORK_CLASSES);
    assert_close(moved, want, count, 2e-5, "in place");
    assert_close(chosen, want, count, 2e-5, "the method chosen for this CPU");
    assert_close(copied, want, count, 2e-5, "copied, three threads");
    free(chosen);
    free(want);
    free(moved);
    free(copied);
    network_free(&net);
}
END_TEST

/* ---- One state, several plans and threads -------------------------------------------------------------------- */

typedef struct worker {
    pthread_t thread;
    const tsm_graph *graph;
    void *state;
    tsm_shape shape;
    float *want, *got;
    size_t count;
} worker;

static void *work(void *opaque)
{
    worker *w = opaque;
    tsm_graph *shaped = tsm_graph_clone(w->graph);
    float *pixels = hashed_array((size_t)w->shape.n * w->shape.t * w->shape.h * w->shape.w * 3, SEED);
    const tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = w->got };
    void *plan = NULL;
    uint64_t bytes;
    tsm_error error;

    assert_ok(tsm_graph_infer(shaped, &w->shape, &error), &error);
    for (int i = 0; i < 3; i++) {
        assert_ok(tsm_backend_cpu.plan(&plan, w->state, shaped, &bytes, &error), &error);
        for (int k = 0; k < 5; k++) assert_ok(tsm_backend_cpu.run(plan, &input, &output, &error), &error);
        tsm_backend_cpu.plan_release(plan);
    }
    tsm_graph_destroy(&shaped);
    free(pixels);
    return NULL;
}

START_TEST(contexts_share_a_state)
{
    tsm_backend_config config = { .threads = 2, .std = { 1, 1, 1 } };
    tsm_backend_report report;
    worker workers[3] = { { .shape = { 1, 4, 33, 21 } },
                          { .shape = { 2, 3, 40, 40 } },
                          { .shape = { 1, 4, 33, 21 } } };
    network net = network_make(SEED, 3);
    void *state = NULL;
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    assert_ok(tsm_backend_cpu.prepare(&state, net.graph, &config, &report, &error), &error);
    for (int i = 0; i < 3; i++) {
        worker *w = &workers[i];
        w->graph = net.graph;
        w->state = state;
        w->want = values_of(&tsm_backend_cpu, net.graph, &w->shape, -1, TSM_SHIFT_AUTO, 2, &w->count);
        w->got = poisoned_array(w->count);
    }
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(workers[i].thread, NULL);
        ck_assert(memcmp(workers[i].got, workers[i].want, workers[i].count * sizeof(float)) == 0);
        free(workers[i].got);
        free(workers[i].want);
    }
    tsm_backend_cpu.release(state);
    network_free(&net);
}
END_TEST

START_TEST(callers_settings_stay)
{
    const tsm_shape shape = { .n = 1, .t = 2, .h = 33, .w = 33 };
    const int threads = omp_get_max_threads();
    network net = network_make(SEED, 3);
    tsm_error error;
    size_t count;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    omp_set_num_threads(7);
    omp_set_dynamic(1);
    free(values_of(&tsm_backend_cpu, net.graph, &shape, -1, TSM_SHIFT_AUTO, 3, &count));
    ck_assert_int_eq(omp_get_max_threads(), 7);
    ck_assert_int_eq(omp_get_dynamic(), 1);
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
    network_free(&net);
}
END_TEST

/* ---- Refusals -------------------------------------------------------------------------------------------------- */

START_TEST(refuses_what_it_has_not)
{
    static const struct {
        tsm_backend_config config;
        const char *names;
    } refused[] = {
        { { .precision = TSM_PRECISION_BF16 }, "bf16" },
        { { .precision = TSM_PRECISION_INT8 }, "int8" },
        { { .shift_method = TSM_SHIFT_OVERLAP }, "overlap" },
        { { .shift_method = TSM_SHIFT_OVERLAP }, "only copy" },
    };
    network net = network_make(SEED, 3);
    tsm_backend_report report;
    void *state = NULL;
    tsm_error error;

    build_network(&net, false);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_error(tsm_backend_cpu.prepare(&state, net.graph, &refused[i].config, &report, &error), &error,
                     TSM_ERROR_UNSUPPORTED, refused[i].names);
    assert_error(tsm_backend_cpu.prepare(&state, net.graph, &(tsm_backend_config){ 0 }, &report, &error), &error,
                 TSM_ERROR_UNSUPPORTED, "norm");
    ck_assert_ptr_null(state);
    network_free(&net);
}
END_TEST

/* In a team that is busy already, primitives for two threads would do half of their work: refused, not wrong. */
START_TEST(refuses_a_busy_team)
{
    const tsm_shape shape = { .n = 1, .t = 2, .h = 33, .w = 33 };
    network net = network_make(SEED, 3);
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 2 } };
    tsm_error error, inside;
    tsm_status status = TSM_OK;

    if (omp_get_thread_limit() < 2) return; /* there are no teams then, see script/test */
    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    runner_open(&r, net.graph, &shape, -1);
    float *values = poisoned_array(r.count);
    const tsm_tensor input = { .data = r.pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = values };
#pragma omp parallel num_threads(2)
#pragma omp single
    status = r.backend->run(r.plan, &input, &output, &inside);
    assert_error(status, &inside, TSM_ERROR_ARGUMENT, "parallel region");
    free(values);
    runner_close(&r);
    network_free(&net);
}
END_TEST

/* Every allocation of prepare and plan fails once, in turn; each time there is one error and no leak. */
START_TEST(survives_lack_of_memory)
{
    const tsm_shape shape = { .n = 1, .t = 2, .h = 33, .w = 33 };
    tsm_backend_config config = { .threads = 1, .std = { 1, 1, 1 } };
    tsm_status status = TSM_ERROR_MEMORY;
    tsm_backend_report report;
    network net = network_make(SEED, 3);
    tsm_graph *shaped;
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    shaped = tsm_graph_clone(net.graph);
    assert_ok(tsm_graph_infer(shaped, &shape, &error), &error);
    for (uint64_t n = 1; status != TSM_OK; n++) {
        void *state = NULL, *plan = NULL;
        uint64_t bytes;

        tsm_alloc_fail_at(n);
        status = tsm_backend_cpu.prepare(&state, net.graph, &config, &report, &error);
        if (status == TSM_OK) status = tsm_backend_cpu.plan(&plan, state, shaped, &bytes, &error);
        tsm_alloc_fail_at(0);
        if (status != TSM_OK) ck_assert_int_eq(status, TSM_ERROR_MEMORY);
        tsm_backend_cpu.plan_release(plan);
        tsm_backend_cpu.release(state);
        ck_assert_uint_lt(n, 100000);
    }
    tsm_graph_destroy(&shaped);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_backend");
    TCase *results = tcase_create("results"), *rules = tcase_create("rules");

    printf("seed %u\n", SEED);
    tcase_set_timeout(results, 120);
    tcase_set_timeout(rules, 120);
    tcase_add_loop_test(results, convolutions, 0, CASES);
    tcase_add_loop_test(results, networks_agree, 0, 8);
    suite_add_tcase(suite, results);
    tcase_add_test(rules, contexts_share_a_state);
    tcase_add_test(rules, callers_settings_stay);
    tcase_add_test(rules, refuses_what_it_has_not);
    tcase_add_test(rules, refuses_a_busy_team);
    tcase_add_test(rules, survives_lack_of_memory);
    suite_add_tcase(suite, rules);
    return run_suite(suite);
}
