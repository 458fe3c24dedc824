/* SPDX-License-Identifier: Apache-2.0 */
/* clips_read.c - what a caller reads from finished clips: facts, the tensor, resizes, normalised values. */
#include <math.h>

#include "core/status.h"
#include "clips.h"

tsm_status tsm_clips_get_info(const tsm_clips *clips, tsm_clips_info *info)
{
    if (!clips || !info) return TSM_ERROR_ARGUMENT;
    return tsm_info_write(info,
                          &(tsm_clips_info){
                              .width = clips->width,
                              .height = clips->height,
                              .frames = clips->frames,
                              .duration_s = clips->duration_s,
                              .codec = clips->codec,
                              .views = clips->views,
                              .samples = clips->samples,
                              .segments = clips->segments,
                              .numbers = clips->numbers,
                              .decode_ms = clips->decode_ms,
                              .preprocess_ms = clips->preprocess_ms,
                              .crop = clips->crop,
                              .pattern = clips->pattern,
                              .note = clips->note,
                          },
                          sizeof *info);
}

tsm_tensor tsm_clips_tensor(const tsm_clips *clips)
{
    tsm_tensor tensor = { .dtype = TSM_UINT8, .layout = TSM_NTHWC, .ndim = 5 };

    if (!clips) return (tsm_tensor){ 0 };
    tensor.data = clips->pixels;
    tensor.memory = clips->allocator.memory;
    tensor.dims[0] = (int64_t)(clips->raw ? 1 : clips->views) * clips->samples;
    tensor.dims[1] = clips->segments;
    tensor.dims[2] = clips->raw ? clips->height : clips->crop;
    tensor.dims[3] = clips->raw ? clips->width : clips->crop;
    tensor.dims[4] = 3;
    return tensor;
}

tsm_status tsm_clips_get_resize(const tsm_clips *clips, int view, tsm_resize *resize, tsm_error *error)
{
    tsm_view views[TSM_MAX_VIEWS];
    tsm_resize made = TSM_RESIZE_INIT;

    if (!clips || !resize) return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: clips, and room for it, are needed");
    if (view < 0 || view >= clips->views)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "view %d of %d does not exist", view, clips->views);
    if (clips->mode != TSM_MODE_MIT)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "resize: networks scale as mode mit does, not as mmaction2");
    TSM_TRY_RETURN(
        tsm_clips_views(clips, clips->width, clips->height, views, &made.scaled_width, &made.scaled_height, error));
    if (made.scaled_width > TSM_MAX_SIDE || made.scaled_height > TSM_MAX_SIDE)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "resize: %d x %d pixels, at most %d a side are possible",
                        made.scaled_width, made.scaled_height, TSM_MAX_SIDE);
    made.width = clips->width;
    made.height = clips->height;
    made.x = views[view].x;
    made.y = views[view].y;
    made.mirror = views[view].mirror;
    if (tsm_info_write(resize, &made, sizeof made) == TSM_OK) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "tsm_resize: struct_size is %zu", resize->struct_size);
}

/* Every pixel value's result: the operations, in float32, of dividing by 255 and then normalising a tensor. */
static void fill_table(float table[256], float mean, float std)
{
    for (int value = 0; value < 256; value++) {
        float scaled = (float)value / 255.0f;
        float centred = scaled - mean;
        table[value] = centred / std;
    }
}

tsm_status tsm_clips_normalize(const tsm_clips *clips, const float mean[3], const float std[3], float *out,
                               tsm_error *error)
{
    float table[3][256];
    size_t frames, pixels;

    if (!clips || !mean || !std || !out)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "normalise: clips, mean, std and room for the result are needed");
    if (clips->raw) return tsm_fail(error, TSM_ERROR_ARGUMENT, "normalise: these frames are not cut to views");
    for (int c = 0; c < 3; c++) {
        if (!isfinite(mean[c]) || !isfinite(std[c]) || std[c] <= 0)
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "normalise: mean %g and std %g of channel %d are not usable",
                            (double)mean[c], (double)std[c], c);
        fill_table(table[c], mean[c], std[c]);
    }
    frames = (size_t)clips->views * (size_t)clips->samples * (size_t)clips->segments;
    pixels = (size_t)clips->crop * (size_t)clips->crop;
    for (size_t frame = 0; frame < frames; frame++) {
        const uint8_t *in = clips->pixels + frame * pixels * 3;
        float *planes = out + frame * pixels * 3;
        for (size_t i = 0; i < pixels; i++)
            for (size_t c = 0; c < 3; c++) planes[c * pixels + i] = table[c][in[3 * i + c]];
    }
    return TSM_OK;
}
