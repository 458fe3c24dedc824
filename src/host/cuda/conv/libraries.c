/* SPDX-License-Identifier: Apache-2.0 */
/* libraries.c - see libraries.h. */
#include "libraries.h"

#include <string.h>

tsm_status tsm_cuda_libraries_open(tsm_cuda_libraries *libraries, bool wgmma, tsm_error *error)
{
    struct cudaDeviceProp properties;
    tsm_status status;
    int device;

    memset(libraries, 0, sizeof *libraries);
    TSM_CUDA_TRY(cudaGetDevice(&device));
    TSM_CUDA_TRY(cudaGetDeviceProperties(&properties, device));
    libraries->multiprocessors = properties.multiProcessorCount;
    libraries->wgmma = wgmma && properties.major == 9 && properties.minor == 0;
    TSM_CUBLAS_TRY(cublasLtCreate(&libraries->blas));
    TSM_CUDNN_TRY(cudnnCreate(&libraries->dnn));
    return TSM_OK;
fail:
    tsm_cuda_libraries_close(libraries);
    return status;
}

void tsm_cuda_libraries_close(tsm_cuda_libraries *libraries)
{
    if (libraries->blas) cublasLtDestroy(libraries->blas);
    if (libraries->dnn) cudnnDestroy(libraries->dnn);
    memset(libraries, 0, sizeof *libraries);
}
