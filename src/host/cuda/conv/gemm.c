/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm.c - a family: 1x1 convolutions of stride 1, and fully connected layers, as products of cuBLASLt.
 *
 * NHWC rows are what cuBLAS calls columns: out(filters, pixels) = weights^T(filters, channels) * in(channels,
 * pixels), the pitches are the leading dimensions, the residual is beta * C, bias and ReLU are the epilogue.
 */
#include <stdio.h>
#include <string.h>

#include "cuda/alignment.h"
#include "family.h"
#include "matmul.h"

_Static_assert(TSM_MATMUL_MAX_CANDIDATES <= TSM_CONV_MAX_CANDIDATES, "a list holds all algorithms");

typedef struct gemm_list {
    tsm_conv_candidates head;
    tsm_conv_spec spec;
    tsm_matmul_algorithms algorithms;
} gemm_list;

typedef struct gemm_conv {
    tsm_conv head;
    tsm_matmul matmul;
} gemm_conv;

typedef struct gemm_bound {
    tsm_conv_bound head;
    cublasLtMatmulDesc_t operation; /* with the address of its bias */
    tsm_matmul_buffers buffers;
} gemm_bound;

static tsm_conv_fit serves(const tsm_conv_spec *spec, char why[TSM_CONV_WHY])
{
    if (tsm_conv_spec_is_ours(spec)) {
        snprintf(why, TSM_CONV_WHY, "cuBLASLt does not shift, or is not asked");
        return TSM_CONV_UNFIT;
    }
    if (!tsm_conv_spec_is_product(spec)) {
        snprintf(why, TSM_CONV_WHY, "no matrix product");
        return TSM_CONV_UNFIT;
    }
    if (spec->act != TSM_ACT_NONE && spec->act != TSM_ACT_RELU) {
        snprintf(why, TSM_CONV_WHY, "cuBLASLt has no epilogue with %s", tsm_act_name(spec->act));
        return TSM_CONV_UNFIT;
    }
    snprintf(why, TSM_CONV_WHY, "a matrix product of cuBLASLt");
    return TSM_CONV_FIT;
}

static tsm_dtype output_type(const tsm_conv_spec *spec)
{
    return spec->float_out ? TSM_FLOAT32 : tsm_cuda_dtype_of(spec->precision)->type;
}

static tsm_matmul_spec matmul_of(const tsm_conv_spec *spec)
{
    const tsm_cuda_dtype *dtype = tsm_cuda_dtype_of(spec->precision);
    const cudaDataType_t type = tsm_blas_type(dtype->type), out_type = tsm_blas_type(output_type(spec));
    const int64_t bytes = dtype->bytes, out_bytes = (int64_t)tsm_dtype_bytes(output_type(spec));
    const int64_t pixels = spec->images * spec->oh * spec->ow;
    const int64_t residual_pitch = spec->residual_pitch ? spec->residual_pitch : spec->out_pitch;

    return (tsm_matmul_spec){
        .a = { type, spec->channels, spec->filters, spec->channels, 0,
               tsm_matmul_alignment(0, spec->channels * bytes) },
        .b = { type, spec->channels, pixels, spec->in_pitch, 0,
               tsm_matmul_alignment(spec->in_offset * bytes, spec->in_pitch * bytes) },
        .c = { out_type, spec->filters, pixels, residual_pitch, 0,
               tsm_matmul_alignment(0, residual_pitch * out_bytes) },
        .d = { out_type, spec->filters, pixels, spec->out_pitch, 0,
               tsm_matmul_alignment(0, spec->out_pitch * out_bytes) },
        .batch = 1,
    };
}

static tsm_status describe_operation(cublasLtMatmulDesc_t *out, const tsm_conv_spec *spec, const void *bias,
                                     tsm_error *error)
{
    const cublasLtEpilogue_t epilogue =
        spec->act == TSM_ACT_RELU ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    const cudaDataType_t type = tsm_blas_type(output_type(spec));
    cublasLtMatmulDesc_t operation = NULL;
    tsm_status status;

    *out = NULL;
    TSM_TRY_RETURN(tsm_matmul_describe(&operation, spec->precision, true, false, error));
    TSM_CUBLAS_TRY(
        cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
    TSM_CUBLAS_TRY(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias));
    TSM_CUBLAS_TRY(
        cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &type, sizeof type));
    *out = operation;
    return TSM_OK;
fail:
    cublasLtMatmulDescDestroy(operation);
    return status;
}

static void drop(tsm_conv_candidates *list)
{
    tsm_free(list);
}

static tsm_status list(tsm_conv_candidates **out, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                       tsm_error *error)
{
    const tsm_matmul_spec matmul = matmul_of(spec);
    const void *any_bias = (const void *)(uintptr_t)TSM_CUDA_ALIGNMENT; /* heuristics look at its alignment alone */
    gemm_list *made = tsm_alloc_zero(1, sizeof *made);
    cublasLtMatmulDesc_t operation = NULL;
    tsm_status status;

    *out = NULL;
    if (!made) return tsm_fail_memory(error, sizeof *made);
    TSM_TRY(describe_operation(&operation, spec, any_bias, error));
    TSM_TRY(tsm_matmul_list(&made->algorithms, libraries->blas, operation, &matmul, error));
    made->head.family = &tsm_conv_family_gemm;
    made->head.count = made->algorithms.count;
    made->spec = *spec;
    *out = &made->head;
fail:
    if (operation) cublasLtMatmulDescDestroy(operation);
    if (status != TSM_OK) tsm_free(made);
    return status;
}

static void clear(tsm_conv *conv)
{
    tsm_matmul_clear(&((gemm_conv *)conv)->matmul);
    tsm_free(conv);
}

static tsm_status make(tsm_conv **out, const tsm_conv_candidates *candidates, int index, tsm_error *error)
{
    const gemm_list *from = (const gemm_list *)candidates;
    const tsm_matmul_spec matmul = matmul_of(&from->spec);
    gemm_conv *conv = tsm_alloc_zero(1, sizeof *conv);
    tsm_status status;

    *out = NULL;
    if (!conv) return tsm_fail_memory(error, sizeof *conv);
    TSM_TRY(tsm_matmul_make(&conv->matmul, &matmul, &from->algorithms, index, error));
    conv->head = (tsm_conv){ &tsm_conv_family_gemm, index, from->spec, conv->matmul.workspace_bytes };
    *out = &conv->head;
    return TSM_OK;
fail:
    tsm_free(conv);
    return status;
}

static void describe(const tsm_conv *conv, char how[TSM_CONV_HOW])
{
    snprintf(how, TSM_CONV_HOW, "cuBLASLt product, algorithm %d", conv->index);
}

static void unbind(tsm_conv_bound *bound)
{
    cublasLtMatmulDescDestroy(((gemm_bound *)bound)->operation);
    tsm_free(bound);
}

static tsm_status bind(tsm_conv_bound **out, const tsm_conv *conv, const tsm_conv_buffers *b, tsm_error *error)
{
    gemm_bound *bound = tsm_alloc_zero(1, sizeof *bound);
    tsm_status status;

    *out = NULL;
    if (!bound) return tsm_fail_memory(error, sizeof *bound);
    TSM_TRY(describe_operation(&bound->operation, &conv->spec, b->bias, error));
    bound->head.conv = conv;
    bound->buffers = (tsm_matmul_buffers){
        .a = b->weights,
        .b = b->in,
        .c = b->residual ? b->residual : b->out,
        .d = b->out,
        .workspace = b->workspace,
        .alpha = 1,
        .beta = b->residual ? 1 : 0,
    };
    *out = &bound->head;
    return TSM_OK;
fail:
    tsm_free(bound);
    return status;
}

static tsm_status enqueue(const tsm_conv_bound *head, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                          tsm_error *error)
{
    const gemm_bound *bound = (const gemm_bound *)head;
    const gemm_conv *conv = (const gemm_conv *)head->conv;

    return tsm_matmul_run(&conv->matmul, libraries->blas, bound->operation, &bound->buffers, stream, error);
}

const tsm_conv_family tsm_conv_family_gemm = {
    .name = "gemm",
    .serves = serves,
    .list = list,
    .drop = drop,
    .make = make,
    .clear = clear,
    .describe = describe,
    .bind = bind,
    .unbind = unbind,
    .enqueue = enqueue,
};
