/* SPDX-License-Identifier: Apache-2.0 */
/* pinned.c - see pinned.h. */
#include "pinned.h"

static tsm_status allocate(size_t bytes, void **memory, tsm_error *error)
{
    TSM_CUDA(cudaMallocHost(memory, bytes));
    return TSM_OK;
}

tsm_status tsm_cuda_host_allocate(void *opaque, size_t bytes, void **memory, tsm_error *error)
{
    const tsm_cuda_state *state = opaque;
    int previous;
    tsm_status status;

    *memory = NULL;
    TSM_TRY_RETURN(tsm_cuda_enter(&state->device, &previous, error));
    status = allocate(bytes, memory, error);
    tsm_cuda_leave(previous);
    return status;
}

void tsm_cuda_host_release(void *opaque, void *memory)
{
    const tsm_cuda_state *state = opaque;
    int previous;

    if (tsm_cuda_enter(&state->device, &previous, NULL) != TSM_OK) return;
    cudaFreeHost(memory);
    tsm_cuda_leave(previous);
}
