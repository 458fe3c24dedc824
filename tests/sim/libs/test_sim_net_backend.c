/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_backend.c - the CUDA plugin on the simulated device against the reference backend: every kind of
 * convolution that a graph may hold, both ways to shift, blocks of ResNets and of MobileNetV2.
 */
#include "graph_support.h"

/* One convolution between two others. */
typedef struct conv_case {
    tsm_shape shape;
    int from, to, kernel, stride, groups, fold;
    enum { ALONE, RESIDUAL, RESIDUAL_READ_AGAIN, INPUT_READ_AGAIN, INPUT_IS_RESIDUAL } neighbours;
    tsm_act act;
} conv_case;

static const conv_case cases[] = {
    { { 1, 8, 7, 7 }, 64, 16, 1, 1, 1, 8, ALONE, TSM_ACT_RELU },
    { { 1, 4, 7, 7 }, 64, 64, 1, 1, 1, 8, INPUT_READ_AGAIN, TSM_ACT_RELU },
    { { 2, 3, 5, 9 }, 30, 17, 1, 1, 1, 3, INPUT_READ_AGAIN, TSM_ACT_NONE },
    { { 3, 1, 4, 6 }, 16, 16, 1, 1, 1, 2, INPUT_READ_AGAIN, TSM_ACT_RELU6 },
    { { 1, 2, 9, 9 }, 20, 20, 3, 1, 1, 2, INPUT_READ_AGAIN, TSM_ACT_RELU },
    { { 2, 4, 11, 6 }, 24, 9, 3, 2, 1, 5, ALONE, TSM_ACT_RELU },
    { { 1, 4, 11, 6 }, 24, 40, 1, 2, 1, 3, INPUT_READ_AGAIN, TSM_ACT_NONE },
    { { 2, 2, 6, 5 }, 10, 12, 1, 2, 1, 0, ALONE, TSM_ACT_NONE },
    { { 1, 3, 8, 8 }, 16, 16, 3, 1, 16, 2, ALONE, TSM_ACT_RELU6 },
    { { 1, 3, 8, 8 }, 12, 18, 3, 1, 3, 0, ALONE, TSM_ACT_RELU },
    { { 1, 2, 15, 13 }, 3, 64, 7, 2, 1, 0, ALONE, TSM_ACT_RELU },
    { { 1, 4, 5, 5 }, 32, 32, 1, 1, 1, 0, RESIDUAL, TSM_ACT_RELU },
    { { 2, 4, 5, 5 }, 8, 8, 3, 1, 1, 1, RESIDUAL, TSM_ACT_RELU },
    { { 2, 4, 5, 5 }, 33, 33, 1, 1, 1, 4, RESIDUAL_READ_AGAIN, TSM_ACT_RELU },
    { { 1, 5, 4, 4 }, 16, 16, 3, 1, 1, 2, RESIDUAL_READ_AGAIN, TSM_ACT_NONE },
    { { 1, 5, 4, 4 }, 24, 24, 1, 1, 1, 3, INPUT_IS_RESIDUAL, TSM_ACT_RELU },
    { { 2, 3, 4, 4 }, 24, 24, 3, 1, 1, 12, INPUT_IS_RESIDUAL, TSM_ACT_RELU },
    { { 1, 3, 6, 6 }, 12, 12, 1, 1, 1, 6, INPUT_READ_AGAIN, TSM_ACT_RELU },
    { { 2, 3, 5, 4 }, 32, 24, 1, 1, 1, 4, INPUT_READ_AGAIN, TSM_ACT_LEAKY_RELU },
    { { 1, 3, 6, 5 }, 16, 16, 3, 1, 1, 2, RESIDUAL, TSM_ACT_LEAKY_RELU },
    { { 1, 3, 6, 5 }, 16, 13, 3, 2, 1, 0, ALONE, TSM_ACT_SIGMOID },
    { { 1, 3, 5, 5 }, 24, 24, 1, 1, 1, 3, RESIDUAL_READ_AGAIN, TSM_ACT_SIGMOID },
    { { 1, 3, 9, 7 }, 24, 24, 3, 2, 24, 3, ALONE, TSM_ACT_RELU },
    { { 1, 3, 7, 8 }, 16, 16, 3, 1, 16, 4, ALONE, TSM_ACT_LEAKY_RELU },
};

/* The directions of a shift by `fold` channels. */
static tsm_shift shift_in(int direction, int fold, int channels)
{
    const tsm_shift both = tsm_shift_both(fold, channels);

    switch (direction) {
    case 1: return (tsm_shift){ both.fold, both.end, -1 }; /* mirrored */
    case 2: return (tsm_shift){ fold / 2, fold, -1 };      /* mirrored, folds of different widths */
    case 3: return (tsm_shift){ fold, fold, -1 };          /* from the past alone */
    default: return both;
    }
}
#define DIRECTIONS 4

static void build_case(network *net, const conv_case *c, int direction)
{
    const int before = network_conv(net, "before", 0, 4, c->from, 1, 1);
    const int other = c->neighbours >= RESIDUAL ? network_conv(net, "other", 0, 4, c->to, 1, 1) : -1;
    const int conv = network_conv(net, "conv", before, c->from / c->groups, c->to, c->kernel, c->stride);
    tsm_node *node = tsm_graph_node(net->graph, conv);
    int last = conv;

    node->in_channels = c->from;
    node->groups = c->groups;
    node->shift = shift_in(direction, c->fold, c->from);
    node->act = c->act;
    node->bias = network_random(net, c->to, -1, 1);
    if (c->neighbours == RESIDUAL || c->neighbours == RESIDUAL_READ_AGAIN) node->inputs[1] = other;
    if (c->neighbours == INPUT_IS_RESIDUAL) node->inputs[1] = before;
    if (c->neighbours == RESIDUAL_READ_AGAIN) last = network_add(net, "again", conv, other);
    if (c->neighbours == INPUT_READ_AGAIN) {
        const int again = network_conv(net, "again", before, c->from, c->to, 1, c->stride);
        last = network_add(net, "sum", conv, again);
    }
    network_head(net, last, c->to);
}

START_TEST(convolutions)
{
    const conv_case *c = &cases[_i / DIRECTIONS];
    network net = network_make(SEED + (uint32_t)_i, 4);

    begin_case((unsigned)_i);
    build_case(&net, c, _i % DIRECTIONS);
    compare(&net, &c->shape, TSM_PRECISION_FP32, TOLERANCE);
}
END_TEST

/* A stem, a pool, both placements, basic blocks with and without a stride. */
static void build_network(network *net, bool block_placement)
{
    int x = network_act(net, "relu", network_conv_norm(net, "stem", 0, 3, 16, 7, 2), TSM_ACT_RELU);

    x = network_maxpool(net, "pool", x);
    for (int i = 0; i < 3; i++) {
        const int shifted = network_shift(net, "shift", x, 3), width = 16 << i,
                  identity = block_placement ? shifted : x;
        int y = network_conv_norm(net, "conv1", shifted, i ? width / 2 : width, width, i == 1 ? 3 : 1, 1);

        y = network_act(net, "relu1", y, TSM_ACT_RELU);
        y = network_conv_norm(net, "conv2", y, width, width, 3, i ? 2 : 1);
        if (i)
            y = network_add(net, "add", y, network_conv_norm(net, "downsample", identity, width / 2, width, 1, 2));
        else
            y = network_add(net, "add", y, identity);
        x = network_act(net, "relu2", y, TSM_ACT_RELU);
    }
    network_head(net, x, 64);
}

START_TEST(residual_networks)
{
    const tsm_shape shape = { .n = 2, .t = 5, .h = 37, .w = 29 };
    network net = network_make(SEED, 3);

    begin_case((unsigned)_i);
    build_network(&net, _i & 1);
    compare(&net, &shape, precisions[_i / 2].precision, precisions[_i / 2].tolerance);
}
END_TEST

static int add_depthwise(network *net, int input, int channels, int stride)
{
    int index = network_conv(net, "depthwise", input, 1, channels, 3, stride);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->in_channels = node->groups = channels;
    return network_norm(net, "norm", index, channels);
}

/* Expansion, depthwise convolution, projection without activation; the residual where the shape stays. */
static int add_inverted(network *net, int input, int from, int to, int stride)
{
    const bool residual = stride == 1 && from == to;
    const int wide = 6 * from;
    int y = residual ? network_shift(net, "shift", input, from / 8) : input;

    y = network_act(net, "relu6", network_conv_norm(net, "expand", y, from, wide, 1, 1), TSM_ACT_RELU6);
    y = network_act(net, "relu6", add_depthwise(net, y, wide, stride), TSM_ACT_RELU6);
    y = network_conv_norm(net, "project", y, wide, to, 1, 1);
    return residual ? network_add(net, "add", y, input) : y;
}

START_TEST(mobile_networks)
{
    const tsm_shape shape = { .n = 2, .t = 4, .h = 33, .w = 24 };
    network net = network_make(SEED, 3);
    int x;

    begin_case((unsigned)_i);
    x = network_act(&net, "relu6", network_conv_norm(&net, "stem", 0, 3, 16, 3, 2), TSM_ACT_RELU6);
    x = add_inverted(&net, x, 16, 24, 2);
    x = add_inverted(&net, x, 24, 24, 1);
    x = add_inverted(&net, x, 24, 24, 1);
    network_head(&net, x, 24);
    compare(&net, &shape, precisions[_i].precision, precisions[_i].tolerance);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the plugin's operations");
    TCase *results = tcase_create("results");

    tcase_set_timeout(results, 0);
    tcase_add_loop_test(results, convolutions, 0, DIRECTIONS * COUNT_OF(cases));
    tcase_add_loop_test(results, residual_networks, 0, 2 * COUNT_OF(precisions));
    tcase_add_loop_test(results, mobile_networks, 0, COUNT_OF(precisions));
    suite_add_tcase(suite, results);
    return run_suite(suite);
}
