/* SPDX-License-Identifier: Apache-2.0 */
/* emit_conv.c - convolutions and the classifier: what is done to the input, the kernel, and what it does not fuse. */
#include "alignment.h"
#include "emit_parts.h"
#include "nodes.h"

static tsm_status emit_depthwise(tsm_binding *b, int index, const void *in, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_node *node = tsm_schedule_node(s, index);
    const tsm_dims *dims = &s->shapes[node->inputs[0]];
    const tsm_cuda_weight *weight = &s->prepared->weights.nodes[index];
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_DEPTHWISE, index, &step, error));
    step->depthwise = (tsm_kernel_depthwise_args){
        .in = in,
        .weights = weight->filters,
        .bias = weight->bias,
        .out = tsm_binding_value(b, index),
        .images = dims->n * dims->t,
        .h = dims->h,
        .w = dims->w,
        .channels = dims->c,
        .stride = node->stride,
        .act = tsm_emit_act(node->act),
        .dtype = s->prepared->dtype->type,
    };
    return TSM_OK;
}

static tsm_status emit_staging(tsm_binding *b, int index, const void **in, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_node *node = tsm_schedule_node(s, index);
    const int from = node->inputs[0];
    void *staged = tsm_binding_scratch(b, index);

    *in = staged;
    switch (s->convolutions[index].staging) {
    case TSM_STAGE_SHIFT:
        return tsm_emit_shift(b, index, from, tsm_cuda_input_channels(s->prepared->graph, node), staged, error);
    case TSM_STAGE_SUBSAMPLE: /* the maximum of one pixel is that pixel */
        return tsm_emit_maxpool(b, index, from, staged, node->in_channels, 1, 0, error);
    case TSM_STAGE_NONE: break;
    }
    *in = tsm_binding_value(b, from);
    return TSM_OK;
}

static tsm_conv_buffers buffers_of(const tsm_binding *b, int index, const void *in)
{
    const tsm_schedule *s = b->schedule;
    const tsm_convolution *c = &s->convolutions[index];
    const tsm_cuda_weight *weight = &s->prepared->weights.nodes[index];
    const int residual = tsm_schedule_node(s, index)->inputs[1];
    char *scratch = tsm_binding_scratch(b, index);

    return (tsm_conv_buffers){
        .in = (const char *)in + c->spec.in_offset * s->prepared->dtype->bytes,
        .weights = c->joined    ? weight->joined
                   : c->packed  ? weight->packed
                   : c->overlap ? weight->rotated
                                : weight->filters,
        .bias = c->joined ? weight->joined_bias : weight->bias,
        .residual = residual < 0 || c->joined ? NULL : tsm_binding_value(b, residual),
        .joined = c->joined ? tsm_binding_value(b, tsm_schedule_node(s, c->joined)->inputs[0]) : NULL,
        .out = tsm_binding_value(b, index),
        .workspace = s->conv_of[index]->workspace_bytes ? scratch + tsm_cuda_align(c->staged_bytes) : NULL,
    };
}

tsm_status tsm_emit_conv(tsm_binding *b, int index, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    tsm_conv_buffers buffers;
    const void *in;
    tsm_step *step;

    if (s->convolutions[index].part) return TSM_OK;
    TSM_TRY_RETURN(emit_staging(b, index, &in, error));
    if (s->convolutions[index].depthwise) return emit_depthwise(b, index, in, error);
    buffers = buffers_of(b, index, in);
    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_CONV, index, &step, error));
    TSM_TRY_RETURN(tsm_conv_bind(&step->conv, s->conv_of[index], &buffers, error));
    if (s->convolutions[index].later == TSM_ACT_NONE) return TSM_OK;
    return tsm_emit_add(b, index, index, -1, s->convolutions[index].later, error);
}
