/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.c - the CPU backend: oneDNN for products, loops of our own for the rest.
 *
 * fp32, channels last. The shift before a convolution is done by a kernel of ours that reads each fold from the frame
 * it comes from (GATHER: 1x1 convolutions with AVX-512), by moving the quarter of the channels that moves where it
 * lies, and moving it back after (INPLACE), or by copying the whole tensor (COPY, the baseline).
 */
#include "plan.h"

static tsm_status check_graph(const tsm_graph *graph, const tsm_backend_config *config, tsm_error *error)
{
    char text[TSM_SUPPORT_TEXT];

    if (!tsm_cpu_config_supported(config, text)) return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cpu: %s", text);
    for (int i = 0; i < graph->count; i++)
        if (!tsm_cpu_supports(config, graph, i, text))
            return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cpu: %s: %s", graph->nodes[i].name, text);
    return TSM_OK;
}

static void cpu_release(tsm_prepared *prepared)
{
    if (!prepared) return;
    tsm_cpu_waiting_let_go();
    tsm_cpu_weights_release(prepared);
    if (prepared->engine) dnnl_engine_destroy(prepared->engine);
    pthread_mutex_destroy(&prepared->lock);
    tsm_free(prepared);
}

static tsm_status fill_prepared(tsm_prepared *prepared, tsm_error *error)
{
    const tsm_cpu_threads before = tsm_cpu_threads_enter(prepared->threads);
    tsm_status status = TSM_OK;

    TSM_DNNL_TRY(tsm_dnnl_try_engine(&prepared->engine));
    TSM_TRY(tsm_cpu_weights_prepare(prepared, error));
fail:
    tsm_cpu_threads_leave(before);
    return status;
}

static tsm_status cpu_prepare(tsm_prepared **out, const tsm_graph *graph, const tsm_backend_config *config,
                              tsm_backend_report *report, tsm_error *error)
{
    tsm_prepared *prepared;
    tsm_status status;

    TSM_TRY_RETURN(check_graph(graph, config, error));
    prepared = tsm_alloc_zero(1, sizeof *prepared);
    if (!prepared) return tsm_fail_memory(error, sizeof *prepared);
    pthread_mutex_init(&prepared->lock, NULL);
    tsm_cpu_waiting_hold(config->threads > 0 ? config->threads : omp_get_max_threads());
    prepared->graph = graph;
    TSM_TRY(tsm_cpu_probe_team(&prepared->threads, config->threads, error));
    prepared->shift_method = tsm_cpu_choose_method(config->shift_method);
    prepared->max_bytes = config->max_bytes;
    prepared->cancel = config->cancel;
    TSM_TRY(fill_prepared(prepared, error));
    *report =
        (tsm_backend_report){ tsm_dnnl_version(), prepared->threads, prepared->shift_method, prepared->weight_bytes };
    *out = prepared;
    return TSM_OK;
fail:
    cpu_release(prepared);
    return status;
}

/* ---- Planning ------------------------------------------------------------------------------------------------- */

static uint64_t cpu_worker_bytes(const tsm_worker *worker)
{
    return worker->arena_bytes;
}

static tsm_status make_plan(tsm_plan **out, tsm_worker *worker, const tsm_plan_arguments *arguments, tsm_error *error)
{
    tsm_plan *plan = NULL;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cpu_plan_create(&plan, worker, arguments, error));
    TSM_TRY(tsm_cpu_worker_add(worker, plan, error));
    *out = plan;
    return TSM_OK;
fail:
    tsm_cpu_plan_destroy(plan);
    return status;
}

static tsm_status cpu_plan(tsm_plan **out, tsm_worker *worker, const tsm_plan_arguments *arguments, tsm_error *error)
{
    tsm_cpu_threads before;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cpu_check_team(worker->prepared->threads, error));
    before = tsm_cpu_threads_enter(worker->prepared->threads);
    status = make_plan(out, worker, arguments, error);
    tsm_cpu_threads_leave(before);
    return status;
}

static void cpu_plan_release(tsm_plan *plan)
{
    if (plan) tsm_cpu_worker_remove(plan->worker, plan);
}

const tsm_backend tsm_backend_cpu = {
    .abi = TSM_BACKEND_ABI,
    .struct_bytes = TSM_BACKEND_STRUCTS,
    .name = "cpu",
    .supports = tsm_cpu_supports,
    .prepare = cpu_prepare,
    .release = cpu_release,
    .worker_create = tsm_cpu_worker_create,
    .worker_destroy = tsm_cpu_worker_destroy,
    .worker_bytes = cpu_worker_bytes,
    .plan = cpu_plan,
    .plan_release = cpu_plan_release,
    .run = tsm_cpu_run,
    TSM_HOST_SLOTS,
};
