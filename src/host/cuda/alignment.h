/* SPDX-License-Identifier: Apache-2.0 */
/* alignment.h - where things begin in device memory: values, scratch, workspaces, weights. */
#ifndef TSM_CUDA_ALIGNMENT_H
#define TSM_CUDA_ALIGNMENT_H

#include <stdint.h>

/* Bytes. What cudaMalloc gives, and what cuBLASLt demands of a workspace. */
#define TSM_CUDA_ALIGNMENT 256

static inline uint64_t tsm_cuda_align(uint64_t bytes)
{
    return (bytes + TSM_CUDA_ALIGNMENT - 1) / TSM_CUDA_ALIGNMENT * TSM_CUDA_ALIGNMENT;
}

#endif
