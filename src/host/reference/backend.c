/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c - the reference backend: makes a graph ready to be run, before or after any pass, and a plan of a shape.
 */
#include <stdio.h>

#include "plan.h"

static bool supports(const tsm_backend_config *config, const tsm_graph *graph, int index, char text[TSM_SUPPORT_TEXT])
{
    const tsm_node *node = &graph->nodes[index];

    if (config->precision != TSM_PRECISION_FP32) {
        snprintf(text, TSM_SUPPORT_TEXT, "only the precision fp32 is available");
        return false;
    }
    if (config->shift_method != TSM_SHIFT_AUTO && config->shift_method != TSM_SHIFT_COPY) {
        snprintf(text, TSM_SUPPORT_TEXT, "only the shift method copy is available");
        return false;
    }
    snprintf(text, TSM_SUPPORT_TEXT, "plain C%s", node->shift.end ? ", shift copied" : "");
    return true;
}

static void release(tsm_prepared *prepared)
{
    if (!prepared) return;
    for (int i = 0; prepared->weights && i < prepared->graph->count; i++) tsm_free(prepared->weights[i]);
    tsm_free(prepared->weights);
    tsm_free(prepared);
}

static tsm_status unpack_weights(tsm_prepared *prepared, uint64_t *bytes, tsm_error *error)
{
    *bytes = 0;
    for (int i = 0; i < prepared->graph->count; i++) {
        const tsm_node *node = &prepared->graph->nodes[i];
        size_t count = (size_t)node->weight.count;

        if (!node->weight.data) continue;
        TSM_TRY_RETURN(tsm_cancel_check(&prepared->cancel, error));
        prepared->weights[i] = tsm_alloc_aligned(count, sizeof(float));
        if (!prepared->weights[i]) return tsm_fail_memory(error, count * sizeof(float));
        tsm_node_weights(node, prepared->weights[i]);
        *bytes += count * sizeof(float);
    }
    return TSM_OK;
}

static tsm_status prepare(tsm_prepared **out, const tsm_graph *graph, const tsm_backend_config *config,
                          tsm_backend_report *report, tsm_error *error)
{
    char text[TSM_SUPPORT_TEXT];
    tsm_prepared *prepared;
    tsm_status status;

    *out = NULL;
    for (int i = 0; i < graph->count; i++)
        if (!supports(config, graph, i, text)) return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "reference: %s", text);
    prepared = tsm_alloc_zero(1, sizeof *prepared);
    if (!prepared) return tsm_fail_memory(error, sizeof *prepared);
    prepared->graph = graph;
    prepared->max_bytes = config->max_bytes;
    prepared->cancel = config->cancel;
    prepared->weights = tsm_alloc_zero((size_t)graph->count, sizeof(float *));
    if (!prepared->weights) {
        status = tsm_fail_memory(error, (size_t)graph->count * sizeof(float *));
        goto fail;
    }
    TSM_TRY(unpack_weights(prepared, &report->weight_bytes, error));
    report->library = "plain C";
    report->threads = 1;
    report->shift_method = TSM_SHIFT_COPY;
    *out = prepared;
    return TSM_OK;
fail:
    release(prepared);
    return status;
}

static tsm_status worker_create(tsm_worker **out, tsm_prepared *prepared, tsm_error *error)
{
    *out = tsm_alloc_zero(1, sizeof **out);
    if (!*out) return tsm_fail_memory(error, sizeof **out);
    (*out)->prepared = prepared;
    return TSM_OK;
}

static void worker_destroy(tsm_worker *worker)
{
    if (!worker) return;
    tsm_free(worker->arena);
    tsm_free(worker);
}

static uint64_t worker_bytes(const tsm_worker *worker)
{
    return worker->arena_bytes;
}

static void plan_release(tsm_plan *plan)
{
    if (!plan) return;
    tsm_memplan_clear(&plan->memory);
    tsm_free(plan->scratch);
    tsm_free(plan);
}

/* A convolution's shifted input; the scores of one query. */
static uint64_t scratch_bytes(const tsm_plan *plan, int index)
{
    const tsm_node *node = &plan->graph->nodes[index];
    const tsm_dims *keys;

    if (node->op == TSM_OP_CONV && node->shift.end)
        return (uint64_t)tsm_dims_count(&plan->shapes[node->inputs[0]]) * sizeof(float);
    if (node->op != TSM_OP_ATTENTION) return 0;
    keys = &plan->shapes[node->inputs[1]];
    return (uint64_t)keys->t * (uint64_t)keys->h * (uint64_t)keys->w * sizeof(double);
}

/* Every value has a place of its own while it lives: the oracle does nothing in place. */
static tsm_status place_values(tsm_plan *plan, tsm_error *error)
{
    const size_t count = (size_t)plan->graph->count;
    tsm_memplan_value *values = tsm_alloc_zero(count, sizeof *values);
    uint64_t *scratch = tsm_alloc_zero(count, sizeof *scratch);
    tsm_status status;

    plan->scratch = tsm_alloc_zero(count, sizeof *plan->scratch);
    if (!values || !scratch || !plan->scratch) {
        status = tsm_fail_memory(error, count * sizeof *values);
        goto fail;
    }
    TSM_TRY(tsm_cancel_check(&plan->worker->prepared->cancel, error));
    for (size_t i = 0; i < count; i++) {
        values[i].bytes = (uint64_t)tsm_dims_count(&plan->shapes[i]) * sizeof(float);
        values[i].in_place = -1;
        scratch[i] = scratch_bytes(plan, (int)i);
    }
    status = tsm_memplan_make(&plan->memory, plan->graph, values, scratch, plan->scratch, error);
fail:
    tsm_free(values);
    tsm_free(scratch);
    return status;
}

/* Plans know offsets only, so that they follow the arena by themselves. */
static tsm_status grow_arena(tsm_worker *worker, uint64_t bytes, tsm_error *error)
{
    char *arena;

    if (bytes <= worker->arena_bytes) return TSM_OK;
    TSM_TRY_RETURN(tsm_check_bytes(bytes, worker->prepared->max_bytes, error));
    arena = tsm_alloc_aligned(bytes, 1);
    if (!arena) return tsm_fail_memory(error, bytes);
    tsm_free(worker->arena);
    worker->arena = arena;
    worker->arena_bytes = bytes;
    return TSM_OK;
}

static tsm_status make_plan(tsm_plan **out, tsm_worker *worker, const tsm_plan_arguments *arguments, tsm_error *error)
{
    tsm_plan *plan = tsm_alloc_zero(1, sizeof *plan);
    tsm_status status;

    *out = NULL;
    if (!plan) return tsm_fail_memory(error, sizeof *plan);
    plan->worker = worker;
    plan->graph = worker->prepared->graph;
    plan->shapes = arguments->shapes;
    plan->slots = arguments->slots;
    TSM_TRY(place_values(plan, error));
    TSM_TRY(grow_arena(worker, plan->memory.arena_bytes, error));
    *out = plan;
    return TSM_OK;
fail:
    plan_release(plan);
    return status;
}

const tsm_backend tsm_backend_reference = {
    .abi = TSM_BACKEND_ABI,
    .struct_bytes = TSM_BACKEND_STRUCTS,
    .name = "reference",
    .supports = supports,
    .prepare = prepare,
    .release = release,
    .worker_create = worker_create,
    .worker_destroy = worker_destroy,
    .worker_bytes = worker_bytes,
    .plan = make_plan,
    .plan_release = plan_release,
    .run = tsm_reference_run,
    TSM_HOST_SLOTS,
};
