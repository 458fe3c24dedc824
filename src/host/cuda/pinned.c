/* SPDX-License-Identifier: Apache-2.0 */
/* pinned.c - see pinned.h. */
#include "pinned.h"

static tsm_status allocate(size_t bytes, void **memory, tsm_error *error)
{
    TSM_CUDA(cudaMallocHost(memory, bytes));
    return TSM_OK;
}

tsm_status tsm_cuda_host_allocate(tsm_prepared *prepared, size_t bytes, void **memory, tsm_error *error)
{
    int previous;
    tsm_status status;

    *memory = NULL;
    TSM_TRY_RETURN(tsm_cuda_enter(&prepared->device, &previous, error));
    status = allocate(bytes, memory, error);
    tsm_cuda_leave(previous);
    return status;
}

void tsm_cuda_host_release(tsm_prepared *prepared, void *memory)
{
    int previous;

    if (tsm_cuda_enter(&prepared->device, &previous, NULL) != TSM_OK) return;
    cudaFreeHost(memory);
    tsm_cuda_leave(previous);
}
