/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather.h - which convolutions shift as they read, in a schedule of the method `gather`, and which shifts then need
 * no step of their own.
 *
 * A SHIFT node (placement `block`) is a view where all its readers are convolutions that can read the value before it
 * shifted, as input, as residual, or both: it then shares that value's memory, and nothing is copied.
 */
#ifndef TSM_CUDA_GATHER_H
#define TSM_CUDA_GATHER_H

#include "cuda/conv/ours.h"
#include "layout.h"

/* Sets `view` of every value, whose pitches are known. */
void tsm_gather_views(tsm_cuda_value *values, const tsm_graph *graph, const tsm_dims *shapes,
                      const tsm_cuda_dtype *dtype);

/* True, and *spec, where node `index` shifts as it reads: with a shift of its own, or views among its operands. */
bool tsm_gather_spec(tsm_conv_spec *spec, const tsm_graph *graph, const tsm_dims *shapes,
                     const tsm_cuda_value *values, int index, const tsm_cuda_dtype *dtype);

/* Whether node `index` may do so, at one shape or another: if so, *spec for how its filters are packed; else *why,
 * static text, NULL where nothing is shifted. */
bool tsm_gather_may(tsm_conv_kernel_spec *spec, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype,
                    const char **why);

/* Whether our kernels may compute node `index`, at one shape or another, where it shifts nothing as it reads; if so,
 * *spec for how its filters are packed. */
bool tsm_ours_may(tsm_conv_kernel_spec *spec, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype);

#endif
