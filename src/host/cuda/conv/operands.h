/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operands.h - made-up operands of a convolution, in several sets of buffers that hold the same numbers.
 *
 * Kernels that take the sets in turn find nothing of theirs in the L2 cache, once all sets together are larger than
 * it.
 */
#ifndef TSM_CUDA_CONV_OPERANDS_H
#define TSM_CUDA_CONV_OPERANDS_H

#include "family.h"

typedef struct tsm_operands {
    char *memory; /* device: all sets */
    size_t set_bytes;
    int sets;
    tsm_conv_buffers first; /* of the first set; no workspace */
} tsm_operands;

/* Bytes of one set. */
size_t tsm_operands_bytes(const tsm_conv_spec *spec);

/* Allocates and fills them. Blocking. Errors: MEMORY, DEVICE. */
tsm_status tsm_operands_make(tsm_operands *operands, const tsm_conv_spec *spec, int sets, cudaStream_t stream,
                             tsm_error *error);
void tsm_operands_clear(tsm_operands *operands);

/* Buffers of set number `set`. */
tsm_conv_buffers tsm_operands_of(const tsm_operands *operands, int set);

/* Element `index` of any operand of `type`, counted from the beginning of its memory: within [-1, 1], the same on
 * every host. */
float tsm_operand_value(int64_t index, tsm_dtype type);

/* What output, bias and residual are made of. */
tsm_dtype tsm_operands_out_type(const tsm_conv_spec *spec);

#endif
