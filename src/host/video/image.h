/* SPDX-License-Identifier: Apache-2.0 */
/* image.h - still images as Pillow reads them with convert("RGB"). */
#ifndef TSM_VIDEO_IMAGE_H
#define TSM_VIDEO_IMAGE_H

#include <stdbool.h>
#include <stdio.h>
#include <tsm/video.h>

#include "limits.h"

/* Pixels (height, width, 3), rows dense, owned; released with tsm_free(data). */
typedef struct tsm_image {
    uint8_t *data;
    int width, height;
} tsm_image;

/* A file on its way to pixels; borrowed. */
typedef struct tsm_image_source {
    const char *path; /* for errors */
    const tsm_limits *limits;
    FILE *file;
} tsm_image_source;

/* Reads a JPEG or PNG file, told apart by its first bytes; *kind becomes "jpeg" or "png".
 * Errors: IO, FORMAT (damaged, cut short, or neither), UNSUPPORTED (beyond a limit, no regular file), CANCELLED,
 * MEMORY. */
tsm_status tsm_image_read(tsm_image *image, const char *path, const tsm_limits *limits, const char **kind,
                          tsm_error *error);

/* The two readers; the file stands at its start. On failure `image` holds nothing. */
tsm_status tsm_jpeg_read(tsm_image *image, const tsm_image_source *source, tsm_error *error);
tsm_status tsm_png_read(tsm_image *image, const tsm_image_source *source, tsm_error *error);

/* Makes room for the pixels, within the limits. */
tsm_status tsm_image_alloc(tsm_image *image, uint32_t width, uint32_t height, const tsm_image_source *source,
                           tsm_error *error);

#endif
