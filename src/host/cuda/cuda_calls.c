/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_calls.c - one line for every kind of failed call. */
#include "cuda_calls.h"

#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Notes which device was current when the call failed. */
static tsm_status with_device(tsm_error *error, tsm_status status)
{
    if (error && cudaGetDevice(&error->device) != cudaSuccess) error->device = -1;
    return status;
}

tsm_status tsm_cuda_fail(tsm_error *error, cudaError_t code, tsm_cuda_place place)
{
    tsm_status status = code == cudaErrorMemoryAllocation ? TSM_ERROR_MEMORY : TSM_ERROR_DEVICE;

    cudaGetLastError(); /* so that the next check does not report this failure again */
    tsm_fail(error, status, "cuda: %s (%s) from %s at %s:%d", cudaGetErrorString(code), cudaGetErrorName(code),
             place.expression, base_name(place.file), place.line);
    return with_device(error, status);
}

tsm_status tsm_cublas_fail(tsm_error *error, cublasStatus_t code, tsm_cuda_place place)
{
    tsm_status status = code == CUBLAS_STATUS_ALLOC_FAILED ? TSM_ERROR_MEMORY : TSM_ERROR_DEVICE;

    tsm_fail(error, status, "cublasLt: %s from %s at %s:%d", cublasLtGetStatusString(code), place.expression,
             base_name(place.file), place.line);
    return with_device(error, status);
}

tsm_status tsm_cudnn_fail(tsm_error *error, cudnnStatus_t code, tsm_cuda_place place)
{
    tsm_status status = code == CUDNN_STATUS_ALLOC_FAILED ? TSM_ERROR_MEMORY : TSM_ERROR_DEVICE;
    char detail[256] = "";

    cudnnGetLastErrorString(detail, sizeof detail);
    tsm_fail(error, status, "cudnn: %s from %s at %s:%d%s%s", cudnnGetErrorString(code), place.expression,
             base_name(place.file), place.line, detail[0] ? ": " : "", detail);
    return with_device(error, status);
}

tsm_status tsm_cuda_elapsed(float *milliseconds, cudaEvent_t begin, cudaEvent_t end, tsm_error *error)
{
    TSM_CUDA(cudaEventSynchronize(end));
    TSM_CUDA(cudaEventElapsedTime(milliseconds, begin, end));
    return TSM_OK;
}
