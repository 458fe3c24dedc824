/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c - runs a graph, before or after any pass, one node at a time with the reference operations. */
#include <string.h>

#include "graph/backend.h"
#include "graph/memplan.h"
#include "ops.h"

typedef struct reference_state {
    const tsm_graph *graph;
    float **weights; /* per node of graph, NULL where it has none */
    float mean[3], std[3];
} reference_state;

typedef struct reference_plan {
    const reference_state *state;
    const tsm_graph *graph; /* same nodes, shapes inferred */
    tsm_memplan memory;
    int64_t *scratch; /* where a node's scratch lies in the arena, -1: it has none */
    char *arena;
} reference_plan;

static void release(void *opaque)
{
    reference_state *state = opaque;

    if (!state) return;
    for (int i = 0; state->weights && i < state->graph->count; i++) tsm_free(state->weights[i]);
    tsm_free(state->weights);
    tsm_free(state);
}

static tsm_status check_config(const tsm_backend_config *config, tsm_error *error)
{
    if (config->precision != TSM_PRECISION_FP32)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "reference: precision other than fp32");
    if (config->shift_method != TSM_SHIFT_AUTO && config->shift_method != TSM_SHIFT_COPY)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "reference: shift method other than copy");
    return TSM_OK;
}

static tsm_status unpack_weights(reference_state *state, uint64_t *bytes, tsm_error *error)
{
    *bytes = 0;
    for (int i = 0; i < state->graph->count; i++) {
        const tsm_node *node = &state->graph->nodes[i];
        size_t count = (size_t)node->weight.count;

        if (!node->weight.data) continue;
        state->weights[i] = tsm_alloc_aligned(count, sizeof **state->weights);
        if (!state->weights[i]) return tsm_fail_memory(error, count * sizeof **state->weights);
        tsm_node_weights(node, state->weights[i]);
        *bytes += count * sizeof **state->weights;
    }
    return TSM_OK;
}

static tsm_status prepare(void **out, const tsm_graph *graph, const tsm_backend_config *config,
                          tsm_backend_report *report, tsm_error *error)
{
    reference_state *state;
    tsm_status status;

    *out = NULL;
    TSM_TRY_RETURN(check_config(config, error));
    state = tsm_alloc_zero(1, sizeof *state);
    if (!state) return tsm_fail_memory(error, sizeof *state);
    state->graph = graph;
    memcpy(state->mean, config->mean, sizeof state->mean);
    memcpy(state->std, config->std, sizeof state->std);
    state->weights = tsm_alloc_zero((size_t)graph->count, sizeof *state->weights);
    if (!state->weights) {
        status = tsm_fail_memory(error, (size_t)graph->count * sizeof *state->weights);
        goto fail;
    }
    TSM_TRY(unpack_weights(state, &report->weight_bytes, error));
    report->library = "plain C";
    report->threads = 1;
    report->shift_method = TSM_SHIFT_COPY;
    *out = state;
    return TSM_OK;
fail:
    release(state);
    return status;
}

static void plan_release(void *opaque)
{
    reference_plan *plan = opaque;

    if (!plan) return;
    tsm_memplan_clear(&plan->memory);
    tsm_free(plan->scratch);
    tsm_free(plan->arena);
    tsm_free(plan);
}

/* A convolution's shifted input; the scores of one query. */
static uint64_t scratch_bytes(const tsm_graph *graph, const tsm_node *node)
{
    const tsm_dims *keys;

    if (node->op == TSM_OP_CONV && node->shift.end)
        return (uint64_t)tsm_dims_count(&graph->nodes[node->inputs[0]].dims) * sizeof(float);
    if (node->op != TSM_OP_ATTENTION) return 0;
    keys = &graph->nodes[node->inputs[1]].dims;
    return (uint64_t)keys->t * (uint64_t)keys->h * (uint64_t)keys->w * sizeof(double);
}

/* Every value has a place of its own while it lives: the oracle does nothing in place. */
static tsm_status place_values(reference_plan *plan, tsm_error *error)
{
    size_t count = (size_t)plan->graph->count;
    tsm_memplan_value *values = tsm_alloc_zero(count, sizeof *values);
    uint64_t *scratch = tsm_alloc_zero(count, sizeof *scratch);
    tsm_status status;

    if (!values || !scratch) {
        status = tsm_fail_memory(error, count * sizeof *values);
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        const tsm_node *node = &plan->graph->nodes[i];

        values[i].bytes = (uint64_t)tsm_dims_count(&node->dims) * sizeof(float);
        values[i].in_place = -1;
        scratch[i] = scratch_bytes(plan->graph, node);
    }
    status = tsm_memplan_make(&plan->memory, plan->graph, values, scratch, plan->scratch, error);
fail:
    tsm_free(values);
    tsm_free(scratch);
    return status;
}

static tsm_status make_plan(void **out, void *state, const tsm_graph *graph, uint64_t *bytes, tsm_error *error)
{
    reference_plan *plan = tsm_alloc_zero(1, sizeof *plan);
    tsm_status status;

    *out = NULL;
    if (!plan) return tsm_fail_memory(error, sizeof *plan);
    plan->state = state;
    plan->graph = graph;
    plan->scratch = tsm_alloc_zero((size_t)graph->count, sizeof *plan->scratch);
    if (!plan->scratch) {
        status = tsm_fail_memory(error, (size_t)graph->count * sizeof *plan->scratch);
        goto fail;
    }
    TSM_TRY(place_values(plan, error));
    plan->arena = tsm_alloc_aligned(plan->memory.arena_bytes, 1);
    if (!plan->arena) {
        status = tsm_fail_memory(error, plan->memory.arena_bytes);
        goto fail;
    }
    *bytes = plan->memory.arena_bytes;
    *out = plan;
    return TSM_OK;
fail:
    plan_release(plan);
    return status;
}

static float *value_at(const reference_plan *plan, int node)
{
    return node < 0 ? NULL : (float *)(plan->arena + plan->memory.offsets[node]);
}

static void run_input(const reference_plan *plan, float *out, const tsm_dims *dims, const tsm_tensor *input)
{
    if (input->dtype == TSM_UINT8)
        tsm_ref_input_u8(out, input->data, dims, plan->state->mean, plan->state->std);
    else
        tsm_ref_input_f32(out, input->data, dims);
}

static void run_conv(const reference_plan *plan, int index, const float *in, const tsm_dims *in_dims)
{
    const tsm_node *node = &plan->graph->nodes[index];

    if (node->shift.end) {
        float *shifted = (float *)(plan->arena + plan->scratch[index]);

        tsm_ref_shift(shifted, in, in_dims, node->shift);
        in = shifted;
    }
    tsm_ref_conv(value_at(plan, index), in, in_dims, node, plan->state->weights[index],
                 value_at(plan, node->inputs[1]));
}

static void run_avgpool(const reference_plan *plan, int index, const float *in, const tsm_dims *in_dims)
{
    const tsm_node *node = &plan->graph->nodes[index];

    if (node->kernel_h)
        tsm_ref_window_mean(value_at(plan, index), in, in_dims, node);
    else
        tsm_ref_avgpool(value_at(plan, index), in, in_dims, node->over_time);
}

static void run_attention(const reference_plan *plan, int index, const float *in, const tsm_dims *in_dims)
{
    const tsm_node *node = &plan->graph->nodes[index];

    tsm_ref_attention(value_at(plan, index), in, in_dims, value_at(plan, node->inputs[1]),
                      value_at(plan, node->inputs[2]), &plan->graph->nodes[node->inputs[2]].dims, node->softmax,
                      (double *)(void *)(plan->arena + plan->scratch[index]));
}

static void run_node(const reference_plan *plan, int index, const tsm_tensor *input)
{
    const tsm_node *node = &plan->graph->nodes[index];
    const tsm_dims *dims = &node->dims;
    const tsm_dims *in_dims = &plan->graph->nodes[node->inputs[0] < 0 ? index : node->inputs[0]].dims;
    const float *in = value_at(plan, node->inputs[0]);
    float *out = value_at(plan, index);

    switch (node->op) {
    case TSM_OP_INPUT: run_input(plan, out, dims, input); break;
    case TSM_OP_SHIFT: tsm_ref_shift(out, in, dims, node->shift); break;
    case TSM_OP_CONV: run_conv(plan, index, in, in_dims); break;
    case TSM_OP_BATCHNORM: tsm_ref_batchnorm(out, in, dims, node); break;
    case TSM_OP_ADD: tsm_ref_add(out, in, value_at(plan, node->inputs[1]), tsm_dims_count(dims)); break;
    case TSM_OP_ACT: tsm_ref_act(out, in, tsm_dims_count(dims), node->act); break;
    case TSM_OP_MAXPOOL: tsm_ref_maxpool(out, in, in_dims, node); break;
    case TSM_OP_AVGPOOL: run_avgpool(plan, index, in, in_dims); break;
    case TSM_OP_FC: tsm_ref_fc(out, in, (int64_t)dims->n * dims->t, node, plan->state->weights[index]); break;
    case TSM_OP_TMEAN: tsm_ref_tmean(out, in, in_dims); break;
    case TSM_OP_TPOOL: tsm_ref_tpool(out, in, in_dims); break;
    case TSM_OP_SCALE: tsm_ref_scale(out, in, value_at(plan, node->inputs[1]), dims, node->act); break;
    case TSM_OP_ATTENTION: run_attention(plan, index, in, in_dims); break;
    case TSM_OP_COUNT: break; /* tsm_graph_infer refuses it */
    }
}

static tsm_status run(void *opaque, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error)
{
    const reference_plan *plan = opaque;
    const tsm_dims *logits = &plan->graph->nodes[plan->graph->output].dims;

    (void)error;
    for (int i = 0; i < plan->graph->count; i++) run_node(plan, i, input);
    memcpy(output->data, value_at(plan, plan->graph->output), (size_t)tsm_dims_count(logits) * sizeof(float));
    return TSM_OK;
}

const tsm_backend tsm_backend_reference = {
    .name = "reference",
    .prepare = prepare,
    .release = release,
    .plan = make_plan,
    .plan_release = plan_release,
    .run = run,
};
