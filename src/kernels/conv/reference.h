/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - the convolution with the shift in its load, in plain C. */
#ifndef TSM_KERNELS_CONV_REFERENCE_H
#define TSM_KERNELS_CONV_REFERENCE_H

#include "conv_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Operands as in tsm_conv_kernel_args, but float32 values of the spec's type on the host, filters not packed, and the
 * output dense and not yet rounded to the type. Sums in double. `magnitude`, of as many elements, gets the sum of the
 * absolute terms before the activation: what rounding errors are measured by. */
typedef struct tsm_conv_kernel_operands {
    const float *in, *filters, *bias, *residual; /* bias and residual may be NULL */
    const float *joined, *joined_filters;        /* NULL where nothing is joined; (filters, joined_channels) */
    double *out, *magnitude;
} tsm_conv_kernel_operands;

void tsm_conv_kernel_reference(const tsm_conv_kernel_spec *spec, const tsm_conv_kernel_operands *operands);

#ifdef __cplusplus
}
#endif
#endif
