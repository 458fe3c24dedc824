/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - what an engine is on a GPU: immutable after prepare, but for the autotuner's cache, which has a lock. */
#ifndef TSM_CUDA_STATE_H
#define TSM_CUDA_STATE_H

#include "graph/backend.h"
#include "device.h"
#include "dtype.h"
#include "cuda/conv/conv.h"
#include "weights.h"

/* From the environment: TSM_CUDA_GRAPH=off, TSM_CUDA_TUNE=off, TSM_CUDA_NVTX=on. */
typedef struct tsm_cuda_settings {
    bool graphs; /* a CUDA graph a plan; otherwise kernel by kernel */
    bool tune;   /* time the candidates; otherwise a fixed order */
    bool ranges; /* NVTX ranges of the layers, outside of CUDA graphs */
} tsm_cuda_settings;

typedef struct tsm_cuda_state {
    tsm_cuda_device device;
    tsm_cuda_settings settings;
    const tsm_graph *graph;
    tsm_precision precision;
    const tsm_cuda_dtype *dtype;
    tsm_shift_method method; /* AUTO: chosen by each plan */
    float mean[3], std[3];
    tsm_cuda_weights weights;
    tsm_tune_cache cache;
} tsm_cuda_state;

#endif
