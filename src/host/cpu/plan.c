/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - from a graph of known shapes to the steps of a run.
 *
 * First every product is compiled, as that says how much scratch it needs; then values and scratch are placed in one
 * arena; then each node becomes one to five steps. A convolution with a residual adds onto the residual's own storage
 * where the memory plan lets it, and onto a copy otherwise.
 */
#include "plan.h"

#include <string.h>

#define MAX_STEPS_PER_NODE 5

/* While a plan is made. */
typedef struct planner {
    tsm_cpu_plan *plan;
    const tsm_graph *graph;
    int *last_use;
    tsm_memplan_value *values;
    uint64_t *scratch;
    int64_t *scratch_offsets;
} planner;

/* ---- Steps ---------------------------------------------------------------------------------------------------- */

static tsm_status run_attention(const tsm_cpu_step *step, tsm_error *error)
{
    return tsm_cpu_attention_run(step->attention, error);
}

static tsm_status run_product(const tsm_cpu_step *step, tsm_error *error)
{
    TSM_DNNL(tsm_dnnl_execute(&step->bound));
    return TSM_OK;
}

#define STEP(name, call)                                                                                             \
    static tsm_status name(const tsm_cpu_step *step, tsm_error *error)                                               \
    {                                                                                                                \
        (void)error;                                                                                                 \
        call;                                                                                                        \
        return TSM_OK;                                                                                               \
    }

STEP(run_copy, memcpy(step->out, step->x, (size_t)step->count * sizeof(float)))
STEP(run_shift_copy, tsm_cpu_shift_copy(step->x, step->out, &step->in, step->node->shift))
STEP(run_shift, tsm_cpu_shift_in_place(step->out, step->edges, &step->in, step->node->shift))
STEP(run_unshift, tsm_cpu_unshift_in_place(step->out, step->edges, &step->in, step->node->shift))
STEP(run_gather, tsm_cpu_gather_run(&step->gather))
STEP(run_pick, tsm_cpu_pick_pixels(step->x, step->out, &step->in, step->node->stride))
STEP(run_add, tsm_cpu_add(step->x, step->y, step->out, step->count))
STEP(run_act, tsm_cpu_act(step->x, step->out, step->count, step->node->act))
STEP(run_maxpool, tsm_cpu_maxpool(step->x, step->out, &step->in, &step->node->dims, step->node))
STEP(run_avgpool, tsm_cpu_avgpool(step->x, step->out, &step->in, step->node->over_time))
STEP(run_window_mean, tsm_cpu_window_mean(step->x, step->out, &step->in, &step->node->dims, step->node))
STEP(run_scale, tsm_cpu_scale(step->x, step->y, step->out, &step->in, step->node->act))
STEP(run_tmean, tsm_cpu_tmean(step->x, step->out, &step->in))
STEP(run_tpool, tsm_cpu_tpool(step->x, step->out, &step->in))

/* ---- Space ---------------------------------------------------------------------------------------------------- */

static uint64_t value_bytes(const tsm_dims *dims)
{
    return (uint64_t)tsm_dims_count(dims) * sizeof(float);
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + TSM_ALIGNMENT - 1) / TSM_ALIGNMENT * TSM_ALIGNMENT;
}

static const tsm_dims *input_dims(const planner *p, const tsm_node *node)
{
    return &p->graph->nodes[node->inputs[0]].dims;
}

/* 1x1 with a stride: the pixels that count are brought together first. */
static bool picks(const tsm_node *node)
{
    return node->op == TSM_OP_CONV && tsm_cpu_is_matmul(node) && node->stride > 1;
}

/* A shift in place must be undone where somebody still needs the value as it was. */
static bool restores(const planner *p, int index)
{
    return p->last_use[p->graph->nodes[index].inputs[0]] != index;
}

/* Bytes of the three parts of a CONV's scratch, which lie in this order. */
typedef struct conv_space {
    uint64_t op, shift, pick;
} conv_space;

static conv_space conv_space_of(const planner *p, int index)
{
    const tsm_node *node = &p->graph->nodes[index];
    const tsm_dims *in = input_dims(p, node);
    conv_space space = { padded(p->plan->ops[index].scratch_bytes), 0, 0 };

    if (node->shift.end > 0 && p->plan->state->shift_method == TSM_SHIFT_COPY) {
        space.shift = padded(value_bytes(in));
    } else if (node->shift.end > 0 && restores(p, index)) {
        space.shift = padded(tsm_cpu_shift_edge_count(in, node->shift) * sizeof(float));
    }
    if (picks(node)) {
        const tsm_dims few = { in->n, in->t, node->dims.h, node->dims.w, in->c };
        space.pick = padded(value_bytes(&few));
    }
    return space;
}

/* The input whose storage a node may overwrite, or -1. */
static int in_place_input(const planner *p, int index)
{
    const tsm_node *node = &p->graph->nodes[index];
    const int a = node->inputs[0], b = node->inputs[1];

    switch (node->op) {
    case TSM_OP_CONV: return a == b ? -1 : b; /* it cannot overwrite what it convolves */
    case TSM_OP_ADD: return p->last_use[a] == index ? a : b;
    case TSM_OP_ACT: return a;
    case TSM_OP_SCALE: return a;
    case TSM_OP_SHIFT: return p->plan->state->shift_method != TSM_SHIFT_COPY ? a : -1;
    default: return -1;
    }
}

/* Compiles the products of a node, and notes the scratch that they want. */
static tsm_status compile(planner *p, int index, tsm_error *error)
{
    tsm_cpu_plan *plan = p->plan;
    const tsm_node *node = &p->graph->nodes[index];
    const bool product = node->op == TSM_OP_CONV || node->op == TSM_OP_FC;

    if (node->op == TSM_OP_ATTENTION) {
        tsm_cpu_attention **attention = &plan->attentions[index];

        TSM_TRY_RETURN(tsm_cpu_attention_create(attention, plan->state->engine, p->graph, node, error));
        p->scratch[index] = (*attention)->scratch_bytes;
    }
    if (product && !tsm_cpu_gathers(plan->state, node)) {
        TSM_TRY_RETURN(
            tsm_cpu_product_create(&plan->ops[index], plan->state->engine, node, input_dims(p, node), error));
        const conv_space space = conv_space_of(p, index);
        p->scratch[index] = space.op + space.shift + space.pick;
    }
    return TSM_OK;
}

/* Compiles everything and asks the memory plan for a place for it. */
static tsm_status place(planner *p, tsm_error *error)
{
    tsm_cpu_plan *plan = p->plan;

    for (int i = 0; i < p->graph->count; i++) {
        p->values[i] = (tsm_memplan_value){ value_bytes(&p->graph->nodes[i].dims), in_place_input(p, i) };
        TSM_TRY_RETURN(compile(p, i, error));
    }
    TSM_TRY_RETURN(tsm_memplan_make(&plan->memory, p->graph, p->values, p->scratch, p->scratch_offsets, error));
    plan->arena = tsm_alloc_aligned(plan->memory.arena_bytes, 1);
    if (!plan->arena) return tsm_fail_memory(error, plan->memory.arena_bytes);
    return TSM_OK;
}

static float *at(const tsm_cpu_plan *plan, int64_t offset)
{
    return offset < 0 ? NULL : plan->arena + (size_t)offset / sizeof(float);
}

static float *value_of(const planner *p, int index)
{
    return at(p->plan, p->plan->memory.offsets[index]);
}

/* ---- Nodes ---------------------------------------------------------------------------------------------------- */

/* Appends a step of a node; there is room for MAX_STEPS_PER_NODE of each. */
static tsm_cpu_step *add_step(planner *p, const tsm_node *node, tsm_status (*run)(const tsm_cpu_step *, tsm_error *),
                              const float *x, float *out)
{
    tsm_cpu_step *step = &p->plan->steps[p->plan->count++];

    step->run = run;
    step->node = node;
    step->x = x;
    step->out = out;
    step->in = *input_dims(p, node);
    step->count = tsm_dims_count(&node->dims);
    return step;
}

static tsm_status add_product(planner *p, int index, const float *source, float *scratch, tsm_error *error)
{
    tsm_cpu_plan *plan = p->plan;
    const tsm_node *node = &p->graph->nodes[index];
    const tsm_dnnl_op *op = &plan->ops[index];
    tsm_cpu_step *step = add_step(p, node, run_product, source, value_of(p, index));
    const void *weights;

    TSM_TRY_RETURN(tsm_cpu_weights_get(plan->state, index, op->weights, &weights, error));
    return tsm_dnnl_bind(&step->bound, op, plan->state->engine, plan->stream, source, weights, node->bias, step->out,
                         scratch, error);
}

static tsm_status add_gather(planner *p, int index, tsm_error *error)
{
    const tsm_node *node = &p->graph->nodes[index];
    const float *x = value_of(p, node->inputs[0]);
    tsm_cpu_step *step = add_step(p, node, run_gather, x, value_of(p, index));
    const void *packed;

    TSM_TRY_RETURN(tsm_cpu_weights_get(p->plan->state, index, NULL, &packed, error));
    step->gather = (tsm_cpu_gather){ .x = x,
                                     .packed = packed,
                                     .bias = node->bias,
                                     .out = step->out,
                                     .dims = step->in,
                                     .n = node->out_channels,
                                     .shift = node->shift,
                                     .act = node->act };
    return TSM_OK;
}

static tsm_status add_attention(planner *p, int index, tsm_error *error)
{
    const tsm_node *node = &p->graph->nodes[index];
    tsm_cpu_attention *attention = p->plan->attentions[index];
    const float *operands[TSM_INPUTS];

    for (int k = 0; k < TSM_INPUTS; k++) operands[k] = value_of(p, node->inputs[k]);
    add_step(p, node, run_attention, operands[0], value_of(p, index))->attention = attention;
    return tsm_cpu_attention_bind(attention, p->plan->state->engine, p->plan->stream, operands, value_of(p, index),
                                  at(p->plan, p->scratch_offsets[index]), error);
}

static tsm_status add_conv(planner *p, int index, tsm_error *error)
{
    const tsm_node *node = &p->graph->nodes[index];
    const conv_space space = conv_space_of(p, index);
    const bool shifted = node->shift.end > 0, copied = p->plan->state->shift_method == TSM_SHIFT_COPY;
    float *scratch = at(p->plan, p->scratch_offsets[index]), *source = value_of(p, node->inputs[0]);
    float *shift = scratch + space.op / sizeof(float), *picked = shift + space.shift / sizeof(float);
    float *edges = space.shift ? shift : NULL, *data = source;

    if (node->inputs[1] >= 0 && !tsm_memplan_shares(&p->plan->memory, p->values, index))
        add_step(p, node, run_copy, value_of(p, node->inputs[1]), value_of(p, index));
    if (shifted && copied) {
        add_step(p, node, run_shift_copy, source, shift);
        data = shift;
    } else if (shifted) {
        add_step(p, node, run_shift, NULL, source)->edges = edges;
    }
    if (picks(node)) {
        add_step(p, node, run_pick, data, picked);
        data = picked;
    }
    TSM_TRY_RETURN(add_product(p, index, data, scratch, error));
    if (shifted && !copied && restores(p, index)) add_step(p, node, run_unshift, NULL, source)->edges = edges;
    return TSM_OK;
}

static void add_shift(planner *p, int index)
{
    const tsm_node *node = &p->graph->nodes[index];
    const float *x = value_of(p, node->inputs[0]);
    float *out = value_of(p, index);

    add_step(p, node, x == out ? run_shift : run_shift_copy, x, out);
}

static tsm_status add_node(planner *p, int index, tsm_error *error)
{
    const tsm_node *node = &p->graph->nodes[index];
    float *out = value_of(p, index);
    const float *x = node->op == TSM_OP_INPUT ? NULL : value_of(p, node->inputs[0]);

    switch (node->op) {
    case TSM_OP_INPUT:
        p->plan->input = out;
        p->plan->input_dims = node->dims;
        return TSM_OK;
    case TSM_OP_CONV: return (tsm_cpu_gathers(p->plan->state, node) ? add_gather : add_conv)(p, index, error);
    case TSM_OP_FC: return add_product(p, index, x, at(p->plan, p->scratch_offsets[index]), error);
    case TSM_OP_SHIFT: add_shift(p, index); return TSM_OK;
    case TSM_OP_ADD: add_step(p, node, run_add, x, out)->y = value_of(p, node->inputs[1]); return TSM_OK;
    case TSM_OP_ACT: add_step(p, node, run_act, x, out); return TSM_OK;
    case TSM_OP_MAXPOOL: add_step(p, node, run_maxpool, x, out); return TSM_OK;
    case TSM_OP_AVGPOOL: add_step(p, node, node->kernel_h ? run_window_mean : run_avgpool, x, out); return TSM_OK;
    case TSM_OP_TMEAN: add_step(p, node, run_tmean, x, out); return TSM_OK;
    case TSM_OP_TPOOL: add_step(p, node, run_tpool, x, out); return TSM_OK;
    case TSM_OP_SCALE: add_step(p, node, run_scale, x, out)->y = value_of(p, node->inputs[1]); return TSM_OK;
    case TSM_OP_ATTENTION: return add_attention(p, index, error);
    case TSM_OP_BATCHNORM:
    case TSM_OP_COUNT: break;
    }
    return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cpu: %s: %s is not available here", node->name,
                    tsm_op_name(node->op));
}

/* ---- Making and dropping -------------------------------------------------------------------------------------- */

static tsm_status open_plan(tsm_cpu_plan *plan, tsm_cpu_state *state, const tsm_graph *graph, tsm_error *error)
{
    const size_t count = (size_t)graph->count;

    plan->state = state;
    plan->graph = graph;
    plan->ops = tsm_alloc_zero(count, sizeof *plan->ops);
    plan->attentions = tsm_alloc_zero(count, sizeof(tsm_cpu_attention *));
    plan->steps = tsm_alloc_zero(count, MAX_STEPS_PER_NODE * sizeof *plan->steps);
    if (!plan->ops || !plan->attentions || !plan->steps)
        return tsm_fail_memory(error, count * MAX_STEPS_PER_NODE * sizeof *plan->steps);
    TSM_DNNL(dnnl_stream_create(&plan->stream, state->engine, dnnl_stream_default_flags));
    return TSM_OK;
}

static tsm_status open_planner(planner *p, tsm_cpu_plan *plan, const tsm_graph *graph, tsm_error *error)
{
    const size_t count = (size_t)graph->count;

    p->plan = plan;
    p->graph = graph;
    p->last_use = tsm_alloc_zero(count, sizeof *p->last_use);
    p->values = tsm_alloc_zero(count, sizeof *p->values);
    p->scratch = tsm_alloc_zero(count, sizeof *p->scratch);
    p->scratch_offsets = tsm_alloc_zero(count, sizeof *p->scratch_offsets);
    if (!p->last_use || !p->values || !p->scratch || !p->scratch_offsets)
        return tsm_fail_memory(error, count * sizeof *p->values);
    tsm_graph_last_uses(graph, p->last_use);
    return TSM_OK;
}

static void close_planner(planner *p)
{
    tsm_free(p->last_use);
    tsm_free(p->values);
    tsm_free(p->scratch);
    tsm_free(p->scratch_offsets);
}

tsm_status tsm_cpu_plan_create(tsm_cpu_plan **out, tsm_cpu_state *state, const tsm_graph *graph, uint64_t *bytes,
                               tsm_error *error)
{
    tsm_cpu_plan *plan = tsm_alloc_zero(1, sizeof *plan);
    planner p = { 0 };
    tsm_status status;

    if (!plan) return tsm_fail_memory(error, sizeof *plan);
    TSM_TRY(open_plan(plan, state, graph, error));
    TSM_TRY(open_planner(&p, plan, graph, error));
    TSM_TRY(place(&p, error));
    for (int i = 0; i < graph->count; i++) TSM_TRY(add_node(&p, i, error));
    plan->logits = value_of(&p, graph->output);
    plan->logits_dims = graph->nodes[graph->output].dims;
    *bytes = plan->memory.arena_bytes;
    *out = plan;
    close_planner(&p);
    return TSM_OK;
fail:
    close_planner(&p);
    tsm_cpu_plan_destroy(plan);
    return status;
}

void tsm_cpu_plan_destroy(tsm_cpu_plan *plan)
{
    if (!plan) return;
    for (int i = 0; i < plan->count; i++) tsm_dnnl_bound_clear(&plan->steps[i].bound);
    for (int i = 0; plan->attentions && i < plan->graph->count; i++) tsm_cpu_attention_destroy(plan->attentions[i]);
    for (int i = 0; plan->ops && i < plan->graph->count; i++) tsm_dnnl_op_clear(&plan->ops[i]);
    if (plan->stream) dnnl_stream_destroy(plan->stream);
    tsm_memplan_clear(&plan->memory);
    tsm_free(plan->steps);
    tsm_free(plan->attentions);
    tsm_free(plan->ops);
    tsm_free(plan->arena);
    tsm_free(plan);
}
