/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - see tsm/feed.h: frames in order, decoded or raw. */
#include "feed.h"

#include <math.h>
#include <string.h>

#include "core/status.h"

#define DEFAULT_PATIENCE_S 10
#define DEFAULT_RATE       30

/* ---- Opening ----------------------------------------------------------------------------------------------------
 */

static tsm_status read_options(tsm_feed *feed, const tsm_feed_options *caller, tsm_error *error)
{
    tsm_feed_options *options = &feed->options;
    tsm_video_options limits = TSM_VIDEO_OPTIONS_INIT;

    TSM_TRY_RETURN(tsm_options_read(options, sizeof *options, caller, "tsm_feed_options", error));
    if (options->threads < 0 || options->threads > TSM_MAX_THREADS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "feed: %d threads, want 0 to %d", options->threads,
                        TSM_MAX_THREADS);
    if (!(options->patience_s >= 0 && isfinite(options->patience_s)) ||
        !(options->raw_rate >= 0 && isfinite(options->raw_rate)))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "feed: patience of %g seconds, %g raw frames a second",
                        options->patience_s, options->raw_rate);
    if (options->patience_s == 0) options->patience_s = DEFAULT_PATIENCE_S;
    if (options->raw_rate == 0) options->raw_rate = DEFAULT_RATE;
    limits.max_pixels = options->max_pixels;
    limits.cancel = options->cancel;
    limits.cancel_user = options->cancel_user;
    return tsm_limits_read(&feed->limits, &limits, error);
}

static tsm_status make_raw(tsm_feed *feed, tsm_error *error)
{
    const tsm_feed_options *options = &feed->options;
    const size_t bytes = (size_t)options->raw_width * (size_t)options->raw_height * 3;

    if (options->raw_width == 0 && options->raw_height == 0) return TSM_OK;
    TSM_TRY_RETURN(tsm_limits_check_frame(&feed->limits, options->raw_width, options->raw_height, feed->name, error));
    feed->raw = tsm_alloc_aligned(bytes, 1);
    return feed->raw ? TSM_OK : tsm_fail_memory(error, bytes);
}

static tsm_status open_codec(tsm_feed *feed, tsm_error *error)
{
    const AVCodecParameters *parameters = feed->stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    const int threads = feed->options.threads ? feed->options.threads : 1;
    int code;

    if (!codec)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, feed->name, "no decoder for %s in this FFmpeg",
                             avcodec_get_name(parameters->codec_id));
    feed->codec = avcodec_alloc_context3(codec);
    feed->packet = av_packet_alloc();
    feed->frame = av_frame_alloc();
    if (!feed->codec || !feed->packet || !feed->frame)
        return tsm_fail_file(error, TSM_ERROR_MEMORY, feed->name, "out of memory");
    code = avcodec_parameters_to_context(feed->codec, parameters);
    feed->codec->pkt_timebase = feed->stream->time_base;
    feed->codec->thread_count = tsm_decoder_threads(threads);
    if (feed->live) feed->codec->thread_type = FF_THREAD_SLICE; /* a thread a frame would be a frame of delay each */
    feed->codec->max_pixels = tsm_limits_codec_pixels(&feed->limits);
    if (code >= 0) code = avcodec_open2(feed->codec, codec, NULL);
    if (code < 0) return tsm_fail_ffmpeg(error, feed->name, code, "the video stream cannot be decoded");
    return TSM_OK;
}

static const int32_t *display_matrix(const tsm_feed *feed)
{
    const tsm_file file = { .stream = feed->stream };

    return tsm_file_display_matrix(&file);
}

static tsm_status open_feed(tsm_feed *feed, const char *source, const char *name, const tsm_feed_options *options,
                            tsm_error *error)
{
    feed->name = tsm_strdup(name);
    if (!feed->name) return tsm_fail_memory(error, strlen(name));
    tsm_feed_source_hide(feed->name);
    TSM_TRY_RETURN(read_options(feed, options, error));
    TSM_TRY_RETURN(make_raw(feed, error));
    TSM_TRY_RETURN(tsm_feed_source_open(feed, source, error));
    if (feed->raw) return TSM_OK;
    TSM_TRY_RETURN(open_codec(feed, error));
    feed->converter.turn = tsm_turn_from_matrix(display_matrix(feed));
    return TSM_OK;
}

static tsm_status make_feed(tsm_feed **out, const char *source, int descriptor, const char *name,
                            const tsm_feed_options *options, tsm_error *error)
{
    tsm_feed *feed = tsm_alloc_zero(1, sizeof *feed);
    tsm_status status;

    if (!feed) return tsm_fail_memory(error, sizeof *feed);
    feed->descriptor = descriptor;
    feed->first_time = AV_NOPTS_VALUE;
    feed->file.fd = -1;
    if (av_log_get_level() == AV_LOG_INFO) av_log_set_level(AV_LOG_QUIET);
    TSM_TRY(open_feed(feed, source, name, options, error));
    *out = feed;
    return TSM_OK;
fail:
    tsm_feed_close(&feed);
    return status;
}

tsm_status tsm_feed_open(tsm_feed **feed, const char *source, const tsm_feed_options *options, tsm_error *error)
{
    if (!feed) return tsm_fail(error, TSM_ERROR_ARGUMENT, "feed: nowhere to put it (NULL)");
    *feed = NULL;
    if (!source) return tsm_fail(error, TSM_ERROR_ARGUMENT, "feed: no source (NULL)");
    return make_feed(feed, source, -1, source, options, error);
}

tsm_status tsm_feed_open_descriptor(tsm_feed **feed, int descriptor, const char *name,
                                    const tsm_feed_options *options, tsm_error *error)
{
    if (!feed) return tsm_fail(error, TSM_ERROR_ARGUMENT, "feed: nowhere to put it (NULL)");
    *feed = NULL;
    if (descriptor < 0) return tsm_fail(error, TSM_ERROR_ARGUMENT, "feed: descriptor %d", descriptor);
    return make_feed(feed, NULL, descriptor, name ? name : "stream", options, error);
}

void tsm_feed_close(tsm_feed **feed)
{
    if (!feed || !*feed) return;
    av_frame_free(&(*feed)->frame);
    av_packet_free(&(*feed)->packet);
    avcodec_free_context(&(*feed)->codec);
    tsm_converter_free(&(*feed)->converter);
    tsm_feed_source_close(*feed);
    tsm_free((*feed)->raw);
    tsm_free((*feed)->name);
    tsm_free(*feed);
    *feed = NULL;
}

const char *tsm_feed_name(const tsm_feed *feed)
{
    return feed ? feed->name : NULL;
}

int tsm_feed_is_live(const tsm_feed *feed)
{
    return feed && feed->live;
}

/* ---- Frames -----------------------------------------------------------------------------------------------------
 */

/* Seconds since the first frame: by its time stamp, or a frame's length after the one before. */
static double time_of_frame(tsm_feed *feed)
{
    const AVRational rate = feed->stream->avg_frame_rate;
    const double base = av_q2d(feed->stream->time_base);
    const int64_t stamp = feed->frame->best_effort_timestamp;

    if (stamp != AV_NOPTS_VALUE && feed->first_time == AV_NOPTS_VALUE) feed->first_time = stamp;
    if (stamp != AV_NOPTS_VALUE && feed->first_time != AV_NOPTS_VALUE)
        return ((double)stamp - (double)feed->first_time) * base;
    if (feed->number <= 1) return 0;
    return feed->time_s + (rate.num > 0 && rate.den > 0 ? av_q2d(av_inv_q(rate)) : 1.0 / DEFAULT_RATE);
}

/* Gives the codec a packet more, or the news that there are none. */
static tsm_status send_packet(tsm_feed *feed, tsm_error *error)
{
    bool end;
    int code;

    TSM_TRY_RETURN(tsm_feed_source_packet(feed, &end, error));
    if (!end && feed->packet->size == 0) { /* an empty one would mean the end to the codec */
        av_packet_unref(feed->packet);
        return TSM_OK;
    }
    code = avcodec_send_packet(feed->codec, end ? NULL : feed->packet);
    av_packet_unref(feed->packet);
    feed->drained = end;
    if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, feed->name, code, "");
    return TSM_OK;
}

/* The next decoded frame; *end where there is none. */
static tsm_status decode(tsm_feed *feed, bool *end, tsm_error *error)
{
    *end = false;
    for (;;) {
        int code;

        av_frame_unref(feed->frame);
        code = avcodec_receive_frame(feed->codec, feed->frame);
        if (code >= 0) return TSM_OK;
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, feed->name, code, "");
        if (code == AVERROR_EOF || feed->drained) {
            *end = true;
            return TSM_OK;
        }
        TSM_TRY_RETURN(send_packet(feed, error));
    }
}

static tsm_status next_decoded(tsm_feed *feed, bool pixels, tsm_feed_frame *frame, tsm_error *error)
{
    tsm_rgb image = { NULL, 0, 0 };
    bool end;

    TSM_TRY_RETURN(decode(feed, &end, error));
    if (end) return TSM_OK;
    TSM_TRY_RETURN(tsm_limits_check_frame(&feed->limits, feed->frame->width, feed->frame->height, feed->name, error));
    feed->number++;
    feed->time_s = time_of_frame(feed);
    if (pixels) TSM_TRY_RETURN(tsm_convert(&feed->converter, feed->frame, &image, error));
    frame->number = feed->number;
    frame->time_s = feed->time_s;
    frame->width = pixels ? image.width : feed->frame->width;
    frame->height = pixels ? image.height : feed->frame->height;
    frame->rgb = image.data;
    return TSM_OK;
}

/* What is left of a frame at the end is none. */
static tsm_status next_raw(tsm_feed *feed, bool pixels, tsm_feed_frame *frame, tsm_error *error)
{
    const tsm_feed_options *options = &feed->options;
    const size_t bytes = (size_t)options->raw_width * (size_t)options->raw_height * 3;
    size_t got;

    TSM_TRY_RETURN(tsm_feed_source_read(feed, feed->raw, bytes, &got, error));
    if (got < bytes) return TSM_OK;
    frame->number = ++feed->number;
    frame->time_s = (double)(feed->number - 1) / options->raw_rate;
    frame->width = options->raw_width;
    frame->height = options->raw_height;
    frame->rgb = pixels ? feed->raw : NULL;
    return TSM_OK;
}

tsm_status tsm_feed_next(tsm_feed *feed, int pixels, tsm_feed_frame *caller, tsm_error *error)
{
    tsm_feed_frame frame = { .struct_size = sizeof frame };

    if (!feed || !caller)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "feed: no feed, or nowhere to put the frame (NULL)");
    TSM_TRY_RETURN((feed->raw ? next_raw : next_decoded)(feed, pixels != 0, &frame, error));
    return tsm_info_write(caller, &frame, sizeof frame);
}
