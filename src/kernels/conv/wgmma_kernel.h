/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma_kernel.h - the convolution kernel for sm_90a: blocks that stay, of which one warp copies and the others
 * multiply.
 *
 *     the copying warp, one lane               stages in shared memory         warpgroups of 64 rows
 *       for each tile, each step:              .---------. full   empty          for each tile:
 *         wait until the stage is empty   <----| stage 0 |---o------o              for each step:
 *         announce its bytes                   |---------|                           wait until it is full
 *         boxes of A, shifted; a box of B ---> | stage 1 |   o      o -----+         products (asynchronous)
 *       never waits for sums                   |   ...   |                 |         the step before is done:
 *                                              '---------'                 '-------- its stage is empty
 *                                                                                epilogue, while the next tile's
 *                                                                                steps already come
 *
 * `full` has one arrival (the copying lane) and the bytes of all boxes, `empty` one arrival a multiplying warp. Both
 * sides take the same steps of the same tiles in the same order, so their turns agree, and nobody waits for a phase
 * that will not come: the copying lane at step k waits for step k - stages to be multiplied, the warps at step k for
 * step k to be copied.
 *
 * Bytes: as kernel.h. The shift costs a coordinate of a box.
 */
#ifndef TSM_KERNELS_CONV_WGMMA_KERNEL_H
#define TSM_KERNELS_CONV_WGMMA_KERNEL_H

#include "epilogue.h"
#include "wgmma.h"
#include "wgmma_plan.h"

namespace tsm
{

/* What the epilogue takes for a tile: the slabs of a warp, 16 rows of 32 filters, in room of their own. */
template <typename Tile> struct WgmmaSlab {
    static constexpr int warp_rows = 16, warp_filters = Tile::slab_filters, warps_n = 1;
    static constexpr int mma_m = 1, mma_n = warp_filters / 8;
    static constexpr int threads = 32 * Tile::warps, shared_bytes = 227 * 1024;
};

/* Shared memory: stages, slabs, barriers. */
template <typename Type, typename Tile> struct WgmmaShared {
    using Slabs = Epilogue<typename Type::Element, WgmmaSlab<Tile>>;
    static constexpr int slabs = Tile::stages * Tile::stage_bytes, barriers = slabs + Tile::warps * Slabs::warp_bytes;
    static constexpr int bytes = barriers + 2 * Tile::stages * (int)sizeof(uint64_t);

    static_assert(bytes <= 227 * 1024 && Tile::blocks * (bytes + 1024) <= 228 * 1024, "what a multiprocessor has");
    static_assert(slabs % 128 == 0 && barriers % 8 == 0, "slabs and barriers are aligned");

    uint32_t base; /* of the stages */

    __device__ __forceinline__ uint32_t stage(int i) const { return base + i * Tile::stage_bytes; }
    __device__ __forceinline__ uint32_t full(int i) const { return base + barriers + i * 8; }
    __device__ __forceinline__ uint32_t empty(int i) const { return full(Tile::stages + i); }
};

/* Where a tile begins, and which rows of it exist. */
struct WgmmaPlace {
    int clip, row, end; /* row of all rows, and the first that is not the tile's to store */
    int filter;
};

template <typename Tile> __device__ __forceinline__ WgmmaPlace place_of(const WgmmaPlan &p, int tile)
{
    const int tile_m = (int)tsm_divide((uint32_t)tile, p.conv.tiles_n);
    WgmmaPlace at;

    at.filter = (tile - tile_m * (int)p.conv.tiles_n.value) * Tile::filters;
    at.clip = (int)tsm_divide((uint32_t)tile_m, p.per_clip);
    at.row = at.clip * p.clip_rows + (tile_m - at.clip * (int)p.per_clip.value) * Tile::rows;
    at.end = (at.clip + 1) * p.clip_rows;
    return at;
}

/* ---- The copying warp ---- */

/* A step's place in K: a tap, and the first of its channels. */
struct WgmmaStep {
    int r = 0, s = 0, tap = 0, channel = 0;

    __device__ __forceinline__ void next(const ConvPlan &p, int elements)
    {
        channel += elements;
        if (channel < p.per_tap * elements) return;
        channel = 0;
        tap++;
        if (++s < p.in.kernel_w) return;
        s = 0;
        r++;
    }
};

/* The first pixel of a tile, as the im2col map counts: where its window begins, in the frame before its own. */
__device__ __forceinline__ PixelPlace pixel_of(const ConvPlan &p, int row)
{
    const int frame = (int)tsm_divide((uint32_t)row, p.rows.per_frame);
    const int pixel = row - frame * (int)p.rows.per_frame.value;
    const int oy = (int)tsm_divide((uint32_t)pixel, p.rows.per_row);
    const int clip = (int)tsm_divide((uint32_t)frame, p.rows.frames);

    return { tsm_window_start(pixel - oy * (int)p.rows.per_row.value, p.in.stride, p.in.pad),
             tsm_window_start(oy, p.in.stride, p.in.pad), frame - clip * (int)p.rows.frames.value - 1, clip };
}

/* Frames on or back that the channels of a box come from: the shift, all of it. */
__device__ __forceinline__ int frames_on(const ConvShift &shift, int channel)
{
    const int fold = tsm_conv_fold_of(channel, shift.fold, shift.end);

    return fold == TSM_CONV_FIRST_FOLD ? shift.step : fold == TSM_CONV_SECOND_FOLD ? -shift.step : 0;
}

template <typename Type, typename Tile>
__device__ __forceinline__ void copy_step(const WgmmaPlan &p, const WgmmaShared<Type, Tile> &shared, int stage,
                                          const WgmmaPlace &at, const PixelPlace &pixel, const WgmmaStep &step)
{
    const int elements = p.part / (int)sizeof(typename Type::Element); /* of a box */
    const uint32_t full = shared.full(stage);
    uint32_t to = shared.stage(stage);
    int channel = step.channel;

    barrier_arrive_expecting(full, Tile::stage_bytes);
#pragma unroll 1
    for (int k = 0; k < TSM_WGMMA_K_BYTES; k += p.part, channel += elements, to += Tile::rows * p.part) {
        const int on = frames_on(p.conv.in.shift, channel);

        if (p.tiled)
            copy_box(to, &p.input, full, channel,
                     at.row - at.clip * p.clip_rows + on * (int)p.conv.rows.per_frame.value, at.clip);
        else
            copy_pixels(to, &p.input, full, channel, pixel, step.s, step.r, 1 + on);
    }
    copy_box(to, &p.filters, full, step.channel, step.tap, at.filter);
}

template <typename Type, typename Tile>
__device__ __forceinline__ void copy_tiles(const WgmmaPlan &p, const WgmmaShared<Type, Tile> &shared)
{
    tsm_wgmma_turn turn = { 0, 0 };

#pragma unroll 1
    for (int tile = (int)blockIdx.x; tile < p.tiles; tile += (int)gridDim.x) {
        const WgmmaPlace at = place_of<Tile>(p, tile);
        const PixelPlace pixel = pixel_of(p.conv, at.row);
        WgmmaStep step;

#pragma unroll 1
        for (int i = 0; i < p.steps; i++) {
            barrier_wait(shared.empty(turn.stage), turn.parity ^ 1);
            copy_step(p, shared, turn.stage, at, pixel, step);
            step.next(p.conv, TSM_WGMMA_K_BYTES / (int)sizeof(typename Type::Element));
            tsm_wgmma_next(&turn, Tile::stages);
        }
    }
}

/* ---- The multiplying warps ---- */

template <typename Type, typename Tile> struct WgmmaProduct {
    float sum[Tile::fragments][4];
    uint64_t input, filters; /* descriptors, for stage 0 */

    __device__ __forceinline__ void begin(const WgmmaPlan &p, const WgmmaShared<Type, Tile> &shared)
    {
        /* The same in all lanes, and known to be: descriptors then lie in registers that a warp shares. */
        const int group = __shfl_sync(kFullWarp, (int)threadIdx.x / 128, 0);

        input = tsm_wgmma_descriptor(shared.base + group * TSM_WGMMA_ROWS * p.part, Tile::rows, p.part);
        filters = tsm_wgmma_descriptor(shared.base + Tile::input_bytes, Tile::filters, TSM_WGMMA_K_BYTES);
    }

    /* Starts the products of a step, as one group. */
    __device__ __forceinline__ void start(const WgmmaPlan &p, int stage, bool first)
    {
        const uint64_t to_stage = (uint64_t)(stage * (Tile::stage_bytes / TSM_CONV_CHUNK));

        group_begin();
#pragma unroll
        for (int i = 0; i < TSM_WGMMA_PRODUCTS; i++)
            group_multiply(Type(), sum, input + to_stage + (uint64_t)p.product_at[i],
                           filters + to_stage + i * (TSM_WGMMA_PRODUCT_BYTES / TSM_CONV_CHUNK), !first || i > 0);
        group_commit();
    }
};

__device__ __forceinline__ void release(uint32_t empty)
{
    if (threadIdx.x % 32 == 0) barrier_arrive(empty);
}

__device__ __forceinline__ int before(int stage, int stages)
{
    return stage > 0 ? stage - 1 : stages - 1;
}

/* All of K of one tile. A step's products run while the next step's are started: its stage is empty a step later. */
template <typename Type, typename Tile>
__device__ __forceinline__ void multiply_tile(WgmmaProduct<Type, Tile> &product, const WgmmaPlan &p,
                                              const WgmmaShared<Type, Tile> &shared, tsm_wgmma_turn &turn)
{
#pragma unroll 1
    for (int i = 0; i < p.steps; i++) {
        barrier_wait(shared.full(turn.stage), turn.parity);
        product.start(p, turn.stage, i == 0);
        if (i > 0) {
            group_wait<1>();
            release(shared.empty(before(turn.stage, Tile::stages)));
        }
        tsm_wgmma_next(&turn, Tile::stages);
    }
    group_wait<0>();
    release(shared.empty(before(turn.stage, Tile::stages)));
}

/* act(sum + bias + residual) of this warp's 16 rows, 32 filters at a time. */
template <typename Type, typename Tile>
__device__ __forceinline__ void store_tile(const WgmmaProduct<Type, Tile> &product, const WgmmaPlan &p, char *slabs,
                                           const WgmmaPlace &at)
{
    constexpr int fragments = Tile::slab_filters / 8;
    typename WgmmaShared<Type, Tile>::Slabs epilogue;

#pragma unroll
    for (int i = 0; i < Tile::filters / Tile::slab_filters; i++) {
        float sum[1][fragments][4];
#pragma unroll
        for (int j = 0; j < fragments * 4; j++) sum[0][j / 4][j % 4] = product.sum[i * fragments + j / 4][j % 4];
        epilogue.begin(p.conv, slabs, at.row, at.filter + i * Tile::slab_filters, at.end);
        epilogue.write(p.conv, sum);
    }
}

template <typename Type, typename Tile>
__device__ __forceinline__ void multiply_tiles(const WgmmaPlan &p, const WgmmaShared<Type, Tile> &shared, char *slabs)
{
    WgmmaProduct<Type, Tile> product;
    tsm_wgmma_turn turn = { 0, 0 };

    product.begin(p, shared);
#pragma unroll 1
    for (int tile = (int)blockIdx.x; tile < p.tiles; tile += (int)gridDim.x) {
        multiply_tile(product, p, shared, turn);
        store_tile(product, p, slabs, place_of<Tile>(p, tile));
    }
}

/* ---- Both ---- */

template <typename Type, typename Tile>
__device__ __forceinline__ void init_barriers(const WgmmaShared<Type, Tile> &shared)
{
    if (threadIdx.x == 0) {
        for (int i = 0; i < Tile::stages; i++) {
            barrier_init(shared.full(i), 1);
            barrier_init(shared.empty(i), Tile::warps);
        }
        barrier_init_done();
    }
    __syncthreads();
}

template <typename Type, typename Tile>
__global__ void __launch_bounds__(Tile::threads, Tile::blocks) conv_wgmma_kernel(const __grid_constant__ WgmmaPlan p)
{
    wait_for_previous();
    TSM_SHARED_STAGES(memory);
    const WgmmaShared<Type, Tile> shared = { shared_address(memory) };

    init_barriers(shared);
    if (threadIdx.x < 32 * Tile::warps) {
        if constexpr (Tile::trades) take_registers<Tile::multiplier>();
        multiply_tiles(p, shared, memory + WgmmaShared<Type, Tile>::slabs);
    } else {
        if constexpr (Tile::trades) give_registers<Tile::copier>();
        if (threadIdx.x == 32 * Tile::warps) copy_tiles(p, shared);
    }
}

/* ---- Host side ---- */

template <typename Type, typename Tile>
static cudaError_t wgmma_launch_tile(const WgmmaPlan &p, int blocks, cudaStream_t stream)
{
    constexpr int bytes = WgmmaShared<Type, Tile>::bytes;
    const void *function = reinterpret_cast<const void *>(conv_wgmma_kernel<Type, Tile>);
    cudaError_t error = cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);

    if (error != cudaSuccess) return error;
    return TSM_LAUNCH((conv_wgmma_kernel<Type, Tile>), blocks, Tile::threads, bytes, stream, p);
}

template <typename Type>
static cudaError_t wgmma_launch_type(const WgmmaPlan &p, int tile, int blocks, cudaStream_t stream)
{
    using Launch = cudaError_t (*)(const WgmmaPlan &, int, cudaStream_t);
#define TSM_WGMMA_TILE_LAUNCH(...) wgmma_launch_tile<Type, WgmmaTile<__VA_ARGS__>>,
    static const Launch launches[] = { TSM_WGMMA_TILES(TSM_WGMMA_TILE_LAUNCH) };
#undef TSM_WGMMA_TILE_LAUNCH

    return launches[tile](p, blocks, stream);
}

cudaError_t wgmma_launch_fp16(const WgmmaPlan &p, int tile, int blocks, cudaStream_t stream);
cudaError_t wgmma_launch_bf16(const WgmmaPlan &p, int tile, int blocks, cudaStream_t stream);

} // namespace tsm

#endif
