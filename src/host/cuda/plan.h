/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - everything that runs of one shape need: a stream, handles, a schedule and, captured from it, a CUDA graph.
 *
 * The captured graph reads the network's input in the arena and leaves the logits there, so that it does not depend
 * on the caller's addresses: what converts the input and copies the logits is enqueued around it.
 */
#ifndef TSM_CUDA_PLAN_H
#define TSM_CUDA_PLAN_H

#include "schedule.h"
#include "resize.h"

typedef struct tsm_cuda_plan {
    tsm_cuda_state *state;
    tsm_cuda_libraries libraries;
    cudaStream_t stream; /* of run, of the autotuner and of the capture */
    cudaEvent_t done;    /* after the last work that was enqueued */
    bool enqueued;
    cudaStream_t last; /* where that was */
    tsm_cuda_resize resize;
    tsm_schedule schedule;
    cudaGraphExec_t exec; /* NULL: kernel by kernel */
} tsm_cuda_plan;

/* Blocking. Errors: UNSUPPORTED, MEMORY, DEVICE. The device must be current, here and below. */
tsm_status tsm_cuda_plan_make(tsm_cuda_plan **plan, tsm_cuda_state *state, const tsm_graph *graph, tsm_error *error);

/* Waits for what is still running. */
void tsm_cuda_plan_destroy(tsm_cuda_plan *plan);

/* Input, network and logits on a stream, in order after whatever this plan enqueued before; never waits. Host memory
 * that is not pinned makes the copies blocking: `pageable` allows it. Errors: ARGUMENT, DEVICE. */
tsm_status tsm_cuda_plan_enqueue(tsm_cuda_plan *plan, const tsm_tensor *input, const tsm_tensor *output,
                                 bool pageable, cudaStream_t stream, tsm_error *error);

/* transfer.c */

/* Refuses tensors whose memory is not what they say, or not of this device. */
tsm_status tsm_cuda_check_tensor(const tsm_tensor *tensor, const char *name, const tsm_cuda_device *device,
                                 bool pageable, tsm_error *error);

/* The caller's tensor to the network's input: resized, dtype, channels last, normalised, padded. */
tsm_status tsm_cuda_enqueue_input(const tsm_schedule *schedule, const tsm_cuda_resize *resize,
                                  const tsm_tensor *input, cudaStream_t stream, tsm_error *error);

/* Runs what reads the caller's tensors once, on the arena: the first enqueue must not be what loads a kernel. */
tsm_status tsm_cuda_warm_up_input(const tsm_schedule *schedule, const tsm_cuda_resize *resize, cudaStream_t stream,
                                  tsm_error *error);
tsm_status tsm_cuda_enqueue_output(const tsm_schedule *schedule, const tsm_tensor *output, cudaStream_t stream,
                                   tsm_error *error);

#endif
