/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - see convert.h. */
#include "convert.h"

#include <errno.h>

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include "core/status.h"

enum { MARGIN = 64 }; /* bytes that vector code may write behind the last pixel */

void tsm_converter_free(tsm_converter *converter)
{
    sws_freeContext(converter->scaler);
    tsm_free(converter->rgb);
    tsm_free(converter->turned);
    *converter = (tsm_converter){ 0 };
}

/* ---- Colours ------------------------------------------------------------------------------------------------ */

static int matrix_of(const AVFrame *frame)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709: return SWS_CS_ITU709;
    case AVCOL_SPC_FCC: return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020;
    default: return SWS_CS_ITU601;
    }
}

static int range_of(const AVFrame *frame)
{
    switch (frame->format) {
    case AV_PIX_FMT_YUVJ411P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ444P: return 1;
    default: return frame->color_range == AVCOL_RANGE_JPEG;
    }
}

/* Makes scaler and buffers anew where the frame differs from the one before. */
static tsm_status prepare(tsm_converter *c, const AVFrame *frame, tsm_error *error)
{
    static const int flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT;
    int matrix = matrix_of(frame), range = range_of(frame);
    size_t bytes = (size_t)frame->width * (size_t)frame->height * 3 + MARGIN;
    const char *name = av_get_pix_fmt_name(frame->format);

    if (c->scaler && c->width == frame->width && c->height == frame->height && c->format == frame->format &&
        c->matrix == matrix && c->range == range)
        return TSM_OK;
    sws_freeContext(c->scaler);
    c->scaler = NULL;
    tsm_free(c->rgb);
    tsm_free(c->turned);
    c->turned = NULL;
    c->rgb = tsm_alloc_aligned(bytes, 1);
    if (c->rgb && (c->turn.transpose || c->turn.mirror_x || c->turn.mirror_y))
        c->turned = tsm_alloc_aligned(bytes, 1);
    if (!c->rgb || ((c->turn.transpose || c->turn.mirror_x || c->turn.mirror_y) && !c->turned))
        return tsm_fail_memory(error, bytes);

    errno = 0;
    c->scaler = sws_getContext(frame->width, frame->height, frame->format, frame->width, frame->height,
                               AV_PIX_FMT_RGB24, flags, NULL, NULL, NULL);
    if (errno == ENOMEM) return tsm_fail_memory(error, bytes);
    if (!c->scaler)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "pixel format %s cannot be converted to RGB",
                        name ? name : "unknown");
    /* Formats that are RGB already refuse these details, and need none. Without memory for its tables swscale goes on
     * with others. */
    errno = 0;
    sws_setColorspaceDetails(c->scaler, sws_getCoefficients(matrix), range, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
                             1 << 16, 1 << 16);
    if (errno == ENOMEM) return tsm_fail_memory(error, bytes);
    c->width = frame->width;
    c->height = frame->height;
    c->format = frame->format;
    c->matrix = matrix;
    c->range = range;
    return TSM_OK;
}

/* ---- Orientation -------------------------------------------------------------------------------------------- */

tsm_turn tsm_turn_from_matrix(const int32_t *matrix)
{
    tsm_turn turn = { 0 };
    int64_t a, b, c, d;

    if (!matrix) return turn;
    /* A point goes to (a x + c y, b x + d y). */
    a = matrix[0];
    b = matrix[1];
    c = matrix[3];
    d = matrix[4];
    if (a && d && llabs(b) * 64 < llabs(a) && llabs(c) * 64 < llabs(d)) {
        turn = (tsm_turn){ .mirror_x = a < 0, .mirror_y = d < 0 };
    } else if (b && c && llabs(a) * 64 < llabs(b) && llabs(d) * 64 < llabs(c)) {
        turn = (tsm_turn){ .transpose = true, .mirror_x = c < 0, .mirror_y = b < 0 };
    }
    return turn;
}

/* Walks the upright image in order, and the frame along whichever way that is. */
static void turn_pixels(tsm_turn turn, const uint8_t *in, int in_width, const tsm_rgb *size, uint8_t *out)
{
    ptrdiff_t step_x = turn.transpose ? in_width : 1, step_y = turn.transpose ? 1 : in_width, start = 0;

    if (turn.mirror_x) {
        start += step_x * (size->width - 1);
        step_x = -step_x;
    }
    if (turn.mirror_y) {
        start += step_y * (size->height - 1);
        step_y = -step_y;
    }
    for (int y = 0; y < size->height; y++) {
        const uint8_t *pixel = in + 3 * (start + y * step_y);
        for (int x = 0; x < size->width; x++, pixel += 3 * step_x, out += 3) memcpy(out, pixel, 3);
    }
}

tsm_status tsm_convert(tsm_converter *converter, const AVFrame *frame, tsm_rgb *out, tsm_error *error)
{
    uint8_t *planes[4] = { 0 };
    int strides[4] = { 0 };

    TSM_TRY_RETURN(prepare(converter, frame, error));
    planes[0] = converter->rgb;
    strides[0] = frame->width * 3;
    errno = 0;
    if (sws_scale(converter->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, planes,
                  strides) != frame->height)
        return errno == ENOMEM ? tsm_fail_memory(error, sizeof *frame)
                               : tsm_fail(error, TSM_ERROR_FORMAT, "a frame could not be converted to RGB");
    *out = (tsm_rgb){ converter->rgb, frame->width, frame->height };
    if (!converter->turned) return TSM_OK;
    if (converter->turn.transpose) {
        out->width = frame->height;
        out->height = frame->width;
    }
    turn_pixels(converter->turn, converter->rgb, frame->width, out, converter->turned);
    out->data = converter->turned;
    return TSM_OK;
}
