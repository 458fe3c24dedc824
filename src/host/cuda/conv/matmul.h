/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matmul.h - one product of cuBLASLt, or a batch of them: matrices, algorithm and workspace, no addresses.
 *
 * cuBLAS has matrices in columns: a column is what we call a row, its leading dimension our pitch.
 */
#ifndef TSM_CUDA_CONV_MATMUL_H
#define TSM_CUDA_CONV_MATMUL_H

#include "cuda/cuda_calls.h"

#define TSM_MATMUL_MAX_CANDIDATES  8
#define TSM_MATMUL_WORKSPACE_BYTES (32u << 20) /* what cuBLAS advises for Hopper */

typedef struct tsm_matrix {
    cudaDataType_t type;
    int64_t rows, columns, pitch;
    int64_t stride;     /* elements from one of the batch to the next; 0 of one alone */
    uint32_t alignment; /* bytes that the address of every column is a multiple of */
} tsm_matrix;

/* D = alpha op(A) op(B) + beta C, `batch` times. */
typedef struct tsm_matmul_spec {
    tsm_matrix a, b, c, d;
    int batch;
} tsm_matmul_spec;

typedef struct tsm_matmul_algorithms {
    cublasLtMatmulHeuristicResult_t results[TSM_MATMUL_MAX_CANDIDATES];
    int count;
} tsm_matmul_algorithms;

typedef struct tsm_matmul {
    cublasLtMatrixLayout_t a, b, c, d;
    cublasLtMatmulAlgo_t algo;
    size_t workspace_bytes;
} tsm_matmul;

typedef struct tsm_matmul_buffers {
    const void *a, *b, *c;
    void *d, *workspace;
    float alpha, beta;
} tsm_matmul_buffers;

/* cuBLAS's words for an element type, and for the arithmetic of a precision. */
cudaDataType_t tsm_blas_type(tsm_dtype type);
cublasComputeType_t tsm_blas_compute(tsm_precision precision);

/* op(A) op(B) without an epilogue; destroyed with cublasLtMatmulDescDestroy. */
tsm_status tsm_matmul_describe(cublasLtMatmulDesc_t *operation, tsm_precision precision, bool transpose_a,
                               bool transpose_b, tsm_error *error);

/* Asks the heuristics, once for all algorithms; none is no failure. */
tsm_status tsm_matmul_list(tsm_matmul_algorithms *algorithms, cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                           const tsm_matmul_spec *spec, tsm_error *error);

/* Takes the algorithm at `index` of the list. Errors: DEVICE, also where there is none. */
tsm_status tsm_matmul_make(tsm_matmul *matmul, const tsm_matmul_spec *spec, const tsm_matmul_algorithms *algorithms,
                           int index, tsm_error *error);
void tsm_matmul_clear(tsm_matmul *matmul);

tsm_status tsm_matmul_run(const tsm_matmul *matmul, cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                          const tsm_matmul_buffers *buffers, cudaStream_t stream, tsm_error *error);

/* The largest power of two that divides the address of every row, `offset_bytes` behind an address that is aligned to
 * TSM_CUDA_ALIGNMENT. */
uint32_t tsm_matmul_alignment(int64_t offset_bytes, int64_t pitch_bytes);

#endif
