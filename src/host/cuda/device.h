/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - one GPU: whether it can be used, what it is called, and making it current for the length of a call. */
#ifndef TSM_CUDA_DEVICE_H
#define TSM_CUDA_DEVICE_H

#include "cuda_calls.h"

typedef struct tsm_cuda_device {
    int index;
    char name[128];
    int major, minor, multiprocessors;
    size_t l2_bytes;
    int driver;         /* 13000 */
    size_t cudnn, blas; /* versions, 91900 and 130000 */
    char library[96];   /* "cuDNN 9.19.0, cuBLASLt 13.0.0" */
} tsm_cuda_device;

/* Errors: DEVICE, UNSUPPORTED; one line that says why there is no such GPU, or why it cannot be used. */
tsm_status tsm_cuda_device_open(tsm_cuda_device *device, int index, tsm_error *error);

/* Makes the device current on this thread; `previous` is for leave, which gives the caller's device back. */
tsm_status tsm_cuda_enter(const tsm_cuda_device *device, int *previous, tsm_error *error);
void tsm_cuda_leave(int previous);

#endif
