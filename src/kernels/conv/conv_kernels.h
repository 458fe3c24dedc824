/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_kernels.h - convolutions with the temporal shift in their load, as C functions. See docs/shift-conv.md; spec.h
 * says what they serve.
 *
 * out = act(conv(shift(in)) + residual + bias), an implicit GEMM on tensor cores (sm_80 and later). TSM_FLOAT16 and
 * TSM_BFLOAT16 are multiplied as they are, TSM_FLOAT32 as tf32 (10 bits of fraction, rounded to nearest); sums are
 * float32, rounded once. The result depends on the tile and on the parts of K, never on who comes first.
 */
#ifndef TSM_KERNELS_CONV_CONV_KERNELS_H
#define TSM_KERNELS_CONV_CONV_KERNELS_H

#include "../kernels.h"
#include "spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Launch ---- */

/* in, out, residual, joined and weights are aligned to 16 bytes, as is the workspace. */
typedef struct tsm_conv_kernel_args {
    tsm_conv_kernel_spec spec;
    tsm_conv_kernel_way way;
    const void *in, *weights; /* packed */
    const void *joined;       /* NULL where nothing is joined */
    const void *bias;         /* (filters) of dtype; NULL: none */
    const void *residual;     /* NULL where residual_pitch is 0 */
    void *out;
    void *workspace, *counters;
} tsm_conv_kernel_args;

/* Enqueues and returns. cudaErrorInvalidValue: what is not served, a NULL or misaligned pointer. */
cudaError_t tsm_conv_kernel_run(const tsm_conv_kernel_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
