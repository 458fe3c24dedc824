/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU backend against the reference backend: every kind of convolution that a graph may hold, each way to realise
 * the shift, residuals in place and not, and a network of all operations; then what it refuses.
 */
#include <omp.h>

#include "everything.h"
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

/* ---- Rules ---------------------------------------------------------------------------------------------------- */

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
    char text[TSM_SUPPORT_TEXT];
    tsm_backend_report report;
    tsm_prepared *prepared = NULL;
    tsm_error error;

    build_network(&net, false);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_error(tsm_backend_cpu.prepare(&prepared, net.graph, &refused[i].config, &report, &error), &error,
                     TSM_ERROR_UNSUPPORTED, refused[i].names);
        ck_assert(!tsm_backend_cpu.supports(&refused[i].config, net.graph, 1, text));
        ck_assert_ptr_nonnull(strstr(text, refused[i].names));
    }
    assert_error(tsm_backend_cpu.prepare(&prepared, net.graph, &(tsm_backend_config){ 0 }, &report, &error), &error,
                 TSM_ERROR_UNSUPPORTED, "norm");
    ck_assert_ptr_null(prepared);
    network_free(&net);
}
END_TEST

static const char *support_of(const tsm_graph *graph, const char *name, tsm_shift_method method)
{
    static char text[TSM_SUPPORT_TEXT];
    const tsm_backend_config config = { .shift_method = method };

    for (int i = 0; i < graph->count; i++) {
        if (strcmp(graph->nodes[i].name, name) != 0) continue;
        ck_assert(tsm_backend_cpu.supports(&config, graph, i, text));
        return text;
    }
    ck_abort_msg("no node %s", name);
    return NULL;
}

START_TEST(says_how_it_would_run)
{
    network net = network_make(SEED, 3);
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_str_eq(support_of(net.graph, "stem", TSM_SHIFT_AUTO), "oneDNN convolution");
    ck_assert_str_eq(support_of(net.graph, "fc", TSM_SHIFT_AUTO), "oneDNN matrix product");
    ck_assert_str_eq(support_of(net.graph, "pool", TSM_SHIFT_AUTO), "loop");
    ck_assert_str_eq(support_of(net.graph, "attention", TSM_SHIFT_AUTO), "oneDNN matrix products by tiles");
    ck_assert_str_eq(support_of(net.graph, "conv1", TSM_SHIFT_COPY), "1x1 as a oneDNN matrix product, shift copied");
    ck_assert_str_eq(support_of(net.graph, "conv1", TSM_SHIFT_INPLACE),
                     "1x1 as a oneDNN matrix product, shift in place");
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
    status = r.backend->run(r.plan, &(tsm_run_arguments){ .input = &input, .output = &output }, &inside);
    assert_error(status, &inside, TSM_ERROR_ARGUMENT, "parallel region");
    free(values);
    runner_close(&r);
    network_free(&net);
}
END_TEST

/* Every allocation of prepare, worker and plan fails once, in turn; each time there is one error and no leak. */
START_TEST(survives_lack_of_memory)
{
    const tsm_shape shape = { .n = 1, .t = 2, .h = 33, .w = 33 };
    tsm_backend_config config = { .threads = 1 };
    tsm_status status = TSM_ERROR_MEMORY;
    tsm_backend_report report;
    network net = network_make(SEED, 3);
    tsm_dims *shapes;
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    shapes = network_shapes(net.graph, &shape);
    for (uint64_t n = 1; status != TSM_OK; n++) {
        const tsm_plan_arguments arguments = { .shapes = shapes };
        tsm_prepared *prepared = NULL;
        tsm_worker *worker = NULL;
        tsm_plan *plan = NULL;

        tsm_alloc_fail_at(n);
        status = tsm_backend_cpu.prepare(&prepared, net.graph, &config, &report, &error);
        if (status == TSM_OK) status = tsm_backend_cpu.worker_create(&worker, prepared, &error);
        if (status == TSM_OK) status = tsm_backend_cpu.plan(&plan, worker, &arguments, &error);
        tsm_alloc_fail_at(0);
        if (status != TSM_OK) ck_assert_int_eq(status, TSM_ERROR_MEMORY);
        tsm_backend_cpu.plan_release(plan);
        tsm_backend_cpu.worker_destroy(worker);
        tsm_backend_cpu.release(prepared);
        ck_assert_uint_lt(n, 100000);
    }
    free(shapes);
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
    tcase_add_test(rules, says_how_it_would_run);
    tcase_add_test(rules, callers_settings_stay);
    tcase_add_test(rules, refuses_what_it_has_not);
    tcase_add_test(rules, refuses_a_busy_team);
    tcase_add_test(rules, survives_lack_of_memory);
    suite_add_tcase(suite, rules);
    return run_suite(suite);
}
