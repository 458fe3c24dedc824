/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - a path or an open file in, clips out. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/status.h"
#include "decode.h"
#include "folder.h"

static tsm_status load(tsm_clips *clips, int descriptor, const char *path, tsm_error *error)
{
    struct stat facts;

    if (descriptor >= 0) return tsm_decode_video(clips, descriptor, path, TSM_DECODE_AUTO, error);
    if (stat(path, &facts) != 0) return tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
    if (S_ISDIR(facts.st_mode)) return tsm_folder_load(clips, path, error);
    return tsm_decode_video(clips, -1, path, TSM_DECODE_AUTO, error);
}

static tsm_status make_clips(tsm_clips **out, int descriptor, const char *path, const tsm_video_options *options,
                             tsm_error *error)
{
    double start = tsm_now_ms();
    tsm_clips *clips = NULL;
    tsm_status status;

    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "video: nowhere to put the clips");
    *out = NULL;
    if (!path) return tsm_fail(error, TSM_ERROR_ARGUMENT, "video: no path");
    TSM_TRY(tsm_clips_create(&clips, options, error));
    TSM_TRY(load(clips, descriptor, path, error));
    clips->decode_ms = tsm_now_ms() - start - clips->preprocess_ms;
    *out = clips;
    return TSM_OK;
fail:
    tsm_clips_destroy(&clips);
    return status;
}

tsm_status tsm_video_load(tsm_clips **clips, const char *path, const tsm_video_options *options, tsm_error *error)
{
    return make_clips(clips, -1, path, options, error);
}

tsm_status tsm_video_load_descriptor(tsm_clips **clips, int descriptor, const char *name,
                                     const tsm_video_options *options, tsm_error *error)
{
    if (clips) *clips = NULL;
    if (descriptor < 0) return tsm_fail(error, TSM_ERROR_ARGUMENT, "video: descriptor %d", descriptor);
    return make_clips(clips, descriptor, name ? name : "video", options, error);
}
