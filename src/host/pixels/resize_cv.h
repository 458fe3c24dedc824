/* SPDX-License-Identifier: Apache-2.0 */
/* resize_cv.h - bilinear scaling without antialias, byte for byte as OpenCV's INTER_LINEAR on 8-bit images. */
#ifndef TSM_PIXELS_RESIZE_CV_H
#define TSM_PIXELS_RESIZE_CV_H

#include "core/status.h"

/* One side of an image: its size, the size it is scaled to, and the part of that which is computed. */
typedef struct tsm_cv_axis {
    int in_size, out_size;
    int from, count;
} tsm_cv_axis;

typedef struct tsm_cv_tap {
    int first, second;   /* input positions */
    int weight, weight2; /* 11 fractional bits */
} tsm_cv_tap;

/* All that depends on sizes alone, and room for two scaled rows. Zeroed to begin with. */
typedef struct tsm_cv_tables {
    tsm_cv_tap *columns, *rows;
    int width, height; /* of the part */
    int16_t *scaled[2];
} tsm_cv_tables;

/* Errors: MEMORY; what was made until then is for tsm_cv_tables_clear. */
tsm_status tsm_cv_tables_make(tsm_cv_tables *tables, const tsm_cv_axis *columns, const tsm_cv_axis *rows,
                              tsm_error *error);
void tsm_cv_tables_clear(tsm_cv_tables *tables);

/* One image, `in_width` pixels wide, to (height, width, 3), dense. */
void tsm_cv_scale(tsm_cv_tables *tables, const uint8_t *in, int in_width, uint8_t *out);

#endif
