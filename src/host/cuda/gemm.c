/* gemm.c - see gemm.h. */
#include "gemm.h"

#include <string.h>

bool tsm_gemm_serves(const tsm_conv_spec *spec)
{
    return spec->kernel_h == 1 && spec->kernel_w == 1 && spec->stride == 1 && spec->pad == 0 && spec->groups == 1 &&
           spec->act != TSM_ACT_RELU6;
}

static cudaDataType_t output_type(const tsm_conv_spec *spec)
{
    return spec->float_out ? CUDA_R_32F : tsm_cuda_dtype_of(spec->precision)->blas;
}

tsm_status tsm_gemm_describe(cublasLtMatmulDesc_t *out, const tsm_conv_spec *spec, const void *bias, tsm_error *error)
{
    const cublasOperation_t transposed = CUBLAS_OP_T, plain = CUBLAS_OP_N;
    const cublasLtEpilogue_t epilogue =
        spec->act == TSM_ACT_RELU ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    const cudaDataType_t type = output_type(spec);
    cublasLtMatmulDesc_t operation = NULL;
    tsm_status status;

    *out = NULL;
    TSM_CUBLAS(cublasLtMatmulDescCreate(&operation, tsm_cuda_dtype_of(spec->precision)->compute, CUDA_R_32F));
    TSM_CUBLAS_TRY(
        cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed));
    TSM_CUBLAS_TRY(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSB, &plain, sizeof plain));
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

static tsm_status make_layouts(tsm_gemm *gemm, const tsm_conv_spec *spec, tsm_error *error)
{
    const cudaDataType_t type = tsm_cuda_dtype_of(spec->precision)->blas, out = output_type(spec);
    const uint64_t pixels = (uint64_t)(spec->images * spec->oh * spec->ow);
    const uint64_t channels = (uint64_t)spec->channels, filters = (uint64_t)spec->filters;
    const int64_t residual_pitch = spec->residual_pitch ? spec->residual_pitch : spec->out_pitch;

    TSM_CUBLAS(cublasLtMatrixLayoutCreate(&gemm->weights, type, channels, filters, spec->channels));
    TSM_CUBLAS(cublasLtMatrixLayoutCreate(&gemm->in, type, channels, pixels, spec->in_pitch));
    TSM_CUBLAS(cublasLtMatrixLayoutCreate(&gemm->residual, out, filters, pixels, residual_pitch));
    TSM_CUBLAS(cublasLtMatrixLayoutCreate(&gemm->out, out, filters, pixels, spec->out_pitch));
    gemm->beta = spec->residual_pitch ? 1 : 0;
    return TSM_OK;
}

/* The largest power of two that divides the address of every row, given that of the first. */
static uint32_t row_alignment(uint32_t base, int64_t offset_bytes, int64_t pitch_bytes)
{
    uint64_t bits = base | (uint64_t)offset_bytes | (uint64_t)pitch_bytes;

    return (uint32_t)(bits & -bits);
}

static tsm_status set_preferences(cublasLtMatmulPreference_t preference, const tsm_conv_spec *spec, tsm_error *error)
{
    const int64_t bytes = tsm_cuda_dtype_of(spec->precision)->bytes, out_bytes = spec->float_out ? 4 : bytes;
    const int64_t residual_pitch =
        spec->residual_pitch ? spec->residual_pitch : spec->out_pitch; /* as in make_layouts */
    const size_t workspace = TSM_GEMM_WORKSPACE_BYTES;
    /* Split sums may only be joined in float32. */
    const uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t name;
        uint32_t bytes;
    } alignments[] = {
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
          row_alignment(TSM_CUDA_WEIGHT_ALIGNMENT, 0, spec->channels * bytes) },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          row_alignment(TSM_CUDA_ARENA_ALIGNMENT, spec->in_offset * bytes, spec->in_pitch * bytes) },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
          row_alignment(TSM_CUDA_ARENA_ALIGNMENT, 0, residual_pitch * out_bytes) },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
          row_alignment(TSM_CUDA_ARENA_ALIGNMENT, 0, spec->out_pitch * out_bytes) },
    };

    TSM_CUBLAS(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                                    sizeof workspace));
    TSM_CUBLAS(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                                    &reduction, sizeof reduction));
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++)
        TSM_CUBLAS(cublasLtMatmulPreferenceSetAttribute(preference, alignments[i].name, &alignments[i].bytes,
                                                        sizeof alignments[i].bytes));
    return TSM_OK;
}

/* Asks the heuristics; what they list but do not support is left out. */
static tsm_status list_algorithms(cublasLtMatmulHeuristicResult_t *results, int *count, const tsm_gemm *gemm,
                                  cublasLtHandle_t handle, const tsm_conv_spec *spec, tsm_error *error)
{
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulDesc_t operation = NULL;
    cublasStatus_t code;
    tsm_status status;
    int listed = 0;

    *count = 0;
    /* Only the alignment of the bias counts here. */
    TSM_TRY(tsm_gemm_describe(&operation, spec, (const void *)(uintptr_t)TSM_CUDA_WEIGHT_ALIGNMENT, error));
    TSM_CUBLAS_TRY(cublasLtMatmulPreferenceCreate(&preference));
    TSM_TRY(set_preferences(preference, spec, error));
    code = cublasLtMatmulAlgoGetHeuristic(handle, operation, gemm->weights, gemm->in, gemm->residual, gemm->out,
                                          preference, TSM_GEMM_MAX_CANDIDATES, results, &listed);
    if (code != CUBLAS_STATUS_SUCCESS && code != CUBLAS_STATUS_NOT_SUPPORTED)
        TSM_CUBLAS_TRY(code); /* none is no failure, anything else is */
    for (int i = 0; i < listed; i++)
        if (results[i].state == CUBLAS_STATUS_SUCCESS) results[(*count)++] = results[i];
    status = TSM_OK;
fail:
    if (preference) cublasLtMatmulPreferenceDestroy(preference);
    if (operation) cublasLtMatmulDescDestroy(operation);
    return status;
}

tsm_status tsm_gemm_count(int *count, cublasLtHandle_t handle, const tsm_conv_spec *spec, tsm_error *error)
{
    cublasLtMatmulHeuristicResult_t results[TSM_GEMM_MAX_CANDIDATES];
    tsm_gemm gemm;
    tsm_status status;

    memset(&gemm, 0, sizeof gemm);
    status = make_layouts(&gemm, spec, error);
    if (status == TSM_OK) status = list_algorithms(results, count, &gemm, handle, spec, error);
    tsm_gemm_clear(&gemm);
    return status;
}

tsm_status tsm_gemm_make(tsm_gemm *gemm, cublasLtHandle_t handle, const tsm_conv_spec *spec, int index,
                         tsm_error *error)
{
    cublasLtMatmulHeuristicResult_t results[TSM_GEMM_MAX_CANDIDATES];
    int count;
    tsm_status status;

    memset(gemm, 0, sizeof *gemm);
    TSM_TRY(make_layouts(gemm, spec, error));
    TSM_TRY(list_algorithms(results, &count, gemm, handle, spec, error));
    if (index < 0 || index >= count) {
        status = tsm_fail(error, TSM_ERROR_DEVICE, "cublasLt: offers %d algorithms, no number %d", count, index);
        goto fail;
    }
    gemm->algo = results[index].algo;
    gemm->workspace_bytes = results[index].workspaceSize;
    return TSM_OK;
fail:
    tsm_gemm_clear(gemm);
    return status;
}

void tsm_gemm_clear(tsm_gemm *gemm)
{
    cublasLtMatrixLayout_t layouts[] = { gemm->weights, gemm->in, gemm->residual, gemm->out };

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i]) cublasLtMatrixLayoutDestroy(layouts[i]);
    memset(gemm, 0, sizeof *gemm);
}

tsm_status tsm_gemm_run(const tsm_gemm *gemm, cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                        const tsm_gemm_buffers *b, cudaStream_t stream, tsm_error *error)
{
    const float alpha = 1;
    const void *residual = b->residual ? b->residual : b->out;

    TSM_CUBLAS(cublasLtMatmul(handle, operation, &alpha, b->weights, gemm->weights, b->in, gemm->in, &gemm->beta,
                              residual, gemm->residual, b->out, gemm->out, &gemm->algo, b->workspace,
                              gemm->workspace_bytes, stream));
    return TSM_OK;
}
