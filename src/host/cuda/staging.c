/* SPDX-License-Identifier: Apache-2.0 */
/* staging.c - see staging.h. */
#include "staging.h"

#include <string.h>

tsm_status tsm_cuda_staging_open(tsm_cuda_staging *staging, tsm_error *error)
{
    memset(staging, 0, sizeof *staging);
    for (int i = 0; i < TSM_STAGING_PIECES; i++) {
        TSM_CUDA(cudaMallocHost(&staging->pieces[i].memory, TSM_STAGING_PIECE));
        TSM_CUDA(cudaEventCreateWithFlags(&staging->pieces[i].free, cudaEventDisableTiming));
    }
    return TSM_OK;
}

void tsm_cuda_staging_close(tsm_cuda_staging *staging)
{
    for (int i = 0; i < TSM_STAGING_PIECES; i++) {
        if (staging->pieces[i].free) cudaEventDestroy(staging->pieces[i].free);
        if (staging->pieces[i].memory) cudaFreeHost(staging->pieces[i].memory);
    }
    memset(staging, 0, sizeof *staging);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Waits until a piece is free. */
static tsm_status take_piece(tsm_cuda_staging *staging, int piece, tsm_error *error)
{
    if (staging->pieces[piece].used) TSM_CUDA(cudaEventSynchronize(staging->pieces[piece].free));
    staging->pieces[piece].used = true;
    return TSM_OK;
}

tsm_status tsm_cuda_staging_send(tsm_cuda_staging *staging, void *to, const void *from, size_t bytes,
                                 cudaStream_t stream, tsm_error *error)
{
    int piece = 0;

    for (size_t at = 0; at < bytes; at += TSM_STAGING_PIECE) {
        const size_t size = least(bytes - at, TSM_STAGING_PIECE);
        void *memory = staging->pieces[piece].memory;

        TSM_TRY_RETURN(take_piece(staging, piece, error));
        memcpy(memory, (const char *)from + at, size);
        TSM_CUDA(cudaMemcpyAsync((char *)to + at, memory, size, cudaMemcpyHostToDevice, stream));
        TSM_CUDA(cudaEventRecord(staging->pieces[piece].free, stream));
        piece = (piece + 1) % TSM_STAGING_PIECES;
    }
    return TSM_OK;
}

tsm_status tsm_cuda_staging_fetch(tsm_cuda_staging *staging, void *to, const void *from, size_t bytes,
                                  cudaStream_t stream, tsm_error *error)
{
    for (size_t at = 0; at < bytes; at += TSM_STAGING_PIECE) {
        const size_t size = least(bytes - at, TSM_STAGING_PIECE);
        void *memory = staging->pieces[0].memory;

        TSM_TRY_RETURN(take_piece(staging, 0, error));
        TSM_CUDA(cudaMemcpyAsync(memory, (const char *)from + at, size, cudaMemcpyDeviceToHost, stream));
        TSM_CUDA(cudaStreamSynchronize(stream));
        staging->pieces[0].used = false;
        memcpy((char *)to + at, memory, size);
    }
    return TSM_OK;
}
