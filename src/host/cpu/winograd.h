/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.h - a 3x3 convolution of stride 1 with a quarter of the multiplications: Winograd's F(4x4, 3x3) (Lavin and
 * Gray, "Fast Algorithms for Convolutional Neural Networks", 2016), with the temporal shift in its load.
 *
 * Each output depends on its own tile of input alone, in an order of summation that neither threads nor batches
 * change. A shifted convolution reads each fold from the frame that the shift would have brought it from.
 */
#ifndef TSM_CPU_WINOGRAD_H
#define TSM_CPU_WINOGRAD_H

#include "graph/backend.h"

/* True where the CPU has the vector units that the kernels are written for, AVX-512. */
bool tsm_cpu_winograd_available(void);

/* True where a node is such a convolution, of widths that fill vectors. */
bool tsm_cpu_winograd_suits(const tsm_node *node);

/* Floats of the transformed weights of `n` times `c` filters, and the transformation of dense (n,3,3,c) ones; shared
 * among the threads. */
uint64_t tsm_cpu_winograd_packed_count(int n, int c);
void tsm_cpu_winograd_pack(const float *weights, float *packed, int n, int c);

/* Bytes of scratch for an input of `dims` and `n` output channels, with so many threads. */
uint64_t tsm_cpu_winograd_scratch_bytes(const tsm_dims *dims, int n, int threads);

/* out (N,T,H,W,n) = act(shifted x * weights + bias [+ out]); out must not overlap x. */
typedef struct tsm_cpu_winograd {
    const float *x;
    const float *packed;
    const float *bias; /* NULL: none */
    float *out;
    float *scratch;
    tsm_dims dims; /* of x */
    int n;
    int threads; /* that the scratch is for */
    tsm_shift shift;
    tsm_act act; /* not the sigmoid */
    bool sum;
} tsm_cpu_winograd;

/* Only where tsm_cpu_winograd_available. */
void tsm_cpu_winograd_run(const tsm_cpu_winograd *what);

#endif
