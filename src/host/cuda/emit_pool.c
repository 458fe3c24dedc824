/* SPDX-License-Identifier: Apache-2.0 */
/* emit_pool.c - maxima and means, over pixels and over frames, and what scales channels. */
#include "emit_parts.h"

tsm_status tsm_emit_tpool(tsm_binding *b, int node, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const int from = tsm_schedule_node(s, node)->inputs[0];
    const tsm_dims *in = &s->shapes[from];
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_TPOOL, node, &step, error));
    step->tpool = (tsm_kernel_tpool_args){
        .in = tsm_binding_value(b, from),
        .out = tsm_binding_value(b, node),
        .n = in->n,
        .t = in->t,
        .values = (int64_t)in->h * in->w * in->c,
        .dtype = s->prepared->dtype->type,
    };
    return TSM_OK;
}

/* (groups, rows, channels) to (groups, channels). */
static tsm_status emit_mean(tsm_binding *b, int node, int groups, int rows, int channels, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const int from = tsm_schedule_node(s, node)->inputs[0];
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_AVGPOOL, node, &step, error));
    step->avgpool = (tsm_kernel_avgpool_args){
        .in = tsm_binding_value(b, from),
        .out = tsm_binding_value(b, node),
        .groups = groups,
        .rows = rows,
        .channels = channels,
        .dtype = s->values[from].type,
        .out_dtype = s->values[node].type,
    };
    return TSM_OK;
}

static tsm_status emit_window_mean(tsm_binding *b, int index, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_node *node = tsm_schedule_node(s, index);
    const tsm_dims *in = &s->shapes[node->inputs[0]];
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_WINDOW_MEAN, index, &step, error));
    step->window_mean = (tsm_kernel_window_mean_args){
        .in = tsm_binding_value(b, node->inputs[0]),
        .out = tsm_binding_value(b, index),
        .in_pitch = s->values[node->inputs[0]].pitch,
        .out_pitch = s->values[index].pitch,
        .images = in->n * in->t,
        .h = in->h,
        .w = in->w,
        .channels = in->c,
        .kernel_h = node->kernel_h,
        .kernel_w = node->kernel_w,
        .stride = node->stride,
        .dtype = s->prepared->dtype->type,
    };
    return TSM_OK;
}

tsm_status tsm_emit_avgpool(tsm_binding *b, int index, tsm_error *error)
{
    const tsm_node *node = tsm_schedule_node(b->schedule, index);
    const tsm_dims *in = &b->schedule->shapes[node->inputs[0]];

    if (node->kernel_h > 0) return emit_window_mean(b, index, error);
    if (node->over_time) return emit_mean(b, index, in->n, in->t * in->h * in->w, in->c, error);
    return emit_mean(b, index, in->n * in->t, in->h * in->w, in->c, error);
}

tsm_status tsm_emit_tmean(tsm_binding *b, int index, tsm_error *error)
{
    const tsm_dims *in = &b->schedule->shapes[tsm_schedule_node(b->schedule, index)->inputs[0]];

    return emit_mean(b, index, in->n, in->t, in->h * in->w * in->c, error);
}

tsm_status tsm_emit_scale(tsm_binding *b, int index, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_node *node = tsm_schedule_node(s, index);
    const tsm_dims *dims = &s->shapes[index];
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_SCALE, index, &step, error));
    step->scale = (tsm_kernel_scale_args){
        .in = tsm_binding_value(b, node->inputs[0]),
        .factors = tsm_binding_value(b, node->inputs[1]),
        .out = tsm_binding_value(b, index),
        .in_pitch = s->values[node->inputs[0]].pitch,
        .factor_pitch = s->values[node->inputs[1]].pitch,
        .out_pitch = s->values[index].pitch,
        .frames = dims->n * dims->t,
        .pixels = dims->h * dims->w,
        .channels = dims->c,
        .act = tsm_emit_act(node->act),
        .dtype = s->prepared->dtype->type,
    };
    return TSM_OK;
}
