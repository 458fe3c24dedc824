/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "plan.h"

#include <string.h>

#include "method.h"
#include "transfer.h"

/* Every kernel that runs of the plan need is loaded by this. The arena is zeroed, so that the steps run on numbers.
 */
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

tsm_status tsm_cuda_plan_bind(const tsm_plan *plan, tsm_binding *binding, char *arena, tsm_error *error)
{
    const tsm_worker *worker = plan->worker;
    tsm_status status;

    TSM_TRY_RETURN(tsm_binding_make(binding, &plan->schedule, arena, error));
    TSM_TRY(warm_up(plan, binding, error));
    if (worker->prepared->graphs)
        TSM_TRY(tsm_binding_capture(binding, &worker->libraries, worker->stream, &worker->side, error));
    return TSM_OK;
fail:
    cudaStreamSynchronize(worker->stream); /* the arena may be given back */
    tsm_binding_clear(binding);
    return status;
}

tsm_status tsm_cuda_plan_create(tsm_plan **out, tsm_worker *worker, const tsm_plan_arguments *arguments,
                                tsm_error *error)
{
    tsm_prepared *prepared = worker->prepared;
    tsm_plan *plan = tsm_alloc_zero(1, sizeof *plan);
    tsm_tuner tuner = { .libraries = &worker->libraries,
                        .stream = worker->stream,
                        .cache = &prepared->cache,
                        .cancel = &prepared->cancel,
                        .l2_bytes = prepared->device.l2_bytes,
                        .timed = prepared->tune };
    tsm_status status;

    *out = NULL;
    if (!plan) return tsm_fail_memory(error, sizeof *plan);
    plan->worker = worker;
    TSM_TRY(tsm_cuda_resize_make(&plan->resize, arguments->resize, error));
    TSM_TRY(tsm_cuda_schedule_best(plan, arguments, &tuner, error));
    TSM_TRY(tsm_cuda_worker_add(worker, plan, error));
    if (tuner.found) tsm_tune_cache_save(&prepared->cache);
    *out = plan;
    return TSM_OK;
fail:
    if (tuner.found) tsm_tune_cache_save(&prepared->cache); /* what was found is found */
    tsm_cuda_plan_destroy(plan);
    return status;
}

void tsm_cuda_plan_destroy(tsm_plan *plan)
{
    if (!plan) return;
    tsm_cuda_worker_remove(plan->worker, plan);
    tsm_binding_clear(&plan->bound);
    tsm_schedule_clear(&plan->schedule);
    tsm_cuda_resize_clear(&plan->resize);
    tsm_free(plan);
}
