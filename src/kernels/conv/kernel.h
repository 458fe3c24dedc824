/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - the convolution kernel: one block, one tile of outputs, all of K or a part of it.
 *
 *     for each step of K                      stages in shared memory, here 4
 *         wait for the step's copies            | k | k+1 | k+2 | free |
 *         barrier                                 ^ multiplied    ^ step k+3 is copied here
 *         start the copies of a later step
 *         multiply
 *
 * One barrier a step does for both: behind it all copies of step k are there, since each thread has waited for its
 * own, and the stage of step k-1 is free, since every warp has multiplied it.
 *
 * Bytes: the input once a column of tiles and tap, of which all but the first come from L2; filters once a row of
 * tiles, from L2; the output and the residual once. Operations: 2 rows filters K.
 *
 * Where K is cut into parts, each block leaves its sums in memory, and the block of a tile that comes last adds all
 * parts, its own included, in the order of K: whoever is last, the same sums in the same order, and so the same bits.
 */
#ifndef TSM_KERNELS_CONV_KERNEL_H
#define TSM_KERNELS_CONV_KERNEL_H

#include "conv_kernels.h"
#include "epilogue.h"
#include "load.h"
#include "product.h"

namespace tsm
{

/* Steps [first, end) of K. Leaves no copy on its way, and shared memory free. */
template <typename Type, typename Tile>
__device__ __forceinline__ void multiply_steps(Product<Type, Tile> &product, const ConvPlan &p, uint32_t shared,
                                               int first_row, int first_filter, int first, int end)
{
    InputLoader<typename Type::Element, Tile> input;
    FilterLoader<Tile> filters;
    int to_load = first, into = 0, from = 0;
    int begins = first; /* the step before which the loader turns to an input */

    filters.begin(p, first_filter, first);
    /* Groups are counted, so one is closed for each step, also where there is nothing left to copy. */
    auto load_next = [&] {
        if (to_load == begins && to_load < end) {
            input.begin(p, first_row, to_load);
            begins = p.joined_at;
        }
        if (to_load++ < end) {
            input.load(p, shared + into * Tile::stage_bytes);
            filters.load(p, shared + into * Tile::stage_bytes);
        }
        copy_async_commit();
        into = into + 1 < Tile::stages ? into + 1 : 0;
    };

#pragma unroll 1
    for (int i = 0; i < Tile::stages - 1; i++) load_next();
#pragma unroll 1
    for (int step = first; step < end; step++) {
        copy_async_wait<Tile::stages - 2>();
        __syncthreads();
        load_next();
        product.add(shared + from * Tile::stage_bytes);
        from = from + 1 < Tile::stages ? from + 1 : 0;
    }
    copy_async_wait<0>();
    __syncthreads();
}

/* Leaves this part's sums; true in the block that finds all parts there, with their sum. The fragments of a thread
 * are stored as they are, 128 neighbouring bytes a warp, since the same thread of another block reads them. */
template <typename Type, typename Tile>
__device__ __forceinline__ bool join_parts(Product<Type, Tile> &product, const ConvPlan &p, char *shared,
                                           uint32_t tile)
{
    constexpr int quads = Tile::mma_m * Tile::mma_n;
    uint32_t *arrived = reinterpret_cast<uint32_t *>(shared + Tile::shared_bytes) - 1; /* no slab reaches it */
    float4 *tile_sums =
        reinterpret_cast<float4 *>(p.split.sums) + (int64_t)tile * quads * Tile::threads + threadIdx.x;
    const int64_t part_quads = (int64_t)gridDim.x * quads * Tile::threads;
    float4 *mine = tile_sums + blockIdx.y * part_quads;

#pragma unroll
    for (int i = 0; i < quads; i++) {
        const float *sum = product.sum[i / Tile::mma_n][i % Tile::mma_n];
        mine[i * Tile::threads] = make_float4(sum[0], sum[1], sum[2], sum[3]);
    }
    __syncthreads();
    if (threadIdx.x == 0) *arrived = arrive(&p.split.counters[tile]);
    __syncthreads();
    if (*arrived + 1 < (uint32_t)p.split.count) return false;
    if (threadIdx.x == 0) p.split.counters[tile] = 0;
#pragma unroll
    for (int i = 0; i < quads; i++) {
        float(&sum)[4] = product.sum[i / Tile::mma_n][i % Tile::mma_n];
        sum[0] = sum[1] = sum[2] = sum[3] = 0.0f;
#pragma unroll 1
        for (int part = 0; part < p.split.count; part++) {
            const float4 other = tile_sums[part * part_quads + i * Tile::threads];
            sum[0] += other.x;
            sum[1] += other.y;
            sum[2] += other.z;
            sum[3] += other.w;
        }
    }
    return true;
}

template <typename Type, typename Tile> __global__ void __launch_bounds__(Tile::threads) conv_kernel(ConvPlan p)
{
    wait_for_previous();
    TSM_SHARED_DYNAMIC(char, shared);
    const uint32_t tile = blockIdx.x, tile_m = tsm_divide(tile, p.tiles_n);
    const int first_row = (int)tile_m * Tile::rows;
    const int first_filter = (int)(tile - tile_m * p.tiles_n.value) * Tile::filters;
    const int first = (int)blockIdx.y * p.split.steps;
    const int end = first + p.split.steps < p.split.total ? first + p.split.steps : p.split.total;
    Product<Type, Tile> product;
    Epilogue<typename Type::Element, Tile> epilogue;

    product.begin();
    multiply_steps(product, p, shared_address(shared), first_row, first_filter, first, end);
    if (p.split.count > 1 && !join_parts(product, p, shared, tile)) return;
    epilogue.begin(p, shared, first_row, first_filter, p.rows.count);
    epilogue.write(p, product.sum);
}

/* ---- Host side ---- */

template <typename Type, typename Tile> static cudaError_t conv_launch_tile(const ConvPlan &p, cudaStream_t stream)
{
    const int64_t tiles = divide_up(p.rows.count, Tile::rows) * p.tiles_n.value;
    const dim3 grid((unsigned)tiles, (unsigned)p.split.count);
    const void *function = reinterpret_cast<const void *>(conv_kernel<Type, Tile>);
    cudaError_t error =
        cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::shared_bytes);

    if (error != cudaSuccess) return error;
    return TSM_LAUNCH((conv_kernel<Type, Tile>), grid, Tile::threads, Tile::shared_bytes, stream, p);
}

/* Each type is a file of its own: they compile side by side. */
template <typename Type> static cudaError_t conv_launch_type(const ConvPlan &p, int tile, cudaStream_t stream)
{
    using Launch = cudaError_t (*)(const ConvPlan &, cudaStream_t);
#define TSM_CONV_TILE_LAUNCH(...) conv_launch_tile<Type, Tile<__VA_ARGS__>>,
    static const Launch launches[] = { TSM_CONV_TILES(TSM_CONV_TILE_LAUNCH) };
#undef TSM_CONV_TILE_LAUNCH

    return launches[tile](p, stream);
}

cudaError_t conv_launch_fp16(const ConvPlan &p, int tile, cudaStream_t stream);
cudaError_t conv_launch_bf16(const ConvPlan &p, int tile, cudaStream_t stream);
cudaError_t conv_launch_tf32(const ConvPlan &p, int tile, cudaStream_t stream);

} // namespace tsm

#endif
