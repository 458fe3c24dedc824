/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging.h - copies between pageable host memory and the device, in pieces through pinned memory.
 *
 * CUDA copies pageable memory through a buffer of its own while the caller waits, at a fraction of the bus. Here one
 * piece is on its way while the host fills the next.
 */
#ifndef TSM_CUDA_STAGING_H
#define TSM_CUDA_STAGING_H

#include "cuda_calls.h"

#define TSM_STAGING_PIECES 2

/* Tests make it small. */
#ifndef TSM_STAGING_PIECE
#define TSM_STAGING_PIECE ((size_t)4 << 20)
#endif

typedef struct tsm_cuda_staging {
    struct {
        void *memory; /* pinned */
        cudaEvent_t free;
        bool used;
    } pieces[TSM_STAGING_PIECES];
} tsm_cuda_staging;

tsm_status tsm_cuda_staging_open(tsm_cuda_staging *staging, tsm_error *error);

/* Whatever was copied must have arrived. */
void tsm_cuda_staging_close(tsm_cuda_staging *staging);

/* From the host: `from` has been read when this returns, and has arrived in the order of the stream. Waits for no
 * more than room. Errors: DEVICE. */
tsm_status tsm_cuda_staging_send(tsm_cuda_staging *staging, void *to, const void *from, size_t bytes,
                                 cudaStream_t stream, tsm_error *error);

/* To the host: blocking. */
tsm_status tsm_cuda_staging_fetch(tsm_cuda_staging *staging, void *to, const void *from, size_t bytes,
                                  cudaStream_t stream, tsm_error *error);

#endif
