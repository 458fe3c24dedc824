/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - how the values of a graph lie in device memory: pitch, element type, and which carry a shifted copy.
 *
 * A value that a shifted 1x1 convolution reads may have rows of C + end elements, [C original | end shifted]: the
 * convolution then reads columns [end, C + end) with its input channels in that order, everybody else [0, C).
 */
#ifndef TSM_CUDA_LAYOUT_H
#define TSM_CUDA_LAYOUT_H

#include "graph/backend.h"
#include "dtype.h"

typedef struct tsm_cuda_value {
    int64_t pitch;  /* elements from a pixel to the next */
    tsm_shift side; /* its `end` columns lie shifted beside the row; end 0: none */
    bool view;      /* of a SHIFT: the value before it, which its readers shift as they read */
    tsm_dtype type; /* of the logits float32, else of the precision */
    uint64_t bytes;
} tsm_cuda_value;

/* Whether node `index` can live with how values lie; says why not in `why`. */
bool tsm_cuda_layout_serves(const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype,
                            char why[TSM_SUPPORT_TEXT]);

/* Fills values[graph->count] of a graph whose nodes it all serves. `method` is COPY, where no value carries a shifted
 * copy; OVERLAP, where those do whose readers and writer can all live with it; or GATHER, where none does, and some
 * are views. */
void tsm_cuda_layout_make(tsm_cuda_value *values, const tsm_graph *graph, const tsm_dims *shapes,
                          const tsm_cuda_dtype *dtype, tsm_shift_method method);

#endif
