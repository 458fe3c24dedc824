/* SPDX-License-Identifier: Apache-2.0 */
/* emit_parts.c - see emit_parts.h. */
#include "emit_parts.h"

#include "slots.h"

tsm_status tsm_emit_step(tsm_binding *b, tsm_step_kind kind, int node, tsm_step **step, tsm_error *error)
{
    *step = tsm_steps_append(&b->steps, kind, node, tsm_schedule_node(b->schedule, node)->name);
    return *step ? TSM_OK : tsm_fail_memory(error, sizeof **step);
}

tsm_kernel_act tsm_emit_act(tsm_act act)
{
    static const tsm_kernel_act acts[] = {
        [TSM_ACT_NONE] = TSM_KERNEL_ACT_NONE,       [TSM_ACT_RELU] = TSM_KERNEL_ACT_RELU,
        [TSM_ACT_RELU6] = TSM_KERNEL_ACT_RELU6,     [TSM_ACT_LEAKY_RELU] = TSM_KERNEL_ACT_LEAKY_RELU,
        [TSM_ACT_SIGMOID] = TSM_KERNEL_ACT_SIGMOID,
    };

    return acts[act];
}

tsm_status tsm_emit_shift_step(tsm_binding *b, int node, int owner, const tsm_kernel_shift_args *args,
                               tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    tsm_step *step;

    if (!s->slots) {
        TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_SHIFT, node, &step, error));
        step->shift = *args;
        return TSM_OK;
    }
    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_SHIFT_ONLINE, node, &step, error));
    step->shift_online =
        (tsm_kernel_shift_online_args){ *args, tsm_cuda_slots_cache(s->slots, owner, 0), s->indices };
    return TSM_OK;
}

tsm_status tsm_emit_shift(tsm_binding *b, int node, int from, int channels, void *out, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_dims *dims = &s->shapes[from];
    const tsm_shift shift = tsm_schedule_node(s, node)->shift;
    const tsm_kernel_shift_args args = {
        .in = tsm_binding_value(b, from),
        .out = out,
        .in_pitch = s->values[from].pitch,
        .out_pitch = channels,
        .n = dims->n,
        .t = dims->t,
        .pixels = dims->h * dims->w,
        .channels = channels,
        .fold = shift.fold,
        .end = shift.end,
        .step = shift.step,
        .element_bytes = s->prepared->dtype->bytes,
    };

    return tsm_emit_shift_step(b, node, node, &args, error);
}

tsm_status tsm_emit_add(tsm_binding *b, int node, int left, int right, tsm_act act, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_dims *dims = &s->shapes[node];
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_ADD, node, &step, error));
    step->add = (tsm_kernel_add_args){
        .a = tsm_binding_value(b, left),
        .b = right < 0 ? NULL : tsm_binding_value(b, right),
        .out = tsm_binding_value(b, node),
        .a_pitch = s->values[left].pitch,
        .b_pitch = right < 0 ? s->values[left].pitch : s->values[right].pitch,
        .out_pitch = s->values[node].pitch,
        .rows = tsm_dims_count(dims) / dims->c,
        .channels = dims->c,
        .act = tsm_emit_act(act),
        .dtype = s->prepared->dtype->type,
    };
    return TSM_OK;
}

tsm_status tsm_emit_maxpool(tsm_binding *b, int node, int from, void *out, int64_t out_pitch, int kernel, int pad,
                            tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_dims *in = &s->shapes[from];
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_MAXPOOL, node, &step, error));
    step->maxpool = (tsm_kernel_maxpool_args){
        .in = tsm_binding_value(b, from),
        .out = out,
        .in_pitch = s->values[from].pitch,
        .out_pitch = out_pitch,
        .images = in->n * in->t,
        .h = in->h,
        .w = in->w,
        .channels = in->c,
        .kernel = kernel,
        .stride = tsm_schedule_node(s, node)->stride,
        .pad = pad,
        .dtype = s->prepared->dtype->type,
    };
    return TSM_OK;
}
