/* SPDX-License-Identifier: Apache-2.0 */
/* video_input.h - a video that a command was given: a file, a folder of frames, or a stream, which can be read
 * once. */
#ifndef TSM_CLI_VIDEO_INPUT_H
#define TSM_CLI_VIDEO_INPUT_H

#include "input.h"

#include <tsm/video.h>

typedef struct video_input {
    const char *path; /* borrowed */
    input_file stream;
} video_input;

#define VIDEO_INPUT_INIT                                                                                             \
    {                                                                                                                \
        .stream = INPUT_FILE_INIT                                                                                    \
    }

/* Reads a stream to its end, within the options' limit of bytes; anything else is opened by video_input_load. Errors:
 * IO. */
tsm_status video_input_open(video_input *input, const char *path, const tsm_video_options *options, tsm_error *error);
void video_input_close(video_input *input);

/* tsm_video_load, as often as needed. */
tsm_status video_input_load(const video_input *input, const tsm_video_options *options, tsm_clips **clips,
                            tsm_error *error);

#endif
