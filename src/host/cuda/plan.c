/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "plan.h"

#include <string.h>

#include "arena.h"
#include "method.h"

/* Where runs put the slots of their clips, so that a graph needs no change. At first clip i is of slot i: all
 * different, as runs have them. */
static tsm_status make_indices(tsm_plan *plan, tsm_error *error)
{
    tsm_schedule *s = &plan->schedule;
    const int clips = s->shapes[tsm_graph_input(s->prepared->graph)].n;
    int32_t *first;
    tsm_status status;

    if (!s->slots) return TSM_OK;
    first = tsm_alloc_zero((size_t)clips, sizeof *first);
    if (!first) return tsm_fail_memory(error, (size_t)clips * sizeof *first);
    for (int i = 0; i < clips; i++) first[i] = i;
    plan->index_bytes = (uint64_t)clips * sizeof *first;
    TSM_CUDA_TRY(cudaMalloc((void **)&plan->indices, plan->index_bytes));
    TSM_TRY(tsm_cuda_staging_send(&plan->worker->staging, plan->indices, first, plan->index_bytes,
                                  plan->worker->stream, error));
    s->indices = plan->indices;
    status = TSM_OK;
fail:
    tsm_free(first);
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
    TSM_TRY(make_indices(plan, error));
    TSM_TRY(tsm_cuda_arena_add(worker, plan, error));
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
    tsm_cuda_arena_remove(plan->worker, plan);
    tsm_binding_clear(&plan->bound);
    tsm_schedule_clear(&plan->schedule);
    tsm_cuda_resize_clear(&plan->resize);
    if (plan->indices) cudaFree(plan->indices);
    tsm_free(plan);
}
