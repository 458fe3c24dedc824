/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm.h - 1x1 convolutions of stride 1, and fully connected layers, as cuBLASLt matmuls.
 *
 * NHWC rows are what cuBLAS calls columns: out(filters, pixels) = weights^T(filters, channels) * in(channels,
 * pixels), the pitches are the leading dimensions, the residual is beta * C, bias and ReLU are the epilogue.
 */
#ifndef TSM_CUDA_CONV_GEMM_H
#define TSM_CUDA_CONV_GEMM_H

#include "descriptor.h"
#include "matmul.h"

typedef struct tsm_gemm_buffers {
    const void *in, *weights, *residual;
    void *out, *workspace;
} tsm_gemm_buffers;

/* True where the convolution is a matmul with an epilogue that cuBLASLt has. */
bool tsm_gemm_serves(const tsm_conv_spec *spec);

/* How many algorithms the heuristics offer, at most TSM_MATMUL_MAX_CANDIDATES; none is no failure. */
tsm_status tsm_gemm_count(int *count, cublasLtHandle_t handle, const tsm_conv_spec *spec, tsm_error *error);

/* Takes the algorithm at `index` of the heuristics' list; released with tsm_matmul_clear. Errors: DEVICE, also where
 * there is none. */
tsm_status tsm_gemm_make(tsm_matmul *gemm, cublasLtHandle_t handle, const tsm_conv_spec *spec, int index,
                         tsm_error *error);

/* The operation with the address of its bias; destroyed with cublasLtMatmulDescDestroy. */
tsm_status tsm_gemm_describe(cublasLtMatmulDesc_t *operation, const tsm_conv_spec *spec, const void *bias,
                             tsm_error *error);

tsm_status tsm_gemm_run(const tsm_matmul *gemm, cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                        const tsm_gemm_buffers *buffers, cudaStream_t stream, tsm_error *error);

#endif
