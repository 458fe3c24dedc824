/* SPDX-License-Identifier: Apache-2.0 */
/* gemm.c - see gemm.h. */
#include "gemm.h"

bool tsm_gemm_serves(const tsm_conv_spec *spec)
{
    return spec->kernel_h == 1 && spec->kernel_w == 1 && spec->stride == 1 && spec->pad == 0 && spec->groups == 1 &&
           (spec->act == TSM_ACT_NONE || spec->act == TSM_ACT_RELU);
}

static cudaDataType_t output_type(const tsm_conv_spec *spec)
{
    return spec->float_out ? CUDA_R_32F : tsm_cuda_dtype_of(spec->precision)->blas;
}

tsm_status tsm_gemm_describe(cublasLtMatmulDesc_t *out, const tsm_conv_spec *spec, const void *bias, tsm_error *error)
{
    const cublasLtEpilogue_t epilogue =
        spec->act == TSM_ACT_RELU ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    const cudaDataType_t type = output_type(spec);
    cublasLtMatmulDesc_t operation = NULL;
    tsm_status status;

    *out = NULL;
    TSM_TRY_RETURN(tsm_matmul_describe(&operation, tsm_cuda_dtype_of(spec->precision)->compute, true, false, error));
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

static tsm_matmul_spec matmul_of(const tsm_conv_spec *spec)
{
    const tsm_cuda_dtype *dtype = tsm_cuda_dtype_of(spec->precision);
    const int64_t bytes = dtype->bytes, out_bytes = spec->float_out ? 4 : bytes;
    const int64_t pixels = spec->images * spec->oh * spec->ow;
    const int64_t residual_pitch = spec->residual_pitch ? spec->residual_pitch : spec->out_pitch;

    return (tsm_matmul_spec){
        .a = { dtype->blas, spec->channels, spec->filters, spec->channels, 0,
               tsm_matmul_alignment(TSM_CUDA_WEIGHT_ALIGNMENT, 0, spec->channels * bytes) },
        .b = { dtype->blas, spec->channels, pixels, spec->in_pitch, 0,
               tsm_matmul_alignment(TSM_CUDA_ARENA_ALIGNMENT, spec->in_offset * bytes, spec->in_pitch * bytes) },
        .c = { output_type(spec), spec->filters, pixels, residual_pitch, 0,
               tsm_matmul_alignment(TSM_CUDA_ARENA_ALIGNMENT, 0, residual_pitch * out_bytes) },
        .d = { output_type(spec), spec->filters, pixels, spec->out_pitch, 0,
               tsm_matmul_alignment(TSM_CUDA_ARENA_ALIGNMENT, 0, spec->out_pitch * out_bytes) },
        .batch = 1,
    };
}

/* Heuristics look at the alignment of the bias alone. */
static tsm_status describe_without_bias(cublasLtMatmulDesc_t *operation, const tsm_conv_spec *spec, tsm_error *error)
{
    return tsm_gemm_describe(operation, spec, (const void *)(uintptr_t)TSM_CUDA_WEIGHT_ALIGNMENT, error);
}

tsm_status tsm_gemm_count(int *count, cublasLtHandle_t handle, const tsm_conv_spec *spec, tsm_error *error)
{
    const tsm_matmul_spec matmul = matmul_of(spec);
    cublasLtMatmulDesc_t operation;
    tsm_status status;

    TSM_TRY_RETURN(describe_without_bias(&operation, spec, error));
    status = tsm_matmul_count(count, handle, operation, &matmul, error);
    cublasLtMatmulDescDestroy(operation);
    return status;
}

tsm_status tsm_gemm_make(tsm_matmul *gemm, cublasLtHandle_t handle, const tsm_conv_spec *spec, int index,
                         tsm_error *error)
{
    const tsm_matmul_spec matmul = matmul_of(spec);
    cublasLtMatmulDesc_t operation;
    tsm_status status;

    TSM_TRY_RETURN(describe_without_bias(&operation, spec, error));
    status = tsm_matmul_make(gemm, handle, operation, &matmul, index, error);
    cublasLtMatmulDescDestroy(operation);
    return status;
}

tsm_status tsm_gemm_run(const tsm_matmul *gemm, cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                        const tsm_gemm_buffers *b, cudaStream_t stream, tsm_error *error)
{
    const tsm_matmul_buffers buffers = {
        .a = b->weights,
        .b = b->in,
        .c = b->residual ? b->residual : b->out,
        .d = b->out,
        .workspace = b->workspace,
        .alpha = 1,
        .beta = b->residual ? 1 : 0,
    };

    return tsm_matmul_run(gemm, handle, operation, &buffers, stream, error);
}
