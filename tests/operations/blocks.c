/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.c - small networks of the families' blocks: residual, inverted, excited, tweaked; values that are shifted
 * twice; logits of every frame; and everything at once. */
#include "everything.h"
#include "operations.h"

static int add_act(network *net, int input, tsm_act act)
{
    return network_act(net, tsm_act_name(act), input, act);
}

static int add_stem(network *net, int channels, int kernel, tsm_act act)
{
    return add_act(net, network_conv_norm(net, "stem", 0, 3, channels, kernel, 2), act);
}

/* Every kind of operation; kind 1 and 3 with `block` placement, 2 and 3 with logits of every frame. */
static void build_everything(network *net, int kind)
{
    build_network(net, kind & 1);
    if (!(kind & 2)) return;
    net->graph->per_frame = true;
    net->graph->output = tsm_graph_node(net->graph, net->graph->output)->inputs[0]; /* before the mean */
}

/* A stem, a pool, both placements, basic blocks with and without a stride. */
static void build_residual(network *net, int block_placement)
{
    int x = network_maxpool(net, "pool", add_stem(net, 16, 7, TSM_ACT_RELU));

    for (int i = 0; i < 3; i++) {
        const int shifted = network_shift(net, "shift", x, 3), width = 16 << i;
        const int identity = block_placement ? shifted : x;
        int y = network_conv_norm(net, "conv1", shifted, i ? width / 2 : width, width, i == 1 ? 3 : 1, 1);

        y = network_conv_norm(net, "conv2", add_act(net, y, TSM_ACT_RELU), width, width, 3, i ? 2 : 1);
        y = network_add(net, "add", y,
                        i ? network_conv_norm(net, "downsample", identity, width / 2, width, 1, 2) : identity);
        x = add_act(net, y, TSM_ACT_RELU);
    }
    network_head(net, x, 64);
}

/* As in MobileNetV2: expansion, depthwise convolution, projection without activation; the residual where the shape
 * stays. */
static int add_inverted(network *net, int input, int from, int to, int stride)
{
    const bool residual = stride == 1 && from == to;
    const int wide = 6 * from;
    int y = residual ? network_shift(net, "shift", input, from / 8) : input;

    y = add_act(net, network_conv_norm(net, "expand", y, from, wide, 1, 1), TSM_ACT_RELU6);
    y = network_norm(net, "norm", network_depthwise(net, "depthwise", y, wide, stride), wide);
    y = network_conv_norm(net, "project", add_act(net, y, TSM_ACT_RELU6), wide, to, 1, 1);
    return residual ? network_add(net, "add", y, input) : y;
}

static void build_inverted(network *net, int kind)
{
    int x = add_stem(net, 16, 3, TSM_ACT_RELU6);

    (void)kind;
    x = add_inverted(net, x, 16, 24, 2);
    x = add_inverted(net, x, 24, 24, 1);
    x = add_inverted(net, x, 24, 24, 1);
    network_head(net, x, 24);
}

/* Squeeze and excitation. */
static int add_excitation(network *net, int input, int channels)
{
    int y = network_node(net, TSM_OP_AVGPOOL, "squeeze", input);

    y = add_act(net, network_biased(net, "fc1", y, channels, channels / 4), TSM_ACT_RELU);
    y = add_act(net, network_biased(net, "fc2", y, channels / 4, channels), TSM_ACT_SIGMOID);
    return network_scale(net, "excite", input, y);
}

/* As in MobileOne: a depthwise convolution and a 1x1, each with a shift before, excited and activated. */
static int add_excited(network *net, int input, int from, int to, int stride, tsm_shift shift)
{
    int y = network_depthwise(net, "depthwise", network_shift_by(net, "shift", input, shift), from, stride);

    y = network_norm(net, "norm", y, from);
    y = add_act(net, add_excitation(net, y, from), TSM_ACT_RELU);
    y = network_conv_norm(net, "pointwise", network_shift_by(net, "shift", y, shift), from, to, 1, 1);
    return add_act(net, add_excitation(net, y, to), TSM_ACT_RELU);
}

static void build_excited(network *net, int kind)
{
    int x = add_stem(net, 32, 3, TSM_ACT_RELU);

    (void)kind;
    x = add_excited(net, x, 32, 32, 1, tsm_shift_both(4, 32));
    x = add_excited(net, x, 32, 20, 2, (tsm_shift){ 8, 8, -1 });
    x = add_excited(net, x, 20, 24, 1, tsm_shift_both(2, 20));
    network_head(net, x, 24);
}

/* One value, read with the same shift twice or with two shifts that differ in direction alone, and scaled by factors
 * of another value: only in the first case may the shifted channels lie beside it. */
static void build_shifted_twice(network *net, int apart)
{
    const tsm_shift shifts[] = { tsm_shift_both(4, 32), apart ? (tsm_shift){ 4, 8, -1 } : tsm_shift_both(4, 32) };
    const int x = network_conv(net, "stem", 0, 3, 32, 1, 1), other = network_conv(net, "other", 0, 3, 32, 1, 1);
    int sum, factors = network_node(net, TSM_OP_AVGPOOL, "squeeze", other);

    factors = add_act(net, network_biased(net, "fc", factors, 32, 32), TSM_ACT_SIGMOID);
    sum = network_scale(net, "scale", x, factors);
    for (int i = 0; i < 2; i++) {
        const int y = network_shift_by(net, "shift", x, shifts[i]);

        sum = network_add(net, "sum", sum, network_conv(net, "conv", y, 32, 32, 1, 1));
    }
    network_head(net, sum, 32);
}

/* As in PP-TSM: average pools in the shortcuts, leaky activations, a mirrored shift. */
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

static void build_tweaked(network *net, int kind)
{
    int x = add_stem(net, 16, 3, TSM_ACT_LEAKY_RELU);

    (void)kind;
    x = add_act(net, network_conv_norm(net, "stem2", x, 16, 32, 3, 1), TSM_ACT_LEAKY_RELU);
    x = network_maxpool(net, "pool", x);
    x = add_tweaked(net, x, 32, 32, 1);
    x = add_tweaked(net, x, 64, 32, 2);
    x = add_tweaked(net, x, 64, 32, 2);
    network_head(net, x, 64);
}

/* With half as many frames behind a temporal pool, or with all. */
static void build_frames(network *net, int pooled)
{
    int x = add_stem(net, 16, 3, TSM_ACT_RELU);

    if (pooled) x = network_node(net, TSM_OP_TPOOL, "tpool", x);
    x = network_conv_norm(net, "conv", network_shift_by(net, "shift", x, (tsm_shift){ 4, 4, -1 }), 16, 24, 1, 1);
    network_head(net, x, 24);
    net->graph->output--; /* what the mean over frames is taken of */
    net->graph->per_frame = true;
}

static const struct {
    const char *name;
    void (*build)(network *net, int kind);
    int kind;
    tsm_shape shape;
    double slack;
    operation_size size;
} rows[] = {
    { "everything", build_everything, 0, { 2, 3, 23, 19 }, 1, 0 },
    { "everything, block placement", build_everything, 1, { 2, 3, 23, 19 }, 1, 0 },
    { "everything, frame by frame", build_everything, 2, { 2, 3, 23, 19 }, 1, 0 },
    { "everything, block placement, frame by frame", build_everything, 3, { 2, 3, 23, 19 }, 1, 0 },
    { "residual blocks", build_residual, 0, { 2, 5, 37, 29 }, 1, OPERATION_QUICK },
    { "residual blocks, block placement", build_residual, 1, { 2, 5, 37, 29 }, 1, 0 },
    { "inverted residuals", build_inverted, 0, { 2, 4, 33, 24 }, 1, OPERATION_QUICK },
    { "squeeze and excitation", build_excited, 0, { 2, 3, 19, 22 }, 1, OPERATION_QUICK },
    { "one value shifted twice", build_shifted_twice, 0, { 2, 3, 4, 5 }, 1, 0 },
    { "one value shifted in two directions", build_shifted_twice, 1, { 2, 3, 4, 5 }, 1, 0 },
    { "tweaked blocks", build_tweaked, 0, { 2, 4, 29, 38 }, 1, OPERATION_QUICK },
    { "frame by frame", build_frames, 0, { 2, 6, 9, 8 }, 1, 0 },
    { "frame by frame behind a temporal pool", build_frames, 1, { 2, 6, 9, 8 }, 1, OPERATION_QUICK },
};

static int count(void)
{
    return (int)(sizeof rows / sizeof *rows);
}

static void make(operation *op, int row)
{
    snprintf(op->name, sizeof op->name, "%s", rows[row].name);
    op->net = network_make(op->seed, 3);
    op->shape = rows[row].shape;
    op->slack = rows[row].slack;
    op->size = rows[row].size;
    rows[row].build(&op->net, rows[row].kind);
}

const operation_group operations_of_networks = { "networks", count, make };
