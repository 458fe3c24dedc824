/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - what one thread works with: a stream, library handles, and the arena in which all its plans lie.
 *
 * The arena is one, so whatever is put on a stream first waits there for the event of the last work, whichever stream
 * that was on: handles are never compared, since a new stream may have an old one's handle, and one handle
 * (cudaStreamPerThread) may mean many streams.
 */
#ifndef TSM_CUDA_WORKER_H
#define TSM_CUDA_WORKER_H

#include "binding.h"
#include "prepared.h"
#include "staging.h"

/* Of a run; the greatest number where there is none. */
typedef struct tsm_cuda_findings {
    uint32_t frame; /* the first frame of the input, of all clips, with a value that is not finite */
    uint32_t row;   /* the first row of the logits */
} tsm_cuda_findings;

struct tsm_worker {
    tsm_prepared *prepared;
    tsm_cuda_libraries libraries;
    cudaStream_t stream; /* of run, of the autotuner and of captures */
    tsm_cuda_side side;  /* of captures */
    cudaEvent_t done;    /* after the last work that was enqueued */
    bool enqueued;
    char *arena; /* NULL until the first plan */
    uint64_t arena_bytes;
    tsm_cuda_staging staging;
    tsm_cuda_findings *findings; /* device memory: what the last run found in its numbers */
    tsm_plan *plans;
};

/* The device must be current, here and below. Errors: DEVICE, MEMORY. */
tsm_status tsm_cuda_worker_create(tsm_worker **worker, tsm_prepared *prepared, tsm_error *error);

/* Waits for what is still running; after its plans. */
void tsm_cuda_worker_destroy(tsm_worker *worker);

/* Device memory: the arena, and what the plans hold besides. */
uint64_t tsm_cuda_worker_bytes(const tsm_worker *worker);

/* The host waits for the last work. */
void tsm_cuda_worker_wait(const tsm_worker *worker);

/* What comes on `stream` from now on comes after the last work; and is the last work, once it is all there. */
tsm_status tsm_cuda_worker_follow(const tsm_worker *worker, cudaStream_t stream, tsm_error *error);
tsm_status tsm_cuda_worker_mark(tsm_worker *worker, cudaStream_t stream, tsm_error *error);

#endif
