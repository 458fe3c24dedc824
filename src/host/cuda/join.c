/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - see join.h. */
#include "join.h"

#include "gather.h"
#include "node_spec.h"
#include "nodes.h"

#define MOST_FLOPS 256 /* for an element that moves: 128 a byte in 16 bits, 64 in tf32, which is half as fast */

static int count_reads(const tsm_graph *graph, int value)
{
    int count = graph->output == value;

    for (int i = value + 1; i < graph->count; i++) count += tsm_node_reads(&graph->nodes[i], value);
    return count;
}

static bool is_shortcut(const tsm_graph *graph, int index)
{
    const tsm_node *node = &graph->nodes[index];
    const tsm_op from = graph->nodes[node->inputs[0]].op;

    return tsm_cuda_is_matmul(node, true) && node->shift.end == 0 && node->inputs[1] < 0 &&
           node->act == TSM_ACT_NONE && from != TSM_OP_INPUT && from != TSM_OP_SHIFT &&
           count_reads(graph, index) == 1;
}

/* Operations for an element read or written once, of one output pixel of both. */
static bool is_bound_by_bytes(const tsm_node *node, const tsm_node *shortcut)
{
    const int64_t taps = (int64_t)node->kernel_h * node->kernel_w, filters = node->out_channels;
    const int64_t depth = taps * node->in_channels + shortcut->in_channels;

    return 2 * filters * depth <= MOST_FLOPS * ((int64_t)node->in_channels + shortcut->in_channels + filters);
}

int tsm_join_of(tsm_conv_kernel_spec *ours, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];
    const int shortcut = node->inputs[1];

    if (node->op != TSM_OP_CONV || shortcut < 0 || shortcut == node->inputs[0] || !is_shortcut(graph, shortcut))
        return 0;
    if (!is_bound_by_bytes(node, &graph->nodes[shortcut]) || !tsm_ours_may(ours, graph, index, dtype)) return 0;
    ours->residual_pitch = 0;
    ours->joined_channels = graph->nodes[shortcut].in_channels;
    return shortcut;
}

int tsm_join_spec(tsm_conv_spec *spec, const tsm_graph *graph, const tsm_dims *shapes, const tsm_cuda_value *values,
                  int index, const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];
    tsm_conv_kernel_spec ours;
    const int shortcut = tsm_join_of(&ours, graph, index, dtype);
    const char *why;
    int from;

    if (!shortcut || node->shift.end || values[node->inputs[0]].view) return 0;
    from = graph->nodes[shortcut].inputs[0];
    *spec = tsm_node_spec(graph, shapes, values, index, dtype);
    spec->residual_pitch = 0;
    spec->joined_channels = graph->nodes[shortcut].in_channels;
    spec->joined_h = shapes[from].h;
    spec->joined_w = shapes[from].w;
    spec->joined_pitch = values[from].pitch;
    spec->joined_stride = graph->nodes[shortcut].stride;
    return tsm_conv_ours_spec(&ours, spec, &why) ? shortcut : 0;
}

bool tsm_join_takes(const tsm_graph *graph, const tsm_dims *shapes, const tsm_cuda_value *values, int index,
                    const tsm_cuda_dtype *dtype)
{
    tsm_conv_spec spec;

    for (int i = index + 1; i < graph->count; i++)
        if (graph->nodes[i].inputs[1] == index) return tsm_join_spec(&spec, graph, shapes, values, i, dtype) == index;
    return false;
}
