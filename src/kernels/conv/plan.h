/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what a kernel of the family is told: the convolution in the numbers that it calculates with. */
#ifndef TSM_KERNELS_CONV_PLAN_H
#define TSM_KERNELS_CONV_PLAN_H

#include "../device.h"
#include "conv_kernels.h"
#include "geometry.h"

namespace tsm
{

/* Pixels of output rows: how m becomes (frame, oy, ox), and the frame's place t in its clip. */
struct ConvRows {
    int count;                      /* frames * oh * ow */
    tsm_divisor per_frame, per_row; /* oh * ow; ow */
    tsm_divisor frames;             /* of a clip */
};

struct ConvShift {
    int fold, end, step; /* channels; step frames */
};

/* Offsets into the input are counted in words of 4 bytes. */
struct ConvInput {
    const char *data;
    int h, w, t;
    int pixel, frame; /* words from a pixel to the next, and from a frame */
    int channels, kernel_h, kernel_w, stride, pad;
    int piece; /* bytes that a copy moves: no piece lies in two folds */
    ConvShift shift;
};

/* A second input, whose pixels at the stride are more of K. */
struct ConvJoined {
    const char *data;
    int h, w, pixel, channels, stride;
};

struct ConvFilters {
    const char *data; /* (filters, row_bytes), see geometry.h */
    int count, row_bytes;
};

struct ConvOutput {
    void *data;
    const void *bias, *residual; /* or NULL */
    int64_t pitch, residual_pitch;
    int64_t residual_frame; /* elements */
    ConvShift residual_shift;
    tsm_kernel_act act;
};

/* K in steps of a tile's k_bytes, cut into `count` parts of `steps`, one a block. */
struct ConvSplit {
    int total, steps, count;
    float *sums;        /* (count, tiles, threads, sums of a thread) */
    uint32_t *counters; /* a tile each, zero before and after a launch */
};

struct ConvPlan {
    ConvRows rows;
    ConvInput in;
    ConvJoined joined;
    ConvFilters filters;
    ConvOutput out;
    ConvSplit split;
    tsm_divisor tiles_n; /* tiles along the filters, the fastest */
    int per_tap;         /* steps of a tap */
    int joined_at;       /* the step of K at which what is joined begins; `total` where nothing is */
};

/* run.cu: all of it but tiles and parts. */
ConvPlan conv_plan_operands(const tsm_conv_kernel_args *args);

/* A row of tiles.h. */
template <int Rows, int Filters, int KBytes, int Stages, int WarpsM, int WarpsN> struct Tile {
    static constexpr int rows = Rows, filters = Filters, k_bytes = KBytes, stages = Stages;
    static constexpr int warps_m = WarpsM, warps_n = WarpsN, threads = 32 * WarpsM * WarpsN;
    static constexpr int warp_rows = Rows / WarpsM, warp_filters = Filters / WarpsN;
    static constexpr int mma_m = warp_rows / 16, mma_n = warp_filters / 8; /* products of a warp along each axis */
    static constexpr int chunks = KBytes / TSM_CONV_CHUNK;                 /* of a row */
    static constexpr int rows_at_once = threads / chunks; /* whose chunks the block copies together */
    static constexpr int input_bytes = Rows * KBytes, filter_bytes = Filters * KBytes;
    static constexpr int stage_bytes = input_bytes + filter_bytes, shared_bytes = Stages * stage_bytes;

    static_assert(KBytes == 64 || KBytes == 128, "the swizzle knows rows of 64 and 128 bytes");
    static_assert(warp_rows % 16 == 0 && warp_filters % 16 == 0, "fragments are loaded 16 x 32 bytes at a time");
    static_assert(rows_at_once % 8 == 0 && Rows % rows_at_once == 0 && Filters % rows_at_once == 0,
                  "every thread copies as much, and its rows are swizzled alike");
    static_assert(shared_bytes <= 99 * 1024, "sm_86, 89 and 120 have no more");
};

} // namespace tsm

#endif
