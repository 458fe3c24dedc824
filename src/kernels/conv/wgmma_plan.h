/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma_plan.h - what a kernel on wgmma and TMA is told: the numbers of plan.h, and the maps of the copy engine. */
#ifndef TSM_KERNELS_CONV_WGMMA_PLAN_H
#define TSM_KERNELS_CONV_WGMMA_PLAN_H

#include "plan.h"
#include "wgmma_geometry.h"
#include "wgmma_intrinsics.h"

namespace tsm
{

/* How rows are cut into tiles. `tiled`: each clip apart, its last tile as it comes, so that a frame is so many rows
 * on in the same clip; otherwise all rows in one go, whatever clip they are of. */
struct WgmmaPlan {
    CUtensorMap input, filters;
    ConvPlan conv;                      /* its loader's part is not looked at */
    tsm_divisor per_clip;               /* tiles along the rows of a clip; of all rows where not tiled */
    int clip_rows;                      /* rows of a clip; all where not tiled */
    int tiles, steps;                   /* of the launch; of K */
    int part;                           /* bytes of K that a box fills, see wgmma_geometry.h */
    int product_at[TSM_WGMMA_PRODUCTS]; /* where each product of a step reads its input, in units of 16 bytes */
    bool tiled;
};

/* A row of wgmma_tiles.h. */
template <int Rows, int Filters, int Stages, int Blocks> struct WgmmaTile {
    static constexpr int rows = Rows, filters = Filters, stages = Stages, blocks = Blocks;
    static constexpr int groups = Rows / TSM_WGMMA_ROWS, warps = 4 * groups; /* that multiply */
    static constexpr int threads = 32 * warps + 128; /* and a warpgroup of which one lane copies */
    static constexpr int fragments = Filters / 8;    /* of a thread's sums */
    static constexpr int input_bytes = Rows * TSM_WGMMA_K_BYTES, filter_bytes = Filters * TSM_WGMMA_K_BYTES;
    static constexpr int stage_bytes = input_bytes + filter_bytes;
    static constexpr int slab_filters = 32; /* that a warp stores at once */
    /* Registers of a thread, where a block has a multiprocessor to itself: of those that copy, and that multiply. */
    static constexpr bool trades = Blocks == 1;
    static constexpr int copier = 40, multiplier = 232;

    static_assert(!trades || copier + groups * multiplier <= 65536 / 128, "there are no more");
    static_assert(Rows % TSM_WGMMA_ROWS == 0 && Filters % slab_filters == 0, "whole instructions, whole slabs");
    static_assert(input_bytes % TSM_WGMMA_ALIGN == 0 && stage_bytes % TSM_WGMMA_ALIGN == 0, "the swizzle repeats");
};

} // namespace tsm

#endif
