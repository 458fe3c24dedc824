/* SPDX-License-Identifier: Apache-2.0 */
/* sampling.c - which frames of a video a network reads, as the reference pipelines choose them at test time.
 *
 * The arithmetic is that of the Python originals, operation by operation in double precision: where the exact value
 * is an integer, another order of operations may land on the other side of it. mmaction2 (0.x, and 1.x for 2D
 * networks) computes the same numbers as the MIT release, 0-based where those are 1-based. */
#include <tsm/video.h>

#include "core/status.h"

enum {
    DENSE_SPAN = 64, /* frames that a dense clip is spread over */
    DENSE_CLIPS = 10
};

int tsm_sampling_clips(tsm_sampling sampling)
{
    switch (sampling) {
    case TSM_SAMPLING_UNIFORM: return 1;
    case TSM_SAMPLING_TWICE: return 2;
    case TSM_SAMPLING_DENSE: return DENSE_CLIPS;
    }
    return 1;
}

/* `offset` places the frame in its segment: half a tick is the middle, 0 the start. */
static void sample_segments(int *numbers, int segments, double tick, double offset)
{
    for (int i = 0; i < segments; i++) numbers[i] = (int)(offset + tick * i) + 1;
}

static void sample_dense(int *numbers, int frames, int segments)
{
    int last_start = frames > DENSE_SPAN ? frames - DENSE_SPAN : 0;
    int stride = DENSE_SPAN / segments;
    double step = last_start / (double)(DENSE_CLIPS - 1);

    for (int clip = 0; clip < DENSE_CLIPS; clip++) {
        int start = clip == DENSE_CLIPS - 1 ? last_start : (int)(clip * step);
        for (int i = 0; i < segments; i++)
            numbers[clip * segments + i] = (int)(((int64_t)start + (int64_t)i * stride) % frames) + 1;
    }
}

tsm_status tsm_sample_frames(tsm_video_mode mode, tsm_sampling sampling, int frames, int segments, int span,
                             int *numbers, tsm_error *error)
{
    double tick;

    if (!numbers) return tsm_fail(error, TSM_ERROR_ARGUMENT, "frame numbers: nowhere to put them");
    if (mode != TSM_MODE_MIT && mode != TSM_MODE_MMACTION2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "mode %d is not known", (int)mode);
    if (segments < 1 || segments > TSM_MAX_SEGMENTS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d segments: 1 to %d are possible", segments, TSM_MAX_SEGMENTS);
    if (span < 1) return tsm_fail(error, TSM_ERROR_ARGUMENT, "an input cannot span %d frames", span);
    if (frames < span) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d frames: an input spans %d", frames, span);

    tick = (frames - span + 1) / (double)segments;
    switch (sampling) {
    case TSM_SAMPLING_TWICE: sample_segments(numbers + segments, segments, tick, 0); /* fall through */
    case TSM_SAMPLING_UNIFORM: sample_segments(numbers, segments, tick, tick / 2.0); break;
    case TSM_SAMPLING_DENSE: sample_dense(numbers, frames, segments); break;
    default: return tsm_fail(error, TSM_ERROR_ARGUMENT, "sampling %d is not known", (int)sampling);
    }
    return TSM_OK;
}
