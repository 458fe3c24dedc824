/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_video.c - any bytes as a video file, by way of a file in memory. */
#include <stdio.h>
#include <sys/mman.h>
#include <tsm/video.h>
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_clips *clips;
    tsm_error error;
    tsm_status status;
    char path[40];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes) abort();
    options.segments = 2;
    options.input_size = 32;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    status = tsm_video_load(&clips, path, &options, &error);
    fuzz_check(status, &error);
    if (status == TSM_OK) {
        const uint8_t *pixels = tsm_clips_tensor(clips).data;
        unsigned sum = 0;

        if (tsm_clips_get_info(clips, &info) != TSM_OK || info.frames < 1) abort();
        for (size_t i = 0; i < 2 * 32 * 32 * 3; i++) sum += pixels[i];
        if (sum > 2 * 32 * 32 * 3 * 255u) abort();
        tsm_clips_destroy(&clips);
    }
    close(fd);
    return 0;
}
