/* SPDX-License-Identifier: Apache-2.0 */
/* passes.c - see passes.h. A pass redirects readers away from nodes that were merged; remove_dead then drops them. */
#include "passes.h"

#include <math.h>
#include <string.h>

#define BATCHNORM_EPS 1e-5

/* Number of edges that read a value; the graph's output counts as one. */
static int count_readers(const tsm_graph *graph, int value)
{
    int readers = graph->output == value;

    for (int i = value + 1; i < graph->count; i++) readers += tsm_node_reads(&graph->nodes[i], value);
    return readers;
}

static void redirect_readers(tsm_graph *graph, int from, int to)
{
    for (int i = 0; i < graph->count; i++)
        for (int k = 0; k < TSM_INPUTS; k++)
            if (graph->nodes[i].inputs[k] == from) graph->nodes[i].inputs[k] = to;
    if (graph->output == from) graph->output = to;
}

static void drop_edges(tsm_node *node)
{
    for (int k = 0; k < TSM_INPUTS; k++) node->inputs[k] = -1;
}

/* Readers of node `from` read `to` instead; `from` is dead now, so its own edges must not count as readers. */
static void merge_into(tsm_graph *graph, int from, int to)
{
    redirect_readers(graph, from, to);
    drop_edges(&graph->nodes[from]);
}

/* A node whose value one other alone sees, and which nothing was fused to that has to come after that. */
static bool can_absorb(const tsm_graph *graph, int index, tsm_op op)
{
    const tsm_node *node;

    if (index < 0) return false;
    node = &graph->nodes[index];
    return node->op == op && node->act == TSM_ACT_NONE && count_readers(graph, index) == 1;
}

static bool can_activate(const tsm_graph *graph, int index)
{
    return can_absorb(graph, index, TSM_OP_CONV) || can_absorb(graph, index, TSM_OP_SCALE);
}

/* The array at *values, made of `value`s where it is absent. */
static bool ensure_array(float **values, int count, float value)
{
    if (*values) return true;
    *values = tsm_alloc_zero((size_t)count, sizeof **values);
    if (!*values) return false;
    for (int i = 0; i < count; i++) (*values)[i] = value;
    return true;
}

static tsm_status fold_batchnorm(tsm_node *conv, const tsm_node *norm, tsm_error *error)
{
    int channels = conv->out_channels;

    if (!ensure_array(&conv->scale, channels, 1) || !ensure_array(&conv->bias, channels, 0))
        return tsm_fail_memory(error, (size_t)channels * sizeof *conv->scale);
    for (int c = 0; c < channels; c++) {
        double factor = norm->gamma[c] / sqrt((double)norm->variance[c] + BATCHNORM_EPS);

        conv->bias[c] = (float)(((double)conv->bias[c] - norm->mean[c]) * factor + norm->beta[c]);
        conv->scale[c] = (float)(conv->scale[c] * factor);
    }
    return TSM_OK;
}

tsm_status tsm_pass_fold_batchnorm(tsm_graph *graph, tsm_error *error)
{
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *norm = &graph->nodes[i];
        int conv = norm->inputs[0];

        if (norm->op != TSM_OP_BATCHNORM || !can_absorb(graph, conv, TSM_OP_CONV)) continue;
        /* A residual would have to be scaled as well. Channels that differ are for tsm_graph_infer to refuse. */
        if (graph->nodes[conv].inputs[1] >= 0 || graph->nodes[conv].out_channels != norm->out_channels) continue;
        TSM_TRY_RETURN(fold_batchnorm(&graph->nodes[conv], norm, error));
        merge_into(graph, i, conv);
    }
    tsm_pass_remove_dead(graph);
    return TSM_OK;
}

/* A shift that looks back only has a cache in a live stream, one: it stays a node where several read it. */
static bool has_one_cache(const tsm_graph *graph, int index)
{
    const tsm_shift *shift = &graph->nodes[index].shift;

    return shift->step > 0 || shift->fold != shift->end || count_readers(graph, index) == 1;
}

static bool only_convs_read(const tsm_graph *graph, int value)
{
    if (graph->output == value) return false;
    for (int i = value + 1; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (tsm_node_reads(node, value) == 0) continue;
        if (node->op != TSM_OP_CONV || node->inputs[1] == value || node->shift.end) return false;
    }
    return true;
}

tsm_status tsm_pass_attach_shift(tsm_graph *graph, tsm_error *error)
{
    (void)error;
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *shift = &graph->nodes[i];

        if (shift->op != TSM_OP_SHIFT || !only_convs_read(graph, i) || !has_one_cache(graph, i)) continue;
        for (int k = i + 1; k < graph->count; k++)
            if (graph->nodes[k].inputs[0] == i) graph->nodes[k].shift = shift->shift;
        merge_into(graph, i, shift->inputs[0]);
    }
    tsm_pass_remove_dead(graph);
    return TSM_OK;
}

/* The convolution into which ADD node `index` can go, or -1. Only the later operand can take the other as residual:
 * the other must exist when it runs. */
static int find_adder(const tsm_graph *graph, int index)
{
    const int *in = graph->nodes[index].inputs;
    int later = in[0] > in[1] ? in[0] : in[1];

    if (!can_absorb(graph, later, TSM_OP_CONV) || graph->nodes[later].inputs[1] >= 0) return -1;
    return later;
}

tsm_status tsm_pass_fuse_epilogue(tsm_graph *graph, tsm_error *error)
{
    (void)error;
    /* In order, an ADD is merged before the ACT that follows it looks for its convolution. */
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];
        int conv = -1;

        if (node->op == TSM_OP_ADD) {
            conv = find_adder(graph, i);
            if (conv < 0) continue;
            graph->nodes[conv].inputs[1] = node->inputs[0] == conv ? node->inputs[1] : node->inputs[0];
        } else if (node->op == TSM_OP_ACT && can_activate(graph, node->inputs[0])) {
            conv = node->inputs[0];
            graph->nodes[conv].act = node->act;
        } else {
            continue;
        }
        merge_into(graph, i, conv);
    }
    tsm_pass_remove_dead(graph);
    return TSM_OK;
}

static bool is_sole_input(const tsm_graph *graph, int value, tsm_op op)
{
    return value >= 0 && graph->nodes[value].op == op && count_readers(graph, value) == 1;
}

tsm_status tsm_pass_pool_before_fc(tsm_graph *graph, tsm_error *error)
{
    (void)error;
    for (int i = 0; i < graph->count; i++) {
        int fc = graph->nodes[i].inputs[0], pool;

        if (graph->nodes[i].op != TSM_OP_TMEAN || !is_sole_input(graph, fc, TSM_OP_FC)) continue;
        pool = graph->nodes[fc].inputs[0];
        if (!is_sole_input(graph, pool, TSM_OP_AVGPOOL) || graph->nodes[pool].kernel_h) continue;
        graph->nodes[pool].over_time = true;
        merge_into(graph, i, fc);
    }
    tsm_pass_remove_dead(graph);
    return TSM_OK;
}

static void clear_dead(tsm_graph *graph, int index)
{
    tsm_node *node = &graph->nodes[index];

    tsm_node_clear(node);
    node->op = TSM_OP_COUNT;
    drop_edges(node);
}

void tsm_pass_remove_dead(tsm_graph *graph)
{
    int alive = 0;

    /* Backwards, so that a node whose only reader is dead has no reader when its turn comes. */
    for (int i = graph->count - 1; i >= 0; i--)
        if (count_readers(graph, i) == 0) clear_dead(graph, i);
    for (int i = 0; i < graph->count; i++) {
        if (graph->nodes[i].op == TSM_OP_COUNT) continue;
        if (alive != i) {
            graph->nodes[alive] = graph->nodes[i];
            redirect_readers(graph, i, alive);
        }
        alive++;
    }
    graph->count = alive;
}

const tsm_pass tsm_passes[] = {
    { "fold_batchnorm", tsm_pass_fold_batchnorm },
    { "attach_shift", tsm_pass_attach_shift },
    { "fuse_epilogue", tsm_pass_fuse_epilogue },
    { "pool_before_fc", tsm_pass_pool_before_fc },
    { NULL, NULL },
};

tsm_status tsm_graph_optimize(tsm_graph *graph, tsm_error *error)
{
    for (const tsm_pass *pass = tsm_passes; pass->run; pass++) TSM_TRY_RETURN(pass->run(graph, error));
    return TSM_OK;
}

tsm_status tsm_graph_end_at_features(tsm_graph *graph, tsm_error *error)
{
    const tsm_node *classifier = tsm_graph_node(graph, graph->output);

    if (classifier->op != TSM_OP_FC)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: the network does not end in a classifier", classifier->name);
    graph->classes = classifier->in_channels;
    graph->output = classifier->inputs[0];
    tsm_pass_remove_dead(graph);
    return TSM_OK;
}
