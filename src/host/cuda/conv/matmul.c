/* SPDX-License-Identifier: Apache-2.0 */
/* matmul.c - see matmul.h. */
#include "matmul.h"

#include <string.h>

#include "cuda/alignment.h"

cudaDataType_t tsm_blas_type(tsm_dtype type)
{
    return type == TSM_FLOAT16 ? CUDA_R_16F : type == TSM_BFLOAT16 ? CUDA_R_16BF : CUDA_R_32F;
}

cublasComputeType_t tsm_blas_compute(tsm_precision precision)
{
    return precision == TSM_PRECISION_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

tsm_status tsm_matmul_describe(cublasLtMatmulDesc_t *out, tsm_precision precision, bool transpose_a, bool transpose_b,
                               tsm_error *error)
{
    const cublasOperation_t a = transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, b = transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasLtMatmulDesc_t operation = NULL;
    tsm_status status;

    *out = NULL;
    TSM_CUBLAS(cublasLtMatmulDescCreate(&operation, tsm_blas_compute(precision), CUDA_R_32F));
    TSM_CUBLAS_TRY(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &a, sizeof a));
    TSM_CUBLAS_TRY(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSB, &b, sizeof b));
    *out = operation;
    return TSM_OK;
fail:
    cublasLtMatmulDescDestroy(operation);
    return status;
}

static tsm_status make_layout(cublasLtMatrixLayout_t *layout, const tsm_matrix *m, int batch, tsm_error *error)
{
    const int32_t count = batch;

    TSM_CUBLAS(cublasLtMatrixLayoutCreate(layout, m->type, (uint64_t)m->rows, (uint64_t)m->columns, m->pitch));
    if (batch == 1) return TSM_OK;
    TSM_CUBLAS(cublasLtMatrixLayoutSetAttribute(*layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
    TSM_CUBLAS(cublasLtMatrixLayoutSetAttribute(*layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &m->stride,
                                                sizeof m->stride));
    return TSM_OK;
}

static tsm_status make_layouts(tsm_matmul *matmul, const tsm_matmul_spec *spec, tsm_error *error)
{
    TSM_TRY_RETURN(make_layout(&matmul->a, &spec->a, spec->batch, error));
    TSM_TRY_RETURN(make_layout(&matmul->b, &spec->b, spec->batch, error));
    TSM_TRY_RETURN(make_layout(&matmul->c, &spec->c, spec->batch, error));
    return make_layout(&matmul->d, &spec->d, spec->batch, error);
}

uint32_t tsm_matmul_alignment(int64_t offset_bytes, int64_t pitch_bytes)
{
    uint64_t bits = TSM_CUDA_ALIGNMENT | (uint64_t)offset_bytes | (uint64_t)pitch_bytes;

    return (uint32_t)(bits & -bits);
}

static tsm_status set_preferences(cublasLtMatmulPreference_t preference, const tsm_matmul_spec *spec,
                                  tsm_error *error)
{
    const size_t workspace = TSM_MATMUL_WORKSPACE_BYTES;
    /* Split sums may only be joined in float32. */
    const uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t name;
        uint32_t bytes;
    } alignments[] = {
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, spec->a.alignment },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, spec->b.alignment },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, spec->c.alignment },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, spec->d.alignment },
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

/* What the heuristics list but do not support is left out. */
static tsm_status ask_heuristics(tsm_matmul_algorithms *algorithms, const tsm_matmul *matmul, cublasLtHandle_t handle,
                                 cublasLtMatmulDesc_t operation, const tsm_matmul_spec *spec, tsm_error *error)
{
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t *results = algorithms->results;
    cublasStatus_t code;
    tsm_status status;
    int listed = 0;

    TSM_CUBLAS_TRY(cublasLtMatmulPreferenceCreate(&preference));
    TSM_TRY(set_preferences(preference, spec, error));
    code = cublasLtMatmulAlgoGetHeuristic(handle, operation, matmul->a, matmul->b, matmul->c, matmul->d, preference,
                                          TSM_MATMUL_MAX_CANDIDATES, results, &listed);
    if (code != CUBLAS_STATUS_SUCCESS && code != CUBLAS_STATUS_NOT_SUPPORTED)
        TSM_CUBLAS_TRY(code); /* none is no failure, anything else is */
    for (int i = 0; i < listed; i++)
        if (results[i].state == CUBLAS_STATUS_SUCCESS) results[algorithms->count++] = results[i];
    status = TSM_OK;
fail:
    if (preference) cublasLtMatmulPreferenceDestroy(preference);
    return status;
}

tsm_status tsm_matmul_list(tsm_matmul_algorithms *algorithms, cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                           const tsm_matmul_spec *spec, tsm_error *error)
{
    tsm_matmul matmul;
    tsm_status status;

    memset(algorithms, 0, sizeof *algorithms);
    memset(&matmul, 0, sizeof matmul);
    status = make_layouts(&matmul, spec, error);
    if (status == TSM_OK) status = ask_heuristics(algorithms, &matmul, handle, operation, spec, error);
    tsm_matmul_clear(&matmul);
    return status;
}

tsm_status tsm_matmul_make(tsm_matmul *matmul, const tsm_matmul_spec *spec, const tsm_matmul_algorithms *algorithms,
                           int index, tsm_error *error)
{
    tsm_status status;

    memset(matmul, 0, sizeof *matmul);
    if (index < 0 || index >= algorithms->count)
        return tsm_fail(error, TSM_ERROR_DEVICE, "cublasLt: offers %d algorithms, no number %d", algorithms->count,
                        index);
    TSM_TRY(make_layouts(matmul, spec, error));
    matmul->algo = algorithms->results[index].algo;
    matmul->workspace_bytes = algorithms->results[index].workspaceSize;
    return TSM_OK;
fail:
    tsm_matmul_clear(matmul);
    return status;
}

void tsm_matmul_clear(tsm_matmul *matmul)
{
    cublasLtMatrixLayout_t layouts[] = { matmul->a, matmul->b, matmul->c, matmul->d };

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i]) cublasLtMatrixLayoutDestroy(layouts[i]);
    memset(matmul, 0, sizeof *matmul);
}

tsm_status tsm_matmul_run(const tsm_matmul *matmul, cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                          const tsm_matmul_buffers *b, cudaStream_t stream, tsm_error *error)
{
    TSM_CUBLAS(cublasLtMatmul(handle, operation, &b->alpha, b->a, matmul->a, b->b, matmul->b, &b->beta, b->c,
                              matmul->c, b->d, matmul->d, &matmul->algo, b->workspace, matmul->workspace_bytes,
                              stream));
    return TSM_OK;
}
