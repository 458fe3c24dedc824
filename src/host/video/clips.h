/* SPDX-License-Identifier: Apache-2.0 */
/* clips.h - clips under construction: which frames they need, and frames cut to the views, or kept whole. */
#ifndef TSM_VIDEO_CLIPS_H
#define TSM_VIDEO_CLIPS_H

#include <stdbool.h>
#include <tsm/video.h>

#include "limits.h"
#include "pixels/pixels.h"

#define TSM_CODEC_NAME_BYTES 32
#define TSM_MAX_VIEWS        10

struct tsm_clips {
    tsm_video_mode mode;
    tsm_sampling sampling;
    int views, samples, segments, crop, scale;
    int threads;             /* of the decoder */
    bool raw;                /* frames are kept as they are decoded */
    tsm_allocator allocator; /* of the pixels */
    tsm_limits limits;       /* of the source, and of the work */
    char *frame_pattern;     /* which files of a folder are frames; NULL: the only ones that there are */

    int width, height, frames; /* of the source */
    double duration_s, decode_ms, preprocess_ms;
    char codec[TSM_CODEC_NAME_BYTES];
    char *pattern; /* of the frames of a folder, "img_#.jpg" */
    char *note;    /* what was left out of a folder */

    int *numbers; /* (samples, segments), 1-based, in the order of the clips */
    int *wanted;  /* the same, sorted, each once */
    int wanted_count;
    uint8_t *pixels; /* (views, samples, segments, crop, crop, 3); raw (samples, segments, height, width, 3) */

    tsm_resizer resizer;
    uint8_t *scaled; /* scratch: the part of a scaled frame that the views cover */
    size_t scaled_bytes;
};

/* Checks the options and makes room for the clips they describe; raw ones have theirs with the first frame. */
tsm_status tsm_clips_create(tsm_clips **clips, const tsm_video_options *options, tsm_error *error);

/* Chooses the frames, given how many there are; may be called again, which voids every frame put so far. */
tsm_status tsm_clips_plan(tsm_clips *clips, int frames, tsm_error *error);

/* Chooses the frames out of a window of `frames` frames behind the first `before` ones. */
tsm_status tsm_clips_plan_window(tsm_clips *clips, int before, int frames, tsm_error *error);

/* Whether the frame of this number (1-based) is needed. */
bool tsm_clips_want(const tsm_clips *clips, int number);

/* Scales and cuts a frame into every place that needs it, or copies it there. The first frame put gives the clips
 * their source size. Errors: UNSUPPORTED also for a raw frame of another size than the first. */
tsm_status tsm_clips_put(tsm_clips *clips, int number, const tsm_rgb *frame, tsm_error *error);

/* Room for the pixels, from the clips' allocator. */
tsm_status tsm_clips_make_room(tsm_clips *clips, size_t frames, size_t frame_bytes, tsm_error *error);

/* Where every view lies in a frame of this size once that is scaled to *width x *height. */
tsm_status tsm_clips_views(const tsm_clips *clips, int frame_width, int frame_height, tsm_view views[TSM_MAX_VIEWS],
                           int *width, int *height, tsm_error *error);

#endif
