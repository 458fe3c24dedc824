/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epilogue.h - from sums in registers to outputs in memory: act(sum + bias + residual), in float32, rounded once.
 *
 * Fragments scatter a row over four lanes, two sums each, so that stores straight from them would be 4 bytes wide. A
 * warp instead lays 16 of its rows down in shared memory (which the stages no longer need) and takes them up again
 * by rows: a lane then has 16 bytes of output, of neighbouring filters of one pixel, and reads as much of the
 * residual. With placement `block` the residual is the shifted input of the block: the same three offsets as in
 * load.h, now in its rows.
 */
#ifndef TSM_KERNELS_CONV_EPILOGUE_H
#define TSM_KERNELS_CONV_EPILOGUE_H

#include "intrinsics.h"
#include "plan.h"

namespace tsm
{

template <typename Element, typename Tile> struct Epilogue {
    static constexpr int width = vector_length<Element>; /* outputs of a lane */
    static constexpr int lanes = Tile::warp_filters / width, rows_at_once = 32 / lanes;
    static constexpr int slab_rows = 16, pitch = Tile::warp_filters + 8; /* 8 more: rows begin at other banks */
    static constexpr int slab_bytes = slab_rows * pitch * (int)sizeof(float);

    static_assert(lanes <= 32 && slab_rows % rows_at_once == 0, "a warp takes up whole rows, several times");
    static_assert(slab_bytes * (Tile::threads / 32) < Tile::shared_bytes, "slabs lie where the stages were");

    float *slab; /* this warp's */
    int row, n;  /* of the first row that this lane takes up, and of its first filter */
    int column;  /* of the filter in the slab */
    bool exists; /* whether there are such filters */
    float bias[width];

    __device__ __forceinline__ void begin(const ConvPlan &p, char *shared, int first_row, int first_filter)
    {
        const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;

        slab = reinterpret_cast<float *>(shared + warp * slab_bytes);
        row = first_row + warp / Tile::warps_n * Tile::warp_rows + lane / lanes;
        column = lane % lanes * width;
        n = first_filter + warp % Tile::warps_n * Tile::warp_filters + column;
        exists = n < p.filters.count;
#pragma unroll
        for (int j = 0; j < width; j++) bias[j] = 0.0f;
        if (!p.out.bias || !exists) return;
        const Pack<Element, width> pack = load<Element, width>(static_cast<const Element *>(p.out.bias) + n);
#pragma unroll
        for (int j = 0; j < width; j++) bias[j] = to_float(pack.v[j]);
    }

    /* Lays down the sums of 16 rows, which lie in fragments as intrinsics.h draws them. */
    __device__ __forceinline__ void lay(const float (&sum)[Tile::mma_n][4]) const
    {
        const int lane = (int)threadIdx.x % 32;
        float *at = slab + lane / 4 * pitch + lane % 4 * 2;
#pragma unroll
        for (int j = 0; j < Tile::mma_n; j++) {
            *reinterpret_cast<float2 *>(at + j * 8) = make_float2(sum[j][0], sum[j][1]);
            *reinterpret_cast<float2 *>(at + j * 8 + 8 * pitch) = make_float2(sum[j][2], sum[j][3]);
        }
    }

    __device__ __forceinline__ void take(float (&x)[width], int slab_row) const
    {
        const float *at = slab + slab_row * pitch + column;
#pragma unroll
        for (int j = 0; j < width; j += 4) {
            const float4 four = *reinterpret_cast<const float4 *>(at + j);
            x[j] = four.x + bias[j];
            x[j + 1] = four.y + bias[j + 1];
            x[j + 2] = four.z + bias[j + 2];
            x[j + 3] = four.w + bias[j + 3];
        }
    }

    /* Adds the residual of row m, read from another frame where its channels were shifted. */
    __device__ __forceinline__ void add_residual(float (&x)[width], const ConvPlan &p, int m) const
    {
        const Element *from = static_cast<const Element *>(p.out.residual) + (int64_t)m * p.out.residual_pitch + n;
        const ConvShift &shift = p.out.residual_shift;
        int t = 0, frames = 1, source = 0;

        if (n < shift.end) {
            const int frame = (int)tsm_divide((uint32_t)m, p.rows.per_frame);
            frames = (int)p.rows.frames.value;
            t = frame - (int)tsm_divide((uint32_t)frame, p.rows.frames) * frames;
            source = tsm_shift_source(n, t, shift.fold, shift.end, shift.step);
            if (source != tsm_shift_source(n + width - 1, t, shift.fold, shift.end, shift.step)) {
#pragma unroll
                for (int j = 0; j < width; j++) { /* a fold ends within the 16 bytes */
                    source = tsm_shift_source(n + j, t, shift.fold, shift.end, shift.step);
                    if (source >= 0 && source < frames)
                        x[j] += to_float(from[(source - t) * p.out.residual_frame + j]);
                }
                return;
            }
        }
        if (source < 0 || source >= frames) return;
        const Pack<Element, width> pack = load<Element, width>(from + (source - t) * p.out.residual_frame);
#pragma unroll
        for (int j = 0; j < width; j++) x[j] += to_float(pack.v[j]);
    }

    __device__ __forceinline__ void write(const ConvPlan &p, const float (&sum)[Tile::mma_m][Tile::mma_n][4]) const
    {
#pragma unroll
        for (int i = 0; i < Tile::mma_m; i++) {
            lay(sum[i]);
            __syncwarp();
#pragma unroll
            for (int at = 0; at < slab_rows; at += rows_at_once) {
                const int m = row + i * slab_rows + at;
                float x[width];
                Pack<Element, width> result;

                if (m >= p.rows.count || !exists) continue;
                take(x, at + (int)threadIdx.x % 32 / lanes);
                if (p.out.residual) add_residual(x, p, m);
                activate(x, p.out.act);
#pragma unroll
                for (int j = 0; j < width; j++) result.v[j] = from_float<Element>(x[j]);
                store<Element, width>(static_cast<Element *>(p.out.data) + (int64_t)m * p.out.pitch + n, result);
            }
            __syncwarp();
        }
    }
};

} // namespace tsm

#endif
