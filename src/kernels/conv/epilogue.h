/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epilogue.h - from sums in registers to outputs in memory: act(sum + bias + residual), in float32, rounded once.
 *
 * Fragments scatter a row over four lanes, two sums each, so that stores straight from them would be 4 bytes wide. A
 * warp instead lays 16 of its rows down in shared memory (which the stages no longer need) and takes them up again
 * by rows: a lane then has 16 bytes of output, of neighbouring filters of one pixel. It adds as much of the residual,
 * which has come to shared memory by asynchronous copies meanwhile. With placement `block` the residual is the
 * shifted input of the block: once more a choice between three frames, and zeros where a clip has no such frame.
 *
 * The loops over a slab's rows are not unrolled: their code runs once, and comes from memory itself.
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
    static constexpr int residual_bytes = slab_rows * Tile::warp_filters * (int)sizeof(Element);
    static constexpr int warp_bytes = slab_bytes + residual_bytes;

    static_assert(lanes <= 32 && slab_rows % rows_at_once == 0, "a warp takes up whole rows, several times");
    static_assert(warp_bytes * (Tile::threads / 32) < Tile::shared_bytes, "slabs lie where the stages were");

    char *residual; /* of the slab: what this lane will add to its outputs, a row every 512 bytes */
    float *slab;    /* this warp's */
    int row, n;     /* of the first row that this lane takes up, and of its first filter */
    int end;        /* rows that exist */
    int column;     /* of the filter in the slab */
    bool exists;    /* whether there are such filters */
    Pack<Element, width> bias;

    __device__ __forceinline__ void begin(const ConvPlan &p, char *shared, int first_row, int first_filter,
                                          int end_row)
    {
        const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;

        end = end_row;
        slab = reinterpret_cast<float *>(shared + warp * warp_bytes);
        residual = shared + warp * warp_bytes + slab_bytes + lane * TSM_CONV_CHUNK;
        row = first_row + warp / Tile::warps_n * Tile::warp_rows + lane / lanes;
        column = lane % lanes * width;
        n = first_filter + warp % Tile::warps_n * Tile::warp_filters + column;
        exists = n < p.filters.count;
        if (p.out.bias && exists) {
            bias = load<Element, width>(static_cast<const Element *>(p.out.bias) + n);
        } else {
#pragma unroll
            for (int j = 0; j < width; j++) bias.v[j] = from_float<Element>(0.0f);
        }
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
            x[j] = four.x + to_float(bias.v[j]);
            x[j + 1] = four.y + to_float(bias.v[j + 1]);
            x[j + 2] = four.z + to_float(bias.v[j + 2]);
            x[j + 3] = four.w + to_float(bias.v[j + 3]);
        }
    }

    /* Starts the copies of the residual of the slab that begins `first` rows on. */
    __device__ __forceinline__ void fetch_residual(const ConvPlan &p, int first) const
    {
        const ConvShift &shift = p.out.residual_shift;
        const int frames = (int)p.rows.frames.value;
        uint32_t to = shared_address(residual);

#pragma unroll 1
        for (int m = row + first; m < row + first + slab_rows; m += rows_at_once, to += 32 * TSM_CONV_CHUNK) {
            const Element *from = static_cast<const Element *>(p.out.residual);
            const int frame = (int)tsm_divide((uint32_t)m, p.rows.per_frame);
            const int t = frame - (int)tsm_divide((uint32_t)frame, p.rows.frames) * frames;
            const int source = tsm_shift_source(n, t, shift.fold, shift.end, shift.step);
            const bool there = exists && m < end && source >= 0 && source < frames;

            if (there) from += m * p.out.residual_pitch + (source - t) * p.out.residual_frame + n;
            copy_async<TSM_CONV_CHUNK>(to, from, there ? TSM_CONV_CHUNK : 0);
        }
        copy_async_commit();
    }

    __device__ __forceinline__ void add_residual(float (&x)[width], int pass) const
    {
        const Pack<Element, width> pack =
            load<Element, width>(reinterpret_cast<const Element *>(residual + pass * 32 * TSM_CONV_CHUNK));
#pragma unroll
        for (int j = 0; j < width; j++) x[j] += to_float(pack.v[j]);
    }

    /* Takes up the slab that begins `first` rows on, and stores its outputs. */
    __device__ __forceinline__ void store_slab(const ConvPlan &p, int first) const
    {
        const int slab_row = (int)threadIdx.x % 32 / lanes;

#pragma unroll 1
        for (int pass = 0; pass < slab_rows / rows_at_once; pass++) {
            const int m = row + first + pass * rows_at_once;
            float x[width];
            Pack<Element, width> result;

            if (m >= end || !exists) return;
            take(x, slab_row + pass * rows_at_once);
            if (p.out.residual) add_residual(x, pass);
            activate(x, p.out.act);
#pragma unroll
            for (int j = 0; j < width; j++) result.v[j] = from_float<Element>(x[j]);
            store<Element, width>(static_cast<Element *>(p.out.data) + m * p.out.pitch + n, result);
        }
    }

    __device__ __forceinline__ void write(const ConvPlan &p, const float (&sum)[Tile::mma_m][Tile::mma_n][4]) const
    {
#pragma unroll
        for (int i = 0; i < Tile::mma_m; i++) {
            if (p.out.residual) fetch_residual(p, i * slab_rows);
            lay(sum[i]);
            copy_async_wait<0>();
            __syncwarp();
            store_slab(p, i * slab_rows);
            __syncwarp();
        }
    }
};

} // namespace tsm

#endif
