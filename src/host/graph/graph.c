/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - making and reading a layer graph. */
#include "graph.h"

#include <stdio.h>
#include <string.h>

tsm_graph *tsm_graph_create(void)
{
    tsm_graph *graph = tsm_alloc_zero(1, sizeof *graph);

    if (graph) graph->output = -1;
    return graph;
}

void tsm_node_clear(tsm_node *node)
{
    tsm_free(node->scale);
    tsm_free(node->bias);
    tsm_free(node->gamma);
    tsm_free(node->beta);
    tsm_free(node->mean);
    tsm_free(node->variance);
    tsm_free(node->output_scales);
    memset(node, 0, sizeof *node);
}

void tsm_graph_destroy(tsm_graph **graph)
{
    if (!graph || !*graph) return;
    for (int i = 0; i < (*graph)->count; i++) tsm_node_clear(&(*graph)->nodes[i]);
    tsm_free((*graph)->nodes);
    tsm_free(*graph);
    *graph = NULL;
}

static bool grow(tsm_graph *graph)
{
    int capacity = graph->capacity ? 2 * graph->capacity : 64;
    tsm_node *nodes = tsm_realloc(graph->nodes, (size_t)capacity, sizeof *nodes);

    if (!nodes) return false;
    graph->nodes = nodes;
    graph->capacity = capacity;
    return true;
}

int tsm_graph_append(tsm_graph *graph, tsm_op op, const char *name)
{
    tsm_node *node;

    if (graph->count == graph->capacity && !grow(graph)) return -1;
    node = &graph->nodes[graph->count];
    memset(node, 0, sizeof *node);
    node->op = op;
    for (int k = 0; k < TSM_INPUTS; k++) node->inputs[k] = -1;
    snprintf(node->name, sizeof node->name, "%s", name);
    return graph->count++;
}

int64_t tsm_dims_count(const tsm_dims *dims)
{
    return (int64_t)dims->n * dims->t * dims->h * dims->w * dims->c;
}

void tsm_graph_last_uses(const tsm_graph *graph, int *last_use)
{
    for (int i = 0; i < graph->count; i++) {
        last_use[i] = i;
        for (int k = 0; k < TSM_INPUTS; k++)
            if (graph->nodes[i].inputs[k] >= 0) last_use[graph->nodes[i].inputs[k]] = i;
    }
    if (graph->output >= 0) last_use[graph->output] = graph->count;
}

int tsm_graph_input(const tsm_graph *graph)
{
    int i = 0;

    while (i < graph->count && graph->nodes[i].op != TSM_OP_INPUT) i++;
    return i;
}

/* Of every key: one for each element of its score with each query, one for each element that its value adds to. */
static uint64_t attention_macs(const tsm_graph *graph, const tsm_dims *shapes, int index)
{
    const int *in = graph->nodes[index].inputs;
    const tsm_dims *keys = &shapes[in[1]];
    const uint64_t elements = (uint64_t)tsm_dims_count(&shapes[in[0]]) + (uint64_t)tsm_dims_count(&shapes[index]);

    return elements * (uint64_t)keys->t * (uint64_t)keys->h * (uint64_t)keys->w;
}

uint64_t tsm_node_macs(const tsm_graph *graph, const tsm_dims *shapes, int index)
{
    const tsm_node *node = &graph->nodes[index];

    if (node->op == TSM_OP_ATTENTION) return attention_macs(graph, shapes, index);
    if (node->op != TSM_OP_CONV && node->op != TSM_OP_FC) return 0;
    return (uint64_t)tsm_dims_count(&shapes[index]) * (uint64_t)(node->weight.count / node->out_channels);
}

uint64_t tsm_graph_macs(const tsm_graph *graph, const tsm_dims *shapes)
{
    uint64_t macs = 0;

    for (int i = 0; i < graph->count; i++) macs += tsm_node_macs(graph, shapes, i);
    return macs;
}

const char *tsm_op_name(tsm_op op)
{
    static const char *const names[TSM_OP_COUNT] = {
        [TSM_OP_INPUT] = "input",         [TSM_OP_SHIFT] = "shift",     [TSM_OP_CONV] = "conv",
        [TSM_OP_BATCHNORM] = "bnorm",     [TSM_OP_ADD] = "add",         [TSM_OP_ACT] = "act",
        [TSM_OP_MAXPOOL] = "maxpool",     [TSM_OP_AVGPOOL] = "avgpool", [TSM_OP_FC] = "fc",
        [TSM_OP_TMEAN] = "tmean",         [TSM_OP_TPOOL] = "tpool",     [TSM_OP_SCALE] = "scale",
        [TSM_OP_ATTENTION] = "attention",
    };

    return (unsigned)op < TSM_OP_COUNT ? names[op] : "unknown";
}

const char *tsm_act_name(tsm_act act)
{
    static const char *const names[TSM_ACT_COUNT] = {
        [TSM_ACT_NONE] = "none",       [TSM_ACT_RELU] = "relu",
        [TSM_ACT_RELU6] = "relu6",     [TSM_ACT_LEAKY_RELU] = "leaky_relu",
        [TSM_ACT_SIGMOID] = "sigmoid",
    };

    return (unsigned)act < TSM_ACT_COUNT ? names[act] : "unknown";
}
