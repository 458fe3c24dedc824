/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.c - the CPU backend: oneDNN for products, loops of our own for the rest.
 *
 * fp32, channels last. The shift before a convolution is done by a kernel of ours that reads each fold from the frame
 * it comes from (GATHER: 1x1 convolutions with AVX-512), by moving the quarter of the channels that moves where it
 * lies, and moving it back after (INPLACE), or by copying the whole tensor (COPY, the baseline).
 */
#include <string.h>

#include "plan.h"

/* ---- Preparing ------------------------------------------------------------------------------------------------ */

static const char *precision_name(tsm_precision precision)
{
    static const char *const names[] = { "fp32", "tf32", "fp16", "bf16", "int8", "fp8" };

    return (unsigned)precision < sizeof names / sizeof *names ? names[precision] : "unknown";
}

static tsm_status check_config(const tsm_backend_config *config, tsm_error *error)
{
    static const char *const methods[] = { "auto", "copy", "overlap", "inplace", "gather" };
    const char *available = tsm_cpu_gather_available() ? "copy, inplace and gather" : "copy and inplace";
    const tsm_shift_method method = config->shift_method;

    if (config->precision != TSM_PRECISION_FP32)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cpu: precision %s is not available, only fp32",
                        precision_name(config->precision));
    if (method != TSM_SHIFT_AUTO && method != TSM_SHIFT_COPY && method != TSM_SHIFT_INPLACE &&
        !(method == TSM_SHIFT_GATHER && tsm_cpu_gather_available()))
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cpu: shift method %s is not available, only %s",
                        (unsigned)method <= TSM_SHIFT_GATHER ? methods[method] : "unknown", available);
    return TSM_OK;
}

static tsm_shift_method choose_method(tsm_shift_method wanted)
{
    if (wanted != TSM_SHIFT_AUTO) return wanted;
    return tsm_cpu_gather_available() ? TSM_SHIFT_GATHER : TSM_SHIFT_INPLACE;
}

static tsm_status check_graph(const tsm_graph *graph, tsm_error *error)
{
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (node->op == TSM_OP_BATCHNORM || node->op >= TSM_OP_COUNT)
            return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cpu: %s: %s must be folded before", node->name,
                            tsm_op_name(node->op));
    }
    return TSM_OK;
}

/* How many threads OpenMP really gives: limits on it would otherwise leave work undone. */
static int probe_threads(int wanted)
{
    const tsm_cpu_threads before = tsm_cpu_threads_enter(wanted > 0 ? wanted : omp_get_max_threads());
    int given = 1;

#pragma omp parallel
#pragma omp single
    given = omp_get_num_threads();
    tsm_cpu_threads_leave(before);
    return given;
}

static void cpu_release(void *opaque)
{
    tsm_cpu_state *state = opaque;

    if (!state) return;
    tsm_cpu_weights_release(state);
    if (state->engine) dnnl_engine_destroy(state->engine);
    pthread_mutex_destroy(&state->lock);
    tsm_free(state);
}

static tsm_status prepare_state(tsm_cpu_state *state, tsm_error *error)
{
    const tsm_cpu_threads before = tsm_cpu_threads_enter(state->threads);
    tsm_status status = TSM_OK;

    TSM_DNNL_TRY(dnnl_engine_create(&state->engine, dnnl_cpu, 0));
    TSM_TRY(tsm_cpu_weights_prepare(state, error));
fail:
    tsm_cpu_threads_leave(before);
    return status;
}

static tsm_status cpu_prepare(void **out, const tsm_graph *graph, const tsm_backend_config *config,
                              tsm_backend_report *report, tsm_error *error)
{
    tsm_cpu_state *state;
    tsm_status status;

    TSM_TRY_RETURN(check_config(config, error));
    TSM_TRY_RETURN(check_graph(graph, error));
    state = tsm_alloc_zero(1, sizeof *state);
    if (!state) return tsm_fail_memory(error, sizeof *state);
    pthread_mutex_init(&state->lock, NULL);
    state->graph = graph;
    state->threads = probe_threads(config->threads);
    state->shift_method = choose_method(config->shift_method);
    memcpy(state->mean, config->mean, sizeof state->mean);
    memcpy(state->std, config->std, sizeof state->std);
    TSM_TRY(prepare_state(state, error));
    *report = (tsm_backend_report){ tsm_dnnl_version(), state->threads, state->shift_method, state->weight_bytes };
    *out = state;
    return TSM_OK;
fail:
    cpu_release(state);
    return status;
}

/* ---- Planning and running ------------------------------------------------------------------------------------- */

/* Inside somebody's parallel region OpenMP would give a team of one, and primitives compiled for more would do a part
 * of their work only. */
static tsm_status check_team(const tsm_cpu_state *state, tsm_error *error)
{
    if (state->threads == 1 || !omp_in_parallel()) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT,
                    "cpu: an engine of %d threads cannot be used inside an OpenMP parallel region", state->threads);
}

static tsm_status cpu_plan(void **out, void *opaque, const tsm_graph *graph, uint64_t *bytes, tsm_error *error)
{
    tsm_cpu_state *state = opaque;
    tsm_cpu_plan *plan = NULL;
    tsm_cpu_threads before;
    tsm_status status;

    TSM_TRY_RETURN(check_team(state, error));
    before = tsm_cpu_threads_enter(state->threads);
    status = tsm_cpu_plan_create(&plan, state, graph, bytes, error);
    tsm_cpu_threads_leave(before);
    if (status == TSM_OK) *out = plan;
    return status;
}

static void cpu_plan_release(void *plan)
{
    tsm_cpu_plan_destroy(plan);
}

static tsm_status run_steps(const tsm_cpu_plan *plan, const tsm_tensor *input, tsm_error *error)
{
    const tsm_cpu_state *state = plan->state;

    if (input->dtype == TSM_UINT8) {
        tsm_cpu_from_bytes(input->data, plan->input, &plan->input_dims, state->mean, state->std);
    } else {
        tsm_cpu_from_ntchw(input->data, plan->input, &plan->input_dims);
    }
    for (int i = 0; i < plan->count; i++) {
        const tsm_cpu_step *step = &plan->steps[i];
        const tsm_status status = step->run(step, error);

        if (status != TSM_OK) return tsm_error_prefix(error, status, step->node->name);
    }
    return TSM_OK;
}

static tsm_status cpu_run(void *opaque, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error)
{
    const tsm_cpu_plan *plan = opaque;
    tsm_cpu_threads before;
    tsm_status status;

    TSM_TRY_RETURN(check_team(plan->state, error));
    before = tsm_cpu_threads_enter(plan->state->threads);
    status = run_steps(plan, input, error);
    tsm_cpu_threads_leave(before);
    if (status == TSM_OK)
        memcpy(output->data, plan->logits, (size_t)tsm_dims_count(&plan->logits_dims) * sizeof(float));
    return status;
}

const tsm_backend tsm_backend_cpu = {
    .name = "cpu",
    .prepare = cpu_prepare,
    .release = cpu_release,
    .plan = cpu_plan,
    .plan_release = cpu_plan_release,
    .run = cpu_run,
};
