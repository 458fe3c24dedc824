/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - what a thread works with: oneDNN's streams, and the one arena that all its plans lie in. */
#include "pages.h"
#include "plan.h"

tsm_status tsm_cpu_worker_create(tsm_worker **out, tsm_prepared *prepared, tsm_error *error)
{
    tsm_worker *worker = tsm_alloc_zero(1, sizeof *worker);
    const size_t count = (size_t)prepared->threads;
    tsm_status status = TSM_OK;

    if (!worker) return tsm_fail_memory(error, sizeof *worker);
    worker->prepared = prepared;
    worker->streams = tsm_alloc_zero(count, sizeof(dnnl_stream_t));
    if (!worker->streams) {
        status = tsm_fail_memory(error, count * sizeof(dnnl_stream_t));
        goto fail;
    }
    for (size_t i = 0; i < count; i++) TSM_DNNL_TRY(tsm_dnnl_try_stream(&worker->streams[i], prepared->engine));
    *out = worker;
    return TSM_OK;
fail:
    tsm_cpu_worker_destroy(worker);
    return status;
}

void tsm_cpu_worker_destroy(tsm_worker *worker)
{
    if (!worker) return;
    for (int i = 0; worker->streams && i < worker->prepared->threads; i++)
        if (worker->streams[i]) dnnl_stream_destroy(worker->streams[i]);
    tsm_free(worker->streams);
    tsm_free(worker->arena);
    tsm_free(worker);
}

/* Binds all plans to an arena that is large enough for `plan`, which is the first of the list, then lets go of the
 * old one. */
static tsm_status move_plans(tsm_plan *plans, float *arena, tsm_error *error)
{
    tsm_status status;

    for (tsm_plan *plan = plans; plan; plan = plan->next) TSM_TRY(tsm_cpu_bind(&plan->moved, plan, arena, error));
    for (tsm_plan *plan = plans; plan; plan = plan->next) {
        tsm_cpu_unbind(&plan->bound);
        plan->bound = plan->moved;
        plan->moved = (tsm_cpu_binding){ 0 };
    }
    return TSM_OK;
fail:
    for (tsm_plan *plan = plans; plan; plan = plan->next) tsm_cpu_unbind(&plan->moved);
    return status;
}

tsm_status tsm_cpu_worker_add(tsm_worker *worker, tsm_plan *plan, tsm_error *error)
{
    const uint64_t bytes = plan->memory.arena_bytes;
    float *arena;
    tsm_status status;

    plan->next = worker->plans;
    if (bytes <= worker->arena_bytes) {
        TSM_TRY_RETURN(tsm_cpu_bind(&plan->bound, plan, worker->arena, error));
        worker->plans = plan;
        return TSM_OK;
    }
    arena = tsm_cpu_alloc(bytes);
    if (!arena) return tsm_fail_memory(error, bytes);
    TSM_TRY(move_plans(plan, arena, error));
    tsm_free(worker->arena);
    worker->arena = arena;
    worker->arena_bytes = bytes;
    worker->plans = plan;
    return TSM_OK;
fail:
    tsm_free(arena);
    return status;
}

void tsm_cpu_worker_remove(tsm_worker *worker, tsm_plan *plan)
{
    tsm_plan **at = &worker->plans;

    while (*at && *at != plan) at = &(*at)->next;
    if (*at) *at = plan->next;
    tsm_cpu_plan_destroy(plan);
}
