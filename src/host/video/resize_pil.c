/* resize_pil.c - bilinear scaling with antialias, byte for byte as Pillow does it.
 *
 * A triangle filter as wide as the scale; weights in double, normalised, then rounded to 22 fractional bits; sums in
 * int32. Columns first, then rows, with bytes in between; an axis that keeps its size is left out. The order of the
 * floating-point operations decides the last bit of a weight and must stay as it is.
 */
#include <math.h>

#include "core/memory.h"
#include "core/status.h"
#include "video/resize.h"

enum { WEIGHT_BITS = 22, HALF = 1 << (WEIGHT_BITS - 1) };

/* For output positions [from, from + count) of an axis: which inputs they read, with which weights. */
typedef struct axis {
    int count, taps; /* taps: room for weights per position */
    int *first, *used;
    int32_t *weights; /* (count, taps) */
} axis;

static void axis_free(axis *a)
{
    tsm_free(a->first);
    tsm_free(a->used);
    tsm_free(a->weights);
}

static void axis_weights(axis *a, int position, int index, int in_size, double scale, double width)
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

static tsm_status axis_build(axis *a, int in_size, int out_size, int from, int count, tsm_error *error)
{
    double scale = (double)in_size / out_size;
    double width = scale > 1.0 ? scale : 1.0; /* of half the triangle */
    size_t weights;

    a->count = count;
    a->taps = (int)ceil(width) * 2 + 1;
    a->first = tsm_alloc_zero((size_t)count, sizeof *a->first);
    a->used = tsm_alloc_zero((size_t)count, sizeof *a->used);
    if (!tsm_multiply((size_t)count, (size_t)a->taps, &weights)) return tsm_fail_memory(error, SIZE_MAX);
    a->weights = tsm_alloc_zero(weights, sizeof *a->weights);
    if (!a->first || !a->used || !a->weights) return tsm_fail_memory(error, weights * sizeof *a->weights);
    for (int i = 0; i < count; i++) axis_weights(a, from + i, i, in_size, scale, width);
    return TSM_OK;
}

static inline uint8_t to_byte(int32_t sum)
{
    int32_t value = sum >> WEIGHT_BITS;

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void scale_columns(const axis *a, const uint8_t *in, uint8_t *out)
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

/* Fills `out` from rows that already have the width of the part; row 0 of `rows` is input row `origin`. */
static tsm_status scale_vertically(const axis *a, const uint8_t *rows, size_t stride, int origin, size_t row_bytes,
                                   uint8_t *out, tsm_error *error)
{
    int32_t *sums = tsm_alloc_aligned(row_bytes, sizeof *sums);

    if (!sums) return tsm_fail_memory(error, row_bytes * sizeof *sums);
    for (int y = 0; y < a->count; y++)
        scale_rows(a->weights + (size_t)y * (size_t)a->taps, a->used[y],
                   rows + (size_t)(a->first[y] - origin) * stride, stride, row_bytes, sums,
                   out + (size_t)y * row_bytes);
    tsm_free(sums);
    return TSM_OK;
}

tsm_status tsm_resize_pil(const tsm_rgb *in, int out_width, int out_height, const tsm_rect *part, uint8_t *out,
                          tsm_error *error)
{
    axis columns = { 0 }, rows = { 0 };
    uint8_t *narrow = NULL; /* the input rows that are read, at the width of the part */
    size_t stride = (size_t)in->width * 3, row_bytes = (size_t)part->width * 3;
    const uint8_t *source;
    tsm_status status = TSM_OK;
    int top = part->y, bottom = part->y + part->height;

    if (out_height != in->height) {
        TSM_TRY(axis_build(&rows, in->height, out_height, part->y, part->height, error));
        top = rows.first[0];
        bottom = rows.first[rows.count - 1] + rows.used[rows.count - 1];
    }
    source = in->data + (size_t)top * stride + (size_t)part->x * 3;
    if (out_width != in->width) {
        TSM_TRY(axis_build(&columns, in->width, out_width, part->x, part->width, error));
        if (out_height != in->height) {
            narrow = tsm_alloc_aligned((size_t)(bottom - top), row_bytes);
            if (!narrow) {
                status = tsm_fail_memory(error, (size_t)(bottom - top) * row_bytes);
                goto fail;
            }
        }
        for (int y = top; y < bottom; y++)
            scale_columns(&columns, in->data + (size_t)y * stride,
                          (narrow ? narrow : out) + (size_t)(y - top) * row_bytes);
        source = narrow;
        stride = row_bytes;
    }
    if (out_height != in->height) status = scale_vertically(&rows, source, stride, top, row_bytes, out, error);
fail:
    tsm_free(narrow);
    axis_free(&columns);
    axis_free(&rows);
    return status;
}
