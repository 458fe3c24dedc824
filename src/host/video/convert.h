/* SPDX-License-Identifier: Apache-2.0 */
/* convert.h - decoded frames of any pixel format to RGB, turned upright. */
#ifndef TSM_VIDEO_CONVERT_H
#define TSM_VIDEO_CONVERT_H

#include <stdbool.h>

#include <libavutil/frame.h>
#include <libswscale/swscale.h>

#include "pixels/pixels.h"

/* How to turn a frame: first exchange x and y, then mirror. */
typedef struct tsm_turn {
    bool transpose, mirror_x, mirror_y;
} tsm_turn;

/* Zeroed to begin with; keeps its buffers and tables from frame to frame. */
typedef struct tsm_converter {
    tsm_turn turn;
    struct SwsContext *scaler;
    int width, height, format, matrix, range; /* what the scaler is made for */
    uint8_t *rgb, *turned;
} tsm_converter;

/* From a display matrix (9 values) or NULL; angles other than quarter turns count as none. */
tsm_turn tsm_turn_from_matrix(const int32_t *matrix);

/* The RGB pixels of `frame`, upright, valid until the next call. Matrix and range are those the frame is tagged with;
 * untagged ones are BT.601 in limited range, whatever their size, which is what FFmpeg's own conversions assume.
 * The frame's size has been checked. Errors: UNSUPPORTED (a format that cannot be converted), MEMORY. */
tsm_status tsm_convert(tsm_converter *converter, const AVFrame *frame, tsm_rgb *out, tsm_error *error);
void tsm_converter_free(tsm_converter *converter);

#endif
