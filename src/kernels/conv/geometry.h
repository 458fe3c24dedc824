/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.h - where an implicit GEMM finds its operands: integer arithmetic that kernels and host share.
 *
 * The product. Row m of A is output pixel (n, t, oy, ox), in this order; K walks taps (r, s) and, in each, channels
 * padded to a multiple of 64 bytes, so that a step of K lies in one tap. Column n is a filter; filters are packed
 * (N, K), K contiguous in the order of the walk, zeros for the padding.
 *
 *     K:  | (0,0): C channels, 0s | (0,1): C channels, 0s | ... | (R-1,S-1) |
 *
 * The shift. In a tap every channel is read from one frame: t + step in the first fold, t - step in the second, else
 * t. So for a chunk of channels it is one more term of the address, the same for all rows, and one more condition:
 * that the row's clip has that frame. Where it has not, as where a tap lies in the padding, zeros are read.
 */
#ifndef TSM_KERNELS_CONV_GEOMETRY_H
#define TSM_KERNELS_CONV_GEOMETRY_H

#include "../index.h"

enum {
    TSM_CONV_CHUNK = 16,      /* bytes that a thread copies, ldmatrix reads and a store writes at once */
    TSM_CONV_PACK_BYTES = 64, /* a tap's channels in packed filters are padded to a multiple */
    TSM_CONV_MAX_KERNEL = 8,  /* taps along one axis: bits of a pixel's view */
    TSM_CONV_WORD = 4         /* bytes: the unit of offsets into the input, the least that a copy moves */
};

/* Which frame a channel is read from: indices of the three offsets, bits of a pixel's view. */
enum { TSM_CONV_STAYS, TSM_CONV_FIRST_FOLD, TSM_CONV_SECOND_FOLD };

TSM_BOTH int tsm_conv_fold_of(int c, int fold, int end)
{
    return c < fold ? TSM_CONV_FIRST_FOLD : c < end ? TSM_CONV_SECOND_FOLD : TSM_CONV_STAYS;
}

/* A view says which taps of an output pixel lie in the image and which frames in the clip:
 * bit r: row r of the window; bit 8 + s: column s; bits 16 to 18: frames t, t + step, t - step. */
TSM_BOTH uint32_t tsm_conv_view_line(int start, int size, int kernel)
{
    uint32_t bits = 0;

    for (int i = 0; i < kernel; i++) bits |= (uint32_t)(start + i >= 0 && start + i < size) << i;
    return bits;
}

TSM_BOTH uint32_t tsm_conv_view(int top, int left, int t, int h, int w, int frames, int kernel_h, int kernel_w,
                                int step)
{
    uint32_t view = tsm_conv_view_line(top, h, kernel_h) | tsm_conv_view_line(left, w, kernel_w) << 8;

    view |= 1u << (16 + TSM_CONV_STAYS);
    view |= (uint32_t)(t + step >= 0 && t + step < frames) << (16 + TSM_CONV_FIRST_FOLD);
    view |= (uint32_t)(t - step >= 0 && t - step < frames) << (16 + TSM_CONV_SECOND_FOLD);
    return view;
}

/* The bits of a view that tap (r, s) and a fold need. Bit 31, which no view has, for channels that do not exist. */
TSM_BOTH uint32_t tsm_conv_needs(int r, int s, int fold)
{
    return 1u << r | 1u << (8 + s) | 1u << (16 + fold);
}
#define TSM_CONV_NEVER (1u << 31)

/* Shared memory: rows of 64 or 128 bytes. Chunk i of a row lies at another place, such that the 8 rows that ldmatrix
 * reads at once, at the same chunk, cover all 32 banks: with 128 bytes a row spans the banks, with 64 two rows do. */
TSM_BOTH int tsm_conv_swizzle(int row, int chunk, int k_bytes)
{
    return chunk ^ (k_bytes == 64 ? row >> 1 & 3 : row & 7);
}

#endif
