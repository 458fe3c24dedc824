/* SPDX-License-Identifier: Apache-2.0 */
/* ours.h - what the family of our own kernels says beside its table: kernels/conv/conv_kernels.h in terms of
 * specs. */
#ifndef TSM_CUDA_CONV_OURS_H
#define TSM_CUDA_CONV_OURS_H

#include "descriptor.h"
#include "kernels/conv/spec.h"

/* False, with a reason in *why (static text), where the spec has no counterpart. */
bool tsm_conv_ours_spec(tsm_conv_kernel_spec *ours, const tsm_conv_spec *spec, const char **why);

#endif
