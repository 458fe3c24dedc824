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

static int read_bytes(void *opaque, uint8_t *buffer, int size)
{
    const tsm_file *file = opaque;
    ssize_t got;

    do got = read(file->fd, buffer, (size_t)size);
    while (got < 0 && errno == EINTR);
    if (got < 0) return AVERROR(errno);
    return got ? (int)got : AVERROR_EOF;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    const tsm_file *file = opaque;
    off_t at;

    if (whence & AVSEEK_SIZE) return file->bytes;
    at = lseek(file->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
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

    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &facts) != 0)
        return tsm_fail_file(error, TSM_ERROR_IO, file->path, "%s", strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, file->path, "neither a regular file nor a folder");
    if (facts.st_size == 0) return tsm_fail_file(error, TSM_ERROR_FORMAT, file->path, "the file is empty");
    file->bytes = facts.st_size;
    return TSM_OK;
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
    int code = av_probe_input_buffer2(file->io, kind, "", NULL, 0, 0);

    if (code < 0) return tsm_fail_ffmpeg(error, file->path, code, "not a video that FFmpeg can read");
    if (av_match_name((*kind)->name, playlists))
        return tsm_fail_file(error, TSM_ERROR_FORMAT, file->path, "a playlist (%s), not a video", (*kind)->name);
    return TSM_OK;
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
    /* Demuxers of playlists open their parts in contexts of their own; those inherit this list, on which nothing is.
     */
    file->format->protocol_whitelist = av_strdup("none");
    if (!file->format->protocol_whitelist) return tsm_fail_file(error, TSM_ERROR_MEMORY, file->path, "out of memory");

    TSM_TRY_RETURN(probe(file, &kind, error));
    code = avformat_open_input(&file->format, "", kind, NULL);
    if (code < 0) return tsm_fail_ffmpeg(error, file->path, code, "not a video that FFmpeg can read");
    code = avformat_find_stream_info(file->format, NULL);
    if (code < 0) return tsm_fail_ffmpeg(error, file->path, code, "its streams cannot be understood");
    return find_stream(file, error);
}

tsm_status tsm_file_open(tsm_file *file, const char *path, tsm_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, silence_log);
    *file = (tsm_file){ .path = path, .fd = -1 };
    TSM_TRY_RETURN(open_bytes(file, error));
    return open_container(file, error);
}

tsm_status tsm_file_rewind(tsm_file *file, tsm_error *error)
{
    close_container(file);
    if (lseek(file->fd, 0, SEEK_SET) < 0)
        return tsm_fail_file(error, TSM_ERROR_IO, file->path, "%s", strerror(errno));
    return open_container(file, error);
}

void tsm_file_close(tsm_file *file)
{
    close_container(file);
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
}

tsm_status tsm_file_read(tsm_file *file, AVPacket *packet, bool *end, tsm_error *error)
{
    *end = false;
    for (;;) {
        int code = av_read_frame(file->format, packet);
        if (code == AVERROR(ENOMEM)) return tsm_fail_ffmpeg(error, file->path, code, "");
        if (code < 0) {
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
