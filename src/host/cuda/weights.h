/* SPDX-License-Identifier: Apache-2.0 */
/* weights.h - the weights of a graph in device memory, one allocation, laid out for one precision. */
#ifndef TSM_CUDA_WEIGHTS_H
#define TSM_CUDA_WEIGHTS_H

#include "graph/backend.h"
#include "cuda/conv/ours.h"
#include "dtype.h"

/* Device addresses; NULL where a node has none. */
typedef struct tsm_cuda_weight {
    void *filters; /* (O,kh,kw,I), I padded where the network's input is read; depthwise (kh,kw,C); fc (O,I) */
    void *rotated; /* the same with the input channels that do not move first: for overlap */
    void *packed;  /* as kernels/conv wants them, where those may compute the node; may be `filters` */
    void *joined, *joined_bias; /* filters and biases of the node and of the shortcut that it may take in */
    void *bias;                 /* (O), zeros where the node has none; float32 for fc and depthwise */
} tsm_cuda_weight;

typedef struct tsm_cuda_weights {
    tsm_cuda_weight *nodes;
    int count;
    char *memory;
    size_t bytes;
} tsm_cuda_weights;

/* Converts and uploads on the current device, with what the method to shift, and whose kernels
 * may compute what shifts nothing, want besides; blocking. Errors: MEMORY,
 * DEVICE, UNSUPPORTED (a weight is too large for the precision), CANCELLED. */
tsm_status tsm_cuda_weights_make(tsm_cuda_weights *weights, const tsm_graph *graph, const tsm_cuda_dtype *dtype,
                                 tsm_shift_method method, tsm_conv_whose whose, const tsm_cancel *cancel,
                                 tsm_error *error);
void tsm_cuda_weights_clear(tsm_cuda_weights *weights);

#endif
