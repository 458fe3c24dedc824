/* networks.c - networks with random weights, see check.h. */
#include "check.h"

#include <math.h>

#include "graph/passes.h"
#include "model/object.h"

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
    int64_t dims[4], count = 1;
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

network network_resnet(const network_spec *spec)
{
    tsm_model model;
    network net = { 0 };
    tsm_error error;

    memset(&model, 0, sizeof model);
    model.config = (tsm_model_config){
        .arch = must((void *)(uintptr_t)tsm_arch_find(spec->arch)),
        .width = spec->width,
        .in_channels = 3,
        .classes = spec->classes,
        .segments = 8,
        .shift_div = spec->shift_div,
        .shift_place = spec->place,
    };
    if (tsm_arch_layers(&model.config, &model.layers, &model.layer_count, &error) != TSM_OK) must(NULL);
    for (int i = 0; i < model.layer_count; i++)
        for (int which = 0; which < TSM_LAYER_TENSORS; which++)
            if (tsm_layer_has(&model.layers[i], which)) fill_tensor(&net, &model.layers[i], which);
    if (tsm_model_build_graph(&model, &net.graph, &error) != TSM_OK) must(NULL);
    if (tsm_graph_optimize(net.graph, &error) != TSM_OK) must(NULL);
    tsm_free(model.layers);
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

network network_inverted(int width, int blocks)
{
    network net = network_start();
    int x = network_conv(&net, "stem", 0, 3, width, 3, 2, 1, TSM_ACT_RELU6);

    for (int i = 0; i < blocks; i++) {
        int y = network_conv(&net, "expand", x, width, 4 * width, 1, 1, 1, TSM_ACT_RELU6);

        net.graph->nodes[y].shift.fold = width / 8;
        y = network_conv(&net, "depthwise", y, 4 * width, 4 * width, 3, 1, 4 * width, TSM_ACT_RELU6);
        y = network_conv(&net, "project", y, 4 * width, width, 1, 1, 1, TSM_ACT_NONE);
        net.graph->nodes[y].inputs[1] = x;
        x = y;
    }
    x = network_conv(&net, "down", x, width, width, 3, 2, width, TSM_ACT_RELU6);
    network_head(&net, x, width);
    return net;
}

void network_free(network *net)
{
    tsm_graph_destroy(&net->graph);
    for (int i = 0; i < net->array_count; i++) free(net->arrays[i]);
    free(net->arrays);
    memset(net, 0, sizeof *net);
}
