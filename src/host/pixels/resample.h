/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resample.h - bilinear scaling with antialias, cropping and mirroring of RGB bytes, byte for byte as Pillow does it.
 *
 * A triangle filter as wide as the scale; weights in double, normalised, then rounded to 22 fractional bits; sums in
 * int32. Columns first, then rows, with bytes in between. All that depends on sizes is in tables, made once, that are
 * the same for the loops here and for the kernel on a GPU; only what the crop needs is in them.
 */
#ifndef TSM_PIXELS_RESAMPLE_H
#define TSM_PIXELS_RESAMPLE_H

#include "core/status.h"

/* Output i is the sum over used[i] inputs from first[i] on, the k-th weighted by weights[i * taps + k]. */
typedef struct tsm_resample_axis {
    int count, taps;
    bool keeps; /* neither scaled nor mirrored: output i is input first[0] + i, which also the tables say */
    int32_t *first, *used, *weights;
} tsm_resample_axis;

/* Pixels. The crop lies within the scaled image; all sizes are at least 1. */
typedef struct tsm_resample_spec {
    int in_width, in_height;
    int scaled_width, scaled_height;
    int x, y, width, height; /* the crop */
    bool mirror;             /* of the crop, left to right */
} tsm_resample_spec;

typedef struct tsm_resample {
    tsm_resample_spec spec;
    int row_begin, row_end; /* the input rows that are read */
    tsm_resample_axis columns, rows;
} tsm_resample;

/* Errors: MEMORY. */
tsm_status tsm_resample_make(tsm_resample *resample, const tsm_resample_spec *spec, tsm_error *error);

/* Frees the tables and zeroes the struct; a zeroed one is fine. */
void tsm_resample_clear(tsm_resample *resample);

/* Bytes between columns and rows of one image. */
static inline size_t tsm_resample_between_bytes(const tsm_resample *r)
{
    return (size_t)(r->row_end - r->row_begin) * (size_t)r->spec.width * 3;
}

/* Bytes that tsm_resample_run needs besides, aligned for int32. */
size_t tsm_resample_scratch_bytes(const tsm_resample *resample);

/* One image (in_height, in_width, 3) to (height, width, 3), rows dense. */
void tsm_resample_run(const tsm_resample *resample, const uint8_t *in, void *scratch, uint8_t *out);

#endif
