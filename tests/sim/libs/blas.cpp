/* SPDX-License-Identifier: Apache-2.0 */
/* blas.cpp - cuBLASLt: descriptors, and a list of algorithms that differ in workspace and rounding. */
#include "blas.h"

struct cublasLtMatmulPreferenceOpaque {
    uint64_t workspace;
    uint32_t reductions, alignments[4];
};

namespace sim
{

constexpr uint64_t kMagic = 0x74736d2d616c676f;

/* Each worse by heuristic than the one before; as on Hopper, the best wants a workspace. The last one is listed, but
 * does not support anything. */
static const struct {
    uint64_t workspace;
    uint32_t parts, alignment;
    bool supported;
} kAlgorithms[] = {
    { 1 << 16, 4, 16, true }, { 0, 1, 16, true }, { 0, 1, 2, true }, { 4 << 20, 3, 8, true }, { 0, 1, 16, false },
};

static bool known_type(cudaDataType type)
{
    return type == CUDA_R_32F || type == CUDA_R_16F || type == CUDA_R_16BF;
}

static bool good_layout(const Layout &l)
{
    return known_type(l.type) && l.rows > 0 && l.columns > 0 && l.ld >= (int64_t)l.rows && l.batch > 0 &&
           l.stride >= 0;
}

/* The shapes and types must fit together as cuBLASLt's table of supported ones has it. */
static cublasStatus_t make_problem(Problem &p, const Desc *desc, const Layout *a, const Layout *b, const Layout *c,
                                   const Layout *d)
{
    p = { *desc, *a, *b, *c, *d, d->rows, d->columns, desc->transpose_a ? a->rows : a->columns, (size_t)d->batch };
    bool shapes = (desc->transpose_a ? a->columns : a->rows) == p.n &&
                  (desc->transpose_b ? b->rows : b->columns) == p.m &&
                  (desc->transpose_b ? b->columns : b->rows) == p.k && c->rows == p.n && c->columns == p.m;

    bool batches = a->batch == d->batch && b->batch == d->batch && c->batch == d->batch;

    if (!good_layout(*a) || !good_layout(*b) || !good_layout(*c) || !good_layout(*d) || !shapes || !batches)
        return CUBLAS_STATUS_INVALID_VALUE;
    bool types = a->type == b->type && c->type == d->type && (d->type == a->type || d->type == CUDA_R_32F);
    bool has_bias = desc->epilogue & CUBLASLT_EPILOGUE_BIAS;
    if (has_bias && desc->has_bias_type && desc->bias_type != d->type) types = false;
    if (desc->compute == CUBLAS_COMPUTE_32F_FAST_TF32 && a->type != CUDA_R_32F) types = false;
    return types ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x9e3779b97f4a7c15u + (hash >> 29);
}

static uint64_t fingerprint(const Problem &p)
{
    uint64_t hash = mix(p.desc.compute, p.desc.epilogue * 4 + p.desc.transpose_a * 2 + p.desc.transpose_b);

    for (const Layout *l : { &p.a, &p.b, &p.c, &p.d })
        for (uint64_t part :
             { (uint64_t)l->type, l->rows, l->columns, (uint64_t)l->ld, (uint64_t)l->batch, (uint64_t)l->stride })
            hash = mix(hash, part);
    return hash;
}

template <typename T> static cublasStatus_t read_option(T &out, const void *value, size_t bytes)
{
    if (!value || bytes != sizeof out) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&out, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

template <typename T> static cublasStatus_t destroy(const char *call, T *object, const char *kind)
{
    TSM_SIM_API;
    if (!handle_remove(call, object, kind)) return CUBLAS_STATUS_INVALID_VALUE;
    delete object;
    return CUBLAS_STATUS_SUCCESS;
}

static const char *const kHandle = "cublasLt handle", *const kDesc = "matmul descriptor",
                         *const kLayout = "matrix layout", *const kPreference = "matmul preference";

static bool check_objects(const char *call, cublasLtHandle_t handle, const Desc *desc,
                          std::vector<const Layout *> layouts)
{
    bool good = handle_check(call, handle, kHandle) && handle_check(call, desc, kDesc);

    for (const Layout *layout : layouts) good = good && handle_check(call, layout, kLayout);
    return good;
}

} // namespace sim

using namespace sim;

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    TSM_SIM_API;
    if (capture_forbids("cublasLtCreate")) return CUBLAS_STATUS_NOT_INITIALIZED; /* allocates */
    *handle = new cublasLtContext{ current_device() };
    handle_add(*handle, kHandle);
    counters.handles++;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    return destroy("cublasLtDestroy", handle, kHandle);
}

size_t cublasLtGetVersion(void)
{
    return 130000;
}

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "unknown status";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *desc, cublasComputeType_t compute, cudaDataType scale)
{
    TSM_SIM_API;
    if (scale != CUDA_R_32F || (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32))
        return CUBLAS_STATUS_INVALID_VALUE;
    *desc = new Desc{ compute, false, false, CUBLASLT_EPILOGUE_DEFAULT, nullptr, CUDA_R_32F, false };
    handle_add(*desc, kDesc);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc)
{
    return destroy("cublasLtMatmulDescDestroy", desc, kDesc);
}

static cublasStatus_t set_transposed(bool &transposed, const void *value, size_t bytes)
{
    int32_t operation = 0;
    cublasStatus_t status = read_option(operation, value, bytes);

    if (status || operation < CUBLAS_OP_N || operation > CUBLAS_OP_T) return CUBLAS_STATUS_INVALID_VALUE;
    transposed = operation == CUBLAS_OP_T;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_epilogue(Desc *desc, const void *value, size_t bytes)
{
    uint32_t wanted = 0;
    cublasStatus_t status = read_option(wanted, value, bytes);
    bool known = wanted == CUBLASLT_EPILOGUE_DEFAULT || wanted == CUBLASLT_EPILOGUE_RELU ||
                 wanted == CUBLASLT_EPILOGUE_BIAS || wanted == CUBLASLT_EPILOGUE_RELU_BIAS;

    if (status || !known) return CUBLAS_STATUS_INVALID_VALUE;
    desc->epilogue = wanted;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_bias_type(Desc *desc, const void *value, size_t bytes)
{
    int32_t type = 0;
    cublasStatus_t status = read_option(type, value, bytes);

    if (status || !known_type((cudaDataType)type)) return CUBLAS_STATUS_INVALID_VALUE;
    desc->bias_type = (cudaDataType)type;
    desc->has_bias_type = true;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t name,
                                              const void *value, size_t bytes)
{
    TSM_SIM_API;
    if (!handle_check("cublasLtMatmulDescSetAttribute", desc, kDesc)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return set_transposed(desc->transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB: return set_transposed(desc->transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return set_epilogue(desc, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return read_option(desc->bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return set_bias_type(desc, value, bytes);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t ld)
{
    TSM_SIM_API;
    if (!known_type(type)) return CUBLAS_STATUS_INVALID_VALUE;
    *layout = new Layout{ type, rows, columns, ld, 1, 0 };
    handle_add(*layout, kLayout);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name,
                                                const void *value, size_t bytes)
{
    TSM_SIM_API;
    if (!handle_check("cublasLtMatrixLayoutSetAttribute", layout, kLayout)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (name) {
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT: return read_option(layout->batch, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET: return read_option(layout->stride, value, bytes);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    return destroy("cublasLtMatrixLayoutDestroy", layout, kLayout);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    TSM_SIM_API;
    *preference = new cublasLtMatmulPreferenceOpaque{ 0, CUBLASLT_REDUCTION_SCHEME_MASK, { 256, 256, 256, 256 } };
    handle_add(*preference, kPreference);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    return destroy("cublasLtMatmulPreferenceDestroy", preference, kPreference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t name, const void *value,
                                                    size_t bytes)
{
    TSM_SIM_API;
    if (!handle_check("cublasLtMatmulPreferenceSetAttribute", preference, kPreference))
        return CUBLAS_STATUS_INVALID_VALUE;
    switch (name) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return read_option(preference->workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: return read_option(preference->reductions, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: return read_option(preference->alignments[0], value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: return read_option(preference->alignments[1], value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: return read_option(preference->alignments[2], value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: return read_option(preference->alignments[3], value, bytes);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int room,
                                              cublasLtMatmulHeuristicResult_t results[], int *count)
{
    TSM_SIM_API;
    const char *call = "cublasLtMatmulAlgoGetHeuristic";
    Problem problem;

    *count = 0;
    if (!check_objects(call, handle, desc, { a, b, c, d }) || !handle_check(call, preference, kPreference) ||
        room < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    cublasStatus_t status = make_problem(problem, desc, a, b, c, d);
    if (status) return status;
    for (const auto &known : kAlgorithms) {
        Algorithm algorithm = { kMagic, fingerprint(problem), known.workspace, known.parts, {} };
        bool serves = known.workspace <= preference->workspace &&
                      (known.parts == 1 || (preference->reductions & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));

        for (int i = 0; i < 4; i++) {
            algorithm.alignments[i] = std::min(known.alignment, preference->alignments[i]);
            serves = serves && (i == 2 || preference->alignments[i] >= known.alignment);
        }
        if (!serves || *count == room) continue;
        cublasLtMatmulHeuristicResult_t &result = results[(*count)++];
        result = {};
        memcpy(&result.algo, &algorithm, sizeof algorithm);
        result.workspaceSize = known.workspace;
        result.state = known.supported ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
    }
    return *count ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout,
                              const void *beta, const void *c, cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *algo, void *workspace,
                              size_t workspace_bytes, cudaStream_t stream)
{
    TSM_SIM_API;
    const char *call = "cublasLtMatmul";
    Operands operands = { 0, 0, a, b, c, d, workspace };
    Algorithm algorithm;
    Problem problem;

    if (!check_objects(call, handle, desc, { a_layout, b_layout, c_layout, d_layout }) || !alpha || !beta || !algo)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (handle->device != current_device()) {
        misuse(call, "the handle is of another GPU than the current one");
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    cublasStatus_t status = make_problem(problem, desc, a_layout, b_layout, c_layout, d_layout);
    if (status) return status;
    memcpy(&operands.alpha, alpha, sizeof operands.alpha);
    memcpy(&operands.beta, beta, sizeof operands.beta);
    memcpy(&algorithm, algo, sizeof algorithm);
    if (algorithm.magic != kMagic || algorithm.problem != fingerprint(problem)) {
        misuse(call, "the algorithm is of another problem");
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (workspace_bytes < algorithm.workspace) {
        misuse(call, "workspace", "is smaller than the algorithm needs", workspace);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (!blas_check(problem, algorithm, operands)) return CUBLAS_STATUS_INVALID_VALUE;
    cudaError_t error =
        submit(stream, call, [problem, algorithm, operands] { return blas_multiply(problem, algorithm, operands); });
    return error ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}
