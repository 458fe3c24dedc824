/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_predict.c - what a plan is predicted to launch and move, against figures made by hand; and which convolutions
 * may run beside others. Needs no CUDA.
 */
#include "operations/networks.h"
#include "support.h"

#include "cuda/forks.h"
#include "cuda/predict.h"
#include "passes/passes.h"

static const tsm_shape shape = { 2, 4, 8, 8 };

/* A stem, and a block whose first convolution shifts 8 of 32 channels each way, with a strided shortcut. */
static network make_block(void)
{
    network net = network_make(7, 3);
    int x = network_act(&net, "relu", network_conv(&net, "stem", 0, 3, 32, 1, 1), TSM_ACT_RELU), y, shortcut;
    tsm_error error;

    y = network_conv(&net, "conv1", network_shift(&net, "shift", x, 8), 32, 16, 1, 1);
    y = network_act(&net, "relu", y, TSM_ACT_RELU);
    y = network_act(&net, "relu", network_conv(&net, "conv2", y, 16, 16, 3, 2), TSM_ACT_RELU);
    shortcut = network_conv(&net, "downsample", x, 32, 64, 1, 2);
    y = network_add(&net, "add", network_conv(&net, "conv3", y, 16, 64, 1, 1), shortcut);
    network_head(&net, network_act(&net, "relu", y, TSM_ACT_RELU), 64);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    return net;
}

static int find(const tsm_graph *graph, const char *name)
{
    int i = 0;

    while (i < graph->count && strcmp(graph->nodes[i].name, name) != 0) i++;
    ck_assert_msg(i < graph->count, "no node %s", name);
    return i;
}

static tsm_prediction predict(const network *net, tsm_precision precision, tsm_shift_method method)
{
    tsm_dims *shapes = network_shapes(net->graph, &shape);
    tsm_prediction prediction;
    tsm_error error;

    assert_ok(tsm_predict(&prediction, net->graph, shapes, precision, tsm_cuda_way_of(method), &error), &error);
    free(shapes);
    return prediction;
}

static void expect(const tsm_prediction *p, const tsm_graph *graph, const char *name, int launches, uint64_t bytes,
                   uint64_t least)
{
    const tsm_predicted *n = &p->nodes[find(graph, name)];

    ck_assert_msg(n->launches == launches, "%s: %d launches, want %d", name, n->launches, launches);
    ck_assert_msg(n->bytes == bytes, "%s: %llu bytes, want %llu", name, (unsigned long long)n->bytes,
                  (unsigned long long)bytes);
    ck_assert_msg(n->least_bytes == least, "%s: at least %llu bytes, want %llu", name,
                  (unsigned long long)n->least_bytes, (unsigned long long)least);
}

/* 8 frames of 64 pixels, 16 behind the stride; 2 bytes. */
START_TEST(bytes_by_hand)
{
    enum { PIXELS = 8 * 64, SMALL = 8 * 16 };
    network net = make_block();
    tsm_prediction p = predict(&net, TSM_PRECISION_FP16, TSM_SHIFT_COPY);
    uint64_t least = 2 * (PIXELS * (32 + 16) + 32 * 16);

    expect(&p, net.graph, "input", 1, PIXELS * (3 + 8), PIXELS * (3 + 8));
    expect(&p, net.graph, "conv1", 2, least + 2 * 2 * PIXELS * 32, least); /* the whole once more */
    least = 2 * (SMALL * (32 + 64) + 32 * 64);
    expect(&p, net.graph, "downsample", 1, least, least);
    tsm_prediction_clear(&p);

    p = predict(&net, TSM_PRECISION_FP16, TSM_SHIFT_OVERLAP);
    least = 2 * (PIXELS * (4 + 32) + 4 * 32);
    expect(&p, net.graph, "stem", 2, least + 2 * 2 * PIXELS * 16, least); /* what moves, beside its rows */
    least = 2 * (PIXELS * (32 + 16) + 32 * 16);
    expect(&p, net.graph, "conv1", 1, least, least);
    least = 2 * (SMALL * (32 + 64) + 32 * 64);
    expect(&p, net.graph, "downsample", 2, least + 2 * 2 * SMALL * 32, least); /* packed first */
    least = 2 * (SMALL * (16 + 64 + 64) + 16 * 64);
    expect(&p, net.graph, "conv3", 1, least, least); /* with its residual */
    tsm_prediction_clear(&p);
    network_free(&net);
}
END_TEST

/* What only convolutions read that shift as they read it is dense, and the shortcut is a part of the sum. */
START_TEST(gathered_by_hand)
{
    enum { PIXELS = 8 * 64, SMALL = 8 * 16 };
    network net = make_block();
    tsm_prediction p = predict(&net, TSM_PRECISION_FP16, TSM_SHIFT_GATHER);
    uint64_t least = 2 * (PIXELS * (4 + 32) + 4 * 32);

    expect(&p, net.graph, "stem", 1, least, least);
    least = 2 * (PIXELS * (32 + 16) + 32 * 16);
    expect(&p, net.graph, "conv1", 1, least, least);
    expect(&p, net.graph, "downsample", 0, 0, 0);
    /* 16 channels, padded to 32 in the filters, and 32 of the shortcut's pixels. */
    least = 2 * (SMALL * (16 + 32 + 64) + (32 + 32) * 64);
    expect(&p, net.graph, "conv3", 1, least, least);
    ck_assert_uint_eq(p.nodes[find(net.graph, "conv3")].macs, SMALL * (16 + 32) * 64);
    tsm_prediction_clear(&p);
    network_free(&net);
}
END_TEST

START_TEST(seconds_by_hand)
{
    const tsm_ceiling slow = { "any", "one", 1e9, 1e12, 1e11 };
    tsm_predicted node = { .how = "kernel", .launches = 2, .bytes = 3000, .least_bytes = 1000, .macs = 1000 };
    tsm_prediction p = { 1, &node, TSM_PRECISION_FP16 };

    /* Bound by bytes: 1000 at 1 GB/s, and 2000 more for the plan. */
    ck_assert_double_eq_tol(tsm_predicted_floor(&p, 0, &slow), 1e-6, 1e-15);
    ck_assert_double_eq_tol(tsm_predicted_seconds(&p, 0, &slow), 3e-6, 1e-15);
    /* By arithmetic: what moves beside it still has to. */
    node.macs = 4000000;
    ck_assert_double_eq_tol(tsm_predicted_floor(&p, 0, &slow), 8e-6, 1e-15);
    ck_assert_double_eq_tol(tsm_predicted_seconds(&p, 0, &slow), 10e-6, 1e-15);
    p.precision = TSM_PRECISION_TF32;
    ck_assert_double_eq_tol(tsm_predicted_floor(&p, 0, &slow), 16e-6, 1e-15);
    p.precision = TSM_PRECISION_FP32;
    ck_assert_double_eq_tol(tsm_predicted_floor(&p, 0, &slow), 80e-6, 1e-15);
}
END_TEST

START_TEST(devices_have_ceilings)
{
    ck_assert_str_eq(tsm_ceiling_of("sm_90", 0)->name, "H100");
    ck_assert_str_eq(tsm_ceiling_of("sm_90", 1)->name, "H200");
    ck_assert_ptr_null(tsm_ceiling_of("sm_90", 2));
    ck_assert_ptr_null(tsm_ceiling_of("sm_70", 0));
}
END_TEST

START_TEST(precisions_are_refused)
{
    network net = make_block();
    tsm_dims *shapes = network_shapes(net.graph, &shape);
    tsm_prediction p;
    tsm_error error;

    assert_error(tsm_predict(&p, net.graph, shapes, TSM_PRECISION_FP8, tsm_cuda_way_find("copy"), &error), &error,
                 TSM_ERROR_UNSUPPORTED, "precision");
    ck_assert_ptr_null(p.nodes);
    free(shapes);
    network_free(&net);
}
END_TEST

/* ---- Forks ---- */

/* The shortcut's convolution is free from the block's input to the block's end. */
START_TEST(shortcuts_fork)
{
    network net = make_block();
    tsm_fork forks[64];

    ck_assert_int_eq(tsm_forks_find(forks, net.graph), 1);
    ck_assert_int_eq(forks[0].node, find(net.graph, "downsample"));
    ck_assert_int_eq(forks[0].after, find(net.graph, "stem"));
    ck_assert_int_eq(forks[0].before, find(net.graph, "conv3"));
    network_free(&net);
}
END_TEST

/* Where somebody else reads it, or it is the result, it must come in its turn; so where nothing is beside it. */
START_TEST(others_do_not)
{
    network net = make_block();
    tsm_fork forks[64];
    const int down = find(net.graph, "downsample"), pool = find(net.graph, "avgpool");

    net.graph->nodes[pool].inputs[1] = down;
    ck_assert_int_eq(tsm_forks_find(forks, net.graph), 0);
    net.graph->nodes[pool].inputs[1] = -1;
    net.graph->output = down;
    ck_assert_int_eq(tsm_forks_find(forks, net.graph), 0);
    net.graph->output = net.graph->count - 1;
    net.graph->nodes[down].inputs[0] = down - 1; /* of what comes right before it */
    ck_assert_int_eq(tsm_forks_find(forks, net.graph), 0);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("predict");
    TCase *tests = tcase_create("prediction"), *forks = tcase_create("forks");

    tcase_add_test(tests, bytes_by_hand);
    tcase_add_test(tests, gathered_by_hand);
    tcase_add_test(tests, seconds_by_hand);
    tcase_add_test(tests, devices_have_ceilings);
    tcase_add_test(tests, precisions_are_refused);
    tcase_add_test(forks, shortcuts_fork);
    tcase_add_test(forks, others_do_not);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, forks);
    return run_suite(suite);
}
