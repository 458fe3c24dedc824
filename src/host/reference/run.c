/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs a plan, one node at a time with the reference operations. */
#include <string.h>

#include "ops.h"
#include "plan.h"

static float *value_at(const tsm_plan *plan, int node)
{
    return node < 0 ? NULL : (float *)(void *)(plan->worker->arena + plan->memory.offsets[node]);
}

static void *scratch_at(const tsm_plan *plan, int node)
{
    return plan->worker->arena + plan->scratch[node];
}

static tsm_status run_input(const tsm_plan *plan, int index, const tsm_tensor *input, tsm_error *error)
{
    const tsm_node *node = &plan->graph->nodes[index];
    const tsm_dims *dims = &plan->shapes[index];
    int64_t bad = -1;

    if (input->dtype == TSM_UINT8)
        tsm_ref_input_u8(value_at(plan, index), input->data, dims, node->input_mean, node->input_std);
    else
        bad = tsm_ref_input_f32(value_at(plan, index), input->data, dims);
    return bad < 0 ? TSM_OK : tsm_fail_input(error, dims, bad);
}

static void run_shift(const tsm_plan *plan, int index, float *out, const float *in, const tsm_dims *dims,
                      const int *slot)
{
    const int64_t frame = (int64_t)dims->h * dims->w * dims->c;

    if (!plan->slots) {
        tsm_ref_shift(out, in, dims, plan->graph->nodes[index].shift);
        return;
    }
    for (int n = 0; n < dims->n; n++) {
        const tsm_slot_cache *cache = &plan->slots->layout->caches[index];

        tsm_ref_shift_online(out + n * frame, in + n * frame,
                             tsm_host_slots_state(plan->slots, slot[n]) + cache->first, cache->pixels, dims->c,
                             cache->fold);
    }
}

static void run_conv(const tsm_plan *plan, int index, const float *in, const tsm_dims *in_dims, const int *slot)
{
    const tsm_node *node = &plan->graph->nodes[index];

    if (node->shift.end) {
        float *shifted = scratch_at(plan, index);

        run_shift(plan, index, shifted, in, in_dims, slot);
        in = shifted;
    }
    tsm_ref_conv(value_at(plan, index), in, in_dims, node, plan->worker->prepared->weights[index],
                 value_at(plan, node->inputs[1]));
}

static void run_avgpool(const tsm_plan *plan, int index, const float *in, const tsm_dims *in_dims)
{
    const tsm_node *node = &plan->graph->nodes[index];

    if (node->kernel_h)
        tsm_ref_window_mean(value_at(plan, index), in, in_dims, node);
    else
        tsm_ref_avgpool(value_at(plan, index), in, in_dims, node->over_time);
}

static void run_attention(const tsm_plan *plan, int index, const float *in, const tsm_dims *in_dims)
{
    const tsm_node *node = &plan->graph->nodes[index];

    tsm_ref_attention(value_at(plan, index), in, in_dims, value_at(plan, node->inputs[1]),
                      value_at(plan, node->inputs[2]), &plan->shapes[node->inputs[2]], node->softmax,
                      scratch_at(plan, index));
}

static tsm_status run_node(const tsm_plan *plan, int index, const tsm_run_arguments *a, tsm_error *error)
{
    const tsm_node *node = &plan->graph->nodes[index];
    const tsm_dims *dims = &plan->shapes[index],
                   *in_dims = node->inputs[0] < 0 ? dims : &plan->shapes[node->inputs[0]];
    const float *in = value_at(plan, node->inputs[0]), *weights = plan->worker->prepared->weights[index];
    float *out = value_at(plan, index);

    switch (node->op) {
    case TSM_OP_INPUT: return run_input(plan, index, a->input, error);
    case TSM_OP_SHIFT: run_shift(plan, index, out, in, dims, a->slot); break;
    case TSM_OP_CONV: run_conv(plan, index, in, in_dims, a->slot); break;
    case TSM_OP_BATCHNORM: tsm_ref_batchnorm(out, in, dims, node); break;
    case TSM_OP_ADD: tsm_ref_add(out, in, value_at(plan, node->inputs[1]), tsm_dims_count(dims)); break;
    case TSM_OP_ACT: tsm_ref_act(out, in, tsm_dims_count(dims), node->act); break;
    case TSM_OP_MAXPOOL: tsm_ref_maxpool(out, in, in_dims, node); break;
    case TSM_OP_AVGPOOL: run_avgpool(plan, index, in, in_dims); break;
    case TSM_OP_FC: tsm_ref_fc(out, in, (int64_t)dims->n * dims->t, node, weights); break;
    case TSM_OP_TMEAN: tsm_ref_tmean(out, in, in_dims); break;
    case TSM_OP_TPOOL: tsm_ref_tpool(out, in, in_dims); break;
    case TSM_OP_SCALE: tsm_ref_scale(out, in, value_at(plan, node->inputs[1]), dims, node->act); break;
    case TSM_OP_ATTENTION: run_attention(plan, index, in, in_dims); break;
    case TSM_OP_COUNT: break; /* tsm_graph_infer refuses it */
    }
    return TSM_OK;
}

tsm_status tsm_reference_run(tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error)
{
    const tsm_visitor *visitor = arguments->visitor;
    const tsm_profiler *profiler = arguments->profiler;
    const int output = plan->graph->output;

    for (int i = 0; i < plan->graph->count; i++) {
        const double begin = profiler ? tsm_now_ms() : 0;

        TSM_TRY_RETURN(tsm_cancel_check(&plan->worker->prepared->cancel, error));
        TSM_TRY_RETURN(run_node(plan, i, arguments, error));
        if (profiler) profiler->step(profiler->user, i, "plain C", tsm_now_ms() - begin);
        if (visitor) visitor->value(visitor->user, i, &plan->shapes[i], value_at(plan, i));
    }
    memcpy(arguments->output->data, value_at(plan, output),
           (size_t)tsm_dims_count(&plan->shapes[output]) * sizeof(float));
    return TSM_OK;
}
