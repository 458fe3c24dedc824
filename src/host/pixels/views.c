/* SPDX-License-Identifier: Apache-2.0 */
/* views.c - the size a frame is scaled to, and where the spatial views are cut from it. */
#include <limits.h>
#include <tsm/video.h>

#include "core/status.h"

static int clamp_size(double size)
{
    return size < 1 ? 1 : size > INT_MAX ? INT_MAX : (int)size;
}

void tsm_scaled_size(tsm_video_mode mode, int width, int height, int scale, int *out_width, int *out_height)
{
    int shorter = width < height ? width : height;
    double factor;

    if (shorter < 1) shorter = 1;
    factor = scale / (double)shorter;
    if (mode == TSM_MODE_MMACTION2) {
        *out_width = clamp_size(width * factor + 0.5);
        *out_height = clamp_size(height * factor + 0.5);
    } else {
        *out_width = width <= height ? scale : clamp_size((double)scale * width / shorter);
        *out_height = width <= height ? clamp_size((double)scale * height / shorter) : scale;
    }
}

/* int(round(margin / 2.)): Python rounds halves to even. */
static int half_to_even(int margin)
{
    int half = margin / 2;

    return margin % 2 && half % 2 ? half + 1 : half;
}

/* The four corners and the centre, in the order of both releases. */
static void place_of_five(int index, int margin_x, int margin_y, tsm_view *view)
{
    static const struct {
        int x, y; /* quarters of the margin */
    } places[5] = { { 0, 0 }, { 4, 0 }, { 0, 4 }, { 4, 4 }, { 2, 2 } };

    view->x = places[index].x * (margin_x / 4);
    view->y = places[index].y * (margin_y / 4);
}

static const int order_of_three[3] = { 0, 2, 1 }; /* first end, other end, middle */

static tsm_status place_of_three(tsm_video_mode mode, int index, int margin_x, int margin_y, tsm_view *view,
                                 tsm_error *error)
{
    if (mode == TSM_MODE_MIT) {
        view->x = order_of_three[index] * 2 * (margin_x / 4);
        view->y = 2 * (margin_y / 4);
        return TSM_OK;
    }
    /* mmaction2 slides along the longer side only, and insists on a crop of the whole shorter side. */
    if (margin_x && margin_y)
        return tsm_fail(error, TSM_ERROR_ARGUMENT,
                        "3 views in mode mmaction2 need a crop as large as the shorter side (full resolution)");
    view->x = order_of_three[index] * (margin_x / 2);
    view->y = order_of_three[index] * (margin_y / 2);
    return TSM_OK;
}

tsm_status tsm_view_get(tsm_video_mode mode, int views, int index, int width, int height, int crop, tsm_view *view,
                        tsm_error *error)
{
    int margin_x, margin_y;

    if (!view) return tsm_fail(error, TSM_ERROR_ARGUMENT, "view: nowhere to put it");
    if (mode != TSM_MODE_MIT && mode != TSM_MODE_MMACTION2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "mode %d is not known", (int)mode);
    if (views != 1 && views != 3 && views != 5 && views != 10)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d views: 1, 3, 5 and 10 are possible", views);
    if (index < 0 || index >= views)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "view %d of %d does not exist", index, views);
    if (crop < 1 || crop > width || crop > height)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "a crop of %d pixels does not fit into %d x %d", crop, width,
                        height);

    margin_x = width - crop;
    margin_y = height - crop;
    *view = (tsm_view){ .size = crop, .mirror = views == 10 && index % 2 };
    if (views == 3) return place_of_three(mode, index, margin_x, margin_y, view, error);
    if (views == 1) {
        view->x = mode == TSM_MODE_MIT ? half_to_even(margin_x) : margin_x / 2;
        view->y = mode == TSM_MODE_MIT ? half_to_even(margin_y) : margin_y / 2;
    } else {
        place_of_five(views == 10 ? index / 2 : index, margin_x, margin_y, view);
    }
    return TSM_OK;
}
