/* SPDX-License-Identifier: Apache-2.0 */
/* resample.c - see resample.h. The order of the floating-point operations decides the last bit of a weight and must
 * stay as it is. */
#include "resample.h"

#include <math.h>
#include <string.h>

enum { WEIGHT_BITS = 22, HALF = 1 << (WEIGHT_BITS - 1) };

/* ---- Tables ---- */

static void axis_clear(tsm_resample_axis *a)
{
    tsm_free(a->first);
    tsm_free(a->used);
    tsm_free(a->weights);
}

static void axis_weights(tsm_resample_axis *a, int position, int index, int in_size, double scale, double width)
{
    double centre = (position + 0.5) * scale, sum = 0, inverse = 1.0 / width;
    int first = (int)(centre - width + 0.5), end = (int)(centre + width + 0.5);
    int32_t *weights = a->weights + (size_t)index * (size_t)a->taps;

    if (first < 0) first = 0;
    if (end > in_size) end = in_size;
    a->first[index] = first;
    a->used[index] = end - first;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < end - first; i++) {
            double distance = fabs((i + first - centre + 0.5) * inverse);
            double weight = distance < 1.0 ? 1.0 - distance : 0.0;
            if (pass == 0)
                sum += weight;
            else
                weights[i] = (int32_t)(0.5 + (sum != 0 ? weight / sum : weight) * (1 << WEIGHT_BITS));
        }
    }
}

/* An axis that keeps its size is one tap of 1, not a triangle: so it is exact. */
static void axis_pick(tsm_resample_axis *a, int position, int index)
{
    a->first[index] = position;
    a->used[index] = 1;
    a->weights[index] = 1 << WEIGHT_BITS;
}

static tsm_status axis_make(tsm_resample_axis *a, int in_size, int out_size, int from, int count, bool mirror,
                            tsm_error *error)
{
    double scale = (double)in_size / out_size;
    double width = scale > 1.0 ? scale : 1.0; /* of half the triangle */
    bool same = in_size == out_size;
    size_t weights;

    a->count = count;
    a->taps = same ? 1 : (int)ceil(width) * 2 + 1;
    a->keeps = same && !mirror;
    a->first = tsm_alloc_zero((size_t)count, sizeof *a->first);
    a->used = tsm_alloc_zero((size_t)count, sizeof *a->used);
    if (!tsm_multiply((size_t)count, (size_t)a->taps, &weights)) return tsm_fail_memory(error, SIZE_MAX);
    a->weights = tsm_alloc_zero(weights, sizeof *a->weights);
    if (!a->first || !a->used || !a->weights) return tsm_fail_memory(error, weights * sizeof *a->weights);
    for (int i = 0; i < count; i++) {
        int index = mirror ? count - 1 - i : i;

        if (same)
            axis_pick(a, from + i, index);
        else
            axis_weights(a, from + i, index, in_size, scale, width);
    }
    return TSM_OK;
}

tsm_status tsm_resample_make(tsm_resample *r, const tsm_resample_spec *spec, tsm_error *error)
{
    const tsm_resample_axis *rows = &r->rows;
    tsm_status status;

    memset(r, 0, sizeof *r);
    r->spec = *spec;
    TSM_TRY(axis_make(&r->columns, spec->in_width, spec->scaled_width, spec->x, spec->width, spec->mirror, error));
    TSM_TRY(axis_make(&r->rows, spec->in_height, spec->scaled_height, spec->y, spec->height, false, error));
    r->row_begin = rows->first[0];
    r->row_end = rows->first[rows->count - 1] + rows->used[rows->count - 1];
    return TSM_OK;
fail:
    tsm_resample_clear(r);
    return status;
}

void tsm_resample_clear(tsm_resample *r)
{
    axis_clear(&r->columns);
    axis_clear(&r->rows);
    memset(r, 0, sizeof *r);
}

/* ---- Loops ---- */

static inline uint8_t to_byte(int32_t sum)
{
    int32_t value = sum >> WEIGHT_BITS;

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void scale_columns(const tsm_resample_axis *a, const uint8_t *in, uint8_t *out)
{
    for (int x = 0; x < a->count; x++) {
        const uint8_t *pixel = in + (size_t)a->first[x] * 3;
        const int32_t *weights = a->weights + (size_t)x * (size_t)a->taps;
        int32_t r = HALF, g = HALF, b = HALF;
        for (int i = 0; i < a->used[x]; i++) {
            r += pixel[3 * i] * weights[i];
            g += pixel[3 * i + 1] * weights[i];
            b += pixel[3 * i + 2] * weights[i];
        }
        out[3 * x] = to_byte(r);
        out[3 * x + 1] = to_byte(g);
        out[3 * x + 2] = to_byte(b);
    }
}

/* One output row from `used` input rows; `sums` has room for a row. */
static void scale_rows(const int32_t *weights, int used, const uint8_t *in, size_t stride, size_t row_bytes,
                       int32_t *sums, uint8_t *out)
{
    for (size_t x = 0; x < row_bytes; x++) sums[x] = HALF;
    for (int i = 0; i < used; i++) {
        const uint8_t *row = in + (size_t)i * stride;
        int32_t weight = weights[i];
        for (size_t x = 0; x < row_bytes; x++) sums[x] += row[x] * weight;
    }
    for (size_t x = 0; x < row_bytes; x++) out[x] = to_byte(sums[x]);
}

/* The sums of a row, then the bytes between. */
size_t tsm_resample_scratch_bytes(const tsm_resample *r)
{
    return (size_t)r->spec.width * 3 * sizeof(int32_t) + tsm_resample_between_bytes(r);
}

void tsm_resample_run(const tsm_resample *r, const uint8_t *in, void *scratch, uint8_t *out)
{
    const tsm_resample_axis *columns = &r->columns, *rows = &r->rows;
    size_t stride = (size_t)r->spec.in_width * 3, row_bytes = (size_t)r->spec.width * 3;
    int32_t *sums = scratch;
    const uint8_t *source = in + (size_t)r->row_begin * stride;

    if (columns->keeps) {
        source += (size_t)columns->first[0] * 3;
    } else {
        uint8_t *narrow = rows->keeps ? out : (uint8_t *)(sums + row_bytes);

        for (int y = 0; y < r->row_end - r->row_begin; y++)
            scale_columns(columns, source + (size_t)y * stride, narrow + (size_t)y * row_bytes);
        if (rows->keeps) return;
        source = narrow;
        stride = row_bytes;
    }
    for (int y = 0; y < rows->count; y++) {
        const uint8_t *from = source + (size_t)(rows->first[y] - r->row_begin) * stride;

        if (rows->keeps)
            memcpy(out + (size_t)y * row_bytes, from, row_bytes);
        else
            scale_rows(rows->weights + (size_t)y * (size_t)rows->taps, rows->used[y], from, stride, row_bytes, sums,
                       out + (size_t)y * row_bytes);
    }
}
