/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_operations.c - the CUDA plugin on the simulated device against the reference backend: what networks
 * other than ResNets and MobileNetV2 are made of. Squeeze and excitation between depthwise convolutions, average
 * pools in shortcuts, leaky activations, attention in its three modes, and logits of every frame.
 */
#include "graph_support.h"

static int add_act(network *net, int input, tsm_act act)
{
    return network_act(net, tsm_act_name(act), input, act);
}

static int add_biased(network *net, const char *name, int input, int from, int to)
{
    int index = network_conv(net, name, input, from, to, 1, 1);

    tsm_graph_node(net->graph, index)->bias = network_random(net, to, -0.5, 0.5);
    return index;
}

/* ---- Squeeze and excitation, as MobileOne has it ---- */

static int add_excitation(network *net, int input, int channels)
{
    int y = network_node(net, TSM_OP_AVGPOOL, "squeeze", input);

    y = add_act(net, add_biased(net, "fc1", y, channels, channels / 4), TSM_ACT_RELU);
    y = add_act(net, add_biased(net, "fc2", y, channels / 4, channels), TSM_ACT_SIGMOID);
    return network_scale(net, "excite", input, y);
}

/* A depthwise convolution and a 1x1, each with a shift before, excited and activated. */
static int add_excited(network *net, int input, int from, int to, int stride, tsm_shift shift)
{
    int y = network_conv(net, "depthwise", network_shift_by(net, "shift", input, shift), 1, from, 3, stride);
    tsm_node *node = tsm_graph_node(net->graph, y);

    node->in_channels = node->groups = from;
    y = network_norm(net, "norm", y, from);
    y = add_act(net, add_excitation(net, y, from), TSM_ACT_RELU);
    y = network_conv_norm(net, "pointwise", network_shift_by(net, "shift", y, shift), from, to, 1, 1);
    return add_act(net, add_excitation(net, y, to), TSM_ACT_RELU);
}

START_TEST(excited_networks)
{
    const tsm_shape shape = { .n = 2, .t = 3, .h = 19, .w = 22 };
    network net = network_make(SEED, 3);
    int x;

    begin_case((unsigned)_i);
    x = add_act(&net, network_conv_norm(&net, "stem", 0, 3, 32, 3, 2), TSM_ACT_RELU);
    x = add_excited(&net, x, 32, 32, 1, tsm_shift_both(4, 32));
    x = add_excited(&net, x, 32, 20, 2, (tsm_shift){ 8, 8, -1 });
    x = add_excited(&net, x, 20, 24, 1, tsm_shift_both(2, 20));
    network_head(&net, x, 24);
    compare(&net, &shape, precisions[_i].precision, precisions[_i].tolerance);
}
END_TEST

/* ---- Values that are shifted more than once ---- */

/* One value, read with the same shift twice or with two shifts that differ in direction alone, and scaled by factors
 * of another value: only in the first case may the shifted channels lie beside it. */
START_TEST(shifts_of_one_value)
{
    const tsm_shape shape = { .n = 2, .t = 3, .h = 4, .w = 5 };
    const tsm_shift both = tsm_shift_both(4, 32), mirrored = { 4, 8, -1 };
    const int precision = _i % COUNT_OF(precisions);
    network net = network_make(SEED, 3);
    const int x = network_conv(&net, "stem", 0, 3, 32, 1, 1), other = network_conv(&net, "other", 0, 3, 32, 1, 1);
    int sum, factors = network_node(&net, TSM_OP_AVGPOOL, "squeeze", other);

    begin_case(50 + (unsigned)_i);
    factors = add_act(&net, add_biased(&net, "fc", factors, 32, 32), TSM_ACT_SIGMOID);
    sum = network_scale(&net, "scale", x, factors);
    for (int i = 0; i < 2; i++) {
        const tsm_shift shift = i && _i >= COUNT_OF(precisions) ? mirrored : both;

        sum = network_add(&net, "sum", sum,
                          network_conv(&net, "conv", network_shift_by(&net, "shift", x, shift), 32, 32, 1, 1));
    }
    network_head(&net, sum, 32);
    compare(&net, &shape, precisions[precision].precision, precisions[precision].tolerance);
}
END_TEST

/* ---- Average pools in the shortcuts and leaky activations, as PP-TSM has them ---- */

static int add_tweaked(network *net, int input, int from, int width, int stride)
{
    const tsm_shift mirrored = { from / 16, from / 8, -1 };
    int y = network_shift_by(net, "shift", input, mirrored), identity = input;

    y = add_act(net, network_conv_norm(net, "conv1", y, from, width, 1, 1), TSM_ACT_LEAKY_RELU);
    y = add_act(net, network_conv_norm(net, "conv2", y, width, width, 3, stride), TSM_ACT_LEAKY_RELU);
    y = network_conv_norm(net, "conv3", y, width, 2 * width, 1, 1);
    if (stride > 1) identity = network_window_mean(net, "shrink", identity, stride);
    if (from != 2 * width) identity = network_conv_norm(net, "downsample", identity, from, 2 * width, 1, 1);
    return add_act(net, network_add(net, "add", y, identity), TSM_ACT_LEAKY_RELU);
}

START_TEST(tweaked_networks)
{
    const tsm_shape shape = { .n = 2, .t = 4, .h = 29, .w = 38 };
    network net = network_make(SEED, 3);
    int x;

    begin_case(100 + (unsigned)_i);
    x = add_act(&net, network_conv_norm(&net, "stem1", 0, 3, 16, 3, 2), TSM_ACT_LEAKY_RELU);
    x = add_act(&net, network_conv_norm(&net, "stem2", x, 16, 32, 3, 1), TSM_ACT_LEAKY_RELU);
    x = network_maxpool(&net, "pool", x);
    x = add_tweaked(&net, x, 32, 32, 1);
    x = add_tweaked(&net, x, 64, 32, 2);
    x = add_tweaked(&net, x, 64, 32, 2);
    network_head(&net, x, 64);
    compare(&net, &shape, precisions[_i].precision, precisions[_i].tolerance);
}
END_TEST

/* ---- Attention ---- */

typedef enum attention_mode { EMBEDDED, DOT_PRODUCT, GAUSSIAN } attention_mode;

static int add_halved(network *net, int input)
{
    int index = network_node(net, TSM_OP_MAXPOOL, "halve", input);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->kernel_h = node->kernel_w = node->stride = 2;
    return index;
}

static int add_nonlocal(network *net, int x, int channels, attention_mode mode, bool halved)
{
    const int inner = channels / 2;
    int theta = x, phi = x, g = add_biased(net, "g", x, channels, inner);

    if (mode != GAUSSIAN) {
        theta = add_biased(net, "theta", x, channels, inner);
        phi = add_biased(net, "phi", x, channels, inner);
    }
    if (halved) {
        g = add_halved(net, g);
        phi = add_halved(net, phi);
    }
    g = network_attention(net, "attend", theta, phi, g, mode != DOT_PRODUCT);
    return network_add(net, "add", network_conv_norm(net, "w", g, inner, channels, 1, 1), x);
}

/* Scores of all clips at once, of each alone, of two at a time (three would fit), of each since five have no divisor;
 * keys that are no multiple of anything. */
static const struct {
    tsm_shape shape;
    bool halved;
} attentions[] = {
    { { 3, 2, 6, 5 }, true },  { { 3, 3, 8, 9 }, true },  { { 4, 2, 3, 9 }, false },
    { { 5, 2, 3, 9 }, false }, { { 1, 3, 5, 7 }, false }, { { 2, 1, 3, 3 }, true },
};

START_TEST(nonlocal_networks)
{
    const int precision = _i % COUNT_OF(precisions), mode = _i / COUNT_OF(precisions) % 3,
              shape = _i / COUNT_OF(precisions) / 3;
    network net = network_make(SEED + (uint32_t)_i, 3);
    int x, y, z;

    begin_case(200 + (unsigned)_i);
    x = add_act(&net, network_conv_norm(&net, "stem", 0, 3, 16, 1, 1), TSM_ACT_RELU);
    y = add_nonlocal(&net, x, 16, (attention_mode)mode, attentions[shape].halved);
    z = network_conv_norm(&net, "conv", network_shift(&net, "shift", y, 4), 16, 16, 1, 1);
    /* What attention reads is shifted as well. */
    x = network_conv_norm(&net, "beside", network_shift(&net, "shift", x, 4), 16, 16, 1, 1);
    x = add_act(&net, network_add(&net, "sum", network_add(&net, "sum", x, y), z), TSM_ACT_RELU);
    network_head(&net, x, 16);
    compare(&net, &attentions[shape].shape, precisions[precision].precision, precisions[precision].tolerance);
}
END_TEST

/* Each clip's values are its own: with equal scores (the queries are zero) the result is their mean. */
START_TEST(attention_is_of_clips)
{
    const tsm_shape shape = { .n = 5, .t = 2, .h = 3, .w = 4 };
    network net = network_make(SEED, 3);
    const int x = network_conv(&net, "stem", 0, 3, 16, 1, 1), zeros = network_conv(&net, "zeros", x, 16, 8, 1, 1);
    const int phi = network_conv(&net, "phi", x, 16, 8, 1, 1), g = network_conv(&net, "g", x, 16, 12, 1, 1);
    float *weights = net.arrays[net.array_count - 3];

    begin_case(500 + (unsigned)_i);
    memset(weights, 0, 16 * 8 * sizeof *weights);
    network_head(&net, network_attention(&net, "attend", zeros, phi, g, true), 12);
    compare(&net, &shape, precisions[_i].precision, precisions[_i].tolerance);
}
END_TEST

/* ---- Logits of every frame ---- */

START_TEST(logits_of_frames)
{
    const tsm_shape shape = { .n = 2, .t = 6, .h = 9, .w = 8 };
    const bool pooled = _i / COUNT_OF(precisions);
    const int precision = _i % COUNT_OF(precisions);
    network net = network_make(SEED, 3);
    int x = add_act(&net, network_conv_norm(&net, "stem", 0, 3, 16, 3, 2), TSM_ACT_RELU);

    begin_case(600 + (unsigned)_i);
    if (pooled) x = network_node(&net, TSM_OP_TPOOL, "tpool", x);
    x = network_conv_norm(&net, "conv", network_shift_by(&net, "shift", x, (tsm_shift){ 4, 4, -1 }), 16, 24, 1, 1);
    network_head(&net, x, 24);
    net.graph->output--; /* what the mean over frames is taken of */
    net.graph->per_frame = true;
    compare(&net, &shape, precisions[precision].precision, precisions[precision].tolerance);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the plugin's further operations");
    TCase *results = tcase_create("results");

    tcase_set_timeout(results, 0);
    tcase_add_loop_test(results, excited_networks, 0, COUNT_OF(precisions));
    tcase_add_loop_test(results, shifts_of_one_value, 0, 2 * COUNT_OF(precisions));
    tcase_add_loop_test(results, tweaked_networks, 0, COUNT_OF(precisions));
    tcase_add_loop_test(results, nonlocal_networks, 0, 3 * COUNT_OF(attentions) * COUNT_OF(precisions));
    tcase_add_loop_test(results, attention_is_of_clips, 0, COUNT_OF(precisions));
    tcase_add_loop_test(results, logits_of_frames, 0, 2 * COUNT_OF(precisions));
    suite_add_tcase(suite, results);
    return run_suite(suite);
}
