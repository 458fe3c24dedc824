/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.h - the element types of a precision, free of any library's words for them, and rounding to them. */
#ifndef TSM_CUDA_DTYPE_H
#define TSM_CUDA_DTYPE_H

#include "core/status.h"

/* Activations, weights and biases of convolutions share one type; sums are made in float32. */
typedef struct tsm_cuda_dtype {
    const char *name; /* of the precision, "fp16" */
    tsm_precision precision;
    tsm_dtype type;
    int bytes;
    double epsilon; /* of what is multiplied: half the distance from 1 to the next number */
} tsm_cuda_dtype;

/* NULL for a precision that this backend has not. Static. */
const tsm_cuda_dtype *tsm_cuda_dtype_of(tsm_precision precision);

/* Rounds `count` floats to the nearest, ties to even. False when one of them is not finite in `type`. */
bool tsm_cuda_round(void *out, const float *in, size_t count, tsm_dtype type);

#endif
