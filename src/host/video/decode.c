/* SPDX-License-Identifier: Apache-2.0 */
/* decode.c - the codec, the plain way through all frames, and the choice between that and the index. */
#include "decode.h"

#include <errno.h>

#include "coded_size.h"
#include "core/status.h"
#include "limits.h"

enum { MAX_DRAIN_ERRORS = 1024 }; /* a codec that reports more at the end would go on for ever */

/* Several threads of a codec may be left without memory in a state that FFmpeg 5.1, when it closes them, ends the
 * process for: these are not closed. */
static void close_codec(tsm_decoder *decoder)
{
    if (decoder->starved && decoder->codec->thread_count > 1)
        decoder->codec = NULL;
    else
        avcodec_free_context(&decoder->codec);
    decoder->starved = false;
}

tsm_status tsm_decoder_open(tsm_decoder *decoder, tsm_error *error)
{
    const AVStream *stream = decoder->file->stream;
    const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
    int code;

    close_codec(decoder);
    if (!codec)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, decoder->file->path, "no decoder for %s in this FFmpeg",
                             avcodec_get_name(stream->codecpar->codec_id));
    decoder->codec = avcodec_alloc_context3(codec);
    if (!decoder->codec) return tsm_fail_memory(error, sizeof(AVCodecContext));
    code = avcodec_parameters_to_context(decoder->codec, stream->codecpar);
    decoder->codec->pkt_timebase = stream->time_base;
    decoder->codec->thread_count = decoder->alone ? 1 : tsm_decoder_threads(decoder->clips->threads);
    /* Without it several threads go on after an error, lack of memory too, and say nothing of it. */
    if (decoder->codec->thread_count > 1) decoder->codec->err_recognition |= AV_EF_EXPLODE;
    decoder->codec->max_pixels = tsm_limits_codec_pixels(decoder->file->limits);
    if (code >= 0) code = avcodec_open2(decoder->codec, codec, NULL);
    if (code < 0) return tsm_fail_ffmpeg(error, decoder->file->path, code, "the video stream cannot be decoded");
    return TSM_OK;
}

int tsm_decoder_send(tsm_decoder *decoder, const AVPacket *packet)
{
    int code;

    errno = 0;
    code = tsm_ffmpeg_result(avcodec_send_packet(decoder->codec, packet));
    decoder->sent += packet != NULL;
    decoder->starved |= code == AVERROR(ENOMEM);
    return code;
}

int tsm_decoder_receive(tsm_decoder *decoder)
{
    int code;

    errno = 0;
    code = tsm_ffmpeg_result(avcodec_receive_frame(decoder->codec, decoder->frame));
    decoder->starved |= code == AVERROR(ENOMEM);
    return code;
}

void tsm_decoder_close(tsm_decoder *decoder)
{
    av_frame_free(&decoder->frame);
    close_codec(decoder);
    tsm_converter_free(&decoder->converter);
    tsm_packets_free(&decoder->packets);
}

tsm_status tsm_decoder_put(tsm_decoder *decoder, int number, tsm_error *error)
{
    const tsm_file *file = decoder->file;
    const AVFrame *frame = decoder->frame;
    tsm_rgb image;
    tsm_status status;

    TSM_TRY_RETURN(tsm_limits_check_frame(file->limits, frame->width, frame->height, file->path, error));
    TSM_TRY(tsm_convert(&decoder->converter, decoder->frame, &image, error));
    TSM_TRY(tsm_clips_put(decoder->clips, number, &image, error));
    return TSM_OK;
fail:
    return tsm_error_prefix(error, status, decoder->file->path);
}

/* ---- All frames --------------------------------------------------------------------------------------------- */

/* Takes the frames that the codec has ready. `useful` is false once the plan is known to be wrong. */
static tsm_status take_frames(tsm_decoder *decoder, int *count, bool useful, tsm_error *error)
{
    for (int errors = 0; errors < MAX_DRAIN_ERRORS;) {
        int code = tsm_decoder_receive(decoder);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return TSM_OK;
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, decoder->file->path, code, "");
        if (code < 0 || decoder->frame->decode_error_flags) decoder->damaged = true;
        if (code < 0) {
            errors++; /* a damaged frame: the next may be whole */
            continue;
        }
        if (*count == decoder->file->limits->frames)
            return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, decoder->file->path, "more than %d frames", *count);
        TSM_TRY_RETURN(tsm_limits_check(decoder->file->limits, decoder->file->path, error));
        ++*count;
        if (useful && tsm_clips_want(decoder->clips, *count)) TSM_TRY_RETURN(tsm_decoder_put(decoder, *count, error));
        av_frame_unref(decoder->frame);
    }
    return TSM_OK;
}

/* One pass; *count becomes the number of frames seen. Stops after frame `last` unless that is 0. */
static tsm_status pass_over_all(tsm_decoder *decoder, int *count, int last, tsm_error *error)
{
    const AVPacket *packet;
    int planned = decoder->clips->frames;

    *count = 0;
    do {
        int code;
        TSM_TRY_RETURN(tsm_packets_next(&decoder->packets, &packet, error));
        if (packet && packet->size == 0) continue; /* an empty one would mean the end to the codec */
        code = tsm_decoder_send(decoder, packet);
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, decoder->file->path, code, "");
        if (code < 0 && packet) decoder->damaged = true;
        TSM_TRY_RETURN(take_frames(decoder, count, *count < planned, error));
    } while (packet && (!last || *count < last));
    return TSM_OK;
}

static tsm_status pass_again(tsm_decoder *decoder, int *count, int frames, int last, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_clips_plan(decoder->clips, frames, error));
    TSM_TRY_RETURN(tsm_packets_rewind(&decoder->packets, error));
    TSM_TRY_RETURN(tsm_decoder_open(decoder, error));
    return pass_over_all(decoder, count, last, error);
}

/* How many frames there are is known at the end only. The number of packets is nearly always right, so that the first
 * pass delivers; otherwise a second one does. Damage that is reported is decoded again by one thread: what several make up
 * depends on which is first, and their lack of memory is not seen here. */
tsm_status tsm_decode_all(tsm_decoder *decoder, tsm_error *error)
{
    tsm_clips *clips = decoder->clips;
    const int guess = decoder->packets.shown > 0 ? decoder->packets.shown : 1;
    int count, last;

    TSM_TRY_RETURN(tsm_clips_plan(clips, guess, error));
    TSM_TRY_RETURN(pass_over_all(decoder, &count, 0, error));
    if (decoder->damaged && decoder->codec->thread_count > 1) {
        decoder->alone = true;
        TSM_TRY_RETURN(pass_again(decoder, &count, guess, 0, error));
    }
    if (count == 0) TSM_TRY_RETURN(tsm_check_coded_size(&decoder->packets, error));
    if (count == 0)
        return tsm_fail_file(error, TSM_ERROR_FORMAT, decoder->file->path, "no frame of the video could be decoded");
    if (count == clips->frames) return TSM_OK;

    TSM_TRY_RETURN(tsm_clips_plan(clips, count, error));
    last = clips->wanted[clips->wanted_count - 1];
    TSM_TRY_RETURN(pass_again(decoder, &count, count, last, error));
    if (count < last)
        return tsm_fail_file(error, TSM_ERROR_FORMAT, decoder->file->path, "the video decodes differently each time");
    return TSM_OK;
}

/* ---- The whole ---------------------------------------------------------------------------------------------- */

static tsm_status run(tsm_decoder *decoder, tsm_decode_way way, tsm_error *error)
{
    tsm_clips *clips = decoder->clips;
    bool done = false;

    TSM_TRY_RETURN(tsm_packets_index(&decoder->packets, decoder->file, TSM_MAX_KEPT_BYTES, error));
    if (!decoder->packets.count)
        return tsm_fail_file(error, TSM_ERROR_FORMAT, decoder->file->path, "the video stream is empty");
    snprintf(clips->codec, sizeof clips->codec, "%s", avcodec_get_name(decoder->file->stream->codecpar->codec_id));
    clips->duration_s = decoder->packets.duration_s;
    decoder->converter.turn = tsm_turn_from_matrix(tsm_file_display_matrix(decoder->file));
    TSM_TRY_RETURN(tsm_decoder_open(decoder, error));
    if (decoder->packets.indexed && way == TSM_DECODE_AUTO) {
        TSM_TRY_RETURN(tsm_decode_indexed(decoder, &done, error));
        if (done) return TSM_OK;
        decoder->alone = decoder->damaged;
        TSM_TRY_RETURN(tsm_packets_rewind(&decoder->packets, error));
        TSM_TRY_RETURN(tsm_decoder_open(decoder, error));
    }
    return tsm_decode_all(decoder, error);
}

tsm_status tsm_decode_video(tsm_clips *clips, int descriptor, const char *path, tsm_decode_way way, tsm_error *error)
{
    tsm_file file;
    tsm_decoder decoder = { .clips = clips, .file = &file };
    tsm_status status;

    TSM_TRY(tsm_file_open(&file, descriptor, path, &clips->limits, error));
    decoder.frame = av_frame_alloc();
    if (!decoder.frame) {
        status = tsm_fail_memory(error, sizeof *decoder.frame);
        goto fail;
    }
    status = run(&decoder, way, error);
fail:
    tsm_decoder_close(&decoder);
    tsm_file_close(&file);
    return status;
}
