/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.h - the element types of a precision, in the words of each library, and conversion on the host. */
#ifndef TSM_CUDA_DTYPE_H
#define TSM_CUDA_DTYPE_H

#include <stdbool.h>

#include "cuda_calls.h"

/* Activations, weights and biases of convolutions share one type; sums are made in float32. */
typedef struct tsm_cuda_dtype {
    const char *name; /* of the precision, "fp16" */
    tsm_dtype type;
    int bytes;
    double epsilon; /* of what is multiplied: half the distance from 1 to the next number */
    cudaDataType_t blas;
    cudnnDataType_t dnn;
    cublasComputeType_t compute;
} tsm_cuda_dtype;

/* NULL for a precision that this backend has not. Static. */
const tsm_cuda_dtype *tsm_cuda_dtype_of(tsm_precision precision);

/* Rounds `count` floats to the nearest, ties to even. False when one of them is not finite in `type`. */
bool tsm_cuda_convert(void *out, const float *in, size_t count, tsm_dtype type);

/* The value of element `index` of an array of `type`. */
float tsm_cuda_element(const void *array, size_t index, tsm_dtype type);

#endif
