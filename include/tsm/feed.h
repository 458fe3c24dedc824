/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - libtsm-video: frames one by one, out of a video file, a pipe, a camera or a network address, as they come.
 *
 *   tsm_feed *feed = NULL;  tsm_feed_frame frame = { sizeof frame };  tsm_error error;
 *   tsm_feed_open(&feed, "clip.mp4", NULL, &error);
 *   while (tsm_feed_next(feed, 1, &frame, &error) == TSM_OK && frame.number) ...frame.rgb...
 *
 * Rules for every function are those of tsm.h. A feed belongs to one thread at a time.
 */
#ifndef TSM_FEED_H
#define TSM_FEED_H

#include <tsm/tsm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsm_feed tsm_feed;

typedef struct tsm_feed_options {
    size_t struct_size;
    int allow_network; /* non-zero: addresses that begin with rtsp://, rtsps://, http:// or https:// are opened */
    int raw_width, raw_height; /* pixels, 1..TSM_MAX_SIDE: the bytes are RGB frames of this size, one after the other,
                                  of a file or a descriptor; both 0: encoded video */
    double raw_rate;           /* raw frames a second; 0: 30 */
    int threads;               /* of the decoder, 1..TSM_MAX_THREADS, 0: 1 */
    int64_t max_pixels;        /* of a frame as it comes, up to 2^26; 0: that */
    double patience_s;         /* seconds for which an address may be silent; 0: 10 */

    /* Asked every 100 milliseconds and more often, from the thread that waits; non-zero ends the wait with CANCELLED.
     * NULL: never. */
    int (*cancel)(void *user);
    void *cancel_user;
} tsm_feed_options;

#define TSM_FEED_OPTIONS_INIT                                                                                        \
    {                                                                                                                \
        sizeof(tsm_feed_options), 0, 0, 0, 0, 0, 0, 0, 0, 0                                                          \
    }

/* Opens a source.
 *   source  a path, which is opened as a file and as nothing else; "camera:/dev/video0", a camera of Video4Linux; or,
 *           where options->allow_network, an address rtsp://, rtsps://, http:// or https://
 * Whatever a source says, FFmpeg opens nothing but the source itself: no file out of a stream, no address out of a
 * file, and no playlist. Blocking. Errors: IO (it cannot be opened, or is silent), FORMAT (no video, a playlist),
 * UNSUPPORTED (an address without allow_network; a camera where FFmpeg's libavdevice is not installed; frames beyond
 * max_pixels), CANCELLED, ARGUMENT, MEMORY. */
TSM_API tsm_status tsm_feed_open(tsm_feed **feed, const char *source, const tsm_feed_options *options,
                                 tsm_error *error);

/* The same from a pipe, a socket or a file that is open; it is read from where it stands, and stays the caller's.
 * `name` stands for the source in errors. A format that needs its end first, as MP4 may, cannot come through a pipe.
 */
TSM_API tsm_status tsm_feed_open_descriptor(tsm_feed **feed, int descriptor, const char *name,
                                            const tsm_feed_options *options, tsm_error *error);
TSM_API void tsm_feed_close(tsm_feed **feed);

/* The name of the source as errors have it: without the user and the password that an address may hold. Lives as long as
 * the feed; NULL for NULL. */
TSM_API const char *tsm_feed_name(const tsm_feed *feed);

/* Whether frames come when they happen, as those of a camera or of an address do; otherwise as fast as they are asked
 * for. */
TSM_API int tsm_feed_is_live(const tsm_feed *feed);

typedef struct tsm_feed_frame {
    size_t struct_size; /* set by the caller */
    uint64_t number;    /* 1, 2, ...; 0: the source has ended */
    double time_s;      /* seconds since the first frame, by the source's own clock */
    int width, height;  /* pixels, upright */
    const uint8_t *rgb; /* (height, width, 3), valid until the next call; NULL where it was not asked for */
} tsm_feed_frame;

/* Waits for the next frame, and gives its pixels where `pixels` is not 0. A frame that cannot be decoded is passed
 * over. Errors: IO (a read that failed; an address that is silent), FORMAT, UNSUPPORTED (a frame beyond max_pixels),
 * CANCELLED, ARGUMENT, MEMORY. */
TSM_API tsm_status tsm_feed_next(tsm_feed *feed, int pixels, tsm_feed_frame *frame, tsm_error *error);

#ifdef __cplusplus
}
#endif
#endif
