/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join.h - a shortcut's convolution as a part of the one that adds it: further K of one product.
 *
 *     out = act(W3 y + b3 + Wd x + bd)  =  act([W3 | Wd] [y ; x] + (b3 + bd))
 *
 * The shortcut is then neither written nor read. Only our own kernels do it. It pays where the product stays bound by
 * bytes on their tensor cores (docs/cuda.md has the arithmetic), and is refused elsewhere.
 */
#ifndef TSM_CUDA_JOIN_H
#define TSM_CUDA_JOIN_H

#include "cuda/conv/ours.h"
#include "layout.h"

/* The node that CONV `index` may take in, as far as the graph alone can tell; 0: none. Then *ours says how the filters
 * of both are packed. */
int tsm_join_of(tsm_conv_kernel_spec *ours, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype);

/* The same for shapes and values: *spec of both. */
int tsm_join_spec(tsm_conv_spec *spec, const tsm_graph *graph, const tsm_dims *shapes, const tsm_cuda_value *values,
                  int index, const tsm_cuda_dtype *dtype);

/* Whether `index` is taken in by the node that reads it. */
bool tsm_join_takes(const tsm_graph *graph, const tsm_dims *shapes, const tsm_cuda_value *values, int index,
                    const tsm_cuda_dtype *dtype);

#endif
