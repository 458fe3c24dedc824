/* SPDX-License-Identifier: Apache-2.0 */
/* feed_source.h - the inside of a feed: where bytes come from (feed_source.c), and frames out of them (feed.c). */
#ifndef TSM_VIDEO_FEED_SOURCE_H
#define TSM_VIDEO_FEED_SOURCE_H

#include <tsm/feed.h>

#include "convert.h"
#include "file.h"

struct tsm_feed {
    char *name; /* of the source, for errors */
    tsm_feed_options options;
    tsm_limits limits;
    bool live;
    double deadline_ms; /* of a wait for an address; 0: none */

    /* Bytes: a regular file, or a descriptor that is read as it comes, or what FFmpeg opens itself. */
    tsm_file file;
    bool from_file;
    int descriptor;
    bool owned; /* the descriptor is ours to close */
    int failed; /* errno of a read */
    AVIOContext *io;
    bool opened; /* `io` is FFmpeg's own, to be closed by it */

    AVFormatContext *format; /* of `file`, or ours */
    AVStream *stream;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    bool drained; /* there are no more packets */
    tsm_converter converter;
    uint8_t *raw; /* one frame */
    uint64_t number;
    int64_t first_time; /* AV_NOPTS_VALUE: none yet */
    double time_s;
};

/* ---- feed_source.c ----------------------------------------------------------------------------------------------
 */

/* Opens what `source` names, or the descriptor where there is one, up to a stream that can be decoded. Errors: those
 * of tsm_feed_open. */
tsm_status tsm_feed_source_open(tsm_feed *feed, const char *source, tsm_error *error);
void tsm_feed_source_close(tsm_feed *feed);

/* Takes user and password out of an address, which errors show; a path stays. */
void tsm_feed_source_hide(char *name);

/* The next packet of the video; *end where there is none. Errors: IO, CANCELLED, MEMORY. */
tsm_status tsm_feed_source_packet(tsm_feed *feed, bool *end, tsm_error *error);

/* `bytes` bytes of a descriptor, or fewer at its end: *got. Errors: IO, CANCELLED. */
tsm_status tsm_feed_source_read(tsm_feed *feed, uint8_t *to, size_t bytes, size_t *got, tsm_error *error);

#endif
