/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - the load of one step of K, where the shift is.
 *
 * A thread copies the same chunk (16 bytes) of a few rows. What a step asks of all rows alike (the tap, the channel,
 * the frame that the channel comes from) is worked out once, as an offset and as the bits that a pixel's view must
 * have; a row then costs an AND, a comparison, an addition and the copy. That is all there is to the shift: a choice
 * between three offsets, and one of three bits.
 */
#ifndef TSM_KERNELS_CONV_LOAD_H
#define TSM_KERNELS_CONV_LOAD_H

#include "intrinsics.h"
#include "plan.h"

namespace tsm
{

/* The A operand: pixels of the input, gathered. */
template <typename Element, typename Tile> struct InputLoader {
    static constexpr int count = Tile::rows / Tile::rows_at_once; /* rows of this thread */

    int base[count];      /* words from in.data to the window of the row's output pixel, channel 0 */
    uint32_t view[count]; /* what of it exists; 0 for rows past the last */
    int r, s, c;          /* the tap of the next step, and this thread's first channel in it */
    int tap;              /* words from the window's first pixel to that of the tap */
    int target;           /* bytes into a stage */
    bool joined;          /* whether the next step is of the input that is joined */

    /* At the step that the block begins with, and at the first of what is joined: the same rows, of another input. */
    __device__ __forceinline__ void begin(const ConvPlan &p, int first_row, int step)
    {
        const int thread = (int)threadIdx.x, row = thread / Tile::chunks, chunk = thread % Tile::chunks;

        joined = step >= p.joined_at;
        const int walked = joined ? 0 : step / p.per_tap;
        if (joined) step -= p.joined_at;
        r = walked / p.in.kernel_w;
        s = walked - r * p.in.kernel_w;
        c = (step - walked * p.per_tap) * (Tile::k_bytes / (int)sizeof(Element)) +
            chunk * (TSM_CONV_CHUNK / (int)sizeof(Element));
        tap = (r * p.in.w + s) * p.in.pixel;
        target = row * Tile::k_bytes + tsm_conv_swizzle(row, chunk, Tile::k_bytes) * TSM_CONV_CHUNK;
#pragma unroll
        for (int i = 0; i < count; i++) place(p, i, first_row + row + i * Tile::rows_at_once);
    }

    __device__ __forceinline__ void place(const ConvPlan &p, int i, int m)
    {
        const int h = joined ? p.joined.h : p.in.h, w = joined ? p.joined.w : p.in.w;
        const int pixel = joined ? p.joined.pixel : p.in.pixel, stride = joined ? p.joined.stride : p.in.stride;
        const int kernel_h = joined ? 1 : p.in.kernel_h, kernel_w = joined ? 1 : p.in.kernel_w;
        const int pad = joined ? 0 : p.in.pad;
        const int frame = (int)tsm_divide((uint32_t)m, p.rows.per_frame);
        const int of_frame = m - frame * (int)p.rows.per_frame.value;
        const int oy = (int)tsm_divide((uint32_t)of_frame, p.rows.per_row);
        const int top = tsm_window_start(oy, stride, pad);
        const int left = tsm_window_start(of_frame - oy * (int)p.rows.per_row.value, stride, pad);
        const int t = frame - (int)(tsm_divide((uint32_t)frame, p.rows.frames) * p.rows.frames.value);

        base[i] = (frame * h * w + top * w + left) * pixel;
        view[i] =
            m < p.rows.count ? tsm_conv_view(top, left, t, h, w, p.in.t, kernel_h, kernel_w, p.in.shift.step) : 0;
    }

    /* Copies the chunk of each row in pieces of Piece bytes. */
    template <int Piece> __device__ __forceinline__ void copy(const ConvPlan &p, uint32_t stage) const
    {
        constexpr int elements = Piece / (int)sizeof(Element);
        const char *data = joined ? p.joined.data : p.in.data;
        const int channels = joined ? p.joined.channels : p.in.channels;
        const int folds = joined ? 0 : p.in.shift.end, first = joined ? 0 : p.in.shift.fold;
#pragma unroll 1
        for (int piece = 0; piece < TSM_CONV_CHUNK / Piece; piece++) {
            const int channel = c + piece * elements;
            const int fold = tsm_conv_fold_of(channel, first, folds);
            const int moved = fold == TSM_CONV_FIRST_FOLD    ? p.in.frame * p.in.shift.step
                              : fold == TSM_CONV_SECOND_FOLD ? -p.in.frame * p.in.shift.step
                                                             : 0;
            const int offset = tap + moved + channel * (int)sizeof(Element) / TSM_CONV_WORD;
            const uint32_t needs = channel < channels ? tsm_conv_needs(r, s, fold) : TSM_CONV_NEVER;
#pragma unroll
            for (int i = 0; i < count; i++) {
                const bool exists = (view[i] & needs) == needs;
                const char *from = data + (int64_t)(exists ? base[i] + offset : 0) * TSM_CONV_WORD;
                copy_async<Piece>(stage + target + i * (Tile::rows_at_once * Tile::k_bytes) + piece * Piece, from,
                                  exists ? Piece : 0);
            }
        }
    }

    /* Starts the copies of a step into the stage, and goes on to the next step. */
    __device__ __forceinline__ void load(const ConvPlan &p, uint32_t stage)
    {
        if (joined || p.in.piece == 16)
            copy<16>(p, stage);
        else if (p.in.piece == 8)
            copy<8>(p, stage);
        else
            copy<4>(p, stage);
        advance(p);
    }

    __device__ __forceinline__ void advance(const ConvPlan &p)
    {
        constexpr int elements = Tile::k_bytes / (int)sizeof(Element);

        c += elements;
        if (joined || c < p.per_tap * elements) return;
        c -= p.per_tap * elements;
        tap += p.in.pixel;
        if (++s < p.in.kernel_w) return;
        s = 0;
        r++;
        tap += (p.in.w - p.in.kernel_w) * p.in.pixel;
    }
};

/* The B operand: rows of packed filters, which need no thought. */
template <typename Tile> struct FilterLoader {
    static constexpr int count = Tile::filters / Tile::rows_at_once;

    const char *from; /* the chunk of this thread's first filter, at the next step */
    int left;         /* filters from that one on */
    int target;

    __device__ __forceinline__ void begin(const ConvPlan &p, int first_filter, int step)
    {
        const int thread = (int)threadIdx.x, row = thread / Tile::chunks, chunk = thread % Tile::chunks;

        left = p.filters.count - first_filter - row;
        from = p.filters.data + (int64_t)(first_filter + row) * p.filters.row_bytes + step * Tile::k_bytes +
               chunk * TSM_CONV_CHUNK;
        target =
            Tile::input_bytes + row * Tile::k_bytes + tsm_conv_swizzle(row, chunk, Tile::k_bytes) * TSM_CONV_CHUNK;
    }

    __device__ __forceinline__ void load(const ConvPlan &p, uint32_t stage)
    {
#pragma unroll
        for (int i = 0; i < count; i++) {
            const bool exists = left > i * Tile::rows_at_once;
            const char *row = from + (int64_t)i * Tile::rows_at_once * p.filters.row_bytes;
            copy_async<TSM_CONV_CHUNK>(stage + target + i * (Tile::rows_at_once * Tile::k_bytes),
                                       exists ? row : p.filters.data, exists ? TSM_CONV_CHUNK : 0);
        }
        from += Tile::k_bytes;
    }
};

} // namespace tsm

#endif
