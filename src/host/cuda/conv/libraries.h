/* SPDX-License-Identifier: Apache-2.0 */
/* libraries.h - the handles of a worker, one of each: a cuDNN handle belongs to one thread at a time. */
#ifndef TSM_CUDA_CONV_LIBRARIES_H
#define TSM_CUDA_CONV_LIBRARIES_H

#include "cuda/cuda_calls.h"

typedef struct tsm_cuda_libraries {
    cublasLtHandle_t blas;
    cudnnHandle_t dnn;
    int multiprocessors; /* of the device: how many blocks of our own kernels fill it */
    bool wgmma;          /* our own kernels on wgmma are asked, too */
} tsm_cuda_libraries;

/* For the device that is current; `wgmma` counts where it is of compute capability 9.0. Errors: DEVICE, MEMORY. */
tsm_status tsm_cuda_libraries_open(tsm_cuda_libraries *libraries, bool wgmma, tsm_error *error);
void tsm_cuda_libraries_close(tsm_cuda_libraries *libraries);

#endif
