/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - see image.h. */
#include "image.h"

#include <errno.h>
#include <string.h>

#include "core/status.h"
#include "limits.h"

tsm_status tsm_image_alloc(tsm_image *image, uint32_t width, uint32_t height, const char *path, tsm_error *error)
{
    if (width < 1 || height < 1) return tsm_fail_file(error, TSM_ERROR_FORMAT, path, "the image has no pixels");
    if (width > TSM_MAX_SIDE || height > TSM_MAX_SIDE || (int64_t)width * height > TSM_MAX_PIXELS)
        return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, path,
                             "%u x %u pixels: at most %d a side and %lld in all are read", width, height,
                             TSM_MAX_SIDE, TSM_MAX_PIXELS);
    image->data = tsm_alloc_aligned((size_t)width * height, 3);
    if (!image->data) return tsm_fail_memory(error, (size_t)width * height * 3);
    image->width = (int)width;
    image->height = (int)height;
    return TSM_OK;
}

tsm_status tsm_image_read(tsm_image *image, const char *path, const char **kind, tsm_error *error)
{
    static const unsigned char png[4] = { 0x89, 'P', 'N', 'G' }, jpeg[2] = { 0xff, 0xd8 };
    unsigned char start[4] = { 0 };
    FILE *file = fopen(path, "rbe");
    tsm_status status;

    *image = (tsm_image){ 0 };
    if (!file) return tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
    errno = 0;
    if (fread(start, 1, sizeof start, file) < sizeof start && ferror(file)) {
        status = tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
    } else {
        rewind(file);
        if (memcmp(start, png, sizeof png) == 0) {
            *kind = "png";
            status = tsm_png_read(image, file, path, error);
        } else if (memcmp(start, jpeg, sizeof jpeg) == 0) {
            *kind = "jpeg";
            status = tsm_jpeg_read(image, file, path, error);
        } else {
            status = tsm_fail_file(error, TSM_ERROR_FORMAT, path, "neither a JPEG nor a PNG image");
        }
    }
    fclose(file);
    return status;
}
