/* SPDX-License-Identifier: Apache-2.0 */
/* attention_size.h - an attention over the positions of clips in numbers: what its products are of, and how many
 * clips go at a time. No device is needed to know it. */
#ifndef TSM_CUDA_ATTENTION_SIZE_H
#define TSM_CUDA_ATTENTION_SIZE_H

#include "dtype.h"
#include "graph/backend.h"

/* Bytes; tests make it small. */
#ifndef TSM_ATTENTION_SCORES
#define TSM_ATTENTION_SCORES (UINT64_C(256) << 20)
#endif

typedef struct tsm_attention_size {
    int64_t queries, keys, channels, value_channels; /* of a clip */
    int64_t pitch;                                   /* elements of a row of scores: keys, rounded up */
    int clips, rounds;                               /* at a time, and how often */
    uint64_t between_bytes, weights_bytes; /* scratch of a round: what the first product makes; weights beside it */
} tsm_attention_size;

/* `queries` and `values` are the operands' dimensions, keys have the queries' channels and the values' positions.
 * Errors: MEMORY. */
tsm_status tsm_attention_size_make(tsm_attention_size *size, const tsm_cuda_dtype *dtype, const tsm_dims *queries,
                                   const tsm_dims *values, bool softmax, tsm_error *error);

#endif
