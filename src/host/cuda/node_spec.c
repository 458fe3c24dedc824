/* SPDX-License-Identifier: Apache-2.0 */
/* node_spec.c - see node_spec.h. */
#include "node_spec.h"

#include "nodes.h"

/* What follows from the node alone. */
static tsm_conv_spec spec_of_node(const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];
    const bool has_taps = node->op == TSM_OP_CONV;

    return (tsm_conv_spec){
        .precision = dtype->precision,
        .channels = tsm_cuda_input_channels(graph, node),
        .filters = node->out_channels,
        .kernel_h = has_taps ? node->kernel_h : 1,
        .kernel_w = has_taps ? node->kernel_w : 1,
        .stride = has_taps ? node->stride : 1,
        .pad = has_taps ? node->pad : 0,
        .groups = has_taps ? node->groups : 1,
        .float_out = index == graph->output && dtype->type != TSM_FLOAT32,
        .act = node->act,
    };
}

tsm_conv_spec tsm_node_spec(const tsm_graph *graph, const tsm_dims *shapes, const tsm_cuda_value *values, int index,
                            const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];
    const tsm_dims *in = &shapes[node->inputs[0]], *out = &shapes[index];
    tsm_conv_spec spec = spec_of_node(graph, index, dtype);

    spec.images = (int64_t)in->n * in->t;
    spec.h = in->h;
    spec.w = in->w;
    spec.oh = out->h;
    spec.ow = out->w;
    spec.in_pitch = values[node->inputs[0]].pitch;
    spec.out_pitch = values[index].pitch;
    spec.residual_pitch = node->inputs[1] < 0 ? 0 : values[node->inputs[1]].pitch;
    return spec;
}

tsm_conv_spec tsm_node_spec_sketch(const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype)
{
    tsm_conv_spec spec = spec_of_node(graph, index, dtype);

    spec.images = spec.h = spec.w = spec.oh = spec.ow = 1;
    spec.in_pitch = spec.channels;
    spec.out_pitch = spec.filters;
    spec.residual_pitch = graph->nodes[index].inputs[1] < 0 ? 0 : spec.filters;
    return spec;
}
