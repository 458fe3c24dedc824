/* SPDX-License-Identifier: Apache-2.0 */
/* ours_spec.h - a spec as our own kernels have it (kernels/conv/spec.h), which shift as they read. Needs no CUDA. */
#ifndef TSM_CUDA_CONV_OURS_SPEC_H
#define TSM_CUDA_CONV_OURS_SPEC_H

#include "descriptor.h"
#include "kernels/conv/spec.h"

/* False, with a reason in *why (static text), where the spec has no counterpart. */
bool tsm_conv_ours_spec(tsm_conv_kernel_spec *ours, const tsm_conv_spec *spec, const char **why);

#endif
