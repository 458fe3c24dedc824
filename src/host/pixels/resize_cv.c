/* SPDX-License-Identifier: Apache-2.0 */
/* resize_cv.c - bilinear scaling without antialias, byte for byte as OpenCV's INTER_LINEAR on 8-bit images.
 *
 * Two taps an axis with 11 fractional bits. Columns first, into rows that keep 7 fractional bits; then two such rows
 * make one of the output, each product cut to its upper half before the sum is rounded.
 */
#include <math.h>

#include "core/status.h"
#include "resize.h"

enum { WEIGHT_BITS = 11, ONE = 1 << WEIGHT_BITS, ROW_SHIFT = 4 };

typedef struct tap {
    int first, second;   /* input positions */
    int weight, weight2; /* 11 fractional bits */
} tap;

/* The position is computed in double and kept in float, and the weights are rounded one by one, as OpenCV does. */
static tap make_tap(int position, int in_size, int out_size, int is_column)
{
    double scale = 1.0 / ((double)out_size / in_size);
    float at = (float)((position + 0.5) * scale - 0.5);
    int first = (int)floorf(at), second = first + 1;

    at -= (float)first;
    if (is_column && (first < 0 || first >= in_size - 1)) at = 0;
    if (first < 0) first = 0;
    if (first > in_size - 1) first = in_size - 1;
    if (second < 0) second = 0;
    if (second > in_size - 1) second = in_size - 1;
    return (tap){ first, second, (int)lrintf((1.f - at) * ONE), (int)lrintf(at * ONE) };
}

static void scale_columns(const tap *taps, int count, const uint8_t *in, int16_t *out)
{
    for (int x = 0; x < count; x++) {
        const uint8_t *first = in + (size_t)taps[x].first * 3, *second = in + (size_t)taps[x].second * 3;
        for (int c = 0; c < 3; c++)
            out[3 * x + c] = (int16_t)((first[c] * taps[x].weight + second[c] * taps[x].weight2) >> ROW_SHIFT);
    }
}

static void blend_rows(const int16_t *upper, const int16_t *lower, int weight, int weight2, size_t count,
                       uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((((upper[i] * weight) >> 16) + ((lower[i] * weight2) >> 16) + 2) >> 2);
}

/* Two scaled rows, and which input rows they hold: neighbouring output rows share them. */
typedef struct row_cache {
    int16_t *rows[2];
    int held[2];
} row_cache;

static const int16_t *cached_row(row_cache *cache, int wanted, int keep, const tsm_rgb *in, const tap *taps,
                                 int count)
{
    int slot;

    for (slot = 0; slot < 2; slot++)
        if (cache->held[slot] == wanted) return cache->rows[slot];
    slot = cache->held[0] == keep ? 1 : 0;
    scale_columns(taps, count, in->data + (size_t)wanted * (size_t)in->width * 3, cache->rows[slot]);
    cache->held[slot] = wanted;
    return cache->rows[slot];
}

tsm_status tsm_resize_cv(const tsm_rgb *in, int out_width, int out_height, const tsm_rect *part, uint8_t *out,
                         tsm_error *error)
{
    size_t row_values = (size_t)part->width * 3;
    row_cache cache = { .held = { -1, -1 } };
    tap *columns = tsm_alloc_zero((size_t)part->width, sizeof *columns);
    tsm_status status = TSM_OK;

    cache.rows[0] = tsm_alloc_aligned(row_values, sizeof(int16_t));
    cache.rows[1] = tsm_alloc_aligned(row_values, sizeof(int16_t));
    if (!columns || !cache.rows[0] || !cache.rows[1]) {
        status = tsm_fail_memory(error, row_values * sizeof(int16_t));
        goto fail;
    }
    for (int x = 0; x < part->width; x++) columns[x] = make_tap(part->x + x, in->width, out_width, 1);
    for (int y = 0; y < part->height; y++) {
        tap row = make_tap(part->y + y, in->height, out_height, 0);
        const int16_t *upper = cached_row(&cache, row.first, row.second, in, columns, part->width);
        const int16_t *lower = cached_row(&cache, row.second, row.first, in, columns, part->width);
        blend_rows(upper, lower, row.weight, row.weight2, row_values, out + (size_t)y * row_values);
    }
fail:
    tsm_free(columns);
    tsm_free(cache.rows[0]);
    tsm_free(cache.rows[1]);
    return status;
}
