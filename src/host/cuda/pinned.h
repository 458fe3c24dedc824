/* SPDX-License-Identifier: Apache-2.0 */
/* pinned.h - page-locked host memory, which the GPU reads without the driver's copy in between. */
#ifndef TSM_CUDA_PINNED_H
#define TSM_CUDA_PINNED_H

#include "prepared.h"

/* The functions host_allocate and host_release of a tsm_backend. */
tsm_status tsm_cuda_host_allocate(tsm_prepared *prepared, size_t bytes, void **memory, tsm_error *error);
void tsm_cuda_host_release(tsm_prepared *prepared, void *memory);

#endif
