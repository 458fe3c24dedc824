/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - see arena.h. */
#include "arena.h"

#include "emit.h"
#include "transfer.h"

static tsm_status allocate(char **arena, uint64_t bytes, const tsm_worker *worker, tsm_error *error)
{
    if (cudaMalloc((void **)arena, bytes) == cudaSuccess) return TSM_OK;
    cudaGetLastError();
    *arena = NULL;
    return tsm_fail(error, TSM_ERROR_MEMORY, "cuda:%d: no %.1f MB of device memory for activations and workspace",
                    worker->prepared->device.index, (double)bytes * 1e-6);
}

/* Every kernel that runs of the plan need is loaded by this. The arena is zeroed, so that the steps run on
 * numbers. */
static tsm_status warm_up(const tsm_plan *plan, const tsm_binding *binding, tsm_error *error)
{
    const tsm_worker *worker = plan->worker;

    TSM_CUDA(cudaMemsetAsync(binding->arena, 0, binding->schedule->memory.arena_bytes, worker->stream));
    TSM_TRY_RETURN(tsm_cuda_warm_up_transfer(plan, binding, worker->stream, error));
    TSM_TRY_RETURN(
        tsm_binding_enqueue(binding, &worker->libraries, worker->stream, false, &worker->prepared->cancel, error));
    TSM_CUDA(cudaStreamSynchronize(worker->stream));
    return TSM_OK;
}

/* Binds the plan's schedule to an arena that nothing runs in, runs it there once, and captures it. */
static tsm_status bind(const tsm_plan *plan, tsm_binding *binding, char *arena, tsm_error *error)
{
    const tsm_worker *worker = plan->worker;
    tsm_status status;

    TSM_TRY_RETURN(tsm_emit(binding, &plan->schedule, arena, error));
    TSM_TRY(warm_up(plan, binding, error));
    if (worker->prepared->graphs)
        TSM_TRY(tsm_binding_capture(binding, &worker->libraries, worker->stream, &worker->side, error));
    return TSM_OK;
fail:
    cudaStreamSynchronize(worker->stream); /* the arena may be given back */
    tsm_binding_clear(binding);
    return status;
}

/* The plans there are, in another arena. */
static tsm_status bind_all(tsm_worker *worker, char *arena, tsm_error *error)
{
    for (tsm_plan *plan = worker->plans; plan; plan = plan->next) {
        TSM_TRY_RETURN(tsm_emit(&plan->moved, &plan->schedule, arena, error));
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

/* The new arena in the place of the old one, which goes, or is kept as `kept`. */
static void change_arena(tsm_worker *worker, char *arena, uint64_t bytes, tsm_cuda_kept *kept)
{
    if (kept) {
        *kept = (tsm_cuda_kept){ worker->arena, worker->arena_bytes, worker->kept };
        worker->kept = kept;
    } else if (worker->arena) {
        cudaFree(worker->arena);
    }
    worker->arena = arena;
    worker->arena_bytes = bytes;
    worker->captured = false;
}

static tsm_status grow(tsm_worker *worker, tsm_plan *plan, uint64_t bytes, tsm_error *error)
{
    tsm_cuda_kept *kept = worker->captured ? tsm_alloc_zero(1, sizeof *kept) : NULL;
    char *arena = NULL;
    tsm_status status;

    if (worker->captured && !kept) return tsm_fail_memory(error, sizeof *kept);
    TSM_TRY(allocate(&arena, bytes, worker, error));
    TSM_TRY(bind(plan, &plan->bound, arena, error));
    TSM_TRY(bind_all(worker, arena, error));
    tsm_cuda_worker_wait(worker);
    move_all(worker);
    change_arena(worker, arena, bytes, kept);
    return TSM_OK;
fail:
    for (tsm_plan *other = worker->plans; other; other = other->next) tsm_binding_clear(&other->moved);
    tsm_binding_clear(&plan->bound);
    if (arena) cudaFree(arena);
    tsm_free(kept);
    return status;
}

/* How much more memory an arena of so many bytes is. */
static uint64_t growth(const tsm_worker *worker, uint64_t bytes)
{
    if (bytes <= worker->arena_bytes) return 0;
    return worker->captured ? bytes : bytes - worker->arena_bytes;
}

tsm_status tsm_cuda_arena_add(tsm_worker *worker, tsm_plan *plan, tsm_error *error)
{
    const uint64_t bytes = plan->schedule.memory.arena_bytes;
    const uint64_t more = growth(worker, bytes);

    TSM_TRY_RETURN(tsm_check_bytes(tsm_cuda_worker_bytes(worker) + more + plan->resize.bytes,
                                   worker->prepared->max_bytes, error));
    if (more) {
        TSM_TRY_RETURN(grow(worker, plan, bytes, error));
    } else {
        tsm_cuda_worker_wait(worker); /* what is bound is tried in the arena */
        TSM_TRY_RETURN(bind(plan, &plan->bound, worker->arena, error));
    }
    plan->next = worker->plans;
    worker->plans = plan;
    return TSM_OK;
}

void tsm_cuda_arena_remove(tsm_worker *worker, tsm_plan *plan)
{
    tsm_plan **at = &worker->plans;

    tsm_cuda_worker_wait(worker);
    while (*at && *at != plan) at = &(*at)->next;
    if (*at) *at = plan->next;
}
