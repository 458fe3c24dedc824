/* SPDX-License-Identifier: Apache-2.0 */
/* decode.c - the codec, the plain way through all frames, and the choice between that and the index. */
#include "decode.h"

#include "coded_size.h"
#include "core/status.h"
#include "limits.h"

enum { MAX_DRAIN_ERRORS = 1024 }; /* a codec that reports more at the end would go on for ever */

tsm_status tsm_decoder_open(tsm_decoder *decoder, tsm_error *error)
{
    const AVStream *stream = decoder->file->stream;
    const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
    int code;

    avcodec_free_context(&decoder->codec);
    if (!codec)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, decoder->file->path, "no decoder for %s in this FFmpeg",
                             avcodec_get_name(stream->codecpar->codec_id));
    decoder->codec = avcodec_alloc_context3(codec);
    if (!decoder->codec) return tsm_fail_memory(error, sizeof(AVCodecContext));
    code = avcodec_parameters_to_context(decoder->codec, stream->codecpar);
    decoder->codec->pkt_timebase = stream->time_base;
    decoder->codec->thread_count =
        decoder->clips->threads < TSM_MAX_DECODER_THREADS ? decoder->clips->threads : TSM_MAX_DECODER_THREADS;
    decoder->codec->max_pixels = tsm_limits_codec_pixels(decoder->file->limits);
    if (code >= 0) code = avcodec_open2(decoder->codec, codec, NULL);
    if (code < 0) return tsm_fail_ffmpeg(error, decoder->file->path, code, "the video stream cannot be decoded");
    return TSM_OK;
}

void tsm_decoder_close(tsm_decoder *decoder)
{
    av_frame_free(&decoder->frame);
    avcodec_free_context(&decoder->codec);
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
        int code = avcodec_receive_frame(decoder->codec, decoder->frame);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return TSM_OK;
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, decoder->file->path, code, "");
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
        code = avcodec_send_packet(decoder->codec, packet);
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, decoder->file->path, code, "");
        decoder->sent++;
        TSM_TRY_RETURN(take_frames(decoder, count, *count < planned, error));
    } while (packet && (!last || *count < last));
    return TSM_OK;
}

/* How many frames there are is known at the end only. The number of packets is nearly always right, so that the first
 * pass delivers; otherwise a second one does. */
tsm_status tsm_decode_all(tsm_decoder *decoder, tsm_error *error)
{
    tsm_clips *clips = decoder->clips;
    int count, guess = decoder->packets.shown;

    TSM_TRY_RETURN(tsm_clips_plan(clips, guess > 0 ? guess : 1, error));
    TSM_TRY_RETURN(pass_over_all(decoder, &count, 0, error));
    if (count == 0) TSM_TRY_RETURN(tsm_check_coded_size(&decoder->packets, error));
    if (count == 0)
        return tsm_fail_file(error, TSM_ERROR_FORMAT, decoder->file->path, "no frame of the video could be decoded");
    if (count == clips->frames) return TSM_OK;

    TSM_TRY_RETURN(tsm_clips_plan(clips, count, error));
    TSM_TRY_RETURN(tsm_packets_rewind(&decoder->packets, error));
    TSM_TRY_RETURN(tsm_decoder_open(decoder, error));
    TSM_TRY_RETURN(pass_over_all(decoder, &count, clips->wanted[clips->wanted_count - 1], error));
    if (count < clips->wanted[clips->wanted_count - 1])
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
