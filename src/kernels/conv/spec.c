/* SPDX-License-Identifier: Apache-2.0 */
/* spec.c - the host's part of conv_kernels.h: what is served, how filters are packed, which tiles are worth a try. */
#include "spec.h"
#include "geometry.h"

#include <stdint.h>
#include <string.h>

#define MAX_INDEX 0x7fffffff
#define MAX_SIDE  32768 /* of an image: a frame can be counted in 32 bits */

static int64_t element_bytes(const tsm_conv_kernel_spec *spec)
{
    return spec->dtype == TSM_FLOAT32 ? 4 : 2;
}

static int64_t round_up(int64_t value, int64_t to)
{
    return (value + to - 1) / to * to;
}

int tsm_conv_kernel_out_h(const tsm_conv_kernel_spec *spec)
{
    return tsm_window_count(spec->h, spec->kernel_h, spec->stride, spec->pad);
}

int tsm_conv_kernel_out_w(const tsm_conv_kernel_spec *spec)
{
    return tsm_window_count(spec->w, spec->kernel_w, spec->stride, spec->pad);
}

static int64_t out_rows(const tsm_conv_kernel_spec *spec)
{
    return (int64_t)spec->n * spec->t * tsm_conv_kernel_out_h(spec) * tsm_conv_kernel_out_w(spec);
}

/* Bytes of a tap's channels in packed filters. */
static int64_t tap_bytes(const tsm_conv_kernel_spec *spec)
{
    return round_up(spec->channels * element_bytes(spec), TSM_CONV_PACK_BYTES);
}

static int64_t joined_bytes(const tsm_conv_kernel_spec *spec)
{
    return round_up(spec->joined_channels * element_bytes(spec), TSM_CONV_PACK_BYTES);
}

static int64_t row_bytes(const tsm_conv_kernel_spec *spec)
{
    return tap_bytes(spec) * spec->kernel_h * spec->kernel_w + joined_bytes(spec);
}

/* ---- What is served ---- */

static const char *refuse_shape(const tsm_conv_kernel_spec *s)
{
    if (s->dtype != TSM_FLOAT16 && s->dtype != TSM_BFLOAT16 && s->dtype != TSM_FLOAT32)
        return "the type has no kernel";
    if (s->n < 1 || s->t < 1 || s->h < 1 || s->w < 1 || s->channels < 1 || s->filters < 1 || s->stride < 1 ||
        s->pad < 0 || s->kernel_h < 1 || s->kernel_w < 1)
        return "a size is below 1";
    if (s->h > MAX_SIDE || s->w > MAX_SIDE) return "its image is above 32768 pixels wide or high";
    if (s->groups != 1) return "it has groups";
    if (s->kernel_h > TSM_CONV_MAX_KERNEL || s->kernel_w > TSM_CONV_MAX_KERNEL) return "its window is above 8x8";
    if (s->pad >= s->kernel_h || s->pad >= s->kernel_w) return "its padding is not below its window";
    if (s->h + 2 * s->pad < s->kernel_h || s->w + 2 * s->pad < s->kernel_w) return "its window is above the image";
    return NULL;
}

static const char *refuse_layout(const tsm_conv_kernel_spec *s)
{
    const int64_t bytes = element_bytes(s);

    if (s->in_pitch < s->channels || s->out_pitch < s->filters ||
        (s->residual_pitch && s->residual_pitch < s->filters))
        return "a pitch is below the channels";
    if (s->in_pitch > MAX_INDEX || s->out_pitch > MAX_INDEX || s->residual_pitch > MAX_INDEX)
        return "a pitch is above 2^31";
    if (s->channels * bytes % TSM_CONV_CHUNK || s->in_pitch * bytes % TSM_CONV_CHUNK)
        return "its input pixels are not multiples of 16 bytes";
    if (s->filters * bytes % TSM_CONV_CHUNK || s->out_pitch * bytes % TSM_CONV_CHUNK ||
        s->residual_pitch * bytes % TSM_CONV_CHUNK)
        return "its output pixels are not multiples of 16 bytes";
    if ((int64_t)s->n * s->t > MAX_INDEX / ((int64_t)s->h * s->w) ||
        (int64_t)s->n * s->t * s->h * s->w > MAX_INDEX / s->in_pitch * (TSM_CONV_WORD / bytes))
        return "its input is above 8 GiB";
    if (out_rows(s) > MAX_INDEX - 4096) return "it has too many output pixels";
    if (row_bytes(s) > MAX_INDEX) return "its filters are too large";
    return NULL;
}

static const char *refuse_shift(const tsm_conv_kernel_spec *s)
{
    const int64_t bytes = element_bytes(s);

    if (s->fold < 0 || s->fold > s->end || s->end > s->channels || s->residual_fold < 0 ||
        s->residual_fold > s->residual_end || s->residual_end > s->filters)
        return "a fold is above the channels";
    if ((s->end || s->residual_end) && s->step != 1 && s->step != -1) return "its shift is not by one frame";
    if (s->residual_end && !s->residual_pitch) return "it shifts a residual that it has not";
    if (s->fold * bytes % TSM_CONV_WORD || s->end * bytes % TSM_CONV_WORD)
        return "a fold is not a multiple of 4 bytes";
    if (s->residual_fold * bytes % TSM_CONV_CHUNK || s->residual_end * bytes % TSM_CONV_CHUNK)
        return "a fold of its residual is not a multiple of 16 bytes";
    return NULL;
}

static const char *refuse_joined(const tsm_conv_kernel_spec *s)
{
    const int64_t bytes = element_bytes(s);

    if (s->joined_channels == 0) return NULL;
    if (s->joined_channels < 0 || s->joined_stride < 1 || s->joined_h < 1 || s->joined_w < 1 ||
        s->joined_h > MAX_SIDE || s->joined_w > MAX_SIDE)
        return "a size of what it joins is wrong";
    if (tsm_window_count(s->joined_h, 1, s->joined_stride, 0) != tsm_conv_kernel_out_h(s) ||
        tsm_window_count(s->joined_w, 1, s->joined_stride, 0) != tsm_conv_kernel_out_w(s))
        return "what it joins has another size";
    if (s->joined_pitch < s->joined_channels || s->joined_pitch > MAX_INDEX ||
        s->joined_channels * bytes % TSM_CONV_CHUNK || s->joined_pitch * bytes % TSM_CONV_CHUNK)
        return "the pixels that it joins are not multiples of 16 bytes";
    if ((int64_t)s->n * s->t * s->joined_h * s->joined_w > MAX_INDEX / s->joined_pitch * (TSM_CONV_WORD / bytes))
        return "the input that it joins is above 8 GiB";
    return NULL;
}

bool tsm_conv_kernel_serves(const tsm_conv_kernel_spec *spec, const char **why)
{
    const char *reason = refuse_shape(spec);

    if (!reason) reason = refuse_layout(spec);
    if (!reason) reason = refuse_shift(spec);
    if (!reason) reason = refuse_joined(spec);
    if (why) *why = reason;
    return !reason;
}

/* ---- Filters ---- */

size_t tsm_conv_kernel_packed_bytes(const tsm_conv_kernel_spec *spec)
{
    return (size_t)(spec->filters * row_bytes(spec));
}

/* To the 10 bits of fraction of tf32, halves away from zero, as the kernels round the input. */
static void round_to_tf32(void *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, (char *)values + 4 * i, sizeof bits);
        if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0x1000u) & ~0x1fffu;
        memcpy((char *)values + 4 * i, &bits, sizeof bits);
    }
}

/* Taps of `bytes` each, padded. */
static char *pack_taps(char *to, const char *from, int taps, int64_t bytes, int64_t padded)
{
    for (int i = 0; i < taps; i++, from += bytes, to += padded) {
        memcpy(to, from, (size_t)bytes);
        memset(to + bytes, 0, (size_t)(padded - bytes));
    }
    return to;
}

void tsm_conv_kernel_pack(void *packed, const void *filters, const void *joined, const tsm_conv_kernel_spec *spec)
{
    const int64_t bytes = spec->channels * element_bytes(spec);
    const int64_t more = spec->joined_channels * element_bytes(spec);
    const int taps = spec->kernel_h * spec->kernel_w;
    char *to = packed;

    for (int64_t i = 0; i < spec->filters; i++) {
        to = pack_taps(to, (const char *)filters + i * taps * bytes, taps, bytes, tap_bytes(spec));
        if (more) to = pack_taps(to, (const char *)joined + i * more, 1, more, joined_bytes(spec));
    }
    if (spec->dtype == TSM_FLOAT32) round_to_tf32(packed, tsm_conv_kernel_packed_bytes(spec) / sizeof(float));
}

/* ---- Tiles and parts ---- */

const tsm_conv_tile *tsm_conv_kernel_tile(int tile)
{
#define TSM_CONV_TILE_SIZES(rows, filters, k_bytes, stages, warps_m, warps_n)                                        \
    { rows, filters, k_bytes, stages, 32 * (warps_m) * (warps_n) },
    static const tsm_conv_tile tiles[] = { TSM_CONV_TILES(TSM_CONV_TILE_SIZES) };
#undef TSM_CONV_TILE_SIZES

    return &tiles[tile];
}

static int64_t tile_count(const tsm_conv_kernel_spec *spec, const tsm_conv_tile *tile)
{
    return ((out_rows(spec) + tile->rows - 1) / tile->rows) * ((spec->filters + tile->filters - 1) / tile->filters);
}

static int64_t step_count(const tsm_conv_kernel_spec *spec, const tsm_conv_tile *tile)
{
    return row_bytes(spec) / tile->k_bytes;
}

bool tsm_conv_kernel_way_serves(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way)
{
    const tsm_conv_tile *tile;

    if (way.tile < 0 || way.tile >= TSM_CONV_TILE_COUNT) return false;
    tile = tsm_conv_kernel_tile(way.tile);
    return tap_bytes(spec) % tile->k_bytes == 0 && joined_bytes(spec) % tile->k_bytes == 0 &&
           tile_count(spec, tile) <= MAX_INDEX && way.parts >= 1 && way.parts <= step_count(spec, tile) &&
           way.parts <= TSM_CONV_MAX_PARTS;
}

size_t tsm_conv_kernel_workspace_bytes(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way)
{
    const tsm_conv_tile *tile = tsm_conv_kernel_tile(way.tile);

    if (way.parts == 1) return 0;
    return (size_t)tile_count(spec, tile) * (size_t)(tile->rows * tile->filters * way.parts) * sizeof(float);
}

size_t tsm_conv_kernel_counter_bytes(const tsm_conv_kernel_spec *spec, tsm_conv_kernel_way way)
{
    return way.parts == 1 ? 0 : (size_t)tile_count(spec, tsm_conv_kernel_tile(way.tile)) * sizeof(uint32_t);
}

/* Parts that give every multiprocessor a block or two, as far as each keeps a few steps to itself; 1 where there are
 * tiles enough. */
static int parts_for(const tsm_conv_kernel_spec *spec, const tsm_conv_tile *tile, int multiprocessors)
{
    const int64_t least_steps = 4;
    int64_t parts = 2 * multiprocessors / tile_count(spec, tile), most = step_count(spec, tile) / least_steps;

    if (parts > most) parts = most;
    if (parts > TSM_CONV_MAX_PARTS) parts = TSM_CONV_MAX_PARTS;
    return parts < 2 ? 1 : (int)parts;
}

/* Rounds of the GPU that a tile needs, times what a round costs: the smaller, the better the guess. */
static int64_t guess_cost(const tsm_conv_kernel_spec *spec, const tsm_conv_tile *tile, int parts, int multiprocessors)
{
    const int64_t blocks = tile_count(spec, tile) * parts;
    const int64_t rounds = (blocks + multiprocessors - 1) / multiprocessors;

    return rounds * (tile->rows * tile->filters + 32 * (tile->rows + tile->filters)) / parts;
}

int tsm_conv_kernel_ways(tsm_conv_kernel_way *ways, int room, const tsm_conv_kernel_spec *spec, int multiprocessors)
{
    int count = 0, best = 0;
    int64_t least = INT64_MAX;

    for (int i = 0; i < TSM_CONV_TILE_COUNT; i++) {
        const tsm_conv_tile *tile = tsm_conv_kernel_tile(i);
        const int parts = parts_for(spec, tile, multiprocessors);

        for (int cut = 0; cut < (parts > 1 ? 2 : 1) && count < room; cut++) {
            const tsm_conv_kernel_way way = { i, cut ? parts : 1 };
            int64_t cost;

            if (!tsm_conv_kernel_way_serves(spec, way)) continue;
            cost = guess_cost(spec, tile, way.parts, multiprocessors);
            if (cost < least) best = count;
            if (cost < least) least = cost;
            ways[count++] = way;
        }
    }
    if (count) {
        const tsm_conv_kernel_way first = ways[best];
        ways[best] = ways[0];
        ways[0] = first;
    }
    return count;
}
