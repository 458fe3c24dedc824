/* SPDX-License-Identifier: Apache-2.0 */
/* convolution.c - see convolution.h. */
#include "convolution.h"

#include <string.h>

#include "gather.h"

/* How the input gets to it, and the pitch and the channels that it then reads. */
static void choose_staging(tsm_convolution *c, const tsm_node *node, const tsm_cuda_value *in,
                           const tsm_cuda_dtype *dtype)
{
    tsm_conv_spec *spec = &c->spec;
    const uint64_t row = (uint64_t)spec->channels * (uint64_t)dtype->bytes;

    if (node->shift.end && tsm_cuda_same_shift(&in->side, &node->shift) && tsm_cuda_can_overlap(node, dtype)) {
        c->overlap = true;
        spec->in_offset = in->side.end;
    } else if (node->shift.end) {
        c->staging = TSM_STAGE_SHIFT;
        c->staged_bytes = (uint64_t)(spec->images * spec->h * spec->w) * row;
        spec->in_pitch = spec->channels;
    } else if (in->pitch != spec->channels && node->stride > 1 && tsm_cuda_is_matmul(node, true)) {
        c->staging = TSM_STAGE_SUBSAMPLE;
        c->staged_bytes = (uint64_t)(spec->images * spec->oh * spec->ow) * row;
        spec->in_pitch = spec->channels;
        spec->h = spec->oh;
        spec->w = spec->ow;
        spec->stride = 1;
    }
}

/* cuBLASLt has no activation of ours but ReLU; cuDNN has ReLU6 in some of its precompiled kernels, and others in
 * none. A kernel of ours after a product beats the few engines of cuDNN that do. */
static bool library_has(tsm_act act, const tsm_node *node)
{
    return act == TSM_ACT_NONE || act == TSM_ACT_RELU || (act == TSM_ACT_RELU6 && !tsm_cuda_is_matmul(node, false));
}

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

static void choose_activation(tsm_convolution *c, const tsm_node *node)
{
    if (c->depthwise || library_has(c->spec.act, node)) return;
    c->later = c->spec.act;
    c->spec.act = TSM_ACT_NONE;
}

void tsm_convolution_spec(tsm_conv_spec *spec, const tsm_graph *graph, const tsm_dims *shapes,
                          const tsm_cuda_value *values, int index, const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];
    const tsm_dims *in = &shapes[node->inputs[0]], *out = &shapes[index];

    *spec = spec_of_node(graph, index, dtype);
    spec->images = (int64_t)in->n * in->t;
    spec->h = in->h;
    spec->w = in->w;
    spec->oh = out->h;
    spec->ow = out->w;
    spec->in_pitch = values[node->inputs[0]].pitch;
    spec->out_pitch = values[index].pitch;
    spec->residual_pitch = node->inputs[1] < 0 ? 0 : values[node->inputs[1]].pitch;
}

void tsm_convolution_make(tsm_convolution *c, const tsm_graph *graph, const tsm_dims *shapes,
                          const tsm_cuda_value *values, int index, const tsm_cuda_dtype *dtype,
                          tsm_shift_method method)
{
    const tsm_node *node = &graph->nodes[index];

    memset(c, 0, sizeof *c);
    c->depthwise = tsm_cuda_is_depthwise(node);
    c->gather = method == TSM_SHIFT_GATHER && tsm_gather_spec(&c->spec, graph, shapes, values, index, dtype);
    if (c->gather) return;
    tsm_convolution_spec(&c->spec, graph, shapes, values, index, dtype);
    choose_staging(c, node, &values[node->inputs[0]], dtype);
    choose_activation(c, node);
}

void tsm_convolution_sketch(tsm_convolution *c, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];

    memset(c, 0, sizeof *c);
    c->depthwise = tsm_cuda_is_depthwise(node);
    c->spec = spec_of_node(graph, index, dtype);
    c->spec.images = c->spec.h = c->spec.w = c->spec.oh = c->spec.ow = 1;
    c->spec.in_pitch = c->spec.channels;
    c->spec.out_pitch = c->spec.filters;
    c->spec.residual_pitch = node->inputs[1] < 0 ? 0 : c->spec.filters;
    choose_activation(c, node);
}
