/* SPDX-License-Identifier: Apache-2.0 */
/* stream_cut.h - a frame scaled by its short side, and the middle cut from it, as `classify` does. */
#ifndef TSM_CLI_STREAM_CUT_H
#define TSM_CLI_STREAM_CUT_H

#include <tsm/video.h>

typedef struct stream_cut {
    tsm_video_mode mode;
    int scale, crop;
    uint8_t *scaled;
    size_t room;
} stream_cut;

/* `out` is (crop, crop, 3). Errors: ARGUMENT (a crop that does not fit), UNSUPPORTED (too long and narrow), MEMORY.
 */
tsm_status stream_cut_run(stream_cut *cut, const uint8_t *rgb, int width, int height, uint8_t *out, tsm_error *error);
void stream_cut_close(stream_cut *cut);

#endif
