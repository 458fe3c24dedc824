/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - see attention.h. In the words of cuBLAS a row of ours is a column: queries are (channels,
 * queries). */
#include "attention.h"

#include <string.h>

/* (rows, columns) of one clip, with the next clip's behind it. */
static tsm_matrix matrix(cudaDataType_t type, int64_t rows, int64_t columns, int64_t pitch)
{
    const int64_t bytes = type == CUDA_R_32F ? 4 : 2;

    /* The next clip begins at a multiple of the pitch. */
    return (tsm_matrix){ type, rows, columns, pitch, columns * pitch, tsm_matmul_alignment(0, pitch * bytes) };
}

static tsm_status make_product(tsm_product *product, cublasLtHandle_t handle, const tsm_attention *a,
                               bool transpose_a, bool transpose_b, const tsm_matmul_spec *spec, tsm_error *error)
{
    tsm_matmul_algorithms algorithms;

    TSM_TRY_RETURN(tsm_matmul_describe(&product->operation, a->dtype->precision, transpose_a, transpose_b, error));
    TSM_TRY_RETURN(tsm_matmul_list(&algorithms, handle, product->operation, spec, error));
    return tsm_matmul_make(&product->matmul, spec, &algorithms, 0, error);
}

/* scores^T(keys, queries) = keys^T queries; out(value channels, queries) = values weights. */
static tsm_status make_soft(tsm_attention *a, cublasLtHandle_t handle, tsm_error *error)
{
    const cudaDataType_t type = tsm_blas_type(a->dtype->type);
    const tsm_matrix scores = matrix(CUDA_R_32F, a->size.keys, a->size.queries, a->size.pitch);
    const tsm_matrix out = matrix(type, a->size.value_channels, a->size.queries, a->size.value_channels);
    const tsm_matmul_spec first = { matrix(type, a->size.channels, a->size.keys, a->size.channels),
                                    matrix(type, a->size.channels, a->size.queries, a->size.channels), scores, scores,
                                    a->size.clips };
    const tsm_matmul_spec second = { matrix(type, a->size.value_channels, a->size.keys, a->size.value_channels),
                                     matrix(type, a->size.keys, a->size.queries, a->size.pitch), out, out,
                                     a->size.clips };

    a->first.alpha = a->second.alpha = 1;
    TSM_TRY_RETURN(make_product(&a->first, handle, a, true, false, &first, error));
    return make_product(&a->second, handle, a, false, false, &second, error);
}

/* between(value channels, channels) = values keys^T / keys; out(value channels, queries) = between queries. */
static tsm_status make_divided(tsm_attention *a, cublasLtHandle_t handle, tsm_error *error)
{
    const cudaDataType_t type = tsm_blas_type(a->dtype->type);
    const tsm_matrix between = matrix(type, a->size.value_channels, a->size.channels, a->size.value_channels);
    const tsm_matrix out = matrix(type, a->size.value_channels, a->size.queries, a->size.value_channels);
    const tsm_matmul_spec first = { matrix(type, a->size.value_channels, a->size.keys, a->size.value_channels),
                                    matrix(type, a->size.channels, a->size.keys, a->size.channels), between, between,
                                    a->size.clips };
    const tsm_matmul_spec second = { between, matrix(type, a->size.channels, a->size.queries, a->size.channels), out,
                                     out, a->size.clips };

    a->first.alpha = 1 / (float)a->size.keys;
    a->second.alpha = 1;
    TSM_TRY_RETURN(make_product(&a->first, handle, a, false, true, &first, error));
    return make_product(&a->second, handle, a, false, false, &second, error);
}

tsm_status tsm_attention_make(tsm_attention *a, cublasLtHandle_t handle, const tsm_cuda_dtype *dtype,
                              const tsm_dims *queries, const tsm_dims *values, bool softmax, tsm_error *error)
{
    tsm_status status;

    memset(a, 0, sizeof *a);
    a->softmax = softmax;
    a->dtype = dtype;
    TSM_TRY(tsm_attention_size_make(&a->size, dtype, queries, values, softmax, error));
    TSM_TRY(softmax ? make_soft(a, handle, error) : make_divided(a, handle, error));
    a->workspace_bytes = a->first.matmul.workspace_bytes > a->second.matmul.workspace_bytes
                             ? a->first.matmul.workspace_bytes
                             : a->second.matmul.workspace_bytes;
    return TSM_OK;
fail:
    tsm_attention_clear(a);
    return status;
}

static void clear_product(tsm_product *product)
{
    tsm_matmul_clear(&product->matmul);
    if (product->operation) cublasLtMatmulDescDestroy(product->operation);
}

void tsm_attention_clear(tsm_attention *a)
{
    clear_product(&a->first);
    clear_product(&a->second);
    memset(a, 0, sizeof *a);
}

uint64_t tsm_attention_scratch(const tsm_attention *a)
{
    return a->size.between_bytes + a->size.weights_bytes + a->workspace_bytes;
}

/* Element `count` of each clip on, `clip` clips further. */
static const void *clip_of(const tsm_attention *a, const void *base, int64_t clip, int64_t count)
{
    return (const char *)base + clip * count * a->dtype->bytes;
}

static tsm_kernel_softmax_args bind_softmax(const tsm_attention *a, const void *scores, void *weights)
{
    return (tsm_kernel_softmax_args){
        .in = scores,
        .out = weights,
        .in_pitch = a->size.pitch,
        .out_pitch = a->size.pitch,
        .rows = a->size.queries * a->size.clips,
        .count = (int)a->size.keys,
        .dtype = TSM_FLOAT32,
        .out_dtype = a->dtype->type,
    };
}

tsm_attention_round tsm_attention_bind(const tsm_attention *a, const tsm_attention_buffers *b, int round)
{
    const int64_t clip = (int64_t)round * a->size.clips;
    const void *queries = clip_of(a, b->queries, clip, a->size.queries * a->size.channels);
    const void *keys = clip_of(a, b->keys, clip, a->size.keys * a->size.channels);
    const void *values = clip_of(a, b->values, clip, a->size.keys * a->size.value_channels);
    char *between = b->scratch, *weights = a->size.weights_bytes ? between + a->size.between_bytes : between;
    void *out = (char *)b->out + clip * a->size.queries * a->size.value_channels * a->dtype->bytes;
    void *workspace = a->workspace_bytes ? between + a->size.between_bytes + a->size.weights_bytes : NULL;

    if (a->softmax)
        return (tsm_attention_round){
            .first = { keys, queries, between, between, workspace, a->first.alpha, 0 },
            .softmax = bind_softmax(a, between, weights),
            .second = { values, weights, out, out, workspace, a->second.alpha, 0 },
        };
    return (tsm_attention_round){
        .first = { values, keys, between, between, workspace, a->first.alpha, 0 },
        .second = { between, queries, out, out, workspace, a->second.alpha, 0 },
    };
}

tsm_status tsm_product_run(const tsm_product *product, cublasLtHandle_t handle, const tsm_matmul_buffers *buffers,
                           cudaStream_t stream, tsm_error *error)
{
    return tsm_matmul_run(&product->matmul, handle, product->operation, buffers, stream, error);
}
