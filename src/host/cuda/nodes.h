/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.h - what a node is to this backend, as far as the node alone can tell. */
#ifndef TSM_CUDA_NODES_H
#define TSM_CUDA_NODES_H

#include "dtype.h"
#include "graph/backend.h"

/* A convolution over dense pixels that is a matrix product: 1x1, no padding, one group; `any_stride` or stride 1. */
bool tsm_cuda_is_matmul(const tsm_node *node, bool any_stride);

/* True where a shift on the node's input can be an overlap, as far as the node alone can tell. */
bool tsm_cuda_can_overlap(const tsm_node *node, const tsm_cuda_dtype *dtype);

bool tsm_cuda_same_shift(const tsm_shift *a, const tsm_shift *b);

/* A 3x3 depthwise convolution that our own kernel computes. */
bool tsm_cuda_is_depthwise(const tsm_node *node);

/* Channels of a convolution's input as it lies in memory: padded where the network's input is read. */
int64_t tsm_cuda_input_channels(const tsm_graph *graph, const tsm_node *node);

/* Channels of the network's input as they lie: rounded up, the rest zeros. */
int64_t tsm_cuda_padded(int64_t channels);

#endif
