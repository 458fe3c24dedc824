/* SPDX-License-Identifier: Apache-2.0 */
/* video_input.c - see video_input.h. */
#include "video_input.h"

tsm_status video_input_open(video_input *input, const char *path, const tsm_video_options *options, tsm_error *error)
{
    uint64_t limit = INPUT_MAX_BYTES;

    input->path = path;
    if (!input_is_stream(path)) return TSM_OK;
    if (options->max_bytes && (uint64_t)options->max_bytes < limit) limit = (uint64_t)options->max_bytes;
    return input_open(&input->stream, path, limit, error);
}

void video_input_close(video_input *input)
{
    input_close(&input->stream);
}

tsm_status video_input_load(const video_input *input, const tsm_video_options *options, tsm_clips **clips,
                            tsm_error *error)
{
    if (input->stream.descriptor < 0) return tsm_video_load(clips, input->path, options, error);
    return tsm_video_load_descriptor(clips, input->stream.descriptor, input_name(input->path), options, error);
}
