/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_video.c - any bytes as a video file, by way of a file in memory. */
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
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes) abort();
    options.segments = 2;
    options.input_size = 32;
    options.max_pixels = 1 << 20; /* larger ones only take longer */
    options.raw = bytes % 2;
    status = tsm_video_load_descriptor(&clips, fd, "fuzz", &options, &error);
    fuzz_check(status, &error);
    if (status == TSM_OK) {
        tsm_tensor frames = tsm_clips_tensor(clips);
        const uint8_t *pixels = frames.data;
        size_t count = (size_t)(frames.dims[0] * frames.dims[1] * frames.dims[2] * frames.dims[3] * frames.dims[4]);
        uint64_t sum = 0;

        if (tsm_clips_get_info(clips, &info) != TSM_OK || info.frames < 1) abort();
        for (size_t i = 0; i < count; i++) sum += pixels[i];
        if (sum > count * 255) abort();
        tsm_clips_destroy(&clips);
    }
    close(fd);
    return 0;
}
