/* SPDX-License-Identifier: Apache-2.0 */
/* blas.h - the parts of the simulated cuBLASLt: descriptors and algorithms (blas.cpp), the product
 * (blas_matmul.cpp) */
#ifndef TSM_SIM_BLAS_H
#define TSM_SIM_BLAS_H

#include <cublasLt.h>

#include "libs.h"

struct cublasLtContext {
    int device;
};

struct cublasLtMatmulDescOpaque {
    cublasComputeType_t compute;
    bool transpose_a, transpose_b;
    uint32_t epilogue;
    const void *bias;
    cudaDataType bias_type;
    bool has_bias_type;
};

struct cublasLtMatrixLayoutOpaque {
    cudaDataType type;
    uint64_t rows, columns;
    int64_t ld;
    int32_t batch;
    int64_t stride; /* elements from one matrix to the next */
};

namespace sim
{

using Layout = cublasLtMatrixLayoutOpaque;
using Desc = cublasLtMatmulDescOpaque;

struct Problem {
    Desc desc;
    Layout a, b, c, d;
    size_t n, m, k; /* D is (n, m), in columns of n */
    size_t batch;
};

/* What an algorithm is, in the opaque words that the caller keeps. */
struct Algorithm {
    uint64_t magic, problem; /* a fingerprint: an algorithm is for one problem */
    uint64_t workspace;
    uint32_t parts, alignments[4];
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t), "must fit");

struct Operands {
    float alpha, beta;
    const void *a, *b, *c;
    void *d, *workspace;
};

/* The operands lie where they may, when the call is made. */
bool blas_check(const Problem &problem, const Algorithm &how, const Operands &operands);
/* On the stream, the work itself. */
cudaError_t blas_multiply(const Problem &problem, const Algorithm &how, const Operands &operands);

} // namespace sim
#endif
