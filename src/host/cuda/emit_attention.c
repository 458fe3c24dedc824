/* SPDX-License-Identifier: Apache-2.0 */
/* emit_attention.c - the products and the softmax of a non-local block, round by round. */
#include "emit_parts.h"

static tsm_status emit_product(tsm_binding *b, int node, const tsm_product *plan, const tsm_matmul_buffers *buffers,
                               tsm_error *error)
{
    tsm_step *step;

    TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_PRODUCT, node, &step, error));
    step->product.plan = plan;
    step->product.buffers = *buffers;
    return TSM_OK;
}

static tsm_status emit_round(tsm_binding *b, int node, const tsm_attention_buffers *buffers, int index,
                             tsm_error *error)
{
    const tsm_attention *attention = &b->schedule->attentions[node];
    const tsm_attention_round round = tsm_attention_bind(attention, buffers, index);
    tsm_step *step;

    TSM_TRY_RETURN(emit_product(b, node, &attention->first, &round.first, error));
    if (attention->softmax) {
        TSM_TRY_RETURN(tsm_emit_step(b, TSM_STEP_SOFTMAX, node, &step, error));
        step->softmax = round.softmax;
    }
    return emit_product(b, node, &attention->second, &round.second, error);
}

tsm_status tsm_emit_attention(tsm_binding *b, int node, tsm_error *error)
{
    const int *inputs = tsm_schedule_node(b->schedule, node)->inputs;
    const tsm_attention_buffers buffers = {
        .queries = tsm_binding_value(b, inputs[0]),
        .keys = tsm_binding_value(b, inputs[1]),
        .values = tsm_binding_value(b, inputs[2]),
        .out = tsm_binding_value(b, node),
        .scratch = tsm_binding_scratch(b, node),
    };

    for (int i = 0; i < b->schedule->attentions[node].size.rounds; i++)
        TSM_TRY_RETURN(emit_round(b, node, &buffers, i, error));
    return TSM_OK;
}
