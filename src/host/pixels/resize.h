/* SPDX-License-Identifier: Apache-2.0 */
/* resize.h - scaling RGB images as the reference pipelines do, computing only the part that is needed. */
#ifndef TSM_PIXELS_RESIZE_H
#define TSM_PIXELS_RESIZE_H

#include <tsm/video.h>

#include "resample.h"
#include "resize_cv.h"

/* A rectangle, pixels. */
typedef struct tsm_rect {
    int x, y, width, height;
} tsm_rect;

/* Pixels (height, width, 3), rows dense. The struct does not own them. */
typedef struct tsm_rgb {
    const uint8_t *data;
    int width, height;
} tsm_rgb;

/* What is computed of an image: the bytes that `part` has once the image is scaled. Pixels. */
typedef struct tsm_resize_spec {
    tsm_video_mode mode;
    int in_width, in_height, out_width, out_height;
    tsm_rect part; /* lies within the scaled image */
} tsm_resize_spec;

/* Tables and scratch for images of one size, used again for every frame. Zeroed to begin with. */
typedef struct tsm_resizer {
    tsm_resize_spec spec;
    bool ready;
    tsm_resample resample; /* TSM_MODE_MIT */
    tsm_cv_tables cv;      /* TSM_MODE_MMACTION2 */
    void *scratch;         /* of resample */
} tsm_resizer;

/* Makes the resizer ready for `spec`; nothing is done where it is already. Errors: MEMORY; it is then as zeroed. */
tsm_status tsm_resizer_set(tsm_resizer *resizer, const tsm_resize_spec *spec, tsm_error *error);

/* One image, of the spec's size, to (part.height, part.width, 3), dense. */
void tsm_resizer_run(tsm_resizer *resizer, const uint8_t *in, uint8_t *out);

/* Frees the tables; the resizer is then as zeroed. */
void tsm_resizer_clear(tsm_resizer *resizer);

#endif
