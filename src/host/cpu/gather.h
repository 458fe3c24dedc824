/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather.h - a 1x1 convolution that reads each fold of its input at the row where the shift would have brought it
 * from.
 *
 * Nothing is copied: a shifted convolution costs what an unshifted one does. Products and order of summation are
 * those of one chain of fused multiply-adds over k, then bias, then activation.
 */
#ifndef TSM_CPU_GATHER_H
#define TSM_CPU_GATHER_H

#include "graph/backend.h"

/* True where the CPU has the vector units that the kernel is written for, AVX-512. */
bool tsm_cpu_gather_available(void);

/* Floats of the packed weights of an (n,k) matrix, and packing them from dense rows of k. */
uint64_t tsm_cpu_gather_packed_count(int n, int k);
void tsm_cpu_gather_pack(const float *weights, float *packed, int n, int k);

/* out (rows, n) = act(shifted x (rows, dims->c) * weights + bias); out must not overlap x. */
typedef struct tsm_cpu_gather {
    const float *x;
    const float *packed;
    const float *bias; /* NULL: none */
    float *out;
    tsm_dims dims; /* of x */
    int n;
    tsm_shift shift;
    tsm_act act;
} tsm_cpu_gather;

/* Only where tsm_cpu_gather_available. */
void tsm_cpu_gather_run(const tsm_cpu_gather *what);

#endif
