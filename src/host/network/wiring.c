/* SPDX-License-Identifier: Apache-2.0 */
/* wiring.c - see wiring.h; and the walk of every network, its family's between the input and the classifier. */
#include "wiring.h"

#include <stdio.h>
#include <string.h>

#include "arch.h"

static int fail(tsm_wiring *w, tsm_status status)
{
    if (w->status == TSM_OK) w->status = status;
    return -1;
}

int tsm_wire(tsm_wiring *w, tsm_op op, const char *name, int input)
{
    char full[160];
    int index;

    if (w->status != TSM_OK) return -1;
    snprintf(full, sizeof full, "%s%s", name[0] == '.' ? w->block : "", name);
    index = tsm_graph_append(w->graph, op, full);
    if (index < 0) return fail(w, TSM_ERROR_MEMORY);
    tsm_graph_node(w->graph, index)->inputs[0] = input;
    return index;
}

/* ---- Layers ------------------------------------------------------------------------------------------------ */

static float *copy_floats(const tsm_weight *weight)
{
    float *values = tsm_alloc_aligned((size_t)weight->count, sizeof *values);

    if (values) tsm_numbers_to_float(weight->data, weight->dtype, weight->count, values);
    return values;
}

static bool fill_batchnorm(tsm_node *node, const tsm_weight *tensors)
{
    node->gamma = copy_floats(&tensors[TSM_WEIGHT]);
    node->beta = copy_floats(&tensors[TSM_BIAS]);
    node->mean = copy_floats(&tensors[TSM_MEAN]);
    node->variance = copy_floats(&tensors[TSM_VARIANCE]);
    return node->gamma && node->beta && node->mean && node->variance;
}

static bool fill_weights(tsm_node *node, const tsm_weight *tensors)
{
    node->weight = tensors[TSM_WEIGHT];
    if (!tensors[TSM_BIAS].data) return true;
    node->bias = copy_floats(&tensors[TSM_BIAS]);
    return node->bias != NULL;
}

/* Appends to the layers that this walk collects; false when out of memory. */
static bool collect(tsm_wiring *w, const tsm_layer *layer)
{
    if ((w->count & (w->count - 1)) == 0) { /* full: room doubles, from 1 */
        tsm_layer *larger = tsm_realloc(w->layers, w->count ? 2 * (size_t)w->count : 1, sizeof *larger);

        if (!larger) return false;
        w->layers = larger;
    }
    w->layers[w->count++] = *layer;
    return true;
}

/* The layer that has the tensors of `layer`; NULL where the bound layers are of another network. */
static const tsm_layer *find_bound(tsm_wiring *w, const tsm_layer *layer)
{
    const tsm_layer *bound = w->count < w->bound_count ? &w->bound[w->count++] : NULL;

    if (bound && strcmp(bound->name, layer->name) == 0 && bound->in == layer->in && bound->out == layer->out)
        return bound;
    return NULL;
}

int tsm_wire_layer(tsm_wiring *w, const tsm_layer *layer, int input)
{
    static const tsm_op ops[] = {
        [TSM_LAYER_CONV] = TSM_OP_CONV, [TSM_LAYER_BATCHNORM] = TSM_OP_BATCHNORM, [TSM_LAYER_FC] = TSM_OP_FC
    };
    const int index = tsm_wire(w, ops[layer->kind], layer->name, input);
    tsm_node *node;
    bool good;

    if (index < 0) return -1;
    node = tsm_graph_node(w->graph, index);
    node->in_channels = layer->in;
    node->out_channels = layer->out;
    if (layer->kind != TSM_LAYER_BATCHNORM) {
        node->groups = layer->groups;
        node->kernel_h = node->kernel_w = layer->kernel;
        node->stride = layer->stride;
        node->pad = layer->pad;
    }
    if (!w->bound) return collect(w, layer) ? index : fail(w, TSM_ERROR_MEMORY);
    layer = find_bound(w, layer);
    if (!layer) return fail(w, TSM_ERROR_INTERNAL);
    good = layer->kind == TSM_LAYER_BATCHNORM ? fill_batchnorm(node, layer->tensors)
                                              : fill_weights(node, layer->tensors);
    return good ? index : fail(w, TSM_ERROR_MEMORY);
}

int tsm_wire_conv(tsm_wiring *w, const char *name, int in, int out, int kernel, int stride, int input)
{
    const tsm_layer conv = tsm_layer_conv(w->block, name, in, out, kernel, stride);

    return tsm_wire_layer(w, &conv, input);
}

int tsm_wire_norm(tsm_wiring *w, const char *name, int channels, int input)
{
    const tsm_layer norm = tsm_layer_norm(w->block, name, channels);

    return tsm_wire_layer(w, &norm, input);
}

/* ---- Nodes without weights --------------------------------------------------------------------------------- */

int tsm_wire_act(tsm_wiring *w, const char *name, int input)
{
    int index = tsm_wire(w, TSM_OP_ACT, name, input);

    if (index >= 0) tsm_graph_node(w->graph, index)->act = w->act;
    return index;
}

int tsm_wire_shift(tsm_wiring *w, const char *name, int input, int channels)
{
    const tsm_shift shift = tsm_config_shift(w->config, channels);
    int index;

    if (shift.end == 0) return input;
    index = tsm_wire(w, TSM_OP_SHIFT, name, input);
    if (index >= 0) tsm_graph_node(w->graph, index)->shift = shift;
    return index;
}

int tsm_wire_pair(tsm_wiring *w, tsm_op op, const char *name, int first, int second)
{
    int index = tsm_wire(w, op, name, first);

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

        memcpy(node->input_mean, w->config->mean, sizeof node->input_mean);
        memcpy(node->input_std, w->config->std, sizeof node->input_std);
    }
    return index;
}

/* ---- The whole network ------------------------------------------------------------------------------------- */

/* From the input to the logits of a frame; with the mean over the frames behind them, unless `per_frame`. */
static int walk(tsm_wiring *w, bool per_frame)
{
    int channels = 0, value = wire_input(w);
    tsm_layer classifier;

    value = w->config->arch->family->wire(w, value, &channels);
    value = tsm_wire(w, TSM_OP_AVGPOOL, "base_model.avgpool", value);
    classifier = tsm_layer_fc("new_fc", channels, w->config->classes);
    value = tsm_wire_layer(w, &classifier, value);
    return per_frame ? value : tsm_wire(w, TSM_OP_TMEAN, "consensus", value);
}

static tsm_status report(tsm_status status, tsm_error *error)
{
    if (status == TSM_ERROR_MEMORY) return tsm_fail_memory(error, sizeof(tsm_node));
    return tsm_fail(error, status, "these layers are not those of the network");
}

tsm_status tsm_network_list(const tsm_model_config *config, tsm_layer **layers, int *count, tsm_error *error)
{
    tsm_wiring w = { .config = config, .graph = tsm_graph_create() };

    if (!w.graph) return tsm_fail_memory(error, sizeof *w.graph);
    walk(&w, true);
    tsm_graph_destroy(&w.graph);
    *layers = w.layers;
    *count = w.count;
    if (w.status == TSM_OK) return TSM_OK;
    tsm_layers_destroy(layers, w.count);
    return report(w.status, error);
}

tsm_status tsm_network_build(const tsm_model_config *config, const tsm_layer *layers, int count, bool per_frame,
                             tsm_graph **graph, tsm_error *error)
{
    tsm_wiring w = { .config = config, .bound = layers, .bound_count = count, .graph = tsm_graph_create() };

    *graph = NULL;
    if (!w.graph) return tsm_fail_memory(error, sizeof *w.graph);
    w.graph->in_channels = config->in_channels;
    w.graph->segments = config->segments;
    w.graph->classes = config->classes;
    w.graph->input_size = config->input_size;
    w.graph->per_frame = per_frame;
    w.graph->output = walk(&w, per_frame);
    if (w.status == TSM_OK) {
        *graph = w.graph;
        return TSM_OK;
    }
    tsm_graph_destroy(&w.graph);
    return report(w.status, error);
}
