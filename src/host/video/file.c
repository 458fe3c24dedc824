/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/avstring.h>

#include "core/status.h"

enum { IO_BYTES = 1 << 16 };

/* ---- Errors and messages ------------------------------------------------------------------------------------ */

int tsm_ffmpeg_result(int code)
{
    return errno == ENOMEM ? AVERROR(ENOMEM) : code;
}

tsm_status tsm_fail_ffmpeg(tsm_error *error, const char *path, int code, const char *what)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";

    if (code == AVERROR(ENOMEM)) return tsm_fail_file(error, TSM_ERROR_MEMORY, path, "out of memory");
    av_strerror(code, text, sizeof text);
    return tsm_fail_file(error, code == AVERROR(EIO) ? TSM_ERROR_IO : TSM_ERROR_FORMAT, path, "%s (%s)", what, text);
}

/* FFmpeg's log is one per process and goes to stderr, where a library has no business. A level that the program has
 * chosen itself is left alone. */
static void silence_log(void)
{
    if (av_log_get_level() == AV_LOG_INFO) av_log_set_level(AV_LOG_QUIET);
}

/* ---- The byte source ---------------------------------------------------------------------------------------- */

/* As the system gives it: fewer bytes than asked for are no end. */
static int read_bytes(void *opaque, uint8_t *buffer, int size)
{
    tsm_file *file = opaque;
    ssize_t got;

    if (file->failed) return AVERROR(EIO);
    if (!file->stopped) file->stopped = tsm_limits_check(file->limits, file->path, NULL) != TSM_OK;
    if (file->stopped) return AVERROR_EXIT;
    do got = pread(file->fd, buffer, (size_t)size, file->at);
    while (got < 0 && errno == EINTR);
    if (got == 0 && file->at >= file->bytes) return AVERROR_EOF;
    if (got <= 0) {
        file->failed = got < 0 ? errno : ENODATA;
        return AVERROR(EIO);
    }
    file->at += got;
    return (int)got;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    tsm_file *file = opaque;
    int64_t from = 0;

    if (whence & AVSEEK_SIZE) return file->bytes;
    whence &= ~AVSEEK_FORCE;
    if (whence == SEEK_CUR) from = file->at;
    if (whence == SEEK_END) from = file->bytes;
    if (__builtin_add_overflow(from, offset, &offset) || offset < 0) return AVERROR(EINVAL);
    file->at = offset;
    return offset;
}

/* What stopped FFmpeg: a read that failed, the caller, or else what it says itself. */
static tsm_status fail_reading(const tsm_file *file, int code, const char *what, tsm_error *error)
{
    if (file->failed == ENODATA)
        return tsm_fail_file(error, TSM_ERROR_IO, file->path, "the file was cut while it was read");
    if (file->failed)
        return tsm_fail_file(error, TSM_ERROR_IO, file->path, "cannot be read: %s", strerror(file->failed));
    TSM_TRY_RETURN(tsm_limits_check(file->limits, file->path, error));
    if (file->stopped) return tsm_fail_file(error, TSM_ERROR_CANCELLED, file->path, "cancelled");
    return tsm_fail_ffmpeg(error, file->path, code, what);
}

static int refuse_to_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                          AVDictionary **options)
{
    (void)format;
    (void)url;
    (void)flags;
    (void)options;
    *io = NULL;
    return AVERROR(EACCES);
}

static tsm_status open_bytes(tsm_file *file, tsm_error *error)
{
    struct stat facts;

    /* A pipe must not be waited for. */
    if (file->owned) file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0 || fstat(file->fd, &facts) != 0)
        return tsm_fail_file(error, TSM_ERROR_IO, file->path, "%s", strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, file->path, "neither a regular file nor a folder");
    if (facts.st_size == 0) return tsm_fail_file(error, TSM_ERROR_FORMAT, file->path, "the file is empty");
    file->bytes = facts.st_size;
    return tsm_limits_check_bytes(file->limits, file->bytes, file->path, error);
}

/* ---- The container ------------------------------------------------------------------------------------------ */

static void close_container(tsm_file *file)
{
    avformat_close_input(&file->format);
    if (file->io) av_freep(&file->io->buffer);
    avio_context_free(&file->io);
    file->stream = NULL;
}

static tsm_status find_stream(tsm_file *file, tsm_error *error)
{
    int best = av_find_best_stream(file->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);

    if (best < 0) return tsm_fail_file(error, TSM_ERROR_FORMAT, file->path, "no video stream in this file");
    file->stream = file->format->streams[best];
    if (file->stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return tsm_fail_file(error, TSM_ERROR_FORMAT, file->path,
                             "no video stream in this file, only a cover picture");
    for (unsigned i = 0; i < file->format->nb_streams; i++)
        if ((int)i != best) file->format->streams[i]->discard = AVDISCARD_ALL;
    return TSM_OK;
}

/* Playlists could not open their parts here; this tells them apart from damaged files. */
static tsm_status probe(const tsm_file *file, const AVInputFormat **kind, tsm_error *error)
{
    static const char playlists[] = "hls,dash,concat,sdp,rtsp,imf,webm_dash_manifest";
    int code;

    errno = 0;
    code = tsm_ffmpeg_result(av_probe_input_buffer2(file->io, kind, "", NULL, 0, 0));
    if (code < 0) return fail_reading(file, code, "not a video that FFmpeg can read", error);
    if (av_match_name((*kind)->name, playlists))
        return tsm_fail_file(error, TSM_ERROR_FORMAT, file->path, "a playlist (%s), not a video", (*kind)->name);
    return TSM_OK;
}

/* Frames that would be too large are refused by what the container says, before anything is decoded. */
static tsm_status check_sizes(const tsm_file *file, tsm_error *error)
{
    for (unsigned i = 0; i < file->format->nb_streams; i++) {
        const AVCodecParameters *codec = file->format->streams[i]->codecpar;

        if (codec->codec_type == AVMEDIA_TYPE_VIDEO && codec->width > 0 && codec->height > 0)
            TSM_TRY_RETURN(tsm_limits_check_frame(file->limits, codec->width, codec->height, file->path, error));
    }
    return TSM_OK;
}

/* FFmpeg decodes a few frames to learn what streams are: within our limit of pixels, not its own. Streams that are
 * found later come without our limit, so none of them is decoded: headers tell enough. */
int tsm_look_at_streams(AVFormatContext *format, const tsm_limits *limits)
{
    unsigned count = format->nb_streams;
    AVDictionary **options = av_calloc(count ? count : 1, sizeof *options);
    int code = options ? 0 : AVERROR(ENOMEM);

    /* Streams that are found later come without our limit, so none of them is decoded: headers tell enough. */
    if (count == 0 && !(format->codec_whitelist = av_strdup("none"))) code = AVERROR(ENOMEM);
    for (unsigned i = 0; i < count && code >= 0; i++)
        code = av_dict_set_int(&options[i], "max_pixels", tsm_limits_codec_pixels(limits), 0);
    if (code >= 0) code = avformat_find_stream_info(format, options);
    for (unsigned i = 0; i < count && options; i++) av_dict_free(&options[i]);
    av_free(options);
    return code;
}

static tsm_status open_container(tsm_file *file, tsm_error *error)
{
    const AVInputFormat *kind = NULL;
    uint8_t *buffer = av_malloc(IO_BYTES);
    int code;

    if (buffer) file->io = avio_alloc_context(buffer, IO_BYTES, 0, file, read_bytes, NULL, seek_bytes);
    if (!file->io) av_free(buffer);
    file->format = avformat_alloc_context();
    if (!file->io || !file->format) return tsm_fail_file(error, TSM_ERROR_MEMORY, file->path, "out of memory");
    file->format->pb = file->io;
    file->format->flags |= AVFMT_FLAG_CUSTOM_IO; /* ours to close, also before the container is open */
    file->format->io_open = refuse_to_open;
    /* Demuxers of playlists open their parts in contexts of their own; those inherit this list, on which nothing
     * is. */
    file->format->protocol_whitelist = av_strdup("none");
    if (!file->format->protocol_whitelist) return tsm_fail_file(error, TSM_ERROR_MEMORY, file->path, "out of memory");

    TSM_TRY_RETURN(probe(file, &kind, error));
    errno = 0;
    code = tsm_ffmpeg_result(avformat_open_input(&file->format, "", kind, NULL));
    if (code < 0) return fail_reading(file, code, "not a video that FFmpeg can read", error);
    TSM_TRY_RETURN(check_sizes(file, error));
    errno = 0;
    code = tsm_ffmpeg_result(tsm_look_at_streams(file->format, file->limits));
    if (code < 0 || file->failed || file->stopped)
        return fail_reading(file, code, "its streams cannot be understood", error);
    TSM_TRY_RETURN(find_stream(file, error));
    return check_sizes(file, error);
}

tsm_status tsm_file_open(tsm_file *file, int descriptor, const char *path, const tsm_limits *limits, tsm_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, silence_log);
    *file = (tsm_file){ .path = path, .limits = limits, .fd = descriptor, .owned = descriptor < 0 };
    TSM_TRY_RETURN(open_bytes(file, error));
    return open_container(file, error);
}

tsm_status tsm_file_rewind(tsm_file *file, tsm_error *error)
{
    close_container(file);
    file->at = 0;
    return open_container(file, error);
}

void tsm_file_close(tsm_file *file)
{
    close_container(file);
    if (file->owned && file->fd >= 0) close(file->fd);
    file->fd = -1;
}

tsm_status tsm_file_read(tsm_file *file, AVPacket *packet, bool *end, tsm_error *error)
{
    *end = false;
    for (;;) {
        int code;

        errno = 0;
        code = tsm_ffmpeg_result(av_read_frame(file->format, packet));
        if (code == AVERROR(ENOMEM) || file->failed || file->stopped) return fail_reading(file, code, "", error);
        if (code < 0) {
            TSM_TRY_RETURN(tsm_limits_check(file->limits, file->path, error));
            *end = true;
            return TSM_OK;
        }
        if (packet->stream_index == file->stream->index) return TSM_OK;
        av_packet_unref(packet);
    }
}

const int32_t *tsm_file_display_matrix(const tsm_file *file)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102) /* FFmpeg 6.1 */
    const AVCodecParameters *codec = file->stream->codecpar;
    const AVPacketSideData *side =
        av_packet_side_data_get(codec->coded_side_data, codec->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);

    return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side->data : NULL;
#else
    size_t bytes = 0;
    const uint8_t *matrix = av_stream_get_side_data(file->stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);

    return matrix && bytes >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)matrix : NULL;
#endif
}
