/* SPDX-License-Identifier: Apache-2.0 */
/* prepared.h - what an engine is on a GPU: immutable after prepare, but for the autotuner's cache, which has a
 * lock. */
#ifndef TSM_CUDA_PREPARED_H
#define TSM_CUDA_PREPARED_H

#include "graph/backend.h"
#include "cuda/conv/conv.h"
#include "device.h"
#include "dtype.h"
#include "way.h"
#include "weights.h"

struct tsm_prepared {
    tsm_cuda_device device;
    const tsm_graph *graph;
    const tsm_cuda_dtype *dtype;
    tsm_shift_method method; /* AUTO: chosen by each plan */
    tsm_cuda_way way;        /* unless AUTO */
    bool graphs;             /* a CUDA graph a plan; otherwise kernel by kernel */
    bool tune;               /* time the candidates; otherwise a fixed order */
    bool wgmma;              /* our convolutions on wgmma are candidates, too */
    bool ranges;             /* NVTX ranges of the layers, outside of CUDA graphs */
    uint64_t max_bytes;      /* of a worker; 0: no limit */
    tsm_cancel cancel;
    tsm_cuda_weights weights;
    tsm_tune_cache cache;
};

/* The functions of backend.h. */
tsm_status tsm_cuda_prepare(tsm_prepared **prepared, const tsm_graph *graph, const tsm_backend_config *config,
                            tsm_backend_report *report, tsm_error *error);
void tsm_cuda_release(tsm_prepared *prepared);

/* supports.c */
bool tsm_cuda_supports(const tsm_backend_config *config, const tsm_graph *graph, int node,
                       char text[TSM_SUPPORT_TEXT]);

#endif
