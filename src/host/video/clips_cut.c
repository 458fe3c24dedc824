/* SPDX-License-Identifier: Apache-2.0 */
/* clips_cut.c - a frame on its way into clips: scaled and cut to every view, or kept whole. */
#include <string.h>

#include "clips.h"
#include "core/status.h"
#include "limits.h"

tsm_status tsm_clips_views(const tsm_clips *clips, int frame_width, int frame_height, tsm_view views[TSM_MAX_VIEWS],
                           int *width, int *height, tsm_error *error)
{
    tsm_scaled_size(clips->mode, frame_width, frame_height, clips->scale, width, height);
    for (int v = 0; v < clips->views; v++)
        TSM_TRY_RETURN(tsm_view_get(clips->mode, clips->views, v, *width, *height, clips->crop, &views[v], error));
    return TSM_OK;
}

/* ---- Views -------------------------------------------------------------------------------------------------- */

static tsm_rect rect_around(const tsm_view *views, int count)
{
    int left = views[0].x, top = views[0].y, right = left + views[0].size, bottom = top + views[0].size;

    for (int i = 1; i < count; i++) {
        if (views[i].x < left) left = views[i].x;
        if (views[i].y < top) top = views[i].y;
        if (views[i].x + views[i].size > right) right = views[i].x + views[i].size;
        if (views[i].y + views[i].size > bottom) bottom = views[i].y + views[i].size;
    }
    return (tsm_rect){ left, top, right - left, bottom - top };
}

static void cut_row(const uint8_t *in, int size, int mirror, uint8_t *out)
{
    if (!mirror) {
        memcpy(out, in, (size_t)size * 3);
        return;
    }
    for (int x = 0; x < size; x++) memcpy(out + 3 * x, in + 3 * (size - 1 - x), 3);
}

static void cut_view(const uint8_t *scaled, const tsm_rect *part, const tsm_view *view, uint8_t *out)
{
    for (int y = 0; y < view->size; y++) {
        size_t row = (size_t)(view->y - part->y + y) * (size_t)part->width + (size_t)(view->x - part->x);
        cut_row(scaled + row * 3, view->size, view->mirror, out + (size_t)y * (size_t)view->size * 3);
    }
}

static tsm_status make_scaled(tsm_clips *clips, const tsm_rect *part, tsm_error *error)
{
    size_t bytes = (size_t)part->width * (size_t)part->height * 3;

    if ((int64_t)part->width * part->height > TSM_MAX_PIXELS)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "a frame of %d x %d pixels is too long and narrow to scale",
                        clips->width, clips->height);
    if (bytes <= clips->scaled_bytes) return TSM_OK;
    tsm_free(clips->scaled);
    clips->scaled_bytes = 0;
    clips->scaled = tsm_alloc_aligned(bytes, 1);
    if (!clips->scaled) return tsm_fail_memory(error, bytes);
    clips->scaled_bytes = bytes;
    return TSM_OK;
}

static void cut_into_places(tsm_clips *clips, int number, const tsm_rect *part, const tsm_view *views)
{
    size_t per_view = (size_t)clips->samples * (size_t)clips->segments;
    size_t frame_bytes = (size_t)clips->crop * (size_t)clips->crop * 3;

    for (size_t place = 0; place < per_view; place++) {
        if (clips->numbers[place] != number) continue;
        for (int v = 0; v < clips->views; v++)
            cut_view(clips->scaled, part, &views[v], clips->pixels + ((size_t)v * per_view + place) * frame_bytes);
    }
}

static tsm_status put_views(tsm_clips *clips, int number, const tsm_rgb *frame, tsm_error *error)
{
    tsm_resize_spec spec = { .mode = clips->mode, .in_width = frame->width, .in_height = frame->height };
    tsm_view views[TSM_MAX_VIEWS] = { 0 };

    TSM_TRY_RETURN(
        tsm_clips_views(clips, frame->width, frame->height, views, &spec.out_width, &spec.out_height, error));
    spec.part = rect_around(views, clips->views);
    TSM_TRY_RETURN(make_scaled(clips, &spec.part, error));
    TSM_TRY_RETURN(tsm_resizer_set(&clips->resizer, &spec, error));
    tsm_resizer_run(&clips->resizer, frame->data, clips->scaled);
    cut_into_places(clips, number, &spec.part, views);
    return TSM_OK;
}

/* ---- Whole frames ------------------------------------------------------------------------------------------- */

static tsm_status put_raw(tsm_clips *clips, int number, const tsm_rgb *frame, tsm_error *error)
{
    size_t places = (size_t)clips->samples * (size_t)clips->segments;
    size_t frame_bytes = (size_t)frame->width * (size_t)frame->height * 3;

    if (frame->width != clips->width || frame->height != clips->height)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED,
                        "frames of %d x %d and of %d x %d pixels cannot be handed over unscaled", clips->width,
                        clips->height, frame->width, frame->height);
    if (!clips->pixels) TSM_TRY_RETURN(tsm_clips_make_room(clips, places, frame_bytes, error));
    for (size_t place = 0; place < places; place++)
        if (clips->numbers[place] == number) memcpy(clips->pixels + place * frame_bytes, frame->data, frame_bytes);
    return TSM_OK;
}

tsm_status tsm_clips_put(tsm_clips *clips, int number, const tsm_rgb *frame, tsm_error *error)
{
    double start = tsm_now_ms();

    if (!clips->width) {
        clips->width = frame->width;
        clips->height = frame->height;
    }
    TSM_TRY_RETURN(clips->raw ? put_raw(clips, number, frame, error) : put_views(clips, number, frame, error));
    clips->preprocess_ms += tsm_now_ms() - start;
    return TSM_OK;
}
