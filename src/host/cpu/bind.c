/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c - from a compiled plan and an arena to the steps of a run: each node becomes one to five. */
#include "plan.h"

#define MAX_STEPS_PER_NODE 5

/* While a plan is bound. */
typedef struct binder {
    tsm_cpu_binding *bound;
    const tsm_plan *plan;
    tsm_prepared *prepared;
    float *arena;
} binder;

static float *at(const binder *b, int64_t offset)
{
    return offset < 0 ? NULL : b->arena + (size_t)offset / sizeof(float);
}

static float *value_of(const binder *b, int index)
{
    return index < 0 ? NULL : at(b, b->plan->memory.offsets[index]);
}

static const tsm_node *node_of(const binder *b, int index)
{
    return &b->plan->graph->nodes[index];
}

/* Appends a step of a node; there is room for MAX_STEPS_PER_NODE of each. */
static tsm_cpu_step *add_step(binder *b, int index, const tsm_cpu_step_kind *kind, const float *x, float *out)
{
    tsm_cpu_step *step = &b->bound->steps[b->bound->count++];

    step->kind = kind;
    step->node = node_of(b, index);
    step->index = index;
    step->x = x;
    step->out = out;
    step->value = value_of(b, index);
    step->in = b->plan->shapes[step->node->inputs[0]];
    step->dims = b->plan->shapes[index];
    return step;
}

static tsm_status add_product(binder *b, int index, const float *source, float *scratch, tsm_error *error)
{
    const tsm_dnnl_op *op = &b->plan->ops[index];
    tsm_cpu_step *step = add_step(b, index, &tsm_cpu_step_product, source, value_of(b, index));
    const void *weights;

    TSM_TRY_RETURN(tsm_cpu_weights_get(b->prepared, index, op->weights, &weights, error));
    return tsm_dnnl_bind(&step->product, op, b->prepared->engine, b->plan->worker->streams[0], source, weights,
                         step->node->bias, step->out, scratch, error);
}

/* A step of the shift of live streams. */
static void add_renewal(binder *b, int index, const tsm_cpu_step_kind *kind, const float *x, float *out)
{
    const tsm_slots *slots = b->plan->slots;
    const tsm_slot_cache *cache = &slots->layout->caches[index];
    tsm_cpu_step *step = add_step(b, index, kind, x, out);

    step->caches =
        (tsm_cpu_caches){ tsm_host_slots_state(slots, 0) + cache->first, slots->layout->numbers, cache->fold };
    step->slot = &b->plan->slot;
}

/* The shift of a node's input where it lies, or into `copy`; and back. */
static void add_shift_in_place(binder *b, int index, float *x, float *edges)
{
    if (b->plan->slots)
        add_renewal(b, index, &tsm_cpu_step_renew, NULL, x);
    else
        add_step(b, index, &tsm_cpu_step_shift, NULL, x)->edges = edges;
}

static void add_shift_copy(binder *b, int index, const float *x, float *copy)
{
    if (b->plan->slots)
        add_renewal(b, index, &tsm_cpu_step_renew_copy, x, copy);
    else
        add_step(b, index, &tsm_cpu_step_shift_copy, x, copy);
}

static void add_unshift(binder *b, int index, float *x, float *edges)
{
    if (!tsm_cpu_restores(b->plan, index)) return;
    if (b->plan->slots)
        add_renewal(b, index, &tsm_cpu_step_take_back, NULL, x);
    else
        add_step(b, index, &tsm_cpu_step_unshift, NULL, x)->edges = edges;
}

/* Of live streams the kernel gets a frame that is shifted already. */
static tsm_status add_gather(binder *b, int index, tsm_error *error)
{
    const tsm_node *node = node_of(b, index);
    const bool streams = b->plan->slots != NULL;
    float *x = value_of(b, node->inputs[0]);
    tsm_cpu_step *step;
    const void *packed;

    if (streams) add_shift_in_place(b, index, x, NULL);
    step = add_step(b, index, &tsm_cpu_step_gather, x, value_of(b, index));
    TSM_TRY_RETURN(tsm_cpu_weights_get(b->prepared, index, NULL, &packed, error));
    step->gather = (tsm_cpu_gather){ .x = x,
                                     .packed = packed,
                                     .bias = node->bias,
                                     .out = step->out,
                                     .dims = step->in,
                                     .n = node->out_channels,
                                     .shift = streams ? (tsm_shift){ 0 } : node->shift,
                                     .act = node->act };
    if (streams) add_unshift(b, index, x, NULL);
    return TSM_OK;
}

static tsm_status add_winograd(binder *b, int index, const float *source, float *scratch, tsm_error *error)
{
    const tsm_node *node = node_of(b, index);
    const bool in_load = tsm_cpu_loads_shifted(b->plan, index);
    tsm_cpu_step *step = add_step(b, index, &tsm_cpu_step_winograd, source, value_of(b, index));
    const void *packed;

    TSM_TRY_RETURN(tsm_cpu_weights_get(b->prepared, index, NULL, &packed, error));
    step->winograd = (tsm_cpu_winograd){ .x = source,
                                         .packed = packed,
                                         .bias = node->bias,
                                         .out = step->out,
                                         .scratch = scratch,
                                         .dims = step->in,
                                         .n = node->out_channels,
                                         .threads = b->prepared->threads,
                                         .shift = in_load ? node->shift : (tsm_shift){ 0 },
                                         .act = node->act,
                                         .sum = node->inputs[1] >= 0 };
    return TSM_OK;
}

/* A block of two or three nodes, of which `index` is the last. */
static tsm_status add_inverted(binder *b, int index, tsm_error *error)
{
    const int first = tsm_cpu_expands(b->prepared, index) ? index - 2 : index - 1;
    const tsm_cpu_inverted_space space = tsm_cpu_inverted_space_of(b->plan, index);
    const float *x = value_of(b, node_of(b, first)->inputs[0]);
    float *shifted = at(b, b->plan->scratch_offsets[index]) + space.op / sizeof(float);
    tsm_cpu_step *step;

    if (space.shift) {
        add_shift_copy(b, first, x, shifted);
        x = shifted;
    }
    step = add_step(b, index, &tsm_cpu_step_inverted, x, value_of(b, index));
    step->inverted = tsm_cpu_inverted_of(b->plan, index);
    step->inverted.x = x;
    step->inverted.residual = value_of(b, node_of(b, index)->inputs[1]);
    step->inverted.out = step->out;
    step->inverted.scratch = at(b, b->plan->scratch_offsets[index]);
    for (int i = first; i <= index; i++) {
        const void *packed;

        TSM_TRY_RETURN(tsm_cpu_weights_get(b->prepared, i, NULL, &packed, error));
        step->inverted.packed[i - index + 2] = packed;
    }
    return TSM_OK;
}

static tsm_status add_attention(binder *b, int index, tsm_error *error)
{
    const int *inputs = node_of(b, index)->inputs;
    const float *operands[TSM_INPUTS];
    float *out = value_of(b, index);
    tsm_cpu_step *step;

    for (int k = 0; k < TSM_INPUTS; k++) operands[k] = value_of(b, inputs[k]);
    step = add_step(b, index, &tsm_cpu_step_attention, operands[0], out);
    return tsm_cpu_attention_bind(&step->attention, b->plan->attentions[index], b->prepared->engine,
                                  b->plan->worker->streams, operands, out, at(b, b->plan->scratch_offsets[index]),
                                  error);
}

static tsm_status add_conv(binder *b, int index, tsm_error *error)
{
    const tsm_node *node = node_of(b, index);
    const tsm_cpu_conv_space space = tsm_cpu_conv_space_of(b->plan, index);
    const bool shifted = node->shift.end > 0 && !tsm_cpu_loads_shifted(b->plan, index),
               copied = b->prepared->shift_method == TSM_SHIFT_COPY;
    float *scratch = at(b, b->plan->scratch_offsets[index]), *source = value_of(b, node->inputs[0]);
    float *shift = scratch + space.op / sizeof(float), *picked = shift + space.shift / sizeof(float);
    float *edges = space.shift ? shift : NULL, *data = source;

    if (node->inputs[1] >= 0 && !tsm_memplan_shares(&b->plan->memory, b->plan->values, index))
        add_step(b, index, &tsm_cpu_step_copy, value_of(b, node->inputs[1]), value_of(b, index));
    if (shifted && copied) {
        add_shift_copy(b, index, source, shift);
        data = shift;
    } else if (shifted) {
        add_shift_in_place(b, index, source, edges);
    }
    if (tsm_cpu_picks(node)) {
        add_step(b, index, &tsm_cpu_step_pick, data, picked);
        data = picked;
    }
    if (tsm_cpu_way_of(b->plan->graph, b->prepared->shift_method, index) == TSM_CPU_WINOGRAD) {
        TSM_TRY_RETURN(add_winograd(b, index, data, scratch, error));
    } else {
        TSM_TRY_RETURN(add_product(b, index, data, scratch, error));
    }
    if (shifted && !copied) add_unshift(b, index, source, edges);
    return TSM_OK;
}

/* A node that is a loop over its operands. */
static tsm_status add_loop(binder *b, int index, const tsm_cpu_step_kind *kind)
{
    const int *inputs = node_of(b, index)->inputs;

    add_step(b, index, kind, value_of(b, inputs[0]), value_of(b, index))->y = value_of(b, inputs[1]);
    return TSM_OK;
}

static tsm_status add_shift(binder *b, int index)
{
    const float *x = value_of(b, node_of(b, index)->inputs[0]);
    float *out = value_of(b, index);

    if (x == out)
        add_shift_in_place(b, index, out, NULL);
    else
        add_shift_copy(b, index, x, out);
    return TSM_OK;
}

static tsm_status add_node(binder *b, int index, tsm_error *error)
{
    const tsm_node *node = node_of(b, index);
    float *scratch = at(b, b->plan->scratch_offsets[index]);

    if (tsm_cpu_part_in(b->prepared, index) != TSM_CPU_NO_PART)
        return tsm_cpu_part_in(b->prepared, index) == TSM_CPU_PROJECT ? add_inverted(b, index, error) : TSM_OK;
    switch (node->op) {
    case TSM_OP_INPUT: b->bound->input = value_of(b, index); return TSM_OK;
    case TSM_OP_CONV:
        return (tsm_cpu_way_of(b->plan->graph, b->prepared->shift_method, index) == TSM_CPU_GATHER
                    ? add_gather
                    : add_conv)(b, index, error);
    case TSM_OP_FC: return add_product(b, index, value_of(b, node->inputs[0]), scratch, error);
    case TSM_OP_SHIFT: return add_shift(b, index);
    case TSM_OP_ADD: return add_loop(b, index, &tsm_cpu_step_add);
    case TSM_OP_ACT: return add_loop(b, index, &tsm_cpu_step_act);
    case TSM_OP_MAXPOOL: return add_loop(b, index, &tsm_cpu_step_maxpool);
    case TSM_OP_AVGPOOL:
        return add_loop(b, index, node->kernel_h ? &tsm_cpu_step_window_mean : &tsm_cpu_step_avgpool);
    case TSM_OP_TMEAN: return add_loop(b, index, &tsm_cpu_step_tmean);
    case TSM_OP_TPOOL: return add_loop(b, index, &tsm_cpu_step_tpool);
    case TSM_OP_SCALE: return add_loop(b, index, &tsm_cpu_step_scale);
    case TSM_OP_ATTENTION: return add_attention(b, index, error);
    case TSM_OP_BATCHNORM:
    case TSM_OP_COUNT: break; /* not prepared */
    }
    return tsm_fail(error, TSM_ERROR_INTERNAL, "cpu: %s: %s cannot be planned", node->name, tsm_op_name(node->op));
}

tsm_status tsm_cpu_bind(tsm_cpu_binding *bound, const tsm_plan *plan, float *arena, tsm_error *error)
{
    binder b = { bound, plan, plan->worker->prepared, arena };
    const size_t count = (size_t)plan->graph->count;
    tsm_status status;

    bound->steps = tsm_alloc_zero(count, MAX_STEPS_PER_NODE * sizeof *bound->steps);
    if (!bound->steps) return tsm_fail_memory(error, count * MAX_STEPS_PER_NODE * sizeof *bound->steps);
    for (int i = 0; i < plan->graph->count; i++) TSM_TRY(add_node(&b, i, error));
    bound->logits = value_of(&b, plan->graph->output);
    return TSM_OK;
fail:
    tsm_cpu_unbind(bound);
    return status;
}

void tsm_cpu_unbind(tsm_cpu_binding *bound)
{
    for (int i = 0; i < bound->count; i++) {
        tsm_dnnl_bound_clear(&bound->steps[i].product);
        tsm_cpu_attention_unbind(bound->steps[i].attention);
    }
    tsm_free(bound->steps);
    *bound = (tsm_cpu_binding){ 0 };
}
