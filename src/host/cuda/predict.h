/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict.h - what a plan will launch and move, layer by layer, and how long that takes at least: without a device.
 *
 * Of each launch: the bytes that it must read and write once, and its multiply-adds; it takes at least as long as the
 * slower of the two at a GPU's ceilings. A layer's floor is that of one launch which reads its operands and writes
 * its value and nothing else; what the plan takes beyond the floors of all layers is waste that is known before any
 * run. Launches themselves, and multiprocessors that idle, are not counted.
 */
#ifndef TSM_CUDA_PREDICT_H
#define TSM_CUDA_PREDICT_H

#include "graph/backend.h"
#include "way.h"

/* What a GPU reaches at best, as measured by others; by precision, multiply-adds counted as two. */
typedef struct tsm_ceiling {
    const char *device; /* "sm_90" */
    const char *name;   /* "H200" */
    double bytes_per_s;
    double flops_16_per_s; /* fp16 and bf16; tf32 half of it */
    double flops_32_per_s; /* fp32, without tensor cores */
} tsm_ceiling;

/* The n-th GPU of a kind of device; NULL where there are no more. */
const tsm_ceiling *tsm_ceiling_of(const char *device, int n);

typedef struct tsm_predicted {
    const char *how;      /* of the launch that does the layer's arithmetic; static */
    int launches;         /* all of the layer, shifts and packing included */
    uint64_t bytes;       /* read and written by all of them */
    uint64_t least_bytes; /* operands once, value once, rows without gaps */
    uint64_t macs;
} tsm_predicted;

typedef struct tsm_prediction {
    int count;            /* nodes of the graph */
    tsm_predicted *nodes; /* with launches 0: nothing runs */
    tsm_precision precision;
} tsm_prediction;

/* Of an optimised graph whose nodes are all supported, uint8 frames in device memory. What a trial decides counts
 * as a library's. Errors: MEMORY, UNSUPPORTED. */
tsm_status tsm_predict(tsm_prediction *prediction, const tsm_graph *graph, const tsm_dims *shapes,
                       tsm_precision precision, const tsm_cuda_way *way, tsm_error *error);
void tsm_prediction_clear(tsm_prediction *prediction);

/* Seconds of a layer at a ceiling: as the plan stands, and its floor. */
double tsm_predicted_seconds(const tsm_prediction *prediction, int node, const tsm_ceiling *ceiling);
double tsm_predicted_floor(const tsm_prediction *prediction, int node, const tsm_ceiling *ceiling);

#endif
