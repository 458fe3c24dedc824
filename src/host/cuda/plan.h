/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - everything that runs of one shape need: a schedule, bound to the arena of a worker, and tables. */
#ifndef TSM_CUDA_PLAN_H
#define TSM_CUDA_PLAN_H

#include "binding.h"
#include "resize.h"
#include "schedule.h"
#include "worker.h"

struct tsm_plan {
    tsm_worker *worker;
    tsm_cuda_resize resize;
    int32_t *indices; /* of live streams: in device memory, the slot of each clip; NULL: whole clips */
    uint64_t index_bytes;
    tsm_schedule schedule;
    tsm_binding bound, moved; /* moved: to an arena that is not the worker's yet */
    tsm_plan *next;           /* of the worker */
};

/* Blocking. Errors: UNSUPPORTED, MEMORY, DEVICE, CANCELLED. The device must be current, here and below. */
tsm_status tsm_cuda_plan_create(tsm_plan **plan, tsm_worker *worker, const tsm_plan_arguments *arguments,
                                tsm_error *error);

/* Waits for what is still running. NULL is fine. */
void tsm_cuda_plan_destroy(tsm_plan *plan);

/* run.c: run of backend.h. */
tsm_status tsm_cuda_run(tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error);

/* observe.c: the steps one by one, telling who listens; waits for the stream. Errors: DEVICE, MEMORY, CANCELLED. */
tsm_status tsm_cuda_observe(tsm_plan *plan, const tsm_run_arguments *arguments, cudaStream_t stream,
                            tsm_error *error);

#endif
