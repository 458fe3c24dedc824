/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - what finished clips tell and give: facts, the tensor, normalised values. */
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "clips.h"

tsm_status tsm_clips_get_info(const tsm_clips *clips, tsm_clips_info *info)
{
    tsm_clips_info full;
    size_t size;

    if (!clips || !info || info->struct_size < sizeof(size_t) || info->struct_size > sizeof full)
        return TSM_ERROR_ARGUMENT;
    size = info->struct_size;
    full = (tsm_clips_info){
        .struct_size = size,
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
    };
    memcpy(info, &full, size);
    return TSM_OK;
}

tsm_tensor tsm_clips_tensor(const tsm_clips *clips)
{
    if (!clips) return (tsm_tensor){ 0 };
    return (tsm_tensor){
        .data = clips->pixels,
        .memory = TSM_MEMORY_HOST,
        .dtype = TSM_UINT8,
        .layout = TSM_NTHWC,
        .ndim = 5,
        .dims = { (int64_t)clips->views * clips->samples, clips->segments, clips->crop, clips->crop, 3 },
    };
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
