/* SPDX-License-Identifier: Apache-2.0 */
/* wiring.c - the graph of a model: its family's wiring between the input and the classifier. See wiring.h. */
#include <stdio.h>
#include <string.h>

#include "wiring.h"

int tsm_wire(tsm_wiring *w, tsm_op op, const char *name, int input)
{
    char full[160];
    int index;

    if (input < 0 && op != TSM_OP_INPUT) return -1;
    snprintf(full, sizeof full, "%s%s", name[0] == '.' ? w->block : "", name);
    index = tsm_graph_append(w->graph, op, full);
    if (index >= 0) tsm_graph_node(w->graph, index)->inputs[0] = input;
    return index;
}

static float *copy_floats(const tsm_weight *weight)
{
    float *values = tsm_alloc_aligned((size_t)weight->count, sizeof *values);

    if (values) tsm_numbers_to_float(weight->data, weight->dtype, weight->count, values);
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

int tsm_wire_layer(tsm_wiring *w, int input)
{
    static const tsm_op ops[] = {
        [TSM_LAYER_CONV] = TSM_OP_CONV, [TSM_LAYER_BATCHNORM] = TSM_OP_BATCHNORM, [TSM_LAYER_FC] = TSM_OP_FC
    };
    const tsm_layer *layer = &w->model->layers[w->next++];
    int index = tsm_wire(w, ops[layer->kind], layer->name, input);
    tsm_node *node;

    if (index < 0) return -1;
    node = tsm_graph_node(w->graph, index);
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

int tsm_wire_conv(tsm_wiring *w, int input)
{
    return tsm_wire_layer(w, tsm_wire_layer(w, input));
}

int tsm_wire_act(tsm_wiring *w, const char *name, int input)
{
    int index = tsm_wire(w, TSM_OP_ACT, name, input);

    if (index >= 0) tsm_graph_node(w->graph, index)->act = w->act;
    return index;
}

int tsm_wire_shift(tsm_wiring *w, const char *name, int input, int channels)
{
    const tsm_shift shift = tsm_config_shift(&w->model->config, channels);
    int index;

    if (shift.end == 0) return input;
    index = tsm_wire(w, TSM_OP_SHIFT, name, input);
    if (index >= 0) tsm_graph_node(w->graph, index)->shift = shift;
    return index;
}

int tsm_wire_pair(tsm_wiring *w, tsm_op op, const char *name, int first, int second)
{
    int index = second < 0 ? -1 : tsm_wire(w, op, name, first);

    if (index >= 0) tsm_graph_node(w->graph, index)->inputs[1] = second;
    return index;
}

int tsm_wire_pool(tsm_wiring *w, tsm_op op, const char *name, int input, int kernel, int stride, int pad)
{
    int index = tsm_wire(w, op, name, input);

    if (index >= 0) {
        tsm_node *node = tsm_graph_node(w->graph, index);

        node->kernel_h = node->kernel_w = kernel;
        node->stride = stride;
        node->pad = pad;
    }
    return index;
}

/* The network's input, with what brings uint8 frames to it. */
static int wire_input(tsm_wiring *w)
{
    int index = tsm_wire(w, TSM_OP_INPUT, "input", -1);

    if (index >= 0) {
        tsm_node *node = tsm_graph_node(w->graph, index);

        memcpy(node->input_mean, w->model->config.mean, sizeof node->input_mean);
        memcpy(node->input_std, w->model->config.std, sizeof node->input_std);
    }
    return index;
}

tsm_status tsm_model_build_graph(const tsm_model *model, bool per_frame, tsm_graph **graph, tsm_error *error)
{
    tsm_wiring w = { .model = model, .graph = tsm_graph_create() };
    int value;

    *graph = NULL;
    if (!w.graph) return tsm_fail_memory(error, sizeof *w.graph);
    w.graph->in_channels = model->config.in_channels;
    w.graph->segments = model->config.segments;
    w.graph->classes = model->config.classes;
    w.graph->per_frame = per_frame;

    value = model->config.arch->family->build(&w, wire_input(&w));
    value = tsm_wire_layer(&w, tsm_wire(&w, TSM_OP_AVGPOOL, "base_model.avgpool", value));
    if (!per_frame) value = tsm_wire(&w, TSM_OP_TMEAN, "consensus", value);
    if (value < 0) {
        tsm_graph_destroy(&w.graph);
        return tsm_fail_memory(error, sizeof(tsm_node));
    }
    w.graph->output = value;
    *graph = w.graph;
    return TSM_OK;
}
