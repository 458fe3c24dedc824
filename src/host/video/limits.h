/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - what a source may cost: the caller's limits, within those beyond which lies damage or malice rather than
 * video, and whether to go on. What options may ask for is limited in tsm.h. */
#ifndef TSM_VIDEO_LIMITS_H
#define TSM_VIDEO_LIMITS_H

#include <stdint.h>
#include <tsm/video.h>

#define TSM_MAX_DECODER_THREADS 64 /* more are taken as this many: a codec has no use for them */

/* What a codec is given of `wanted` threads: no more than CPUs that the process may use. */
int tsm_decoder_threads(int wanted);
#define TSM_MAX_PIXELS     (1LL << 26)  /* of a source frame, or of the part of a scaled one that is needed */
#define TSM_MAX_FRAMES     (1 << 26)    /* packets of a stream: 300 hours at 60 a second */
#define TSM_MAX_KEPT_BYTES (64LL << 20) /* packets up to this are kept in memory between the passes over a file */

typedef struct tsm_limits {
    int64_t pixels, frames;
    int64_t bytes; /* of a file */
    int64_t clip_bytes;
    double seconds; /* of work; 0: any */
    double started_ms;
    int (*cancel)(void *user); /* NULL: never */
    void *user;
} tsm_limits;

/* The caller's limits; the time runs from here on. Errors: ARGUMENT. */
tsm_status tsm_limits_read(tsm_limits *limits, const tsm_video_options *options, tsm_error *error);

/* To be called now and then by all that takes long. Errors: CANCELLED, naming `path`. */
tsm_status tsm_limits_check(const tsm_limits *limits, const char *path, tsm_error *error);

/* Errors: UNSUPPORTED for a frame of no or too many pixels, or a file of too many bytes, naming path and limit. */
tsm_status tsm_limits_check_frame(const tsm_limits *limits, int64_t width, int64_t height, const char *path,
                                  tsm_error *error);
tsm_status tsm_limits_check_bytes(const tsm_limits *limits, int64_t bytes, const char *path, tsm_error *error);

/* What a codec may be allowed so that every frame within the limit can be decoded: it pads them on all sides. */
static inline int64_t tsm_limits_codec_pixels(const tsm_limits *limits)
{
    return limits->pixels + INT64_C(256) * TSM_MAX_SIDE;
}

#endif
