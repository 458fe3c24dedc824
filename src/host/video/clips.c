/* SPDX-License-Identifier: Apache-2.0 */
/* clips.c - see clips.h: what the options ask for, the memory for it, and which frames that takes. */
#include "clips.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"

/* ---- Memory ------------------------------------------------------------------------------------------------- */

static void *allocate(void *user, size_t bytes)
{
    (void)user;
    return tsm_alloc_aligned(bytes, 1);
}

static void release(void *user, void *memory)
{
    (void)user;
    tsm_free(memory);
}

static void drop_pixels(tsm_clips *clips)
{
    if (clips->pixels) clips->allocator.release(clips->allocator.user, clips->pixels);
    clips->pixels = NULL;
}

void tsm_clips_destroy(tsm_clips **clips)
{
    tsm_clips *c = clips ? *clips : NULL;

    if (!c) return;
    tsm_free(c->numbers);
    tsm_free(c->wanted);
    tsm_free(c->frame_pattern);
    tsm_free(c->pattern);
    tsm_free(c->note);
    drop_pixels(c);
    tsm_resizer_clear(&c->resizer);
    tsm_free(c->scaled);
    tsm_free(c);
    *clips = NULL;
}

tsm_status tsm_clips_make_room(tsm_clips *clips, size_t frames, size_t frame_bytes, tsm_error *error)
{
    size_t bytes;

    if (!tsm_multiply(frames, frame_bytes, &bytes) || bytes > (uint64_t)clips->limits.clip_bytes)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED,
                        "%zu frames of %zu bytes make clips of more than the %lld bytes that they may have", frames,
                        frame_bytes, (long long)clips->limits.clip_bytes);
    clips->pixels = clips->allocator.allocate(clips->allocator.user, bytes);
    return clips->pixels ? TSM_OK : tsm_fail_memory(error, bytes);
}

/* ---- Options ------------------------------------------------------------------------------------------------ */

static tsm_status check_range(const char *what, int value, int least, int most, tsm_error *error)
{
    if (value >= least && value <= most) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s %d: %d to %d are possible", what, value, least, most);
}

static tsm_status read_sizes(tsm_clips *clips, const tsm_video_options *options, tsm_error *error)
{
    int input = options->input_size ? options->input_size : 224;

    TSM_TRY_RETURN(check_range("input size", input, 1, TSM_MAX_INPUT_SIZE, error));
    clips->scale = options->scale_size ? options->scale_size : input * 256 / 224;
    TSM_TRY_RETURN(check_range("scale size", clips->scale, input, TSM_MAX_SCALE_SIZE, error));
    clips->crop = options->full_res ? clips->scale : input;
    return TSM_OK;
}

static tsm_status read_allocator(tsm_clips *clips, const tsm_video_options *options, tsm_error *error)
{
    const tsm_allocator *given = options->allocator;

    clips->allocator = (tsm_allocator){ .allocate = allocate, .release = release, .memory = TSM_MEMORY_HOST };
    if (!given) return TSM_OK;
    if (!given->allocate || !given->release)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "video options: an allocator without both of its functions");
    if (given->memory != TSM_MEMORY_HOST && given->memory != TSM_MEMORY_PINNED)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "video options: frames are decoded to host memory only");
    clips->allocator = *given;
    return TSM_OK;
}

/* What the options say, with defaults filled in. */
static tsm_status read_options(tsm_clips *clips, const tsm_video_options *given, tsm_error *error)
{
    tsm_video_options options;

    TSM_TRY_RETURN(tsm_options_read(&options, sizeof options, given, "tsm_video_options", error));
    TSM_TRY_RETURN(tsm_limits_read(&clips->limits, &options, error));
    if (options.frames && !(clips->frame_pattern = tsm_strdup(options.frames)))
        return tsm_fail_memory(error, strlen(options.frames) + 1);
    clips->mode = options.mode;
    clips->sampling = options.sampling;
    clips->views = options.views ? options.views : 1;
    clips->samples = tsm_sampling_clips(options.sampling);
    clips->segments = options.segments ? options.segments : 8;
    clips->threads = options.threads ? options.threads : 1;
    clips->raw = options.raw != 0;
    TSM_TRY_RETURN(check_range("segments", clips->segments, 1, TSM_MAX_SEGMENTS, error));
    TSM_TRY_RETURN(check_range("threads", clips->threads, 1, TSM_MAX_THREADS, error));
    TSM_TRY_RETURN(read_sizes(clips, &options, error));
    return read_allocator(clips, &options, error);
}

tsm_status tsm_clips_create(tsm_clips **out, const tsm_video_options *options, tsm_error *error)
{
    tsm_clips *clips = tsm_alloc_zero(1, sizeof *clips);
    tsm_view view;
    tsm_status status = TSM_OK;
    size_t numbers;

    *out = NULL;
    if (!clips) return tsm_fail_memory(error, sizeof *clips);
    TSM_TRY(read_options(clips, options, error));
    /* A square frame fits every combination that can fit at all: what fails here is the caller's. */
    TSM_TRY(tsm_view_get(clips->mode, clips->views, 0, clips->scale, clips->scale, clips->crop, &view, error));

    numbers = (size_t)clips->samples * (size_t)clips->segments;
    clips->numbers = tsm_alloc_zero(numbers, sizeof *clips->numbers);
    clips->wanted = tsm_alloc_zero(numbers, sizeof *clips->wanted);
    if (!clips->numbers || !clips->wanted) {
        status = tsm_fail_memory(error, numbers * sizeof *clips->numbers);
        goto fail;
    }
    if (!clips->raw)
        TSM_TRY(tsm_clips_make_room(clips, numbers * (size_t)clips->views,
                                    (size_t)clips->crop * (size_t)clips->crop * 3, error));
    /* Refuses an unknown mode or sampling before any file is opened. */
    TSM_TRY(tsm_clips_plan(clips, 1, error));
    *out = clips;
    return TSM_OK;
fail:
    tsm_clips_destroy(&clips);
    return status;
}

/* ---- Which frames ------------------------------------------------------------------------------------------- */

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
    if (clips->raw) drop_pixels(clips); /* the next first frame may be of another size */
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

tsm_status tsm_clips_plan_window(tsm_clips *clips, int before, int frames, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_clips_plan(clips, frames, error));
    for (int i = 0; i < clips->samples * clips->segments; i++) clips->numbers[i] += before;
    for (int i = 0; i < clips->wanted_count; i++) clips->wanted[i] += before;
    return TSM_OK;
}

bool tsm_clips_want(const tsm_clips *clips, int number)
{
    return bsearch(&number, clips->wanted, (size_t)clips->wanted_count, sizeof number, compare_ints) != NULL;
}
