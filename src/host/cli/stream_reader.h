/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_reader.h - frames of a live source, read ahead in a thread of their own: every k-th, scaled and cut to what
 * the network reads, in a queue of few.
 *
 * Where nobody keeps up, either the source waits, or the oldest frame that waits gives way. An address that breaks
 * off is opened again, after 1, 2, 4, ... seconds.
 */
#ifndef TSM_CLI_STREAM_READER_H
#define TSM_CLI_STREAM_READER_H

#include <stdbool.h>
#include <tsm/feed.h>
#include <tsm/video.h>

typedef struct stream_plan {
    const char *source; /* borrowed; "-": standard input */
    tsm_feed_options feed;
    tsm_video_mode mode;
    int scale, crop; /* pixels of the short side, and of what is cut from its middle */
    int every;       /* of so many frames one is taken */
    int queue;       /* frames that may wait */
    bool drop_oldest;
    bool real_time;       /* frames of a file come when they are due */
    int attempts;         /* to open an address again, in a row */
    bool past_end;        /* also where it did not break off, but ended */
    bool keep_pixels;     /* frames are wanted as they came, too */
    int (*stopped)(void); /* asked now and then */
} stream_plan;

typedef struct stream_frame {
    uint64_t number;   /* of all frames, from 1 on */
    double time_s;     /* by the source's clock; goes on where an address was opened again */
    double arrived_ms; /* of clock_ms */
    double due_ms;     /* of clock_ms, when it happened by the source's own clock; 0: it does not say */
    uint8_t *crop;     /* (crop, crop, 3) */
    uint8_t *pixels;   /* (height, width, 3), for the caller to draw on; NULL: not kept */
    int width, height;
    size_t room; /* of pixels */
} stream_frame;

typedef struct stream_reader stream_reader;

/* Opens the source, so that what is wrong with it shows at once, and begins to read. `plan` is copied. Errors: those
 * of tsm_feed_open, MEMORY. */
tsm_status stream_reader_open(stream_reader **out, const stream_plan *plan, tsm_error *error);

/* The next frame, valid until the call after; NULL at the end. Errors: those of tsm_feed_next, where nothing more can
 * be had. */
tsm_status stream_reader_next(stream_reader *r, const stream_frame **frame, tsm_error *error);

/* Frames that gave way so far. */
uint64_t stream_reader_dropped(stream_reader *r);

/* The source's name, without a password that an address may hold. */
const char *stream_reader_name(const stream_reader *r);

/* Ends the thread; NULL is fine. */
void stream_reader_close(stream_reader **r);

#endif
