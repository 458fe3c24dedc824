/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c - see emit.h: every node in turn, shifts, additions and scaling. */
#include "emit.h"

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

tsm_status tsm_emit_shift(tsm_binding *b, int node, int from, int channels, void *out, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_dims *dims = &s->shapes[from];
    const tsm_shift shift = tsm_schedule_node(s, node)->shift;
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_SHIFT, node, &step, error));
    step->shift = (tsm_kernel_shift_args){
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
    return TSM_OK;
}

/* The channels that move, into the columns beside the value's own rows. */
static tsm_status emit_side(tsm_binding *b, int node, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_dims *dims = &s->shapes[node];
    const tsm_shift side = s->values[node].side;
    const int64_t pitch = s->values[node].pitch;
    char *rows = tsm_binding_value(b, node);
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_SHIFT, node, &step, error));
    step->shift = (tsm_kernel_shift_args){
        .in = rows,
        .out = rows + (size_t)dims->c * (size_t)s->prepared->dtype->bytes,
        .in_pitch = pitch,
        .out_pitch = pitch,
        .n = dims->n,
        .t = dims->t,
        .pixels = dims->h * dims->w,
        .channels = side.end,
        .fold = side.fold,
        .end = side.end,
        .step = side.step,
        .element_bytes = s->prepared->dtype->bytes,
    };
    return TSM_OK;
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

static tsm_status emit_scale(tsm_binding *b, int index, tsm_error *error)
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

static tsm_status emit_op(tsm_binding *b, int index, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_node *node = tsm_schedule_node(s, index);
    const int from = node->inputs[0];

    switch (node->op) {
    case TSM_OP_INPUT: return TSM_OK; /* enqueued with the caller's address */
    case TSM_OP_CONV:
    case TSM_OP_FC: return tsm_emit_conv(b, index, error);
    case TSM_OP_SHIFT:
        if (s->values[index].view) return TSM_OK;
        return tsm_emit_shift(b, index, from, s->shapes[from].c, tsm_binding_value(b, index), error);
    case TSM_OP_ADD: return tsm_emit_add(b, index, from, node->inputs[1], TSM_ACT_NONE, error);
    case TSM_OP_ACT: return tsm_emit_add(b, index, from, -1, node->act, error);
    case TSM_OP_MAXPOOL:
        return tsm_emit_maxpool(b, index, from, tsm_binding_value(b, index), s->values[index].pitch, node->kernel_h,
                                node->pad, error);
    case TSM_OP_AVGPOOL: return tsm_emit_avgpool(b, index, error);
    case TSM_OP_TMEAN: return tsm_emit_tmean(b, index, error);
    case TSM_OP_TPOOL: return tsm_emit_tpool(b, index, error);
    case TSM_OP_SCALE: return emit_scale(b, index, error);
    case TSM_OP_ATTENTION: return tsm_emit_attention(b, index, error);
    case TSM_OP_BATCHNORM:
    case TSM_OP_COUNT: break; /* not supported, as tsm_cuda_supports says */
    }
    return tsm_fail(error, TSM_ERROR_INTERNAL, "cuda: %s: no kernel for %s", node->name, tsm_op_name(node->op));
}

tsm_status tsm_emit_node(tsm_binding *binding, int node, tsm_error *error)
{
    TSM_TRY_RETURN(emit_op(binding, node, error));
    return binding->schedule->values[node].side.end ? emit_side(binding, node, error) : TSM_OK;
}
