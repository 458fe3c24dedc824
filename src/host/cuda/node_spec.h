/* SPDX-License-Identifier: Apache-2.0 */
/* node_spec.h - a CONV or FC node as a spec of a convolution, before anything is decided: its input as it lies, every
 * activation fused, no shift. */
#ifndef TSM_CUDA_NODE_SPEC_H
#define TSM_CUDA_NODE_SPEC_H

#include "cuda/conv/ours.h"
#include "layout.h"

/* Of node `index` at these shapes, with values of these pitches. */
tsm_conv_spec tsm_node_spec(const tsm_graph *graph, const tsm_dims *shapes, const tsm_cuda_value *values, int index,
                            const tsm_cuda_dtype *dtype);

/* Of the node alone, whatever the shapes: dense, one pixel. */
tsm_conv_spec tsm_node_spec_sketch(const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype);

#endif
