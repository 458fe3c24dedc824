/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_blas.c - the simulated cuBLASLt: products against plain loops, and every misuse that it must notice. */
#include <cublasLt.h>

#include "lib_support.h"

typedef struct product_case {
    int n, m, k; /* D is (n, m) */
    bool transpose_a, transpose_b;
    int gap; /* of every leading dimension */
    cudaDataType type, out;
    bool tf32;
    uint32_t epilogue;
    float alpha, beta;
    int batch;
} product_case;

static const product_case cases[] = {
    { 5, 7, 3, false, false, 0, CUDA_R_32F, CUDA_R_32F, false, CUBLASLT_EPILOGUE_DEFAULT, 1, 0, 1 },
    { 5, 7, 3, true, false, 1, CUDA_R_32F, CUDA_R_32F, false, CUBLASLT_EPILOGUE_BIAS, 1, 0, 1 },
    { 33, 70, 65, true, false, 8, CUDA_R_32F, CUDA_R_32F, true, CUBLASLT_EPILOGUE_RELU_BIAS, 1, 1, 1 },
    { 33, 70, 65, false, true, 3, CUDA_R_32F, CUDA_R_32F, false, CUBLASLT_EPILOGUE_RELU, 0.5f, -2, 1 },
    { 16, 130, 40, true, true, 0, CUDA_R_16F, CUDA_R_16F, false, CUBLASLT_EPILOGUE_RELU_BIAS, 1, 1, 1 },
    { 24, 9, 64, true, false, 8, CUDA_R_16BF, CUDA_R_16BF, false, CUBLASLT_EPILOGUE_BIAS, 1, 1, 1 },
    { 7, 2, 512, true, false, 0, CUDA_R_16F, CUDA_R_32F, false, CUBLASLT_EPILOGUE_BIAS, 1, 0, 1 },
    { 7, 2, 512, true, false, 0, CUDA_R_16BF, CUDA_R_32F, false, CUBLASLT_EPILOGUE_DEFAULT, 1, 1, 1 },
    { 13, 9, 24, true, false, 3, CUDA_R_16F, CUDA_R_32F, false, CUBLASLT_EPILOGUE_DEFAULT, 1, 0, 3 },
    { 24, 9, 13, false, false, 0, CUDA_R_16BF, CUDA_R_16BF, false, CUBLASLT_EPILOGUE_DEFAULT, 1, 0, 2 },
    { 8, 17, 70, false, true, 1, CUDA_R_32F, CUDA_R_32F, true, CUBLASLT_EPILOGUE_DEFAULT, 1 / 70.0f, 0, 4 },
    { 5, 6, 7, false, true, 0, CUDA_R_32F, CUDA_R_32F, false, CUBLASLT_EPILOGUE_RELU_BIAS, 2, 1, 2 },
};

/* One problem with everything it needs, on the device. */
typedef struct problem {
    product_case c;
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t a_layout, b_layout, d_layout;
    cublasLtMatmulPreference_t preference;
    int lda, ldb, ldd, columns_a, columns_b, batch;
    int64_t stride_a, stride_b, stride_d;
    float *a, *b, *bias, *residual; /* on the host, as the types can hold them */
    char *device_a, *device_b, *device_bias, *device_c, *device_d, *workspace;
    cublasLtMatmulHeuristicResult_t results[8];
    int count;
} problem;

#define BLAS_OK(call) ck_assert_msg((call) == CUBLAS_STATUS_SUCCESS, "%s: %s", #call, tsm_sim_failure())
#define WORKSPACE     (4u << 20)

static void set_option(problem *p, cublasLtMatmulDescAttributes_t name, const void *value, size_t bytes)
{
    BLAS_OK(cublasLtMatmulDescSetAttribute(p->desc, name, value, bytes));
}

static void set_batch(const problem *p, cublasLtMatrixLayout_t layout, int64_t stride)
{
    const int32_t count = p->batch;

    if (count == 1) return;
    BLAS_OK(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
    BLAS_OK(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride,
                                             sizeof stride));
}

static void describe(problem *p)
{
    const product_case *c = &p->c;
    const cublasOperation_t a = c->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                            b = c->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;

    BLAS_OK(
        cublasLtMatmulDescCreate(&p->desc, c->tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F));
    set_option(p, CUBLASLT_MATMUL_DESC_TRANSA, &a, sizeof a);
    set_option(p, CUBLASLT_MATMUL_DESC_TRANSB, &b, sizeof b);
    set_option(p, CUBLASLT_MATMUL_DESC_EPILOGUE, &c->epilogue, sizeof c->epilogue);
    set_option(p, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p->device_bias, sizeof p->device_bias);
    set_option(p, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &c->out, sizeof c->out);
    BLAS_OK(cublasLtMatrixLayoutCreate(&p->a_layout, c->type, (uint64_t)(p->lda - c->gap), (uint64_t)p->columns_a,
                                       p->lda));
    BLAS_OK(cublasLtMatrixLayoutCreate(&p->b_layout, c->type, (uint64_t)(p->ldb - c->gap), (uint64_t)p->columns_b,
                                       p->ldb));
    BLAS_OK(cublasLtMatrixLayoutCreate(&p->d_layout, c->out, (uint64_t)c->n, (uint64_t)c->m, p->ldd));
    set_batch(p, p->a_layout, p->stride_a);
    set_batch(p, p->b_layout, p->stride_b);
    set_batch(p, p->d_layout, p->stride_d);
}

/* From one matrix to the next, so that each begins at a multiple of 16 bytes, with something between them. */
static int64_t stride_of(int batch, int ld, int columns)
{
    return batch == 1 ? ld * columns : (ld * columns + 15) / 8 * 8;
}

static size_t count_of(const problem *p, int64_t stride)
{
    return (size_t)(p->batch * stride);
}

static void list_algorithms(problem *p, size_t workspace, uint32_t alignment)
{
    const cublasLtMatmulPreferenceAttributes_t names[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
    };

    BLAS_OK(cublasLtMatmulPreferenceSetAttribute(p->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                                 sizeof workspace));
    for (int i = 0; i < 4; i++)
        BLAS_OK(cublasLtMatmulPreferenceSetAttribute(p->preference, names[i], &alignment, sizeof alignment));
    BLAS_OK(cublasLtMatmulAlgoGetHeuristic(p->handle, p->desc, p->a_layout, p->b_layout, p->d_layout, p->d_layout,
                                           p->preference, 8, p->results, &p->count));
}

static problem open_problem(const product_case *c)
{
    problem p = { .c = *c };

    p.lda = (c->transpose_a ? c->k : c->n) + c->gap;
    p.ldb = (c->transpose_b ? c->m : c->k) + c->gap;
    p.ldd = c->n + c->gap;
    p.columns_a = c->transpose_a ? c->n : c->k;
    p.columns_b = c->transpose_b ? c->k : c->m;
    p.batch = c->batch;
    p.stride_a = stride_of(p.batch, p.lda, p.columns_a);
    p.stride_b = stride_of(p.batch, p.ldb, p.columns_b);
    p.stride_d = stride_of(p.batch, p.ldd, c->m);
    p.device_a = device_values(&p.a, count_of(&p, p.stride_a), 1, dtype_of(c->type), 0);
    p.device_b = device_values(&p.b, count_of(&p, p.stride_b), 2, dtype_of(c->type), 0);
    p.device_bias = device_values(&p.bias, (size_t)c->n, 3, dtype_of(c->out), 0);
    p.device_c = device_values(&p.residual, count_of(&p, p.stride_d), 4, dtype_of(c->out), 0);
    p.device_d = device_room(count_of(&p, p.stride_d) * dtype_bytes(dtype_of(c->out)), 0);
    p.workspace = device_room(WORKSPACE, 0);
    BLAS_OK(cublasLtCreate(&p.handle));
    describe(&p);
    BLAS_OK(cublasLtMatmulPreferenceCreate(&p.preference));
    list_algorithms(&p, WORKSPACE, 256);
    return p;
}

static void free_problem(problem *p)
{
    char *const memory[] = { p->device_a, p->device_b, p->device_bias, p->device_c, p->device_d, p->workspace };
    float *const host[] = { p->a, p->b, p->bias, p->residual };

    for (int i = 0; i < COUNT_OF(memory); i++) DEVICE_OK(cudaFree(memory[i]));
    for (int i = 0; i < COUNT_OF(host); i++) free(host[i]);
    BLAS_OK(cublasLtMatmulPreferenceDestroy(p->preference));
    BLAS_OK(cublasLtMatrixLayoutDestroy(p->a_layout));
    BLAS_OK(cublasLtMatrixLayoutDestroy(p->b_layout));
    BLAS_OK(cublasLtMatrixLayoutDestroy(p->d_layout));
    BLAS_OK(cublasLtMatmulDescDestroy(p->desc));
    BLAS_OK(cublasLtDestroy(p->handle));
}

static void close_problem(problem *p)
{
    free_problem(p);
    assert_nothing_left();
}

static cublasStatus_t multiply(const problem *p, int algorithm, const void *a, void *d, size_t workspace)
{
    return cublasLtMatmul(p->handle, p->desc, &p->c.alpha, a, p->a_layout, p->device_b, p->b_layout, &p->c.beta,
                          p->device_c, p->d_layout, d, p->d_layout, &p->results[algorithm].algo, p->workspace,
                          workspace, NULL);
}

/* The first algorithm that needs no workspace. */
static int plain(const problem *p)
{
    int i = 0;

    while (p->results[i].workspaceSize) i++;
    return i;
}

static double factor(const problem *p, double x)
{
    return p->c.tf32 ? tf32_of(x) : x;
}

/* Element (n, m) of matrix i. */
static float expected(const problem *p, int i, int n, int m)
{
    const product_case *c = &p->c;
    const float *a = p->a + i * p->stride_a, *b = p->b + i * p->stride_b, *residual = p->residual + i * p->stride_d;
    double sum = 0;

    for (int k = 0; k < c->k; k++)
        sum += factor(p, (double)a[c->transpose_a ? n * p->lda + k : k * p->lda + n]) *
               factor(p, (double)b[c->transpose_b ? k * p->ldb + m : m * p->ldb + k]);
    sum = (double)c->alpha * sum + (double)c->beta * (double)residual[m * p->ldd + n];
    if (c->epilogue & CUBLASLT_EPILOGUE_BIAS) sum += (double)p->bias[n];
    return (float)((c->epilogue & CUBLASLT_EPILOGUE_RELU) && sum < 0 ? 0 : sum);
}

/* Whether element `at` of the output lies between the columns, or between the matrices. */
static bool is_gap(const problem *p, size_t at)
{
    const int within = (int)(at % (size_t)p->stride_d);

    return within % p->ldd >= p->c.n || within / p->ldd >= p->c.m;
}

/* Every algorithm; the elements between the rows stay as they were. */
START_TEST(products)
{
    problem p = open_problem(&cases[_i]);
    const size_t count = count_of(&p, p.stride_d);
    int tried = 0;

    for (int i = 0; i < p.count; i++) {
        if (p.results[i].state != CUBLAS_STATUS_SUCCESS) continue;
        DEVICE_OK(cudaMemsetAsync(p.device_d, 0x11, count * dtype_bytes(dtype_of(p.c.out)), NULL));
        float *before = device_result(p.device_d, count, dtype_of(p.c.out));
        BLAS_OK(multiply(&p, i, p.device_a, p.device_d, p.results[i].workspaceSize));
        float *got = device_result(p.device_d, count, dtype_of(p.c.out)), *want = malloc(count * sizeof *want);
        for (size_t at = 0; at < count; at++) {
            const int within = (int)(at % (size_t)p.stride_d);

            want[at] = is_gap(&p, at) ? before[at]
                                      : expected(&p, (int)(at / (size_t)p.stride_d), within % p.ldd, within / p.ldd);
        }
        assert_close(got, want, count, sum_tolerance(dtype_of(p.c.out), p.c.k), "product");
        for (size_t at = 0; at < count; at++)
            if (is_gap(&p, at)) ck_assert(got[at] == before[at]);
        free(before);
        free(got);
        free(want);
        tried++;
    }
    ck_assert_int_ge(tried, 3);
    close_problem(&p);
}
END_TEST

START_TEST(heuristics_respect_preferences)
{
    problem p = open_problem(&cases[5]);
    const int all = p.count;

    list_algorithms(&p, 0, 256);
    ck_assert_int_lt(p.count, all);
    for (int i = 0; i < p.count; i++) ck_assert_uint_eq(p.results[i].workspaceSize, 0);
    list_algorithms(&p, WORKSPACE, 2);
    ck_assert_int_eq(p.count, 1);
    close_problem(&p);
}
END_TEST

START_TEST(misuse)
{
    problem p = open_problem(&cases[5]), other = open_problem(&cases[4]);
    const int with_workspace = 0;
    float host[64] = { 0 };

    ck_assert_uint_gt(p.results[with_workspace].workspaceSize, 0);
    ck_assert_int_ne(multiply(&p, plain(&p), host, p.device_d, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "A: is host memory");
    ck_assert_int_ne(multiply(&p, plain(&p), p.device_a + 32, p.device_d, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "A: its");
    ck_assert_int_ne(multiply(&p, plain(&p), p.device_a, NULL, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "D: is NULL");
    ck_assert_int_ne(multiply(&p, plain(&p), p.device_a, p.device_bias, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "D: its");
    ck_assert_int_ne(multiply(&p, with_workspace, p.device_a, p.device_d, 16), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "workspace");
    p.workspace += 64;
    ck_assert_int_ne(multiply(&p, with_workspace, p.device_a, p.device_d, p.results[with_workspace].workspaceSize),
                     CUBLAS_STATUS_SUCCESS);
    p.workspace -= 64;
    assert_failed("cublasLtMatmul", "workspace: is not a multiple of 256");
    p.results[plain(&p)] = other.results[plain(&other)];
    ck_assert_int_ne(multiply(&p, plain(&p), p.device_a, p.device_d, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "of another problem");
    free_problem(&other);
    ck_assert_int_ne(cublasLtDestroy(other.handle), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtDestroy", "any more");
    close_problem(&p);
}
END_TEST

/* An algorithm that was chosen for well-aligned operands runs on one that is not. */
START_TEST(broken_promise)
{
    const product_case c = { 8, 8, 8, true, false, 0, CUDA_R_16F, CUDA_R_16F, false, CUBLASLT_EPILOGUE_DEFAULT,
                             1, 0, 1 };
    problem p = open_problem(&c);
    char *shifted = device_copy(p.a, 8 * 8 * 2, 2);

    ck_assert_int_ne(multiply(&p, plain(&p), shifted, p.device_d, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "A: is not a multiple of 16");
    device_release(shifted, 2);
    close_problem(&p);
}
END_TEST

START_TEST(unwritten_operand)
{
    problem p = open_problem(&cases[5]);
    const size_t bytes = (size_t)(p.lda * p.columns_a) * 2;
    char *fresh = device_room(bytes, 0);

    if (tsm_sim_instrumented()) {
        DEVICE_OK(cudaMemsetAsync(fresh, 0, bytes - (size_t)p.c.gap * 2 - 2, NULL));
        ck_assert_int_ne(multiply(&p, plain(&p), fresh, p.device_d, 0), CUBLAS_STATUS_SUCCESS);
        assert_failed("cublasLtMatmul", "A: reads what nobody has written");
    }
    DEVICE_OK(
        cudaMemsetAsync(fresh, 0, bytes - (size_t)p.c.gap * 2, NULL)); /* what lies between columns is not read */
    BLAS_OK(multiply(&p, plain(&p), fresh, p.device_d, 0));
    DEVICE_OK(cudaFree(fresh));
    close_problem(&p);
}
END_TEST

/* Batches: operands of every matrix are looked at, and results may not lie on top of each other. */
START_TEST(misused_batches)
{
    problem p = open_problem(&cases[8]);
    const int64_t near = p.ldd, far = (int64_t)1 << 40;
    const int32_t other = 2, none = 0;
    const tsm_sim_counters before = tsm_sim_count();
    cublasLtMatrixLayout_t d = p.d_layout;

    ck_assert_int_eq(cublasLtMatrixLayoutSetAttribute(d, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &other, 2),
                     CUBLAS_STATUS_INVALID_VALUE);
    BLAS_OK(cublasLtMatrixLayoutSetAttribute(d, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &near, sizeof near));
    list_algorithms(&p, WORKSPACE, 256);
    ck_assert_int_ne(multiply(&p, plain(&p), p.device_a, p.device_d, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "D: has a stride at which the matrices of the batch overlap");
    BLAS_OK(cublasLtMatrixLayoutSetAttribute(d, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &far, sizeof far));
    list_algorithms(&p, WORKSPACE, 256);
    ck_assert_int_ne(multiply(&p, plain(&p), p.device_a, p.device_d, 0), CUBLAS_STATUS_SUCCESS);
    assert_failed("cublasLtMatmul", "D: is host memory");
    ck_assert_uint_eq(tsm_sim_count().matmuls, before.matmuls); /* noticed when the call is made */
    for (int i = 0; i < 2; i++) {
        BLAS_OK(cublasLtMatrixLayoutSetAttribute(d, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, i ? &none : &other,
                                                 sizeof other));
        ck_assert_int_eq(cublasLtMatmulAlgoGetHeuristic(p.handle, p.desc, p.a_layout, p.b_layout, d, d, p.preference,
                                                        8, p.results, &p.count),
                         CUBLAS_STATUS_INVALID_VALUE);
    }
    assert_no_failure();
    close_problem(&p);
}
END_TEST

START_TEST(refused_options)
{
    problem p = open_problem(&cases[0]);
    const uint32_t epilogue = 128;
    const cublasOperation_t none = (cublasOperation_t)7;

    ck_assert_int_eq(
        cublasLtMatmulDescSetAttribute(p.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue),
        CUBLAS_STATUS_INVALID_VALUE);
    ck_assert_int_eq(cublasLtMatmulDescSetAttribute(p.desc, CUBLASLT_MATMUL_DESC_TRANSA, &none, sizeof none),
                     CUBLAS_STATUS_INVALID_VALUE);
    ck_assert_int_eq(cublasLtMatmulDescSetAttribute(p.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p.a, 4),
                     CUBLAS_STATUS_INVALID_VALUE);
    ck_assert_int_eq(cublasLtMatmulAlgoGetHeuristic(p.handle, p.desc, p.b_layout, p.a_layout, p.d_layout, p.d_layout,
                                                    p.preference, 8, p.results, &p.count),
                     CUBLAS_STATUS_INVALID_VALUE);
    assert_no_failure();
    close_problem(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulated cuBLASLt");
    TCase *tests = tcase_create("matmul");

    tcase_add_loop_test(tests, products, 0, COUNT_OF(cases));
    tcase_add_test(tests, heuristics_respect_preferences);
    tcase_add_test(tests, misuse);
    tcase_add_test(tests, broken_promise);
    tcase_add_test(tests, unwritten_operand);
    tcase_add_test(tests, misused_batches);
    tcase_add_test(tests, refused_options);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
