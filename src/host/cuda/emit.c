/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c - see emit.h: every node in turn. */
#include "emit.h"

#include <string.h>

#include "emit_parts.h"

/* The channels that move, into the columns beside the value's own rows. */
static tsm_status emit_side(tsm_binding *b, int node, tsm_error *error)
{
    const tsm_schedule *s = b->schedule;
    const tsm_dims *dims = &s->shapes[node];
    const tsm_shift side = s->values[node].side;
    const int64_t pitch = s->values[node].pitch;
    char *rows = tsm_binding_value(b, node);
    const tsm_kernel_shift_args args = {
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
    const tsm_graph *graph = s->prepared->graph;

    if (!s->slots) return tsm_emit_shift_step(b, node, node, &args, error);
    /* Each reader has a cache of its own; with the same numbers, so that the columns are the same. */
    for (int i = node + 1; i < graph->count; i++)
        if (graph->nodes[i].inputs[0] == node && graph->nodes[i].shift.end)
            TSM_TRY_RETURN(tsm_emit_shift_step(b, node, i, &args, error));
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
    case TSM_OP_SCALE: return tsm_emit_scale(b, index, error);
    case TSM_OP_ATTENTION: return tsm_emit_attention(b, index, error);
    case TSM_OP_BATCHNORM:
    case TSM_OP_COUNT: break; /* not supported, as tsm_cuda_supports says */
    }
    return tsm_fail(error, TSM_ERROR_INTERNAL, "cuda: %s: no kernel for %s", node->name, tsm_op_name(node->op));
}

static tsm_status emit_node(tsm_binding *binding, int node, tsm_error *error)
{
    TSM_TRY_RETURN(emit_op(binding, node, error));
    return binding->schedule->values[node].side.end ? emit_side(binding, node, error) : TSM_OK;
}

tsm_status tsm_emit(tsm_binding *binding, const tsm_schedule *schedule, char *arena, tsm_error *error)
{
    tsm_status status;

    memset(binding, 0, sizeof *binding);
    binding->schedule = schedule;
    binding->arena = arena;
    for (int i = 0; i < schedule->prepared->graph->count; i++) TSM_TRY(emit_node(binding, i, error));
    return TSM_OK;
fail:
    tsm_binding_clear(binding);
    return status;
}
