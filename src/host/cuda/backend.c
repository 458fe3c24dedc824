/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c - what the plugin exports: the functions of backend.h, each with the engine's device current. */
#include "pinned.h"
#include "plan.h"
#include "slots.h"

static const char *note(const tsm_prepared *prepared)
{
    return prepared->cache.note[0] ? prepared->cache.note : NULL;
}

static tsm_status worker_create(tsm_worker **worker, tsm_prepared *prepared, tsm_error *error)
{
    int previous;
    tsm_status status;

    *worker = NULL;
    TSM_TRY_RETURN(tsm_cuda_enter(&prepared->device, &previous, error));
    status = tsm_cuda_worker_create(worker, prepared, error);
    tsm_cuda_leave(previous);
    return status;
}

static void worker_destroy(tsm_worker *worker)
{
    int previous;
    bool entered;

    if (!worker) return;
    /* Where the device does not answer any more, what is on the host must go all the same. */
    entered = tsm_cuda_enter(&worker->prepared->device, &previous, NULL) == TSM_OK;
    tsm_cuda_worker_destroy(worker);
    if (entered) tsm_cuda_leave(previous);
}

static tsm_status make_plan(tsm_plan **plan, tsm_worker *worker, const tsm_plan_arguments *arguments,
                            tsm_error *error)
{
    int previous;
    tsm_status status;

    *plan = NULL;
    TSM_TRY_RETURN(tsm_cuda_enter(&worker->prepared->device, &previous, error));
    status = tsm_cuda_plan_create(plan, worker, arguments, error);
    tsm_cuda_leave(previous);
    return status;
}

static void plan_release(tsm_plan *plan)
{
    int previous;
    bool entered;

    if (!plan) return;
    entered = tsm_cuda_enter(&plan->worker->prepared->device, &previous, NULL) == TSM_OK;
    tsm_cuda_plan_destroy(plan);
    if (entered) tsm_cuda_leave(previous);
}

static tsm_status run(tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error)
{
    int previous;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cuda_enter(&plan->worker->prepared->device, &previous, error));
    status = tsm_cuda_run(plan, arguments, error);
    tsm_cuda_leave(previous);
    return status;
}

/* The one symbol that the plugin exports. */
TSM_API const tsm_backend *tsm_cuda_backend(void);

const tsm_backend *tsm_cuda_backend(void)
{
    static const tsm_backend backend = {
        .abi = TSM_BACKEND_ABI,
        .struct_bytes = TSM_BACKEND_STRUCTS,
        .name = "cuda",
        .supports = tsm_cuda_supports,
        .prepare = tsm_cuda_prepare,
        .release = tsm_cuda_release,
        .note = note,
        .worker_create = worker_create,
        .worker_destroy = worker_destroy,
        .worker_bytes = tsm_cuda_worker_bytes,
        .plan = make_plan,
        .plan_release = plan_release,
        .run = run,
        .slots_create = tsm_cuda_slots_create,
        .slots_destroy = tsm_cuda_slots_destroy,
        .slots_reset = tsm_cuda_slots_reset,
        .slots_copy = tsm_cuda_slots_copy,
        .slots_read = tsm_cuda_slots_read,
        .slots_write = tsm_cuda_slots_write,
        .streams = true,
        .device_memory = true,
        .resizes = true,
        .host_allocate = tsm_cuda_host_allocate,
        .host_release = tsm_cuda_host_release,
    };

    return &backend;
}
