/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - a video file, opened and demuxed by FFmpeg without trusting it. */
#ifndef TSM_VIDEO_FILE_H
#define TSM_VIDEO_FILE_H

#include <stdbool.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <tsm/video.h>

#include "limits.h"

typedef struct tsm_file {
    const char *path; /* borrowed, as are the limits */
    const tsm_limits *limits;
    int fd;
    bool owned; /* the descriptor is ours to close */
    int64_t bytes, at;
    bool stopped; /* by the limits, which may not say so twice */
    int failed;   /* errno of a read that failed, which FFmpeg may not pass on; 0: none */
    AVIOContext *io;
    AVFormatContext *format;
    AVStream *stream; /* the video stream; no other is read */
} tsm_file;

/* Opens a regular file, at `path` or as `descriptor` (otherwise -1), and finds its video stream. FFmpeg sees a byte
 * source and nothing else: it can neither open other files nor use the network, whatever the file asks for, and
 * `path` is never taken for a URL or a pattern. Errors: IO, FORMAT (empty, not a video, no video stream), UNSUPPORTED
 * (not a regular file, beyond a limit), CANCELLED, MEMORY. */
tsm_status tsm_file_open(tsm_file *file, int descriptor, const char *path, const tsm_limits *limits,
                         tsm_error *error);

/* Starts again at the first packet, with everything about the container forgotten. */
tsm_status tsm_file_rewind(tsm_file *file, tsm_error *error);

void tsm_file_close(tsm_file *file);

/* The next packet of the video stream. *end is set instead where the file has no more, or no more that FFmpeg makes
 * out. Errors: IO where reading failed, CANCELLED, MEMORY. */
tsm_status tsm_file_read(tsm_file *file, AVPacket *packet, bool *end, tsm_error *error);

/* Lets FFmpeg learn what streams there are, decoding frames within the limit of pixels where it has to. Returns its
 * code. */
int tsm_look_at_streams(AVFormatContext *format, const tsm_limits *limits);

/* The display matrix of the stream (9 values), or NULL. */
const int32_t *tsm_file_display_matrix(const tsm_file *file);

/* What a call of FFmpeg returned; AVERROR(ENOMEM) also where an allocation failed within it, in this thread, and
 * FFmpeg went on with less: a frame of which a part is made up, a packet that is missing. errno must be 0 before the
 * call. */
int tsm_ffmpeg_result(int code);

/* Fails with FFmpeg's words for `code` behind ours; out of memory becomes TSM_ERROR_MEMORY. */
tsm_status tsm_fail_ffmpeg(tsm_error *error, const char *path, int code, const char *what);

#endif
