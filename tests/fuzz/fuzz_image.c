/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_image.c - any bytes as a frame of a folder: a JPEG file, and a PNG file. */
#include <stdio.h>

#include "fuzz.h"
#include "video/image.h"

#define MOST_PIXELS (1 << 20) /* larger ones only take longer */

typedef tsm_status image_reader(tsm_image *image, const tsm_image_source *source, tsm_error *error);

static void read_as(image_reader *reader, const tsm_limits *limits, const uint8_t *data, size_t bytes)
{
    tsm_image_source source = { "fuzz", limits, fmemopen((void *)(uintptr_t)data, bytes, "rb") };
    tsm_image image = { 0 };
    tsm_error error;
    tsm_status status;
    uint64_t sum = 0;

    if (!source.file) abort();
    status = reader(&image, &source, &error);
    fuzz_check(status, &error);
    if ((status == TSM_OK) != (image.data != NULL)) abort();
    if (status == TSM_OK) {
        const size_t count = (size_t)image.width * (size_t)image.height * 3;

        if (image.width < 1 || image.height < 1 || count > 3 * MOST_PIXELS) abort();
        for (size_t i = 0; i < count; i++) sum += image.data[i];
        if (sum > count * 255) abort();
    }
    tsm_free(image.data);
    fclose(source.file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_limits limits;
    tsm_error error;

    options.max_pixels = MOST_PIXELS;
    if (bytes == 0) return 0; /* which fmemopen does not take */
    if (tsm_limits_read(&limits, &options, &error) != TSM_OK) abort();
    read_as(tsm_jpeg_read, &limits, data, bytes);
    read_as(tsm_png_read, &limits, data, bytes);
    return 0;
}
