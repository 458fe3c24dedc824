/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.h - attention over the positions of a clip: two products of cuBLASLt, a batch of clips at a time.
 *
 *   softmax   scores (queries, keys) = queries keys^T in float32; a softmax of ours makes weights of them; out =
 *             weights values. As many clips at a time as keep the scores within TSM_ATTENTION_SCORES bytes, one at
 *             least, and divide their number, so that one plan serves them all.
 *
 *   divided   out = queries (keys^T values / number of keys): the products in this order need no scores at all, and
 *             less arithmetic wherever there are more keys than channels.
 *
 * Operands and result are dense.
 */
#ifndef TSM_CUDA_ATTENTION_H
#define TSM_CUDA_ATTENTION_H

#include "kernels/kernels.h"
#include "attention_size.h"
#include "cuda/conv/conv.h"

/* A product with its operation: both are shared by all its runs. */
typedef struct tsm_product {
    tsm_matmul matmul;
    cublasLtMatmulDesc_t operation;
    float alpha;
} tsm_product;

typedef struct tsm_attention {
    bool softmax;
    const tsm_cuda_dtype *dtype;
    tsm_attention_size size;
    tsm_product first, second;
    uint64_t workspace_bytes; /* of the products, behind them */
} tsm_attention;

/* Plans; `queries` and `values` are the operands' dimensions, keys have the queries' channels and the values'
 * positions. Errors: DEVICE (cuBLASLt has no algorithm), MEMORY. */
tsm_status tsm_attention_make(tsm_attention *attention, cublasLtHandle_t handle, const tsm_cuda_dtype *dtype,
                              const tsm_dims *queries, const tsm_dims *values, bool softmax, tsm_error *error);
void tsm_attention_clear(tsm_attention *attention);

/* Bytes of scratch, which begins at a multiple of TSM_CUDA_ALIGNMENT. */
uint64_t tsm_attention_scratch(const tsm_attention *attention);

/* Device addresses of the whole operands. */
typedef struct tsm_attention_buffers {
    const void *queries, *keys, *values;
    void *out, *scratch;
} tsm_attention_buffers;

/* What a round does, in this order; softmax.in is NULL where there is none. */
typedef struct tsm_attention_round {
    tsm_matmul_buffers first;
    tsm_kernel_softmax_args softmax;
    tsm_matmul_buffers second;
} tsm_attention_round;

tsm_attention_round tsm_attention_bind(const tsm_attention *attention, const tsm_attention_buffers *buffers,
                                       int round);

tsm_status tsm_product_run(const tsm_product *product, cublasLtHandle_t handle, const tsm_matmul_buffers *buffers,
                           cudaStream_t stream, tsm_error *error);

#endif
