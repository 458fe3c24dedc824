/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - see tsm/record.h. FFmpeg writes through functions of ours, to the descriptor and to nothing else. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <tsm/record.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

#include "core/status.h"
#include "file.h"

enum { IO_BYTES = 1 << 16, TICKS = 1000, FRAME_TICKS = 40, KEY_FRAMES = 50 };

struct tsm_recorder {
    char *name;
    int descriptor, failed; /* errno of a write */
    bool seekable;
    int width, height; /* of frames as they come */
    AVIOContext *io;
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    int64_t last;   /* time of the last frame, in ticks */
    int64_t length; /* between the last two: without one of its own players would leave the last frame out */
};

/* ---- Bytes ------------------------------------------------------------------------------------------------------
 */

#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(61, 0, 100)
static int write_bytes(void *opaque, const uint8_t *from, int size)
#else
static int write_bytes(void *opaque, uint8_t *from, int size)
#endif
{
    tsm_recorder *r = opaque;

    for (int done = 0; done < size;) {
        const ssize_t wrote = write(r->descriptor, from + done, (size_t)(size - done));

        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            r->failed = wrote < 0 ? errno : EIO;
            return AVERROR(EIO);
        }
        done += (int)wrote;
    }
    return size;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    const tsm_recorder *r = opaque;
    off_t at;

    if (whence & AVSEEK_SIZE) return AVERROR(ENOSYS);
    at = lseek(r->descriptor, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

static tsm_status fail_writing(const tsm_recorder *r, int code, tsm_error *error)
{
    if (r->failed) return tsm_fail_file(error, TSM_ERROR_IO, r->name, "cannot be written: %s", strerror(r->failed));
    return tsm_fail_ffmpeg(error, r->name, code, "the video cannot be written");
}

/* ---- Opening ----------------------------------------------------------------------------------------------------
 */

static const AVCodec *find_encoder(void)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");

    if (!codec) codec = avcodec_find_encoder_by_name("libopenh264");
    return codec ? codec : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

static tsm_status open_codec(tsm_recorder *r, tsm_error *error)
{
    const AVCodec *codec = find_encoder();
    AVDictionary *options = NULL;
    int code;

    if (!codec) return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, r->name, "this FFmpeg has no encoder for MP4");
    r->codec = avcodec_alloc_context3(codec);
    if (!r->codec) return tsm_fail_file(error, TSM_ERROR_MEMORY, r->name, "out of memory");
    r->codec->width = r->width & ~1;
    r->codec->height = r->height & ~1;
    r->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    r->codec->time_base = (AVRational){ 1, TICKS };
    r->codec->gop_size = KEY_FRAMES;
    r->codec->max_b_frames = 0;
    r->codec->thread_count = 1;
    r->codec->bit_rate = (int64_t)r->width * r->height * 4;
    r->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->id == AV_CODEC_ID_H264) {
        r->codec->bit_rate = 0;
        av_dict_set(&options, "preset", "veryfast", 0);
        av_dict_set(&options, "crf", "23", 0);
        av_dict_set(&options, "tune", "zerolatency", 0);
    }
    code = avcodec_open2(r->codec, codec, &options);
    av_dict_free(&options);
    return code < 0 ? tsm_fail_ffmpeg(error, r->name, code, "the encoder cannot be opened") : TSM_OK;
}

static tsm_status open_container(tsm_recorder *r, tsm_error *error)
{
    uint8_t *buffer = av_malloc(IO_BYTES);

    if (buffer)
        r->io = avio_alloc_context(buffer, IO_BYTES, 1, r, NULL, write_bytes, r->seekable ? seek_bytes : NULL);
    if (!r->io) av_free(buffer);
    if (!r->io || avformat_alloc_output_context2(&r->format, NULL, "mp4", NULL) < 0)
        return tsm_fail_file(error, TSM_ERROR_MEMORY, r->name, "out of memory");
    r->format->pb = r->io;
    r->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    r->stream = avformat_new_stream(r->format, NULL);
    if (!r->stream) return tsm_fail_file(error, TSM_ERROR_MEMORY, r->name, "out of memory");
    r->stream->time_base = r->codec->time_base;
    return avcodec_parameters_from_context(r->stream->codecpar, r->codec) < 0
               ? tsm_fail_file(error, TSM_ERROR_MEMORY, r->name, "out of memory")
               : TSM_OK;
}

static tsm_status begin(tsm_recorder *r, tsm_error *error)
{
    AVDictionary *options = NULL;
    int code;

    if (!r->seekable) av_dict_set(&options, "movflags", "frag_keyframe+empty_moov", 0);
    code = avformat_write_header(r->format, &options);
    av_dict_free(&options);
    if (code < 0) return fail_writing(r, code, error);
    return TSM_OK;
}

static tsm_status make_frame(tsm_recorder *r, tsm_error *error)
{
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    if (!r->packet || !r->frame) return tsm_fail_file(error, TSM_ERROR_MEMORY, r->name, "out of memory");
    r->frame->format = r->codec->pix_fmt;
    r->frame->width = r->codec->width;
    r->frame->height = r->codec->height;
    r->scaler = sws_getContext(r->codec->width, r->codec->height, AV_PIX_FMT_RGB24, r->codec->width, r->codec->height,
                               AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
    if (!r->scaler || av_frame_get_buffer(r->frame, 0) < 0)
        return tsm_fail_file(error, TSM_ERROR_MEMORY, r->name, "out of memory");
    return TSM_OK;
}

static tsm_status open_recorder(tsm_recorder *r, const char *name, tsm_error *error)
{
    r->name = tsm_strdup(name);
    if (!r->name) return tsm_fail_memory(error, strlen(name));
    if (r->width < 2 || r->height < 2 || r->width > TSM_MAX_SIDE || r->height > TSM_MAX_SIDE)
        return tsm_fail_file(error, TSM_ERROR_ARGUMENT, name, "a video of %d x %d pixels, want 2 to %d a side",
                             r->width, r->height, TSM_MAX_SIDE);
    r->seekable = lseek(r->descriptor, 0, SEEK_CUR) >= 0;
    TSM_TRY_RETURN(open_codec(r, error));
    TSM_TRY_RETURN(open_container(r, error));
    TSM_TRY_RETURN(make_frame(r, error));
    return begin(r, error);
}

tsm_status tsm_recorder_open(tsm_recorder **out, int descriptor, const char *name, int width, int height,
                             tsm_error *error)
{
    tsm_recorder *r;
    tsm_status status;

    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "record: nowhere to put it (NULL)");
    *out = NULL;
    if (descriptor < 0) return tsm_fail(error, TSM_ERROR_ARGUMENT, "record: descriptor %d", descriptor);
    if (av_log_get_level() == AV_LOG_INFO) av_log_set_level(AV_LOG_QUIET);
    r = tsm_alloc_zero(1, sizeof *r);
    if (!r) return tsm_fail_memory(error, sizeof *r);
    *r = (tsm_recorder){
        .descriptor = descriptor, .width = width, .height = height, .last = -1, .length = FRAME_TICKS
    };
    TSM_TRY(open_recorder(r, name ? name : "video", error));
    *out = r;
    return TSM_OK;
fail:
    tsm_recorder_close(&r);
    return status;
}

void tsm_recorder_close(tsm_recorder **recorder)
{
    tsm_recorder *r = recorder ? *recorder : NULL;

    if (!r) return;
    sws_freeContext(r->scaler);
    av_packet_free(&r->packet);
    av_frame_free(&r->frame);
    avcodec_free_context(&r->codec);
    avformat_free_context(r->format);
    if (r->io) av_freep(&r->io->buffer);
    avio_context_free(&r->io);
    tsm_free(r->name);
    tsm_free(r);
    *recorder = NULL;
}

/* ---- Frames -----------------------------------------------------------------------------------------------------
 */

/* A frame, or the end (NULL), through the codec into the file. */
static tsm_status encode(tsm_recorder *r, const AVFrame *frame, tsm_error *error)
{
    int code = avcodec_send_frame(r->codec, frame);

    if (code < 0) return tsm_fail_ffmpeg(error, r->name, code, "a frame cannot be encoded");
    while ((code = avcodec_receive_packet(r->codec, r->packet)) >= 0) {
        r->packet->duration = r->length;
        av_packet_rescale_ts(r->packet, r->codec->time_base, r->stream->time_base);
        r->packet->stream_index = r->stream->index;
        code = av_interleaved_write_frame(r->format, r->packet);
        if (code < 0 || r->failed) return fail_writing(r, code, error);
    }
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return TSM_OK;
    return tsm_fail_ffmpeg(error, r->name, code, "a frame cannot be encoded");
}

tsm_status tsm_recorder_put(tsm_recorder *r, const uint8_t *rgb, double time_s, tsm_error *error)
{
    const uint8_t *planes[4] = { rgb };
    int strides[4] = { 0 };
    int64_t time;

    if (!r || !rgb) return tsm_fail(error, TSM_ERROR_ARGUMENT, "record: no recorder, or no frame (NULL)");
    if (!isfinite(time_s) || fabs(time_s) > 1e9)
        return tsm_fail_file(error, TSM_ERROR_ARGUMENT, r->name, "a frame at %g seconds", time_s);
    time = llround(time_s * TICKS);
    strides[0] = r->width * 3;
    if (av_frame_make_writable(r->frame) < 0) return tsm_fail_file(error, TSM_ERROR_MEMORY, r->name, "out of memory");
    sws_scale(r->scaler, planes, strides, 0, r->codec->height, r->frame->data, r->frame->linesize);
    r->frame->pts = time > r->last ? time : r->last + 1;
    if (r->last >= 0) r->length = r->frame->pts - r->last;
    r->last = r->frame->pts;
    return encode(r, r->frame, error);
}

tsm_status tsm_recorder_finish(tsm_recorder *r, tsm_error *error)
{
    int code;

    if (!r) return tsm_fail(error, TSM_ERROR_ARGUMENT, "record: no recorder (NULL)");
    TSM_TRY_RETURN(encode(r, NULL, error));
    code = av_write_trailer(r->format);
    avio_flush(r->io);
    return code < 0 || r->failed ? fail_writing(r, code, error) : TSM_OK;
}
