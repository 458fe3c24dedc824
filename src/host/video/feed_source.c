/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_source.c - opening what frames come from, and no more than that.
 *
 * FFmpeg would follow what a source says to files and addresses of its choice. So it is given opened bytes wherever
 * it can be, may open nothing itself, and has a list of the protocols that the one address needs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/avstring.h>

#include "core/status.h"
#include "feed_source.h"

enum { IO_BYTES = 1 << 15, WAIT_MS = 100 };

static const char camera_prefix[] = "camera:";

/* Addresses, and what FFmpeg may use for them. */
static const struct scheme {
    const char *prefix, *protocols, *demuxer;
} schemes[] = {
    { "rtsp://", "tcp,udp,rtp", "rtsp" },
    { "rtsps://", "tls,tcp,udp,rtp", "rtsp" },
    { "http://", "http,https,tls,tcp", NULL },
    { "https://", "http,https,tls,tcp", NULL },
};

/* ---- Waiting ----------------------------------------------------------------------------------------------------
 */

static int is_interrupted(void *opaque)
{
    const tsm_feed *feed = opaque;

    if (feed->limits.cancel && feed->limits.cancel(feed->limits.user)) return 1;
    return feed->deadline_ms > 0 && tsm_now_ms() > feed->deadline_ms;
}

static void begin_wait(tsm_feed *feed)
{
    feed->deadline_ms = feed->live ? tsm_now_ms() + feed->options.patience_s * 1e3 : 0;
}

/* What FFmpeg's failure was: the caller's wish, silence, or what it says. */
static tsm_status fail_source(const tsm_feed *feed, int code, const char *what, tsm_error *error)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";

    TSM_TRY_RETURN(tsm_limits_check(&feed->limits, feed->name, error));
    if (feed->failed)
        return tsm_fail_file(error, TSM_ERROR_IO, feed->name, "cannot be read: %s", strerror(feed->failed));
    if (feed->deadline_ms > 0 && tsm_now_ms() > feed->deadline_ms)
        return tsm_fail_file(error, TSM_ERROR_IO, feed->name, "silent for %g seconds", feed->options.patience_s);
    if (!feed->live) return tsm_fail_ffmpeg(error, feed->name, code, what);
    if (code == AVERROR(ENOMEM)) return tsm_fail_file(error, TSM_ERROR_MEMORY, feed->name, "out of memory");
    av_strerror(code, text, sizeof text);
    return tsm_fail_file(error, TSM_ERROR_IO, feed->name, "%s (%s)", what, text);
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------
 */

/* Some bytes; 0 at the end, -1 with feed->failed, or 0 of it where the caller does not want to wait. */
static ssize_t read_some(tsm_feed *feed, uint8_t *to, size_t bytes)
{
    for (;;) {
        struct pollfd one = { .fd = feed->descriptor, .events = POLLIN };
        const int ready = poll(&one, 1, WAIT_MS);
        ssize_t got;

        if (is_interrupted(feed)) return -1;
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        got = ready < 0 ? -1 : read(feed->descriptor, to, bytes);
        if (got >= 0) return got;
        if (errno == EINTR || errno == EAGAIN) continue;
        feed->failed = errno;
        return -1;
    }
}

static int read_bytes(void *opaque, uint8_t *buffer, int size)
{
    tsm_feed *feed = opaque;
    const ssize_t got = read_some(feed, buffer, (size_t)size);

    if (got < 0) return feed->failed ? AVERROR(EIO) : AVERROR_EXIT;
    return got ? (int)got : AVERROR_EOF;
}

tsm_status tsm_feed_source_read(tsm_feed *feed, uint8_t *to, size_t bytes, size_t *got, tsm_error *error)
{
    for (*got = 0; *got < bytes;) {
        const ssize_t some = read_some(feed, to + *got, bytes - *got);

        if (some < 0) return fail_source(feed, AVERROR_EXIT, "stopped", error);
        if (some == 0) break;
        *got += (size_t)some;
    }
    return TSM_OK;
}

/* ---- FFmpeg -----------------------------------------------------------------------------------------------------
 */

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

static tsm_status make_format(tsm_feed *feed, const char *protocols, tsm_error *error)
{
    feed->format = avformat_alloc_context();
    if (!feed->format) return tsm_fail_file(error, TSM_ERROR_MEMORY, feed->name, "out of memory");
    feed->format->interrupt_callback = (AVIOInterruptCB){ is_interrupted, feed };
    feed->format->protocol_whitelist = av_strdup(protocols);
    if (!feed->format->protocol_whitelist) return tsm_fail_file(error, TSM_ERROR_MEMORY, feed->name, "out of memory");
    return TSM_OK;
}

/* Demuxes bytes that are open; its parts, where a playlist has such, are not. */
static tsm_status open_on_bytes(tsm_feed *feed, tsm_error *error)
{
    static const char playlists[] = "hls,dash,concat,sdp,rtsp,imf,webm_dash_manifest";
    const AVInputFormat *kind = NULL;
    int code;

    feed->format->pb = feed->io;
    feed->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    feed->format->io_open = refuse_to_open;
    code = av_probe_input_buffer2(feed->io, &kind, "", NULL, 0, 0);
    if (code < 0) return fail_source(feed, code, "not a video that FFmpeg can read", error);
    if (av_match_name(kind->name, playlists))
        return tsm_fail_file(error, TSM_ERROR_FORMAT, feed->name, "a playlist (%s), not a video", kind->name);
    code = avformat_open_input(&feed->format, "", kind, NULL);
    return code < 0 ? fail_source(feed, code, "not a video that FFmpeg can read", error) : TSM_OK;
}

static tsm_status open_descriptor(tsm_feed *feed, tsm_error *error)
{
    uint8_t *buffer = av_malloc(IO_BYTES);

    if (buffer) feed->io = avio_alloc_context(buffer, IO_BYTES, 0, feed, read_bytes, NULL, NULL);
    if (!feed->io) {
        av_free(buffer);
        return tsm_fail_file(error, TSM_ERROR_MEMORY, feed->name, "out of memory");
    }
    TSM_TRY_RETURN(make_format(feed, "none", error));
    return open_on_bytes(feed, error);
}

static tsm_status open_http(tsm_feed *feed, const char *address, const struct scheme *scheme, tsm_error *error)
{
    const AVIOInterruptCB interrupt = { is_interrupted, feed };
    AVDictionary *options = NULL;
    int code = av_dict_set(&options, "protocol_whitelist", scheme->protocols, 0);

    if (code >= 0) code = avio_open2(&feed->io, address, AVIO_FLAG_READ, &interrupt, &options);
    av_dict_free(&options);
    if (code < 0) return fail_source(feed, code, "cannot be opened", error);
    feed->opened = true;
    TSM_TRY_RETURN(make_format(feed, "none", error));
    return open_on_bytes(feed, error);
}

/* A device, or a protocol that is a demuxer: FFmpeg opens it by its name. */
static tsm_status open_by_name(tsm_feed *feed, const char *address, const char *demuxer, const char *protocols,
                               tsm_error *error)
{
    const AVInputFormat *kind = av_find_input_format(demuxer);
    AVDictionary *options = NULL;
    int code;

    if (!kind) return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, feed->name, "this FFmpeg has no %s", demuxer);
    TSM_TRY_RETURN(make_format(feed, protocols, error));
    feed->format->flags |= AVFMT_FLAG_NOBUFFER; /* what came while streams were looked at is late already */
    if (strcmp(demuxer, "rtsp") == 0) av_dict_set(&options, "rtsp_transport", "tcp", 0);
    code = avformat_open_input(&feed->format, address, kind, &options);
    av_dict_free(&options);
    return code < 0 ? fail_source(feed, code, "cannot be opened", error) : TSM_OK;
}

/* FFmpeg's devices are a library of their own, with many more behind it, which only cameras need: it is opened for
 * them. It has the number of libavformat, and stays, since it is in libavformat's list from then on. */
static tsm_status register_devices(const char *name, tsm_error *error)
{
    char file[40];
    void (*register_all)(void) = NULL;
    void *library;

    snprintf(file, sizeof file, "libavdevice.so.%d", LIBAVFORMAT_VERSION_MAJOR);
    library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library) *(void **)&register_all = dlsym(library, "avdevice_register_all");
    if (!register_all)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, name, "cameras need %s, which is not here", file);
    register_all();
    return TSM_OK;
}

static tsm_status open_camera(tsm_feed *feed, const char *device, tsm_error *error)
{
    feed->live = true;
    begin_wait(feed);
    TSM_TRY_RETURN(register_devices(feed->name, error));
    return open_by_name(feed, device, "v4l2", "none", error);
}

static const struct scheme *find_scheme(const char *source)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(source, schemes[i].prefix, strlen(schemes[i].prefix)) == 0) return &schemes[i];
    return NULL;
}

static tsm_status open_address(tsm_feed *feed, const char *address, const struct scheme *scheme, tsm_error *error)
{
    if (!feed->options.allow_network)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, feed->name,
                             "an address, which is opened only where the network is allowed (allow_network)");
    feed->live = true;
    begin_wait(feed);
    if (scheme->demuxer) return open_by_name(feed, address, scheme->demuxer, scheme->protocols, error);
    return open_http(feed, address, scheme, error);
}

void tsm_feed_source_hide(char *name)
{
    char *begin = find_scheme(name) ? strstr(name, "://") + 3 : NULL, *at = NULL;
    const size_t length = begin ? strcspn(begin, "/?#") : 0;

    for (size_t i = 0; i < length; i++)
        if (begin[i] == '@') at = begin + i;
    if (at) memmove(begin, at + 1, strlen(at + 1) + 1);
}

static tsm_status open_file(tsm_feed *feed, tsm_error *error)
{
    feed->from_file = true;
    TSM_TRY_RETURN(tsm_file_open(&feed->file, -1, feed->name, &feed->limits, error));
    feed->format = feed->file.format;
    feed->stream = feed->file.stream;
    return TSM_OK;
}

static tsm_status open_raw_file(tsm_feed *feed, tsm_error *error)
{
    feed->descriptor = open(feed->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    feed->owned = feed->descriptor >= 0;
    if (!feed->owned) return tsm_fail_file(error, TSM_ERROR_IO, feed->name, "%s", strerror(errno));
    return TSM_OK;
}

static tsm_status find_stream(tsm_feed *feed, tsm_error *error)
{
    int best, code;

    begin_wait(feed);
    code = tsm_look_at_streams(feed->format, &feed->limits);
    if (code < 0) return fail_source(feed, code, "its streams cannot be understood", error);
    best = av_find_best_stream(feed->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (best < 0) return tsm_fail_file(error, TSM_ERROR_FORMAT, feed->name, "no video stream in it");
    feed->stream = feed->format->streams[best];
    for (unsigned i = 0; i < feed->format->nb_streams; i++)
        if ((int)i != best) feed->format->streams[i]->discard = AVDISCARD_ALL;
    return TSM_OK;
}

tsm_status tsm_feed_source_open(tsm_feed *feed, const char *source, tsm_error *error)
{
    const struct scheme *scheme = source ? find_scheme(source) : NULL;
    const bool camera = source && strncmp(source, camera_prefix, strlen(camera_prefix)) == 0;

    if (feed->raw) return source ? open_raw_file(feed, error) : TSM_OK;
    if (source && !scheme && !camera) return open_file(feed, error);
    if (camera) {
        TSM_TRY_RETURN(open_camera(feed, source + strlen(camera_prefix), error));
    } else if (scheme) {
        TSM_TRY_RETURN(open_address(feed, source, scheme, error));
    } else {
        TSM_TRY_RETURN(open_descriptor(feed, error));
    }
    return find_stream(feed, error);
}

void tsm_feed_source_close(tsm_feed *feed)
{
    if (feed->from_file) {
        tsm_file_close(&feed->file);
        return;
    }
    avformat_close_input(&feed->format);
    if (feed->opened) {
        avio_closep(&feed->io);
    } else if (feed->io) {
        av_freep(&feed->io->buffer);
        avio_context_free(&feed->io);
    }
    if (feed->owned) close(feed->descriptor);
}

tsm_status tsm_feed_source_packet(tsm_feed *feed, bool *end, tsm_error *error)
{
    *end = false;
    if (feed->from_file) return tsm_file_read(&feed->file, feed->packet, end, error);
    for (;;) {
        int code;

        begin_wait(feed);
        code = av_read_frame(feed->format, feed->packet);
        if (code == AVERROR(EAGAIN)) continue;
        if (code == AVERROR_EOF && !feed->failed) {
            *end = true;
            return TSM_OK;
        }
        if (code < 0) return fail_source(feed, code, "the stream broke off", error);
        if (feed->packet->stream_index == feed->stream->index) return TSM_OK;
        av_packet_unref(feed->packet);
    }
}
