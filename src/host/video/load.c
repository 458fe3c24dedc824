/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - a path in, clips out. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/status.h"
#include "decode.h"
#include "folder.h"

tsm_status tsm_video_load(tsm_clips **out, const char *path, const tsm_video_options *options, tsm_error *error)
{
    double start = tsm_clock_ms();
    tsm_clips *clips = NULL;
    struct stat facts;
    tsm_status status;

    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "video: nowhere to put the clips");
    *out = NULL;
    if (!path) return tsm_fail(error, TSM_ERROR_ARGUMENT, "video: no path");
    TSM_TRY(tsm_clips_create(&clips, options, error));
    if (stat(path, &facts) != 0) {
        status = tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
        goto fail;
    }
    if (S_ISDIR(facts.st_mode))
        TSM_TRY(tsm_folder_load(clips, path, error));
    else
        TSM_TRY(tsm_decode_video(clips, path, TSM_DECODE_AUTO, error));
    clips->decode_ms = tsm_clock_ms() - start - clips->preprocess_ms;
    *out = clips;
    return TSM_OK;
fail:
    tsm_clips_destroy(&clips);
    return status;
}
