/* SPDX-License-Identifier: Apache-2.0 */
/* resize_cv.c - see resize_cv.h.
 *
 * Two taps an axis with 11 fractional bits. Columns first, into rows that keep 7 fractional bits; then two such rows
 * make one of the output, each product cut to its upper half before the sum is rounded. */
#include "resize_cv.h"

#include <math.h>

#include "core/status.h"

enum { WEIGHT_BITS = 11, ONE = 1 << WEIGHT_BITS, ROW_SHIFT = 4 };

/* The position is computed in double and kept in float, and the weights are rounded one by one, as OpenCV does. */
static tsm_cv_tap make_tap(int position, int in_size, int out_size, int is_column)
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
    return (tsm_cv_tap){ first, second, (int)lrintf((1.f - at) * ONE), (int)lrintf(at * ONE) };
}

static void scale_columns(const tsm_cv_tap *taps, int count, const uint8_t *in, int16_t *out)
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

/* Which input rows the two scaled rows hold: neighbouring output rows share them. */
typedef struct row_cache {
    const tsm_cv_tables *tables;
    const uint8_t *in;
    int in_width;
    int held[2];
} row_cache;

/* Input row `wanted`, scaled; the row `keep` is not given up for it. */
static const int16_t *scaled_row(row_cache *cache, int wanted, int keep)
{
    const tsm_cv_tables *t = cache->tables;
    int slot;

    for (slot = 0; slot < 2; slot++)
        if (cache->held[slot] == wanted) return t->scaled[slot];
    slot = cache->held[0] == keep ? 1 : 0;
    scale_columns(t->columns, t->width, cache->in + (size_t)wanted * (size_t)cache->in_width * 3, t->scaled[slot]);
    cache->held[slot] = wanted;
    return t->scaled[slot];
}

void tsm_cv_scale(tsm_cv_tables *tables, const uint8_t *in, int in_width, uint8_t *out)
{
    size_t row_values = (size_t)tables->width * 3;
    row_cache cache = { .tables = tables, .in = in, .in_width = in_width, .held = { -1, -1 } };

    for (int y = 0; y < tables->height; y++) {
        const tsm_cv_tap *row = &tables->rows[y];
        const int16_t *upper = scaled_row(&cache, row->first, row->second);
        const int16_t *lower = scaled_row(&cache, row->second, row->first);
        blend_rows(upper, lower, row->weight, row->weight2, row_values, out + (size_t)y * row_values);
    }
}

/* ---- Tables ---- */

static tsm_cv_tap *make_taps(const tsm_cv_axis *axis, int is_column)
{
    tsm_cv_tap *taps = tsm_alloc_zero((size_t)axis->count, sizeof *taps);

    for (int i = 0; taps && i < axis->count; i++)
        taps[i] = make_tap(axis->from + i, axis->in_size, axis->out_size, is_column);
    return taps;
}

tsm_status tsm_cv_tables_make(tsm_cv_tables *tables, const tsm_cv_axis *columns, const tsm_cv_axis *rows,
                              tsm_error *error)
{
    size_t row_values = (size_t)columns->count * 3;

    tables->width = columns->count;
    tables->height = rows->count;
    tables->columns = make_taps(columns, 1);
    tables->rows = make_taps(rows, 0);
    for (int i = 0; i < 2; i++) tables->scaled[i] = tsm_alloc_aligned(row_values, sizeof(int16_t));
    if (tables->columns && tables->rows && tables->scaled[0] && tables->scaled[1]) return TSM_OK;
    return tsm_fail_memory(error, row_values * sizeof(int16_t));
}

void tsm_cv_tables_clear(tsm_cv_tables *tables)
{
    tsm_free(tables->columns);
    tsm_free(tables->rows);
    tsm_free(tables->scaled[0]);
    tsm_free(tables->scaled[1]);
    *tables = (tsm_cv_tables){ 0 };
}
