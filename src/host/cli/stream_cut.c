/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_cut.h"

#include "report.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PIXELS (INT64_C(1) << 26)

tsm_status stream_cut_run(stream_cut *cut, const uint8_t *rgb, int width, int height, uint8_t *out, tsm_error *error)
{
    int scaled_width, scaled_height;
    tsm_view view;
    size_t bytes;
    tsm_status status;

    tsm_scaled_size(cut->mode, width, height, cut->scale, &scaled_width, &scaled_height);
    if ((int64_t)scaled_width * scaled_height > MAX_PIXELS)
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "a frame of %d x %d pixels is too long and narrow to scale",
                           width, height);
    status = tsm_view_get(cut->mode, 1, 0, scaled_width, scaled_height, cut->crop, &view, error);
    if (status != TSM_OK) return status;
    bytes = (size_t)scaled_width * (size_t)scaled_height * 3;
    if (bytes > cut->room) {
        free(cut->scaled);
        cut->room = 0;
        cut->scaled = report_alloc(bytes, 1, error);
        if (!cut->scaled) return TSM_ERROR_MEMORY;
        cut->room = bytes;
    }
    status = tsm_resize_rgb(cut->mode, rgb, width, height, cut->scaled, scaled_width, scaled_height, error);
    for (int y = 0; y < cut->crop && status == TSM_OK; y++)
        memcpy(out + (size_t)y * (size_t)cut->crop * 3,
               cut->scaled + ((size_t)(view.y + y) * (size_t)scaled_width + (size_t)view.x) * 3,
               (size_t)cut->crop * 3);
    return status;
}

void stream_cut_close(stream_cut *cut)
{
    free(cut->scaled);
    *cut = (stream_cut){ 0 };
}
