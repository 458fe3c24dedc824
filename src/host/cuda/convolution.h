/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convolution.h - a CONV or FC node as it runs: what is done to its input first, what is asked of a library or of the
 * depthwise kernel, and the activation that is left over. No device is needed to know it.
 */
#ifndef TSM_CUDA_CONVOLUTION_H
#define TSM_CUDA_CONVOLUTION_H

#include "cuda/conv/ours.h"
#include "layout.h"
#include "way.h"

/* What happens to the input before it is read. */
typedef enum tsm_staging {
    TSM_STAGE_NONE,
    TSM_STAGE_SHIFT,    /* a shifted copy of the whole */
    TSM_STAGE_SUBSAMPLE /* 1x1 with a stride over rows with gaps: the pixels it reads, packed */
} tsm_staging;

typedef struct tsm_convolution {
    tsm_conv_spec spec; /* its activation is what is fused */
    bool depthwise;     /* by a kernel of ours, which fuses any activation */
    tsm_staging staging;
    uint64_t staged_bytes;
    bool overlap;  /* reads the shifted copy beside its input */
    bool gather;   /* shifts as it reads */
    bool packed;   /* by our kernels alone, with packed filters */
    int joined;    /* the node whose convolution is a part of this one, 0: none */
    bool part;     /* such a node: nothing of its own runs, and its value is nowhere */
    tsm_act later; /* an activation that no library fuses: a kernel of ours behind it */
} tsm_convolution;

/* Of node `index`, a CONV or FC; `values` are those of tsm_cuda_layout_make for the same shapes and way. */
void tsm_convolution_make(tsm_convolution *convolution, const tsm_graph *graph, const tsm_dims *shapes,
                          const tsm_cuda_value *values, int index, const tsm_cuda_dtype *dtype,
                          const tsm_cuda_way *way);

/* The same of a node alone, whatever the shapes: dense, one pixel. For questions about what can run. */
void tsm_convolution_sketch(tsm_convolution *convolution, const tsm_graph *graph, int index,
                            const tsm_cuda_dtype *dtype);

#endif
