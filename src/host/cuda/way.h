/* SPDX-License-Identifier: Apache-2.0 */
/* way.h - the ways to run a network: how its shifts are realised, and whose kernels compute its convolutions. */
#ifndef TSM_CUDA_WAY_H
#define TSM_CUDA_WAY_H

#include "cuda/conv/ours.h"

typedef struct tsm_cuda_way {
    const char *name;       /* one word, in caches and benches */
    tsm_shift_method shift; /* COPY, OVERLAP or GATHER */
    tsm_conv_whose whose;   /* of what shifts nothing as it reads */
} tsm_cuda_way;

/* Those that are timed against each other where the engine leaves it open, the one for plans without timing first;
 * NULL behind the last.
 *
 *     overlap   convolutions of the libraries, the channels that move copied beside their rows
 *     copy      convolutions of the libraries, the whole input copied
 *     mixed     ours where a layer shifts, of the libraries elsewhere
 *     gather    ours where a layer shifts, elsewhere the faster of both */
const tsm_cuda_way *tsm_cuda_way_at(int i);

/* NULL where there is none. */
const tsm_cuda_way *tsm_cuda_way_find(const char *name);

/* The way of a method that was asked for: not AUTO or INPLACE. */
const tsm_cuda_way *tsm_cuda_way_of(tsm_shift_method method);

#endif
