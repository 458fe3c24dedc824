/* SPDX-License-Identifier: Apache-2.0 */
/* windows.c - clips along a long video: every frame is decoded once and goes into all windows that want it. */
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "decode.h"

enum { MAX_ERRORS = 1024 }; /* a codec that reports more would go on for ever */

/* A window that is open: frames of it are still to come. */
typedef struct open_window {
    tsm_clips *clips;
    tsm_window where;
} open_window;

struct tsm_windows {
    tsm_video_options video;
    char *frame_pattern; /* what video.frames points to */
    char *path;
    tsm_clips *facts; /* clips that are never filled: what the options say, and of the source */
    tsm_file file;
    bool opened; /* the file */
    tsm_decoder decoder;
    AVFrame *last; /* that was decoded */
    bool drained, ended;
    int number; /* of the last frame decoded */
    int errors;

    double rate;        /* frames a second; 0: not known */
    int length, stride; /* frames; stride is that of strides of whole frames, else 0 */
    double stride_s;
    int frames;        /* of the source, as its packets say */
    int next;          /* the window to be opened */
    open_window *open; /* (room), the oldest first */
    int open_count, room;
};

/* ---- Where windows lie --------------------------------------------------------------------------------------- */

/* The first frame of window `index`, from 0. */
static double start_of(const tsm_windows *w, int index)
{
    return w->stride ? (double)index * w->stride : floor(index * w->stride_s * w->rate + 0.5);
}

/* False where the window before reaches the end, or there are no such frames. */
static bool place_window(const tsm_windows *w, int index, tsm_window *where)
{
    const double start = start_of(w, index);

    if (start >= w->frames) return false;
    if (index > 0 && start_of(w, index - 1) + w->length >= w->frames) return false;
    *where = (tsm_window){ .index = index, .first = (int)start + 1, .frames = w->length };
    if (where->frames > w->frames - (int)start) where->frames = w->frames - (int)start;
    if (w->rate > 0) {
        where->start_s = start / w->rate;
        where->end_s = (start + where->frames) / w->rate;
    }
    return true;
}

static tsm_status fail_lengths(tsm_error *error)
{
    return tsm_fail(error, TSM_ERROR_ARGUMENT,
                    "windows: a length is needed, in seconds or in frames, and no negative one");
}

static tsm_status measure(tsm_windows *w, const tsm_windows_options *o, tsm_error *error)
{
    const bool in_frames = o->frames > 0;
    double length = in_frames ? o->frames : o->seconds * w->rate, stride;

    if (!in_frames && w->rate <= 0)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, w->path,
                             "has no duration: windows must be given in frames");
    stride = o->stride_frames ? o->stride_frames : o->stride_seconds > 0 ? o->stride_seconds * w->rate : length;
    if (!(length >= 0.5) || !(stride >= 0.5))
        return tsm_fail_file(error, TSM_ERROR_ARGUMENT, w->path, "windows of %g frames, %g apart", length, stride);
    w->length = length > TSM_MAX_FRAMES ? TSM_MAX_FRAMES : (int)floor(length + 0.5);
    if (o->stride_frames || (in_frames && !(o->stride_seconds > 0)))
        w->stride = (int)stride;
    else
        w->stride_s = stride / w->rate;
    if (stride > TSM_MAX_FRAMES) w->stride = TSM_MAX_FRAMES;
    return TSM_OK;
}

/* ---- Opening ------------------------------------------------------------------------------------------------- */

static tsm_status read_options(tsm_windows *w, const char *path, const tsm_windows_options *o, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_options_read(&w->video, sizeof w->video, o->video, "tsm_video_options", error));
    if (w->video.raw)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "windows: frames of windows are not handed over whole");
    if (!(o->seconds >= 0) || !(o->stride_seconds >= 0) || o->frames < 0 || o->stride_frames < 0 ||
        (o->seconds == 0 && o->frames == 0))
        return fail_lengths(error);
    w->path = tsm_strdup(path);
    w->frame_pattern = tsm_strdup(w->video.frames);
    if (!w->path || (w->video.frames && !w->frame_pattern)) return tsm_fail_memory(error, strlen(path) + 1);
    w->video.frames = w->frame_pattern;
    return tsm_clips_create(&w->facts, &w->video, error);
}

static tsm_status open_source(tsm_windows *w, int descriptor, tsm_error *error)
{
    tsm_packets *packets = &w->decoder.packets;

    w->opened = true; /* what a failure leaves open is closed as well */
    TSM_TRY_RETURN(tsm_file_open(&w->file, descriptor, w->path, &w->facts->limits, error));
    w->decoder.clips = w->facts;
    w->decoder.file = &w->file;
    w->decoder.frame = av_frame_alloc();
    w->last = av_frame_alloc();
    if (!w->decoder.frame || !w->last) return tsm_fail_memory(error, sizeof *w->last);
    TSM_TRY_RETURN(tsm_packets_index(packets, &w->file, TSM_MAX_KEPT_BYTES, error));
    if (!packets->shown) return tsm_fail_file(error, TSM_ERROR_FORMAT, w->path, "the video stream is empty");
    w->frames = packets->shown;
    w->rate = packets->duration_s > 0 ? packets->shown / packets->duration_s : 0;
    snprintf(w->facts->codec, sizeof w->facts->codec, "%s", avcodec_get_name(w->file.stream->codecpar->codec_id));
    w->decoder.converter.turn = tsm_turn_from_matrix(tsm_file_display_matrix(&w->file));
    return tsm_decoder_open(&w->decoder, error);
}

tsm_status tsm_windows_open(tsm_windows **out, int descriptor, const char *path, const tsm_windows_options *caller,
                            tsm_error *error)
{
    tsm_windows_options options;
    tsm_windows *w;
    tsm_status status;

    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "windows: nowhere to put them");
    *out = NULL;
    if (!path) return tsm_fail(error, TSM_ERROR_ARGUMENT, "windows: no path");
    TSM_TRY_RETURN(tsm_options_read(&options, sizeof options, caller, "tsm_windows_options", error));
    w = tsm_alloc_zero(1, sizeof *w);
    if (!w) return tsm_fail_memory(error, sizeof *w);
    TSM_TRY(read_options(w, path, &options, error));
    TSM_TRY(open_source(w, descriptor, error));
    TSM_TRY(measure(w, &options, error));
    *out = w;
    return TSM_OK;
fail:
    tsm_windows_close(&w);
    return status;
}

void tsm_windows_close(tsm_windows **windows)
{
    tsm_windows *w = windows ? *windows : NULL;

    if (!w) return;
    for (int i = 0; i < w->open_count; i++) tsm_clips_destroy(&w->open[i].clips);
    tsm_free(w->open);
    av_frame_free(&w->last);
    tsm_decoder_close(&w->decoder);
    if (w->opened) tsm_file_close(&w->file);
    tsm_clips_destroy(&w->facts);
    tsm_free(w->frame_pattern);
    tsm_free(w->path);
    tsm_free(w);
    *windows = NULL;
}

/* ---- Frames -------------------------------------------------------------------------------------------------- */

static tsm_status feed_codec(tsm_windows *w, tsm_error *error)
{
    const AVPacket *packet;

    TSM_TRY_RETURN(tsm_packets_next(&w->decoder.packets, &packet, error));
    if (packet && packet->size == 0) return TSM_OK; /* an empty one would mean the end to the codec */
    if (!packet) w->drained = true;
    if (avcodec_send_packet(w->decoder.codec, packet) == AVERROR(ENOMEM))
        return tsm_fail_ffmpeg(error, w->path, AVERROR(ENOMEM), "");
    return TSM_OK;
}

/* Decodes the next frame; w->ended where there are no more. */
static tsm_status next_frame(tsm_windows *w, tsm_error *error)
{
    while (!w->ended) {
        int code = avcodec_receive_frame(w->decoder.codec, w->decoder.frame);

        TSM_TRY_RETURN(tsm_limits_check(&w->facts->limits, w->path, error));
        if (code == 0) {
            av_frame_unref(w->last);
            av_frame_move_ref(w->last, w->decoder.frame);
            w->number++;
            return TSM_OK;
        }
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, w->path, code, "");
        if (code == AVERROR_EOF || (code == AVERROR(EAGAIN) && w->drained) ||
            (code != AVERROR(EAGAIN) && ++w->errors > MAX_ERRORS))
            w->ended = true;
        else if (code == AVERROR(EAGAIN))
            TSM_TRY_RETURN(feed_codec(w, error));
    }
    return TSM_OK;
}

static tsm_status add_window(tsm_windows *w, const tsm_window *where, tsm_error *error)
{
    open_window *open;

    if (w->open_count == w->room) {
        int room = w->room ? 2 * w->room : 4;

        open = tsm_realloc(w->open, (size_t)room, sizeof *open);
        if (!open) return tsm_fail_memory(error, (size_t)room * sizeof *open);
        w->open = open;
        w->room = room;
    }
    open = &w->open[w->open_count];
    TSM_TRY_RETURN(tsm_clips_create(&open->clips, &w->video, error));
    w->open_count++;
    open->where = *where;
    snprintf(open->clips->codec, sizeof open->clips->codec, "%s", w->facts->codec);
    return tsm_clips_plan_window(open->clips, where->first - 1, where->frames, error);
}

/* Opens the windows that the frame after this one may be in. */
static tsm_status open_windows(tsm_windows *w, tsm_error *error)
{
    tsm_window where;

    while (place_window(w, w->next, &where) && where.first <= w->number + 1) {
        TSM_TRY_RETURN(add_window(w, &where, error));
        w->next++;
    }
    return TSM_OK;
}

/* The last frame into every window that wants it as number `number`. */
static tsm_status put_frame(tsm_windows *w, int number, tsm_error *error)
{
    const AVFrame *frame = w->last;
    tsm_rgb image;
    bool converted = false;
    tsm_status status;

    for (int i = 0; i < w->open_count; i++) {
        tsm_clips *clips = w->open[i].clips;

        if (!tsm_clips_want(clips, number)) continue;
        TSM_TRY_RETURN(tsm_limits_check_frame(&w->facts->limits, frame->width, frame->height, w->path, error));
        if (!converted) TSM_TRY(tsm_convert(&w->decoder.converter, frame, &image, error));
        converted = true;
        TSM_TRY(tsm_clips_put(clips, number, &image, error));
    }
    return TSM_OK;
fail:
    return tsm_error_prefix(error, status, w->path);
}

/* The video has fewer frames than packets: its last one stands for those that are missing. */
static tsm_status fill_up(tsm_windows *w, tsm_error *error)
{
    const tsm_window *oldest = &w->open[0].where;

    for (int number = w->number + 1; number < oldest->first + oldest->frames; number++)
        TSM_TRY_RETURN(put_frame(w, number, error));
    return TSM_OK;
}

static void give_oldest(tsm_windows *w, tsm_clips **clips, tsm_window *where)
{
    *clips = w->open[0].clips;
    if (where) *where = w->open[0].where;
    (*clips)->frames = w->frames;
    (*clips)->duration_s = w->decoder.packets.duration_s;
    memmove(w->open, w->open + 1, (size_t)--w->open_count * sizeof *w->open);
}

static tsm_status advance(tsm_windows *w, bool *complete, tsm_error *error)
{
    *complete = false;
    TSM_TRY_RETURN(open_windows(w, error));
    if (w->open_count == 0 && !place_window(w, w->next, &(tsm_window){ 0 })) w->ended = true;
    TSM_TRY_RETURN(next_frame(w, error));
    if (!w->ended) TSM_TRY_RETURN(put_frame(w, w->number, error));
    *complete = w->open_count > 0 && w->number >= w->open[0].where.first + w->open[0].where.frames - 1;
    return TSM_OK;
}

/* Windows that begin behind the last frame are none. */
static void drop_beyond(tsm_windows *w)
{
    while (w->open_count > 0 && w->open[w->open_count - 1].where.first > w->number)
        tsm_clips_destroy(&w->open[--w->open_count].clips);
}

tsm_status tsm_windows_next(tsm_windows *w, tsm_clips **clips, tsm_window *where, tsm_error *error)
{
    bool complete;
    tsm_status status = TSM_OK;

    if (!w || !clips) return tsm_fail(error, TSM_ERROR_ARGUMENT, "windows: they, and room for clips, are needed");
    *clips = NULL;
    complete = w->open_count > 0 && w->number >= w->open[0].where.first + w->open[0].where.frames - 1;
    while (!complete && !w->ended && status == TSM_OK) status = advance(w, &complete, error);
    if (status == TSM_OK && !complete) {
        drop_beyond(w);
        if (w->number == 0)
            status = tsm_fail_file(error, TSM_ERROR_FORMAT, w->path, "no frame of the video could be decoded");
        else if (w->open_count > 0)
            status = fill_up(w, error);
    }
    if (status != TSM_OK) {
        w->ended = true;
        while (w->open_count > 0) tsm_clips_destroy(&w->open[--w->open_count].clips);
        w->number = w->number ? w->number : 1; /* it has been said */
        return status;
    }
    if (w->open_count > 0) give_oldest(w, clips, where);
    return TSM_OK;
}
