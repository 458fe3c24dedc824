/* SPDX-License-Identifier: Apache-2.0 */
/* clips.c - see clips.h. */
#include "clips.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/status.h"
#include "limits.h"

double tsm_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

void tsm_clips_destroy(tsm_clips **clips)
{
    if (!clips || !*clips) return;
    tsm_free((*clips)->numbers);
    tsm_free((*clips)->wanted);
    tsm_free((*clips)->pixels);
    tsm_free((*clips)->scaled);
    tsm_free(*clips);
    *clips = NULL;
}

/* What the options say, with defaults filled in. A smaller struct_size is an older caller: the rest is zero. */
static tsm_status read_options(tsm_clips *clips, const tsm_video_options *given, tsm_error *error)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    int input;

    if (given) {
        if (given->struct_size < sizeof(size_t) || given->struct_size > sizeof options)
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "video options: struct_size %zu is not known",
                            given->struct_size);
        memcpy(&options, given, given->struct_size);
    }
    clips->mode = options.mode;
    clips->sampling = options.sampling;
    clips->views = options.views ? options.views : 1;
    clips->samples = tsm_sampling_clips(options.sampling);
    clips->segments = options.segments ? options.segments : 8;
    clips->threads = options.threads ? options.threads : 1;
    if (clips->threads < 1 || clips->threads > TSM_MAX_THREADS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d decoder threads: 1 to %d are possible", clips->threads,
                        TSM_MAX_THREADS);
    input = options.input_size ? options.input_size : 224;
    if (input < 1 || input > TSM_MAX_CROP)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "input size %d: 1 to %d pixels are possible", input, TSM_MAX_CROP);
    clips->scale = options.scale_size ? options.scale_size : input * 256 / 224;
    if (clips->scale < input || clips->scale > 2 * TSM_MAX_CROP)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "scale size %d: %d (the input size) to %d pixels are possible",
                        clips->scale, input, 2 * TSM_MAX_CROP);
    clips->crop = options.full_res ? clips->scale : input;
    if (clips->segments < 1 || clips->segments > TSM_MAX_SEGMENTS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d segments: 1 to %d are possible", clips->segments,
                        TSM_MAX_SEGMENTS);
    return TSM_OK;
}

static size_t frame_bytes(const tsm_clips *clips)
{
    return (size_t)clips->crop * (size_t)clips->crop * 3;
}

tsm_status tsm_clips_create(tsm_clips **out, const tsm_video_options *options, tsm_error *error)
{
    tsm_clips *clips = tsm_alloc_zero(1, sizeof *clips);
    tsm_view view;
    tsm_status status = TSM_OK;
    size_t numbers, places, bytes;

    *out = NULL;
    if (!clips) return tsm_fail_memory(error, sizeof *clips);
    TSM_TRY(read_options(clips, options, error));
    /* A square frame fits every combination that can fit at all: what fails here is the caller's. */
    TSM_TRY(tsm_view_get(clips->mode, clips->views, 0, clips->scale, clips->scale, clips->crop, &view, error));

    numbers = (size_t)clips->samples * (size_t)clips->segments;
    places = numbers * (size_t)clips->views;
    clips->numbers = tsm_alloc_zero(numbers, sizeof *clips->numbers);
    clips->wanted = tsm_alloc_zero(numbers, sizeof *clips->wanted);
    if (!tsm_multiply(places, frame_bytes(clips), &bytes)) bytes = SIZE_MAX;
    clips->pixels = tsm_alloc_aligned(places, frame_bytes(clips));
    if (!clips->numbers || !clips->wanted || !clips->pixels) {
        status = tsm_fail_memory(error, bytes);
        goto fail;
    }
    /* Refuses an unknown mode or sampling before any file is opened. */
    TSM_TRY(tsm_clips_plan(clips, 1, error));
    *out = clips;
    return TSM_OK;
fail:
    tsm_clips_destroy(&clips);
    return status;
}

static int compare_ints(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;

    return (left > right) - (left < right);
}

tsm_status tsm_clips_plan(tsm_clips *clips, int frames, tsm_error *error)
{
    size_t count = (size_t)clips->samples * (size_t)clips->segments;

    TSM_TRY_RETURN(
        tsm_sample_frames(clips->mode, clips->sampling, frames, clips->segments, 1, clips->numbers, error));
    clips->frames = frames;
    clips->width = clips->height = 0;
    memcpy(clips->wanted, clips->numbers, count * sizeof *clips->wanted);
    qsort(clips->wanted, count, sizeof *clips->wanted, compare_ints);
    clips->wanted_count = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || clips->wanted[i] != clips->wanted[i - 1])
            clips->wanted[clips->wanted_count++] = clips->wanted[i];
    return TSM_OK;
}

bool tsm_clips_want(const tsm_clips *clips, int number)
{
    return bsearch(&number, clips->wanted, (size_t)clips->wanted_count, sizeof number, compare_ints) != NULL;
}

/* ---- Cutting a frame ---------------------------------------------------------------------------------------- */

enum { MAX_VIEWS = 10 };

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

static tsm_status make_room(tsm_clips *clips, const tsm_rect *part, tsm_error *error)
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

    for (size_t place = 0; place < per_view; place++) {
        if (clips->numbers[place] != number) continue;
        for (int v = 0; v < clips->views; v++)
            cut_view(clips->scaled, part, &views[v],
                     clips->pixels + ((size_t)v * per_view + place) * frame_bytes(clips));
    }
}

tsm_status tsm_clips_put(tsm_clips *clips, int number, const tsm_rgb *frame, tsm_error *error)
{
    double start = tsm_clock_ms();
    tsm_view views[MAX_VIEWS];
    tsm_rect part;
    int width, height;

    if (!clips->width) {
        clips->width = frame->width;
        clips->height = frame->height;
    }
    tsm_scaled_size(clips->mode, frame->width, frame->height, clips->scale, &width, &height);
    for (int v = 0; v < clips->views; v++)
        TSM_TRY_RETURN(tsm_view_get(clips->mode, clips->views, v, width, height, clips->crop, &views[v], error));
    part = rect_around(views, clips->views);
    TSM_TRY_RETURN(make_room(clips, &part, error));
    TSM_TRY_RETURN(tsm_resize_part(clips->mode, frame, width, height, &part, clips->scaled, error));
    cut_into_places(clips, number, &part, views);
    clips->preprocess_ms += tsm_clock_ms() - start;
    return TSM_OK;
}
