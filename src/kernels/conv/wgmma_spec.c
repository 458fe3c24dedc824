/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma_spec.c - the host's part of wgmma.h that needs no device: what is served, which tiles are worth a try. */
#include "wgmma.h"
#include "wgmma_geometry.h"

#define ELEMENT_BYTES 2
#define MAX_STRIDE    8 /* of the copy engine */

static const char *refuse(const tsm_conv_kernel_spec *s)
{
    if (s->dtype == TSM_FLOAT32) return "wgmma would cut tf32's input off, not round it";
    if (s->stride > MAX_STRIDE) return "its stride is above 8";
    if (s->joined_channels) return "it joins another convolution";
    if (s->fold * ELEMENT_BYTES % TSM_CONV_CHUNK || s->end * ELEMENT_BYTES % TSM_CONV_CHUNK)
        return "a fold is not a multiple of 16 bytes";
    return NULL;
}

bool tsm_conv_wgmma_serves(const tsm_conv_kernel_spec *spec, const char **why)
{
    const char *reason = NULL;

    if (!tsm_conv_kernel_serves(spec, &reason)) goto done;
    reason = refuse(spec);
done:
    if (why) *why = reason;
    return !reason;
}

const tsm_conv_tile *tsm_conv_wgmma_tile(int tile)
{
#define TSM_WGMMA_TILE_SIZES(rows, filters, stages, blocks)                                                          \
    { rows, filters, TSM_WGMMA_K_BYTES, stages, 2 * (rows) + 128 },
    static const tsm_conv_tile tiles[] = { TSM_WGMMA_TILES(TSM_WGMMA_TILE_SIZES) };
#undef TSM_WGMMA_TILE_SIZES

    return &tiles[tile];
}

static int resident_blocks(int tile)
{
#define TSM_WGMMA_TILE_BLOCKS(rows, filters, stages, blocks) blocks,
    static const int resident[] = { TSM_WGMMA_TILES(TSM_WGMMA_TILE_BLOCKS) };
#undef TSM_WGMMA_TILE_BLOCKS

    return resident[tile];
}

static bool can_tile_clips(const tsm_conv_kernel_spec *s)
{
    return s->kernel_h == 1 && s->kernel_w == 1 && s->stride == 1;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t tile_count(const tsm_conv_kernel_spec *s, int tile, bool tiled)
{
    const tsm_conv_tile *size = tsm_conv_wgmma_tile(tile);
    const int64_t clip = (int64_t)s->t * tsm_conv_kernel_out_h(s) * tsm_conv_kernel_out_w(s);
    const int64_t along_rows = tiled ? s->n * divide_up(clip, size->rows) : divide_up(s->n * clip, size->rows);

    return along_rows * divide_up(s->filters, size->filters);
}

bool tsm_conv_wgmma_way_serves(const tsm_conv_kernel_spec *spec, const tsm_conv_wgmma_way *way)
{
    return way->tile >= 0 && way->tile < TSM_WGMMA_TILE_COUNT && way->blocks >= 1 &&
           (!way->tiled || can_tile_clips(spec)) &&
           tile_count(spec, way->tile, way->tiled) <= 0x7fffffff - way->blocks;
}

/* Rounds of the GPU, times what a round costs: products, and rows and filters that are copied. */
static int64_t guess_cost(const tsm_conv_kernel_spec *spec, const tsm_conv_wgmma_way *way)
{
    const tsm_conv_tile *tile = tsm_conv_wgmma_tile(way->tile);
    const int64_t rounds = divide_up(tile_count(spec, way->tile, way->tiled), way->blocks);

    return rounds * resident_blocks(way->tile) * (tile->rows * tile->filters + 32 * (tile->rows + tile->filters));
}

int tsm_conv_wgmma_ways(tsm_conv_wgmma_way *ways, int room, const tsm_conv_kernel_spec *spec, int multiprocessors)
{
    int count = 0, best = 0;
    int64_t least = INT64_MAX;

    for (int i = 0; i < TSM_WGMMA_TILE_COUNT; i++)
        for (int tiled = can_tile_clips(spec); tiled >= 0 && count < room; tiled--) {
            const int64_t tiles = tile_count(spec, i, tiled), most = (int64_t)multiprocessors * resident_blocks(i);
            const tsm_conv_wgmma_way way = { i, (int)(tiles < most ? tiles : most), tiled };
            int64_t cost;

            if (!tsm_conv_wgmma_way_serves(spec, &way)) continue;
            cost = guess_cost(spec, &way);
            if (cost < least) best = count;
            if (cost < least) least = cost;
            ways[count++] = way;
        }
    if (count) {
        const tsm_conv_wgmma_way first = ways[best];
        ways[best] = ways[0];
        ways[0] = first;
    }
    return count;
}
