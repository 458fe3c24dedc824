/* graph.c - making, copying and reading a layer graph. */
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

/* Replaces the borrowed array at *values by a copy; an array that is absent stays so. */
static bool own_copy(float **values, int count)
{
    const float *from = *values;

    if (!from) return true;
    *values = tsm_alloc_zero((size_t)count, sizeof **values);
    if (*values) memcpy(*values, from, (size_t)count * sizeof **values);
    return *values != NULL;
}

/* Fills a zeroed node, so that tsm_node_clear may follow a failure. */
static bool copy_node(tsm_node *to, const tsm_node *from)
{
    float **arrays[] = { &to->scale, &to->bias, &to->gamma, &to->beta, &to->mean, &to->variance };
    const size_t count = sizeof arrays / sizeof *arrays;

    *to = *from;
    for (size_t i = 0; i < count; i++) {
        if (own_copy(arrays[i], from->out_channels)) continue;
        for (; i < count; i++) *arrays[i] = NULL; /* still the original's */
        return false;
    }
    return true;
}

tsm_graph *tsm_graph_clone(const tsm_graph *graph)
{
    tsm_graph *copy = tsm_graph_create();

    if (!copy) return NULL;
    copy->output = graph->output;
    copy->in_channels = graph->in_channels;
    copy->segments = graph->segments;
    copy->classes = graph->classes;
    copy->nodes = tsm_alloc_zero((size_t)graph->count, sizeof *copy->nodes);
    if (!copy->nodes) goto fail;
    copy->capacity = graph->count;
    while (copy->count < graph->count) {
        int i = copy->count++;
        if (!copy_node(&copy->nodes[i], &graph->nodes[i])) goto fail;
    }
    return copy;
fail:
    tsm_graph_destroy(&copy);
    return NULL;
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
    node->inputs[0] = node->inputs[1] = -1;
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
        for (int k = 0; k < 2; k++)
            if (graph->nodes[i].inputs[k] >= 0) last_use[graph->nodes[i].inputs[k]] = i;
    }
    if (graph->output >= 0) last_use[graph->output] = graph->count;
}

uint64_t tsm_graph_macs(const tsm_graph *graph)
{
    uint64_t macs = 0;

    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (node->op != TSM_OP_CONV && node->op != TSM_OP_FC) continue;
        /* weight.count / out_channels multiply-adds make one output element. */
        macs += (uint64_t)tsm_dims_count(&node->dims) * (uint64_t)(node->weight.count / node->out_channels);
    }
    return macs;
}

const char *tsm_op_name(tsm_op op)
{
    static const char *const names[TSM_OP_COUNT] = {
        [TSM_OP_INPUT] = "input",     [TSM_OP_SHIFT] = "shift",     [TSM_OP_CONV] = "conv",
        [TSM_OP_BATCHNORM] = "bnorm", [TSM_OP_ADD] = "add",         [TSM_OP_ACT] = "act",
        [TSM_OP_MAXPOOL] = "maxpool", [TSM_OP_AVGPOOL] = "avgpool", [TSM_OP_FC] = "fc",
        [TSM_OP_TMEAN] = "tmean",     [TSM_OP_TPOOL] = "tpool",
    };

    return (unsigned)op < TSM_OP_COUNT ? names[op] : "unknown";
}
