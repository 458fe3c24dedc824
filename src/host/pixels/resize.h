/* SPDX-License-Identifier: Apache-2.0 */
/* resize.h - scaling RGB images as the reference pipelines do, computing only the part that is needed. */
#ifndef TSM_PIXELS_RESIZE_H
#define TSM_PIXELS_RESIZE_H

#include <tsm/video.h>

/* A rectangle, pixels. */
typedef struct tsm_rect {
    int x, y, width, height;
} tsm_rect;

/* Pixels (height, width, 3), rows dense. The struct does not own them. */
typedef struct tsm_rgb {
    const uint8_t *data;
    int width, height;
} tsm_rgb;

/* The bytes that `part` of the image has once that is scaled to out_width x out_height; `out` is (part->height,
 * part->width, 3), dense. The part must lie within the scaled image. Errors: MEMORY. */
tsm_status tsm_resize_part(tsm_video_mode mode, const tsm_rgb *in, int out_width, int out_height,
                           const tsm_rect *part, uint8_t *out, tsm_error *error);

/* Its two implementations. Both expect that at least one side changes. */
tsm_status tsm_resize_pil(const tsm_rgb *in, int out_width, int out_height, const tsm_rect *part, uint8_t *out,
                          tsm_error *error);
tsm_status tsm_resize_cv(const tsm_rgb *in, int out_width, int out_height, const tsm_rect *part, uint8_t *out,
                         tsm_error *error);

#endif
