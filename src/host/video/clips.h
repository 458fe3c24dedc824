/* SPDX-License-Identifier: Apache-2.0 */
/* clips.h - clips under construction: which frames they need, and frames cut to the views. */
#ifndef TSM_VIDEO_CLIPS_H
#define TSM_VIDEO_CLIPS_H

#include <stdbool.h>
#include <tsm/video.h>

#include "pixels/resize.h"

#define TSM_CODEC_NAME_BYTES 32

struct tsm_clips {
    tsm_video_mode mode;
    tsm_sampling sampling;
    int views, samples, segments, crop, scale;
    int threads; /* of the decoder */

    int width, height, frames; /* of the source */
    double duration_s, decode_ms, preprocess_ms;
    char codec[TSM_CODEC_NAME_BYTES];

    int *numbers; /* (samples, segments), 1-based, in the order of the clips */
    int *wanted;  /* the same, sorted, each once */
    int wanted_count;
    uint8_t *pixels; /* (views, samples, segments, crop, crop, 3) */
    uint8_t *scaled; /* scratch: the part of a scaled frame that the views cover */
    size_t scaled_bytes;
};

/* Checks the options and makes room for the clips they describe. */
tsm_status tsm_clips_create(tsm_clips **clips, const tsm_video_options *options, tsm_error *error);

/* Chooses the frames, given how many there are; may be called again, which voids every frame put so far. */
tsm_status tsm_clips_plan(tsm_clips *clips, int frames, tsm_error *error);

/* Whether the frame of this number (1-based) is needed. */
bool tsm_clips_want(const tsm_clips *clips, int number);

/* Scales and cuts a frame into every place that needs it. The first frame put gives the clips their source size. */
tsm_status tsm_clips_put(tsm_clips *clips, int number, const tsm_rgb *frame, tsm_error *error);

/* Milliseconds of a clock that only goes forward. */
double tsm_clock_ms(void);

#endif
