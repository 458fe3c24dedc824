/* SPDX-License-Identifier: Apache-2.0 */
/* networks.c - networks with random weights, see check.h. */
#include "check.h"

#include <math.h>

#include "passes/passes.h"
#include "network/arch.h"

#define HEAD_CLASSES 11

static uint32_t seed = 1;

/* An array that the network owns. */
static float *own(network *net, size_t count, float low, float high)
{
    float *values = random_floats(count, seed++);

    for (size_t i = 0; i < count; i++) values[i] = low + (high - low) * 0.5f * (values[i] + 1);
    net->arrays = must(realloc(net->arrays, (size_t)(net->array_count + 1) * sizeof *net->arrays));
    net->arrays[net->array_count++] = values;
    return values;
}

/* Ranges that keep activations near one: He for filters, and norms that halve what a block adds. */
static void fill_tensor(network *net, tsm_layer *layer, int which)
{
    int64_t dims[TSM_LAYER_DIMS], count = 1;
    int rank = tsm_layer_dims(layer, which, dims);
    bool norm = layer->kind == TSM_LAYER_BATCHNORM;
    float range, low, high;

    for (int i = 0; i < rank; i++) count *= dims[i];
    range = sqrtf(6.0f / ((float)layer->in * (float)layer->kernel * (float)layer->kernel));
    low = norm ? -0.2f : -range;
    high = norm ? 0.2f : range;
    if (norm && which == TSM_WEIGHT) low = 0.3f, high = 0.7f;
    if (norm && which == TSM_VARIANCE) low = 0.8f, high = 1.2f;
    layer->tensors[which] = (tsm_weight){ own(net, (size_t)count, low, high), TSM_FLOAT32, count };
}

static tsm_model_config config_of(const network_spec *spec)
{
    tsm_model_config config = {
        .arch = spec->arch ? must((void *)(uintptr_t)tsm_arch_find(spec->arch)) : NULL,
        .width = spec->width,
        .stem_channels = spec->width / 2,
        .in_channels = 3,
        .classes = spec->classes,
        .segments = 8,
        .shift_div = spec->shift_div,
        .shift_place = spec->place,
        .shift_direction = spec->direction,
        .nonlocal = spec->nonlocal,
        .nonlocal_bias = true,
    };

    if (spec->nonlocal) { /* where the releases have them */
        config.nonlocal_blocks[1] = 1 | 1 << 2;
        config.nonlocal_blocks[2] = 1 | 1 << 2 | 1 << 4;
    }
    return config;
}

static tsm_shift shift_of(const network_spec *spec, int channels)
{
    const tsm_model_config config = config_of(spec);

    return tsm_config_shift(&config, channels);
}

network network_resnet(const network_spec *spec)
{
    const tsm_model_config config = config_of(spec);
    tsm_layer *layers = NULL;
    network net = { 0 };
    tsm_error error;
    int count = 0;

    if (tsm_network_list(&config, &layers, &count, &error) != TSM_OK) must(NULL);
    for (int i = 0; i < count; i++)
        for (int which = 0; which < TSM_LAYER_TENSORS; which++)
            if (tsm_layer_has(&layers[i], which)) fill_tensor(&net, &layers[i], which);
    if (tsm_network_build(&config, layers, count, spec->per_frame, &net.graph, &error) != TSM_OK) must(NULL);
    if (tsm_graph_optimize(net.graph, &error) != TSM_OK) must(NULL);
    tsm_free(layers);
    return net;
}

int network_node(network *net, tsm_op op, const char *name, int input, int second)
{
    int index = tsm_graph_append(net->graph, op, name);

    if (index < 0) must(NULL);
    net->graph->nodes[index].inputs[0] = input;
    net->graph->nodes[index].inputs[1] = second;
    net->graph->output = index;
    return index;
}

network network_start(void)
{
    network net = { .graph = must(tsm_graph_create()) };

    network_node(&net, TSM_OP_INPUT, "input", -1, -1);
    net.graph->in_channels = 3;
    net.graph->segments = 8;
    net.graph->classes = HEAD_CLASSES;
    return net;
}

int network_conv(network *net, const char *name, int input, int from, int to, int kernel, int stride, int groups,
                 tsm_act act)
{
    int index = network_node(net, TSM_OP_CONV, name, input, -1), depth = from / groups;
    tsm_node *node = &net->graph->nodes[index];
    size_t count = (size_t)to * (size_t)depth * (size_t)kernel * (size_t)kernel;
    float range = sqrtf(6.0f / (float)(depth * kernel * kernel));

    node->in_channels = from;
    node->out_channels = to;
    node->groups = groups;
    node->kernel_h = node->kernel_w = kernel;
    node->stride = stride;
    node->pad = kernel / 2;
    node->act = act;
    node->weight = (tsm_weight){ own(net, count, -range, range), TSM_FLOAT32, (int64_t)count };
    node->bias = must(tsm_alloc_zero((size_t)to, sizeof *node->bias)); /* the graph frees it */
    for (int i = 0; i < to; i++) node->bias[i] = 0.3f * random_value((uint32_t)i, seed);
    return index;
}

void network_head(network *net, int input, int channels)
{
    int pool = network_node(net, TSM_OP_AVGPOOL, "avgpool", input, -1), fc;

    net->graph->nodes[pool].over_time = true;
    fc = network_conv(net, "fc", pool, channels, HEAD_CLASSES, 1, 1, 1, TSM_ACT_NONE);
    net->graph->nodes[fc].op = TSM_OP_FC;
}

network network_inverted(const network_spec *spec)
{
    const int width = spec->width;
    network net = network_start();
    int x = network_conv(&net, "stem", 0, 3, width, 3, 2, 1, TSM_ACT_RELU6);

    for (int i = 0; i < 3; i++) {
        int y = network_conv(&net, "expand", x, width, 4 * width, 1, 1, 1, TSM_ACT_RELU6);

        net.graph->nodes[y].shift = shift_of(spec, width);
        y = network_conv(&net, "depthwise", y, 4 * width, 4 * width, 3, 1, 4 * width, TSM_ACT_RELU6);
        y = network_conv(&net, "project", y, 4 * width, width, 1, 1, 1, TSM_ACT_NONE);
        net.graph->nodes[y].inputs[1] = x;
        x = y;
    }
    x = network_conv(&net, "down", x, width, width, 3, 2, width, TSM_ACT_RELU6);
    network_head(&net, x, width);
    return net;
}

/* act(x * factors), one factor a frame and channel, of what the frame is on average. */
static int add_excitation(network *net, int x, int channels)
{
    int y = network_node(net, TSM_OP_AVGPOOL, "squeeze", x, -1);

    y = network_conv(net, "fc1", y, channels, channels / 4, 1, 1, 1, TSM_ACT_RELU);
    y = network_conv(net, "fc2", y, channels / 4, channels, 1, 1, 1, TSM_ACT_SIGMOID);
    y = network_node(net, TSM_OP_SCALE, "excite", x, y);
    net->graph->nodes[y].act = TSM_ACT_RELU;
    return y;
}

network network_excited(const network_spec *spec)
{
    const int width = spec->width;
    network net = network_start();
    int x = network_conv(&net, "stem", 0, 3, width, 3, 2, 1, TSM_ACT_RELU);

    for (int i = 0; i < 3; i++) {
        const bool excited = i > 0;
        const tsm_act act = excited ? TSM_ACT_NONE : TSM_ACT_RELU;

        x = network_conv(&net, "depthwise", x, width, width, 3, 1 + i % 2, width, act);
        net.graph->nodes[x].shift = shift_of(spec, width);
        if (excited) x = add_excitation(&net, x, width);
        x = network_conv(&net, "pointwise", x, width, width, 1, 1, 1, act);
        net.graph->nodes[x].shift = shift_of(spec, width);
        if (excited) x = add_excitation(&net, x, width);
    }
    network_head(&net, x, width);
    return net;
}

network network_shifts(const network_spec *spec)
{
    static const tsm_act acts[] = { TSM_ACT_LEAKY_RELU, TSM_ACT_SIGMOID, TSM_ACT_RELU };
    static const int kernels[] = { 1, 3, 3 };
    const int width = spec->width;
    network net = network_start();
    const int x = network_conv(&net, "before", 0, 3, width, 1, 1, 1, TSM_ACT_LEAKY_RELU);
    int sum = x;

    for (int i = 0; i < 3; i++) {
        const int conv = network_conv(&net, "conv", x, width, width, kernels[i], 1, i == 2 ? width : 1, acts[i]);

        net.graph->nodes[conv].shift = shift_of(spec, width);
        sum = network_node(&net, TSM_OP_ADD, "sum", sum, conv);
    }
    network_head(&net, sum, width);
    return net;
}

/* Pooled 2x2. */
static int add_pool(network *net, int input)
{
    int index = network_node(net, TSM_OP_MAXPOOL, "pool", input, -1);
    tsm_node *node = &net->graph->nodes[index];

    node->kernel_h = node->kernel_w = node->stride = 2;
    return index;
}

network network_attention(const network_spec *spec)
{
    const int width = spec->width, inner = width / 2;
    const bool embedded = spec->nonlocal != TSM_NONLOCAL_GAUSSIAN;
    network net = network_start();
    const int x = network_conv(&net, "before", 0, 3, width, 3, 1, 1, TSM_ACT_RELU);
    const int theta = embedded ? network_conv(&net, "theta", x, width, inner, 1, 1, 1, TSM_ACT_NONE) : x;
    const int phi = add_pool(&net, embedded ? network_conv(&net, "phi", x, width, inner, 1, 1, 1, TSM_ACT_NONE) : x);
    const int g = add_pool(&net, network_conv(&net, "g", x, width, inner, 1, 1, 1, TSM_ACT_NONE));
    const int y = network_node(&net, TSM_OP_ATTENTION, "attend", theta, phi);
    int w;

    net.graph->nodes[y].inputs[2] = g;
    net.graph->nodes[y].softmax = spec->nonlocal != TSM_NONLOCAL_DOT_PRODUCT;
    w = network_conv(&net, "w", y, inner, width, 1, 1, 1, TSM_ACT_NONE);
    net.graph->nodes[w].inputs[1] = x;
    w = network_conv(&net, "after", w, width, width, 1, 1, 1, TSM_ACT_RELU);
    net.graph->nodes[w].shift = shift_of(spec, width);
    network_head(&net, w, width);
    return net;
}

void network_free(network *net)
{
    tsm_graph_destroy(&net->graph);
    for (int i = 0; i < net->array_count; i++) free(net->arrays[i]);
    free(net->arrays);
    memset(net, 0, sizeof *net);
}
