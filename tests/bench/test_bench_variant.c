/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bench_variant.c - what a shift is among convolutions over time, and the dense ones that benches hold it
 * against.
 *
 * Section 3 of the paper: a shift followed by a 1x1 convolution is a 3x1x1 convolution in which every channel has one
 * tap in time. Dense ones have all three. Both are held against a 3x1x1 convolution that is written out here.
 */
#include <math.h>

#include "../unit/runner.h"
#include "network/variant.h"
#include "passes/passes.h"

enum { CHANNELS = 16, OUTPUTS = 8, FRAMES = 4, SIDE = 3 };

static const tsm_shape shape = { 2, FRAMES, SIDE, SIDE };

static int append(tsm_graph *graph, tsm_op op, const char *name, int input)
{
    const int index = tsm_graph_append(graph, op, name);

    ck_assert_int_ge(index, 0);
    tsm_graph_node(graph, index)->inputs[0] = input;
    return index;
}

static int append_linear(network *net, tsm_op op, const char *name, int in, int out, int input)
{
    const int index = append(net->graph, op, name, input);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->in_channels = in;
    node->out_channels = out;
    node->groups = node->kernel_h = node->kernel_w = node->stride = 1;
    node->weight = (tsm_weight){ network_array(net, in * out, -1, 1), TSM_FLOAT32, in * out };
    return index;
}

/* input, shift (node 1), 1x1 (node 2), relu, pool, classifier, mean. */
static network make_network(tsm_shift shift)
{
    network net = network_make(3, CHANNELS);
    int value = append(net.graph, TSM_OP_SHIFT, "block.shift", 0);

    tsm_graph_node(net.graph, value)->shift = shift;
    value = append_linear(&net, TSM_OP_CONV, "block.conv1", CHANNELS, OUTPUTS, value);
    value = append(net.graph, TSM_OP_ACT, "block.relu", value);
    tsm_graph_node(net.graph, value)->act = TSM_ACT_RELU;
    value = append(net.graph, TSM_OP_AVGPOOL, "pool", value);
    value = append_linear(&net, TSM_OP_FC, "fc", OUTPUTS, NETWORK_CLASSES, value);
    net.graph->output = append(net.graph, TSM_OP_TMEAN, "mean", value);
    return net;
}

/* out (n,t,h,w,outputs) of x (n,t,channels,h,w): the sum over the taps -1, 0 and 1 of kernel[tap] (outputs, channels)
 * times the frame that far away; frames outside of the clip are zero. */
static double *convolve_time(const float *x, const double *const kernel[3], int outputs)
{
    double *out = must(calloc((size_t)shape.n * FRAMES * SIDE * SIDE * (size_t)outputs, sizeof *out));
    const int pixels = SIDE * SIDE;

    for (int i = 0; i < shape.n * FRAMES * pixels; i++)
        for (int tap = 0; tap < 3; tap++) {
            const int frame = i / pixels, t = frame % FRAMES + tap - 1;

            if (t < 0 || t >= FRAMES) continue;
            for (int o = 0; o < outputs; o++)
                for (int c = 0; c < CHANNELS; c++)
                    out[i * outputs + o] += kernel[tap][o * CHANNELS + c] *
                                            (double)x[((frame + tap - 1) * CHANNELS + c) * pixels + i % pixels];
        }
    return out;
}

/* x lies within [-1,1], weights too: a sum of so many products is off by its length times eps at most. */
static void assert_near(const float *got, const double *want, size_t count, double terms)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs((double)got[i] - want[i]) <= terms * terms * 1.2e-7, "value %zu is %g, want %g", i,
                      (double)got[i], want[i]);
}

static float *make_pixels(void)
{
    return hashed_array((size_t)shape.n * FRAMES * CHANNELS * SIDE * SIDE, RUNNER_SEED);
}

/* Which frame a channel comes from: -1, 0 or 1. */
static int tap_of(tsm_shift shift, int channel)
{
    return channel < shift.fold ? shift.step : channel < shift.end ? -shift.step : 0;
}

static void check_identity(const tsm_backend *backend, tsm_shift shift, tsm_shift_method method)
{
    network net = make_network(shift);
    const float *weights = tsm_graph_node(net.graph, 2)->weight.data;
    double kernel[3][OUTPUTS * CHANNELS] = { 0 };
    float *x = make_pixels(), *got;
    double *want;
    size_t count;

    for (int o = 0; o < OUTPUTS; o++)
        for (int c = 0; c < CHANNELS; c++)
            kernel[1 + tap_of(shift, c)][o * CHANNELS + c] = (double)weights[o * CHANNELS + c];
    want = convolve_time(x, (const double *const[]){ kernel[0], kernel[1], kernel[2] }, OUTPUTS);
    ck_assert_int_eq(tsm_pass_attach_shift(net.graph, NULL), TSM_OK);
    got = values_of(backend, net.graph, &shape, 1, method, 1, &count);
    ck_assert_uint_eq(count, (size_t)shape.n * FRAMES * SIDE * SIDE * OUTPUTS);
    assert_near(got, want, count, CHANNELS);
    free(want);
    free(got);
    free(x);
    network_free(&net);
}

START_TEST(shift_then_1x1_is_3x1x1_with_one_tap_a_channel)
{
    static const tsm_shift shifts[] = { { 2, 4, 1 }, { 2, 4, -1 }, { 2, 2, -1 }, { 8, 16, 1 }, { 1, 3, 1 } };
    static const tsm_shift_method methods[] = { TSM_SHIFT_COPY, TSM_SHIFT_INPLACE, TSM_SHIFT_GATHER };

    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        check_identity(&tsm_backend_reference, shifts[i], TSM_SHIFT_AUTO);
        for (size_t k = 0; k < sizeof methods / sizeof *methods; k++)
            check_identity(&tsm_backend_cpu, shifts[i], methods[k]);
    }
}
END_TEST

static int find_node(const tsm_graph *graph, const char *name)
{
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0) return i;
    ck_abort_msg("no node %s", name);
    return -1;
}

/* The logits must be the same whether or not passes have been run, on the reference and on the CPU. */
static void check_passes_agree(tsm_graph *graph)
{
    size_t count;
    float *want = values_of(&tsm_backend_reference, graph, &shape, -1, TSM_SHIFT_AUTO, 1, &count), *got;
    double *wide = must(calloc(count, sizeof *wide));

    for (size_t i = 0; i < count; i++) wide[i] = (double)want[i];
    ck_assert_int_eq(tsm_graph_optimize(graph, NULL), TSM_OK);
    got = values_of(&tsm_backend_cpu, graph, &shape, -1, TSM_SHIFT_AUTO, 2, &count);
    assert_near(got, wide, count, 3 * CHANNELS);
    free(got);
    free(want);
    free(wide);
}

START_TEST(dense_is_a_3x1x1_convolution_of_all_channels)
{
    network net = make_network((tsm_shift){ 2, 4, 1 });
    const int64_t square = CHANNELS * CHANNELS;
    double kernel[3][CHANNELS * CHANNELS];
    float *made, *x = make_pixels(), *got;
    double *want;
    size_t count;

    ck_assert_int_eq(bench_make_dense(&net.graph, &made, NULL), TSM_OK);
    for (int tap = 0; tap < 3; tap++)
        for (int64_t i = 0; i < square; i++) kernel[tap][i] = (double)made[tap * square + i];
    want = convolve_time(x, (const double *const[]){ kernel[0], kernel[1], kernel[2] }, CHANNELS);
    got = values_of(&tsm_backend_reference, net.graph, &shape, find_node(net.graph, "block.shift.relu"),
                    TSM_SHIFT_AUTO, 1, &count);
    for (size_t i = 0; i < count; i++) want[i] = fmax(want[i], 0);
    assert_near(got, want, count, 3 * CHANNELS);
    check_passes_agree(net.graph);
    tsm_free(made);
    free(want);
    free(got);
    free(x);
    network_free(&net);
}
END_TEST

START_TEST(inflated_has_three_taps_of_the_convolution)
{
    network net = make_network((tsm_shift){ 2, 4, 1 });
    const float *weights = tsm_graph_node(net.graph, 2)->weight.data;
    double kernel[3][OUTPUTS * CHANNELS];
    float *x = make_pixels(), *got;
    double *want;
    size_t count;

    for (int tap = 0; tap < 3; tap++)
        for (int i = 0; i < OUTPUTS * CHANNELS; i++) kernel[tap][i] = (double)weights[i] * (tap == 1 ? 0.5 : 0.25);
    want = convolve_time(x, (const double *const[]){ kernel[0], kernel[1], kernel[2] }, OUTPUTS);
    ck_assert_int_eq(bench_make_inflated(&net.graph, NULL), TSM_OK);
    got = values_of(&tsm_backend_reference, net.graph, &shape, find_node(net.graph, "block.conv1.three"),
                    TSM_SHIFT_AUTO, 1, &count);
    assert_near(got, want, count, 3 * CHANNELS);
    check_passes_agree(net.graph);
    free(want);
    free(got);
    free(x);
    network_free(&net);
}
END_TEST

/* The convolution that a shift stood before costs three times as much, the rest what it did. */
START_TEST(multiply_adds)
{
    network net = make_network((tsm_shift){ 2, 4, 1 }), other = make_network((tsm_shift){ 2, 4, 1 });
    tsm_dims *shapes = network_shapes(net.graph, &shape);
    const uint64_t pixels = (uint64_t)shape.n * FRAMES * SIDE * SIDE, before = tsm_graph_macs(net.graph, shapes);
    float *made;

    free(shapes);
    ck_assert_int_eq(bench_make_inflated(&net.graph, NULL), TSM_OK);
    shapes = network_shapes(net.graph, &shape);
    ck_assert_uint_eq(tsm_graph_macs(net.graph, shapes), before + 2 * pixels * CHANNELS * OUTPUTS);
    free(shapes);
    ck_assert_int_eq(bench_make_dense(&other.graph, &made, NULL), TSM_OK);
    shapes = network_shapes(other.graph, &shape);
    ck_assert_uint_eq(tsm_graph_macs(other.graph, shapes), before + 3 * pixels * CHANNELS * CHANNELS);
    free(shapes);
    tsm_free(made);
    network_free(&net);
    network_free(&other);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("variant");
    Suite *suite = suite_create("bench_variant");
    SRunner *suites;
    int failed;

    tcase_add_test(tcase, shift_then_1x1_is_3x1x1_with_one_tap_a_channel);
    tcase_add_test(tcase, dense_is_a_3x1x1_convolution_of_all_channels);
    tcase_add_test(tcase, inflated_has_three_taps_of_the_convolution);
    tcase_add_test(tcase, multiply_adds);
    suite_add_tcase(suite, tcase);
    suites = srunner_create(suite);
    srunner_run_all(suites, CK_NORMAL);
    failed = srunner_ntests_failed(suites);
    srunner_free(suites);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
