/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - see worker.h. */
#include "worker.h"

#include "plan.h"

static tsm_status open_worker(tsm_worker *worker, tsm_error *error)
{
    TSM_CUDA(cudaStreamCreateWithFlags(&worker->stream, cudaStreamNonBlocking));
    TSM_TRY_RETURN(tsm_cuda_side_open(&worker->side, error));
    TSM_CUDA(cudaEventCreateWithFlags(&worker->done, cudaEventDisableTiming));
    TSM_CUDA(cudaMalloc((void **)&worker->findings, sizeof *worker->findings));
    TSM_TRY_RETURN(tsm_cuda_staging_open(&worker->staging, error));
    return tsm_cuda_libraries_open(&worker->libraries, error);
}

tsm_status tsm_cuda_worker_create(tsm_worker **out, tsm_prepared *prepared, tsm_error *error)
{
    tsm_worker *worker = tsm_alloc_zero(1, sizeof *worker);
    tsm_status status;

    *out = NULL;
    if (!worker) return tsm_fail_memory(error, sizeof *worker);
    worker->prepared = prepared;
    TSM_TRY(open_worker(worker, error));
    *out = worker;
    return TSM_OK;
fail:
    tsm_cuda_worker_destroy(worker);
    return status;
}

/* The host waits for the last work. */
static void wait_for_last(const tsm_worker *worker)
{
    if (worker->enqueued) cudaEventSynchronize(worker->done);
}

void tsm_cuda_worker_destroy(tsm_worker *worker)
{
    if (!worker) return;
    wait_for_last(worker);
    if (worker->stream) cudaStreamSynchronize(worker->stream);
    if (worker->arena) cudaFree(worker->arena);
    if (worker->findings) cudaFree(worker->findings);
    tsm_cuda_side_close(&worker->side);
    tsm_cuda_staging_close(&worker->staging);
    tsm_cuda_libraries_close(&worker->libraries);
    if (worker->done) cudaEventDestroy(worker->done);
    if (worker->stream) cudaStreamDestroy(worker->stream);
    tsm_free(worker);
}

uint64_t tsm_cuda_worker_bytes(const tsm_worker *worker)
{
    uint64_t bytes = worker->arena_bytes + sizeof *worker->findings;

    for (const tsm_plan *plan = worker->plans; plan; plan = plan->next) bytes += plan->resize.bytes;
    return bytes;
}

tsm_status tsm_cuda_worker_follow(const tsm_worker *worker, cudaStream_t stream, tsm_error *error)
{
    if (worker->enqueued) TSM_CUDA(cudaStreamWaitEvent(stream, worker->done, 0));
    return TSM_OK;
}

tsm_status tsm_cuda_worker_mark(tsm_worker *worker, cudaStream_t stream, tsm_error *error)
{
    TSM_CUDA(cudaEventRecord(worker->done, stream));
    worker->enqueued = true;
    return TSM_OK;
}

/* ---- The arena ---- */

static tsm_status allocate(char **arena, uint64_t bytes, const tsm_worker *worker, tsm_error *error)
{
    if (cudaMalloc((void **)arena, bytes) == cudaSuccess) return TSM_OK;
    cudaGetLastError();
    *arena = NULL;
    return tsm_fail(error, TSM_ERROR_MEMORY, "cuda:%d: no %.1f MB of device memory for activations and workspace",
                    worker->prepared->device.index, (double)bytes * 1e-6);
}

/* The plans there are, in another arena. */
static tsm_status bind_all(tsm_worker *worker, char *arena, tsm_error *error)
{
    for (tsm_plan *plan = worker->plans; plan; plan = plan->next) {
        TSM_TRY_RETURN(tsm_binding_make(&plan->moved, &plan->schedule, arena, error));
        if (plan->bound.exec)
            TSM_TRY_RETURN(
                tsm_binding_capture(&plan->moved, &worker->libraries, worker->stream, &worker->side, error));
    }
    return TSM_OK;
}

static void move_all(tsm_worker *worker)
{
    for (tsm_plan *plan = worker->plans; plan; plan = plan->next) {
        tsm_binding_clear(&plan->bound);
        plan->bound = plan->moved;
        plan->moved = (tsm_binding){ 0 };
    }
}

static tsm_status grow(tsm_worker *worker, tsm_plan *plan, uint64_t bytes, tsm_error *error)
{
    char *arena = NULL;
    tsm_status status;

    TSM_TRY(allocate(&arena, bytes, worker, error));
    TSM_TRY(tsm_cuda_plan_bind(plan, &plan->bound, arena, error));
    TSM_TRY(bind_all(worker, arena, error));
    wait_for_last(worker);
    move_all(worker);
    if (worker->arena) cudaFree(worker->arena);
    worker->arena = arena;
    worker->arena_bytes = bytes;
    return TSM_OK;
fail:
    for (tsm_plan *other = worker->plans; other; other = other->next) tsm_binding_clear(&other->moved);
    tsm_binding_clear(&plan->bound);
    if (arena) cudaFree(arena);
    return status;
}

tsm_status tsm_cuda_worker_add(tsm_worker *worker, tsm_plan *plan, tsm_error *error)
{
    const uint64_t bytes = plan->schedule.memory.arena_bytes;
    const uint64_t more = bytes > worker->arena_bytes ? bytes - worker->arena_bytes : 0;

    TSM_TRY_RETURN(tsm_check_bytes(tsm_cuda_worker_bytes(worker) + more + plan->resize.bytes,
                                   worker->prepared->max_bytes, error));
    if (more) {
        TSM_TRY_RETURN(grow(worker, plan, bytes, error));
    } else {
        wait_for_last(worker); /* what is bound is tried in the arena */
        TSM_TRY_RETURN(tsm_cuda_plan_bind(plan, &plan->bound, worker->arena, error));
    }
    plan->next = worker->plans;
    worker->plans = plan;
    return TSM_OK;
}

void tsm_cuda_worker_remove(tsm_worker *worker, tsm_plan *plan)
{
    tsm_plan **at = &worker->plans;

    wait_for_last(worker);
    while (*at && *at != plan) at = &(*at)->next;
    if (*at) *at = plan->next;
}
