/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inverted.h - an inverted residual of MobileNetV2 in one pass: a 1x1 convolution that widens, a depthwise 3x3 and a
 * 1x1 that narrows, row by row.
 *
 * The wide values, six times the block's input, are never whole: three rows of them stay in a thread's second-level
 * cache. Layer by layer the early blocks write and read tens of megabytes, which takes longer than their arithmetic.
 * The shift of the first convolution is in its load.
 */
#ifndef TSM_CPU_INVERTED_H
#define TSM_CPU_INVERTED_H

#include "graph/backend.h"

/* The part that a node plays in such a block. They are neighbours in the graph; the first block of MobileNetV2 has no
 * EXPAND, nor has one whose shift another method is to move. */
typedef enum tsm_cpu_part { TSM_CPU_NO_PART, TSM_CPU_EXPAND, TSM_CPU_DEPTHWISE, TSM_CPU_PROJECT } tsm_cpu_part;

tsm_cpu_part tsm_cpu_part_of(const tsm_graph *graph, tsm_shift_method method, int node);

/* Floats of the packed weights of a node that plays `part`, and packing them from tsm_node_weights. */
uint64_t tsm_cpu_inverted_packed_count(const tsm_node *node, tsm_cpu_part part);
void tsm_cpu_inverted_pack(const tsm_node *node, tsm_cpu_part part, const float *weights, float *packed);

/* out = project(relu6(depthwise(relu6(expand(shifted x))))) [+ residual]; out must not overlap what is read. */
typedef struct tsm_cpu_inverted {
    const float *x, *residual; /* residual NULL: none */
    const float *packed[3];    /* expand (NULL: none), depthwise, project */
    const float *bias[3];      /* NULL: none */
    float *out, *scratch;
    tsm_dims in, dims; /* of x and out */
    int hidden, stride;
    int threads; /* that the scratch is for */
    tsm_shift shift;
} tsm_cpu_inverted;

uint64_t tsm_cpu_inverted_scratch_bytes(const tsm_cpu_inverted *what);

/* Only for nodes with parts. */
void tsm_cpu_inverted_run(const tsm_cpu_inverted *what);

#endif
