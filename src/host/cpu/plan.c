/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - compiles a graph for known shapes, and places its values.
 *
 * Every product is compiled first, as that says how much scratch it needs; then values and scratch are placed in one
 * arena. A convolution with a residual adds onto the residual's own storage where the memory plan lets it.
 */
#include "plan.h"

static uint64_t value_bytes(const tsm_dims *dims)
{
    return (uint64_t)tsm_dims_count(dims) * sizeof(float);
}

/* The input whose storage a node may overwrite, or -1. */
static int in_place_input(const tsm_plan *plan, int index)
{
    const tsm_node *node = &plan->graph->nodes[index];
    const int a = node->inputs[0], b = node->inputs[1];

    if (tsm_cpu_part_in(plan->worker->prepared, index) != TSM_CPU_NO_PART) return -1;
    switch (node->op) {
    case TSM_OP_CONV: return a == b ? -1 : b; /* it cannot overwrite what it convolves */
    case TSM_OP_ADD: return plan->last_use[a] == index ? a : b;
    case TSM_OP_ACT: return a;
    case TSM_OP_SCALE: return a;
    case TSM_OP_SHIFT: return plan->worker->prepared->shift_method != TSM_SHIFT_COPY ? a : -1;
    default: return -1;
    }
}

/* The wide values of a block that runs as one are never whole. */
static uint64_t stored_bytes(const tsm_plan *plan, int index)
{
    const tsm_cpu_part part = tsm_cpu_part_in(plan->worker->prepared, index);

    return part == TSM_CPU_EXPAND || part == TSM_CPU_DEPTHWISE ? 0 : value_bytes(&plan->shapes[index]);
}

/* Node `index` reads a value of which the graph does not say so. */
static void keep_until(tsm_plan *plan, int value, int index)
{
    const int late = index - plan->last_use[value];

    if (late > plan->values[value].late) plan->values[value].late = late;
}

/* Compiles the products of a node, and notes the scratch that they want. */
static tsm_status compile(tsm_plan *plan, int index, tsm_error *error)
{
    const tsm_prepared *prepared = plan->worker->prepared;
    const tsm_node *node = &plan->graph->nodes[index];
    const tsm_cpu_part part = tsm_cpu_part_in(prepared, index);
    const bool product = (node->op == TSM_OP_CONV || node->op == TSM_OP_FC) && part == TSM_CPU_NO_PART;

    if (part == TSM_CPU_PROJECT) {
        const tsm_cpu_inverted_space space = tsm_cpu_inverted_space_of(plan, index);

        plan->scratch[index] = space.op + space.shift;
    }
    if (node->op == TSM_OP_ATTENTION) {
        tsm_cpu_attention **attention = &plan->attentions[index];

        TSM_TRY_RETURN(tsm_cpu_attention_create(attention, prepared->engine, node, plan->shapes, error));
        plan->scratch[index] = (*attention)->scratch_bytes;
    }
    if (product) {
        if (tsm_cpu_way_of(plan->graph, prepared->shift_method, index) == TSM_CPU_DNNL)
            TSM_TRY_RETURN(tsm_cpu_product_create(&plan->ops[index], prepared->engine, node,
                                                  &plan->shapes[node->inputs[0]], &plan->shapes[index], error));
        const tsm_cpu_conv_space space = tsm_cpu_conv_space_of(plan, index);
        plan->scratch[index] = space.op + space.shift + space.pick;
    }
    return TSM_OK;
}

/* oneDNN's kernels count bytes of a frame, and pixels of all frames, in 32 bits. */
#define MAX_FRAME_BYTES INT32_MAX
#define MAX_PIXELS      INT32_MAX

static tsm_status check_value(const tsm_plan *plan, int index, tsm_error *error)
{
    const tsm_dims *d = &plan->shapes[index];
    const int64_t pixels = (int64_t)d->h * d->w, frames = (int64_t)d->n * d->t;
    const char *name = plan->graph->nodes[index].name;

    if (pixels * d->c > MAX_FRAME_BYTES / (int64_t)sizeof(float))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "cpu: %s: a frame of %dx%dx%d numbers, which is more than 2^29",
                        name, d->h, d->w, d->c);
    if (frames > MAX_PIXELS / pixels)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "cpu: %s: %lld frames of %dx%d pixels, which are more than 2^31",
                        name, (long long)frames, d->h, d->w);
    return TSM_OK;
}

/* Compiles everything and asks the memory plan for a place for it. */
static tsm_status place(tsm_plan *plan, tsm_error *error)
{
    const tsm_prepared *prepared = plan->worker->prepared;

    for (int i = 0; i < plan->graph->count; i++) TSM_TRY_RETURN(check_value(plan, i, error));
    for (int i = 0; i < plan->graph->count; i++) {
        plan->values[i] = (tsm_memplan_value){ .bytes = stored_bytes(plan, i), .in_place = in_place_input(plan, i) };
        if (tsm_cpu_part_in(prepared, i) == TSM_CPU_PROJECT)
            keep_until(plan, plan->graph->nodes[tsm_cpu_expands(prepared, i) ? i - 2 : i - 1].inputs[0], i);
        TSM_TRY_RETURN(tsm_cancel_check(&prepared->cancel, error));
        TSM_TRY_RETURN(compile(plan, i, error));
    }
    TSM_TRY_RETURN(
        tsm_memplan_make(&plan->memory, plan->graph, plan->values, plan->scratch, plan->scratch_offsets, error));
    return tsm_check_bytes(plan->memory.arena_bytes, prepared->max_bytes, error);
}

static tsm_status open_plan(tsm_plan *plan, tsm_worker *worker, const tsm_plan_arguments *arguments, tsm_error *error)
{
    const size_t count = (size_t)worker->prepared->graph->count;

    plan->worker = worker;
    plan->graph = worker->prepared->graph;
    plan->shapes = arguments->shapes;
    plan->slots = arguments->slots;
    plan->ops = tsm_alloc_zero(count, sizeof *plan->ops);
    plan->attentions = tsm_alloc_zero(count, sizeof(tsm_cpu_attention *));
    plan->last_use = tsm_alloc_zero(count, sizeof *plan->last_use);
    plan->values = tsm_alloc_zero(count, sizeof *plan->values);
    plan->scratch = tsm_alloc_zero(count, sizeof *plan->scratch);
    plan->scratch_offsets = tsm_alloc_zero(count, sizeof *plan->scratch_offsets);
    if (!plan->ops || !plan->attentions || !plan->last_use || !plan->values || !plan->scratch ||
        !plan->scratch_offsets)
        return tsm_fail_memory(error, count * sizeof *plan->ops);
    tsm_graph_last_uses(plan->graph, plan->last_use);
    return TSM_OK;
}

tsm_status tsm_cpu_plan_create(tsm_plan **out, tsm_worker *worker, const tsm_plan_arguments *arguments,
                               tsm_error *error)
{
    tsm_plan *plan = tsm_alloc_zero(1, sizeof *plan);
    tsm_status status;

    if (!plan) return tsm_fail_memory(error, sizeof *plan);
    TSM_TRY(open_plan(plan, worker, arguments, error));
    TSM_TRY(place(plan, error));
    *out = plan;
    return TSM_OK;
fail:
    tsm_cpu_plan_destroy(plan);
    return status;
}

void tsm_cpu_plan_destroy(tsm_plan *plan)
{
    if (!plan) return;
    tsm_cpu_unbind(&plan->bound);
    tsm_cpu_unbind(&plan->moved);
    for (int i = 0; plan->attentions && i < plan->graph->count; i++) tsm_cpu_attention_destroy(plan->attentions[i]);
    for (int i = 0; plan->ops && i < plan->graph->count; i++) tsm_dnnl_op_clear(&plan->ops[i]);
    tsm_memplan_clear(&plan->memory);
    tsm_free(plan->ops);
    tsm_free(plan->attentions);
    tsm_free(plan->last_use);
    tsm_free(plan->values);
    tsm_free(plan->scratch);
    tsm_free(plan->scratch_offsets);
    tsm_free(plan);
}
