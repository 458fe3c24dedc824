/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma_geometry.h - where operands lie in shared memory, for the family on wgmma and TMA: integer arithmetic that
 * kernels, host and tests share.
 *
 * A step of K is 128 bytes of one tap. An operand of a step is rows (pixels, or filters) of as many bytes. The copy
 * engine fills it with boxes, and one box reads one frame; so where folds do not end at multiples of 128 bytes, the
 * operand lies in parts of 64, 32 or 16 bytes of K each, every part with all rows, and a box fills a part.
 *
 *     parts of 128 bytes          of 64                       of 16: no swizzle
 *     | row 0: chunks 0..7 |      | row 0: 0..3 |             | row 0: 0 |
 *     | row 1 ...          |      | row 1 ...   |             | row 1: 0 |
 *                                 | row 0: 4..7 |             | ...      |
 *                                 | row 1 ...   |             | row 0: 1 |
 *
 * A part cannot be smaller than its swizzle: the engine permutes chunks of 16 bytes within rows of 128, 64 or 32, and
 * the product undoes it only for rows that are as wide.
 */
#ifndef TSM_KERNELS_CONV_WGMMA_GEOMETRY_H
#define TSM_KERNELS_CONV_WGMMA_GEOMETRY_H

#include "geometry.h"

enum {
    TSM_WGMMA_K_BYTES = 128,      /* of a step */
    TSM_WGMMA_PRODUCT_BYTES = 32, /* of K, that one instruction multiplies */
    TSM_WGMMA_PRODUCTS = TSM_WGMMA_K_BYTES / TSM_WGMMA_PRODUCT_BYTES,
    TSM_WGMMA_ROWS = 64,   /* of an instruction: those of a warpgroup */
    TSM_WGMMA_ALIGN = 1024 /* of an operand: eight rows of 128 bytes, after which the swizzle repeats */
};

/* The widest part whose boxes lie in one fold each: folds begin and end at multiples of `granule` bytes. */
TSM_BOTH int tsm_wgmma_part_bytes(int fold_bytes, int end_bytes)
{
    int part = TSM_WGMMA_K_BYTES;

    while (part > TSM_CONV_CHUNK && (fold_bytes % part || end_bytes % part)) part /= 2;
    return part;
}

/* Where byte `offset` of a part lies: bits 4 to 6 of its address take those of its row, as far as the rows are wide
 * (CU_TENSOR_MAP_SWIZZLE_128B, _64B, _32B, _NONE). */
TSM_BOTH uint32_t tsm_wgmma_swizzle(uint32_t offset, int part)
{
    return offset ^ (offset >> 3 & (uint32_t)(part - TSM_CONV_CHUNK));
}

/* Where byte `k` of row `row` lies in an operand of `rows` rows. */
TSM_BOTH uint32_t tsm_wgmma_place(int row, int k, int rows, int part)
{
    return (uint32_t)(k / part * rows * part) + tsm_wgmma_swizzle((uint32_t)(row * part + k % part), part);
}

/* From an operand to what product i of a step reads of it, before the swizzle. */
TSM_BOTH uint32_t tsm_wgmma_product_offset(int i, int rows, int part)
{
    return (uint32_t)(i * TSM_WGMMA_PRODUCT_BYTES / part * rows * part + i * TSM_WGMMA_PRODUCT_BYTES % part);
}

/* The matrix descriptor of an operand with K contiguous: address, distance of two chunks along K (only without a
 * swizzle: there the next chunk is in the next part), distance of eight rows, swizzle; all but the last in units of
 * 16 bytes. Adding 16-byte units to it moves its address, of which it has 18 bits: all of shared memory. */
TSM_BOTH uint64_t tsm_wgmma_descriptor(uint32_t address, int rows, int part)
{
    const uint64_t swizzle = part == 128 ? 1 : part == 64 ? 2 : part == 32 ? 3 : 0;
    const uint64_t along_k = part == TSM_CONV_CHUNK ? (uint64_t)rows : 1;

    return (uint64_t)((address & 0x3ffff) >> 4) | along_k << 16 | (uint64_t)(8 * part >> 4) << 32 | swizzle << 62;
}

/* Stages are used in turn; the parity flips each time around. Who fills waits until a stage has been emptied in the
 * turn before (at the first turn that is so), who empties until it has been filled in this one. */
typedef struct tsm_wgmma_turn {
    int stage;
    uint32_t parity;
} tsm_wgmma_turn;

TSM_BOTH void tsm_wgmma_next(tsm_wgmma_turn *turn, int stages)
{
    if (++turn->stage < stages) return;
    turn->stage = 0;
    turn->parity ^= 1;
}

#endif
