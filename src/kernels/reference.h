/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.h - the kernels in plain C, where reference_ops.h of the CPU backend has no such operation.
 *
 * Arguments are those of kernels.h with host pointers; floating-point operations take float32 and sum in double.
 */
#ifndef TSM_KERNELS_REFERENCE_H
#define TSM_KERNELS_REFERENCE_H

#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

void tsm_kernel_shift_reference(const tsm_kernel_shift_args *args);
void tsm_kernel_shift_online_reference(const tsm_kernel_shift_online_args *args);

/* Types are ignored: float32. */
void tsm_kernel_tpool_reference(const tsm_kernel_tpool_args *args);
void tsm_kernel_softmax_reference(const tsm_kernel_softmax_args *args);
void tsm_kernel_topk_reference(const float *in, float *out_values, int32_t *out_indices, int rows, int classes,
                               int k);

void tsm_kernel_resize_reference(const tsm_kernel_resize_args *args);

#ifdef __cplusplus
}
#endif
#endif
