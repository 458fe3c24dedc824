/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binding.h - a schedule in an arena: the steps with their addresses and, captured from them, a CUDA graph.
 *
 * The graph reads the network's input in the arena and leaves the logits there, so that it does not depend on the
 * caller's addresses: what converts the input and copies the logits is enqueued around it.
 */
#ifndef TSM_CUDA_BINDING_H
#define TSM_CUDA_BINDING_H

#include "schedule.h"
#include "steps.h"

/* A second stream, for what a capture puts beside the first. */
typedef struct tsm_cuda_side {
    cudaStream_t stream;
    cudaEvent_t fork, join;
} tsm_cuda_side;

tsm_status tsm_cuda_side_open(tsm_cuda_side *side, tsm_error *error);
void tsm_cuda_side_close(tsm_cuda_side *side);

typedef struct tsm_binding {
    const tsm_schedule *schedule; /* must outlive it */
    char *arena;
    tsm_steps steps;      /* from the network's input in device memory to the logits, node by node */
    cudaGraphExec_t exec; /* NULL: kernel by kernel */
} tsm_binding;

/* What tsm_emit made, and a graph of it; a zeroed one is fine. */
void tsm_binding_clear(tsm_binding *binding);

/* Device address of a node's value, and of its scratch (NULL where it has none). */
void *tsm_binding_value(const tsm_binding *binding, int node);
void *tsm_binding_scratch(const tsm_binding *binding, int node);

/* Puts all steps on the stream in order; with `ranges` each in an NVTX range of its node's name. Stops where the
 * caller cancels, unless `cancel` is NULL. Errors: DEVICE, CANCELLED. */
tsm_status tsm_binding_enqueue(const tsm_binding *binding, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                               bool ranges, const tsm_cancel *cancel, tsm_error *error);

/* Captures the steps as a graph, forks beside the rest. Every kernel must have run before: kernels are loaded when
 * they first run, which a capture would not allow. Blocking. Errors: DEVICE, MEMORY. */
tsm_status tsm_binding_capture(tsm_binding *binding, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                               const tsm_cuda_side *side, tsm_error *error);

#endif
