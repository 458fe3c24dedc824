/*
 * build.c - wires the layers of a model to the graph of a ResNet or MobileNetV2 with temporal shifts.
 *
 * Every helper takes and returns node indices and passes -1 (out of memory) through, so that wiring reads as the
 * network; the check is once, at the end. Layers are consumed in the order in which arch.c lists them.
 */
#include <stdio.h>

#include "object.h"

typedef struct builder {
    const tsm_model *model;
    tsm_graph *graph;
    int next;       /* layer to be placed */
    tsm_act act;    /* the only one that the network has */
    char block[48]; /* "base_model.layer1.0" */
} builder;

/* Appends a node that reads `input`; named after the block where `name` begins with a dot. */
static int append(builder *b, tsm_op op, const char *name, int input)
{
    char full[160];
    int index;

    if (input < 0 && op != TSM_OP_INPUT) return -1;
    snprintf(full, sizeof full, "%s%s", name[0] == '.' ? b->block : "", name);
    index = tsm_graph_append(b->graph, op, full);
    if (index >= 0) tsm_graph_node(b->graph, index)->inputs[0] = input;
    return index;
}

static float *copy_floats(const tsm_weight *weight)
{
    float *values = tsm_alloc_aligned((size_t)weight->count, sizeof *values);

    if (values) tsm_weight_to_float(weight, values);
    return values;
}

static int fill_batchnorm(tsm_node *node, const tsm_layer *layer, int index)
{
    node->gamma = copy_floats(&layer->tensors[TSM_WEIGHT]);
    node->beta = copy_floats(&layer->tensors[TSM_BIAS]);
    node->mean = copy_floats(&layer->tensors[TSM_MEAN]);
    node->variance = copy_floats(&layer->tensors[TSM_VARIANCE]);
    return node->gamma && node->beta && node->mean && node->variance ? index : -1;
}

/* Places the next layer of the list. */
static int add_layer(builder *b, int input)
{
    static const tsm_op ops[] = {
        [TSM_LAYER_CONV] = TSM_OP_CONV, [TSM_LAYER_BATCHNORM] = TSM_OP_BATCHNORM, [TSM_LAYER_FC] = TSM_OP_FC
    };
    const tsm_layer *layer = &b->model->layers[b->next++];
    int index = append(b, ops[layer->kind], layer->name, input);
    tsm_node *node;

    if (index < 0) return -1;
    node = tsm_graph_node(b->graph, index);
    node->in_channels = layer->in;
    node->out_channels = layer->out;
    if (layer->kind == TSM_LAYER_BATCHNORM) return fill_batchnorm(node, layer, index);
    node->groups = layer->groups;
    node->kernel_h = node->kernel_w = layer->kernel;
    node->stride = layer->stride;
    node->pad = layer->pad;
    node->weight = layer->tensors[TSM_WEIGHT];
    if (!layer->tensors[TSM_BIAS].data) return index;
    node->bias = copy_floats(&layer->tensors[TSM_BIAS]);
    return node->bias ? index : -1;
}

static int add_act(builder *b, const char *name, int input)
{
    int index = append(b, TSM_OP_ACT, name, input);

    if (index >= 0) tsm_graph_node(b->graph, index)->act = b->act;
    return index;
}

/* Channels that are fewer than n_div have a fold of nothing, and then nothing moves. */
static int add_shift(builder *b, const char *name, int input, int channels)
{
    int fold = b->model->config.shift_div ? channels / b->model->config.shift_div : 0, index;

    if (fold == 0) return input;
    index = append(b, TSM_OP_SHIFT, name, input);
    if (index >= 0) tsm_graph_node(b->graph, index)->shift.fold = fold;
    return index;
}

static int add_sum(builder *b, int value, int residual)
{
    int index = residual < 0 ? -1 : append(b, TSM_OP_ADD, ".add", value);

    if (index >= 0) tsm_graph_node(b->graph, index)->inputs[1] = residual;
    return index;
}

/* The next convolution and its batch norm. */
static int add_conv(builder *b, int input)
{
    return add_layer(b, add_layer(b, input));
}

static int add_block(builder *b, int input, int channels, bool shifts)
{
    const tsm_model *model = b->model;
    bool whole = model->config.shift_place == TSM_PLACE_BLOCK;
    int identity, path;

    if (shifts && whole) input = add_shift(b, ".shift", input, channels);
    identity = input;
    path = shifts && !whole ? add_shift(b, ".conv1.shift", input, channels) : input;
    path = add_act(b, ".relu1", add_conv(b, path));
    if (model->config.arch->bottleneck) path = add_act(b, ".relu2", add_conv(b, path));
    if (model->layers[b->next].identity) identity = add_conv(b, identity);
    path = add_conv(b, path);
    return add_act(b, ".relu", add_sum(b, path, identity));
}

static int add_stages(builder *b, int value)
{
    const tsm_model_config *config = &b->model->config;
    int channels = config->width;

    for (int stage = 0; stage < TSM_STAGES; stage++) {
        if (stage == 1 && config->temporal_pool) value = append(b, TSM_OP_TPOOL, "base_model.layer2.tpool", value);
        for (int index = 0; index < config->arch->blocks[stage]; index++) {
            snprintf(b->block, sizeof b->block, "base_model.layer%d.%d", stage + 1, index);
            value = add_block(b, value, channels, tsm_arch_shifts(config->arch, config->shift_place, index));
            channels = tsm_arch_channels(config->arch, config->width, stage);
        }
    }
    return value;
}

static int add_maxpool(builder *b, int input)
{
    int index = append(b, TSM_OP_MAXPOOL, "base_model.maxpool", input);

    if (index >= 0) {
        tsm_node *node = tsm_graph_node(b->graph, index);
        node->kernel_h = node->kernel_w = 3;
        node->stride = 2;
        node->pad = 1;
    }
    return index;
}

static int add_resnet(builder *b, int value)
{
    b->act = TSM_ACT_RELU;
    value = add_act(b, "base_model.relu", add_conv(b, value));
    return add_stages(b, add_maxpool(b, value));
}

/* The last convolution of a block has no activation, so a block shifts what is a sum, or linear. */
static int add_inverted(builder *b, const tsm_inverted *block, int input)
{
    int path = input;

    if (block->expands) {
        if (block->residual) path = add_shift(b, ".conv.0.shift", path, block->in);
        path = add_act(b, ".conv.2", add_conv(b, path));
    }
    path = add_act(b, block->expands ? ".conv.5" : ".conv.2", add_conv(b, path));
    path = add_conv(b, path);
    return block->residual ? add_sum(b, path, input) : path;
}

static int add_mobilenet(builder *b, int value)
{
    b->act = TSM_ACT_RELU6;
    value = add_act(b, "base_model.features.0.2", add_conv(b, value));
    for (int i = 0; i < TSM_INVERTED_BLOCKS; i++) {
        snprintf(b->block, sizeof b->block, "base_model.features.%d", i + 1);
        value = add_inverted(b, &b->model->config.inverted[i], value);
    }
    return add_act(b, "base_model.features.18.2", add_conv(b, value));
}

tsm_status tsm_model_build_graph(const tsm_model *model, tsm_graph **graph, tsm_error *error)
{
    builder b = { .model = model, .graph = tsm_graph_create() };
    int value;

    *graph = NULL;
    if (!b.graph) return tsm_fail_memory(error, sizeof *b.graph);
    b.graph->in_channels = model->config.in_channels;
    b.graph->segments = model->config.segments;
    b.graph->classes = model->config.classes;

    value = append(&b, TSM_OP_INPUT, "input", -1);
    value = model->config.arch->features ? add_mobilenet(&b, value) : add_resnet(&b, value);
    value = append(&b, TSM_OP_AVGPOOL, "base_model.avgpool", value);
    value = append(&b, TSM_OP_TMEAN, "consensus", add_layer(&b, value));
    if (value < 0) {
        tsm_graph_destroy(&b.graph);
        return tsm_fail_memory(error, sizeof(tsm_node));
    }
    b.graph->output = value;
    *graph = b.graph;
    return TSM_OK;
}
