/* SPDX-License-Identifier: Apache-2.0 */
/* blas_matmul.cpp - a matmul of cuBLASLt at work: alpha op(A) op(B) + beta C, then the epilogue, rounded once. */
#include "blas.h"
#include "product.h"

namespace sim
{

static Rows columns_of(const void *address, const Layout &l)
{
    size_t element = type_bytes(l.type);

    return { address, l.columns, l.rows * element, (size_t)l.ld * element };
}

static const char *const kCall = "cublasLtMatmul";

/* As cublasLtMatmul is documented; kernels of Hopper's run into a fault where it is less. */
constexpr size_t kWorkspaceAlignment = 256;

static const void *advance(const void *address, const Layout &l, size_t matrices)
{
    return address ? static_cast<const char *>(address) + matrices * (size_t)l.stride * type_bytes(l.type) : nullptr;
}

/* The operands of matrix `i` of a batch. */
static Operands one_of(const Problem &p, const Operands &o, size_t i)
{
    return { o.alpha,
             o.beta,
             advance(o.a, p.a, i),
             advance(o.b, p.b, i),
             advance(o.c, p.c, i),
             const_cast<void *>(advance(o.d, p.d, i)),
             o.workspace };
}

static bool check_matrices(const Problem &p, const Algorithm &how, const Operands &o)
{
    bool good = check_device({ kCall, "A" }, columns_of(o.a, p.a), how.alignments[0]) &&
                check_device({ kCall, "B" }, columns_of(o.b, p.b), how.alignments[1]) &&
                check_device({ kCall, "D" }, columns_of(o.d, p.d), how.alignments[3]);

    return good && (o.beta == 0 || check_device({ kCall, "C" }, columns_of(o.c, p.c), how.alignments[2]));
}

/* Results of a batch on top of each other would be written in any order. */
static bool check_stride(const Problem &p, const Operands &o)
{
    if (p.batch == 1 || p.d.stride >= (int64_t)(p.d.columns - 1) * p.d.ld + (int64_t)p.d.rows) return true;
    misuse(kCall, "D", "has a stride at which the matrices of the batch overlap", o.d);
    return false;
}

bool blas_check(const Problem &p, const Algorithm &how, const Operands &o)
{
    bool good = check_stride(p, o);

    for (size_t i = 0; good && i < p.batch; i++) good = check_matrices(p, how, one_of(p, o, i));
    if (good && (p.desc.epilogue & CUBLASLT_EPILOGUE_BIAS))
        good =
            check_device({ kCall, "bias" }, one_row(p.desc.bias, p.n * type_bytes(p.d.type)), type_bytes(p.d.type));
    return good && check_device({ kCall, "workspace" }, one_row(o.workspace, how.workspace),
                                how.workspace ? kWorkspaceAlignment : 1);
}

static bool touch_factors(const Problem &p, const Operands &o)
{
    bool good =
        touch({ kCall, "A" }, columns_of(o.a, p.a), READS) && touch({ kCall, "B" }, columns_of(o.b, p.b), READS);

    if (good && o.beta != 0) good = touch({ kCall, "C" }, columns_of(o.c, p.c), READS);
    return good;
}

static bool touch_operands(const Problem &p, const Algorithm &how, const Operands &o)
{
    bool good = true;

    for (size_t i = 0; good && i < p.batch; i++) good = touch_factors(p, one_of(p, o, i));
    if (good && (p.desc.epilogue & CUBLASLT_EPILOGUE_BIAS))
        good = touch({ kCall, "bias" }, one_row(p.desc.bias, p.n * type_bytes(p.d.type)), READS);
    if (good && how.workspace) good = touch({ kCall, "workspace" }, one_row(o.workspace, how.workspace), WRITES);
    if (good && how.workspace) memset(o.workspace, 0xff, how.workspace);
    for (size_t i = 0; good && i < p.batch; i++)
        good = touch({ kCall, "D" }, columns_of(one_of(p, o, i).d, p.d), WRITES);
    return good;
}

static float epilogue(const Problem &p, const Operands &o, size_t row, size_t column, float sum)
{
    float value = o.alpha * sum;

    if (o.beta != 0) value += o.beta * read_element(o.c, column * (size_t)p.c.ld + row, p.c.type);
    if (p.desc.epilogue & CUBLASLT_EPILOGUE_BIAS) value += read_element(p.desc.bias, row, p.d.type);
    if ((p.desc.epilogue & CUBLASLT_EPILOGUE_RELU) && value < 0) value = 0;
    return value;
}

/* A row of the left factor here is a column of op(B): what NHWC calls a pixel. */
static void load_columns(std::vector<float> &left, const Problem &p, const Operands &o, size_t first, size_t count)
{
    size_t ld = (size_t)p.b.ld;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < p.k; k++) {
            size_t at = p.desc.transpose_b ? k * ld + first + i : (first + i) * ld + k;
            left[i * p.k + k] = read_element(o.b, at, p.b.type);
        }
}

static void multiply(const Problem &p, const Algorithm &how, const Operands &o)
{
    constexpr size_t kStep = 64;
    const Arithmetic arithmetic = { p.desc.compute == CUBLAS_COMPUTE_32F_FAST_TF32, false, how.parts };
    RightFactor right = right_factor(p.k, p.n);
    size_t lda = (size_t)p.a.ld, pitch = product_pitch(right);
    std::vector<float> left(kStep * p.k), out(kStep * pitch);

    for (size_t n = 0; n < p.n; n++)
        for (size_t k = 0; k < p.k; k++)
            right_set(right, k, n, read_element(o.a, p.desc.transpose_a ? n * lda + k : k * lda + n, p.a.type),
                      arithmetic);
    for (size_t first = 0; first < p.m; first += kStep) {
        size_t count = std::min(kStep, p.m - first);

        load_columns(left, p, o, first, count);
        product(out, left, count, right, arithmetic);
        for (size_t i = 0; i < count; i++)
            for (size_t n = 0; n < p.n; n++)
                write_element(o.d, (first + i) * (size_t)p.d.ld + n, epilogue(p, o, n, first + i, out[i * pitch + n]),
                              p.d.type);
    }
}

cudaError_t blas_multiply(const Problem &p, const Algorithm &how, const Operands &o)
{
    counters.matmuls++;
    if (!touch_operands(p, how, o)) return cudaErrorLaunchFailure;
    for (size_t i = 0; i < p.batch; i++) multiply(p, how, one_of(p, o, i));
    return cudaSuccess;
}

} // namespace sim
