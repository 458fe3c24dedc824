/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c - checks, and the choice between the two ways of scaling. */
#include "resize.h"

#include <string.h>

#include "core/status.h"

static void copy_part(const tsm_rgb *in, const tsm_rect *part, uint8_t *out)
{
    size_t row_bytes = (size_t)part->width * 3;

    for (int y = 0; y < part->height; y++) {
        const uint8_t *row = in->data + ((size_t)(part->y + y) * (size_t)in->width + (size_t)part->x) * 3;
        memcpy(out + (size_t)y * row_bytes, row, row_bytes);
    }
}

tsm_status tsm_resize_part(tsm_video_mode mode, const tsm_rgb *in, int out_width, int out_height,
                           const tsm_rect *part, uint8_t *out, tsm_error *error)
{
    if (out_width == in->width && out_height == in->height) {
        copy_part(in, part, out);
        return TSM_OK;
    }
    if (mode == TSM_MODE_MMACTION2) return tsm_resize_cv(in, out_width, out_height, part, out, error);
    return tsm_resize_pil(in, out_width, out_height, part, out, error);
}

tsm_status tsm_resize_rgb(tsm_video_mode mode, const uint8_t *in, int width, int height, uint8_t *out, int out_width,
                          int out_height, tsm_error *error)
{
    tsm_rgb image = { in, width, height };
    tsm_rect whole = { 0, 0, out_width, out_height };
    size_t pixels, bytes;

    if (!in || !out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: no image, or nowhere to put it");
    if (mode != TSM_MODE_MIT && mode != TSM_MODE_MMACTION2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "mode %d is not known", (int)mode);
    if (width < 1 || height < 1 || out_width < 1 || out_height < 1)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "cannot resize %d x %d to %d x %d", width, height, out_width,
                        out_height);
    if (!tsm_multiply((size_t)out_width, (size_t)out_height, &pixels) || !tsm_multiply(pixels, 3, &bytes))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d x %d pixels are too many", out_width, out_height);
    return tsm_resize_part(mode, &image, out_width, out_height, &whole, out, error);
}
