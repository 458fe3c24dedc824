/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c - see resize.h: the choice between the two ways of scaling, their tables, and the public function. */
#include "resize.h"

#include <string.h>

#include "core/status.h"

static bool same_spec(const tsm_resize_spec *a, const tsm_resize_spec *b)
{
    return a->mode == b->mode && a->in_width == b->in_width && a->in_height == b->in_height &&
           a->out_width == b->out_width && a->out_height == b->out_height && a->part.x == b->part.x &&
           a->part.y == b->part.y && a->part.width == b->part.width && a->part.height == b->part.height;
}

static bool keeps_size(const tsm_resize_spec *spec)
{
    return spec->in_width == spec->out_width && spec->in_height == spec->out_height;
}

static tsm_status make_resample(tsm_resizer *resizer, const tsm_resize_spec *spec, tsm_error *error)
{
    const tsm_resample_spec tables = { .in_width = spec->in_width,
                                       .in_height = spec->in_height,
                                       .scaled_width = spec->out_width,
                                       .scaled_height = spec->out_height,
                                       .x = spec->part.x,
                                       .y = spec->part.y,
                                       .width = spec->part.width,
                                       .height = spec->part.height };
    size_t bytes;

    TSM_TRY_RETURN(tsm_resample_make(&resizer->resample, &tables, error));
    bytes = tsm_resample_scratch_bytes(&resizer->resample);
    resizer->scratch = tsm_alloc_aligned(bytes, 1);
    return resizer->scratch ? TSM_OK : tsm_fail_memory(error, bytes);
}

static tsm_status make_cv(tsm_resizer *resizer, const tsm_resize_spec *spec, tsm_error *error)
{
    const tsm_cv_axis columns = { spec->in_width, spec->out_width, spec->part.x, spec->part.width };
    const tsm_cv_axis rows = { spec->in_height, spec->out_height, spec->part.y, spec->part.height };

    return tsm_cv_tables_make(&resizer->cv, &columns, &rows, error);
}

tsm_status tsm_resizer_set(tsm_resizer *resizer, const tsm_resize_spec *spec, tsm_error *error)
{
    tsm_status status;

    if (resizer->ready && same_spec(&resizer->spec, spec)) return TSM_OK;
    tsm_resizer_clear(resizer);
    if (!keeps_size(spec) && spec->mode == TSM_MODE_MMACTION2) TSM_TRY(make_cv(resizer, spec, error));
    if (!keeps_size(spec) && spec->mode != TSM_MODE_MMACTION2) TSM_TRY(make_resample(resizer, spec, error));
    resizer->spec = *spec;
    resizer->ready = true;
    return TSM_OK;
fail:
    tsm_resizer_clear(resizer);
    return status;
}

void tsm_resizer_clear(tsm_resizer *resizer)
{
    tsm_resample_clear(&resizer->resample);
    tsm_cv_tables_clear(&resizer->cv);
    tsm_free(resizer->scratch);
    memset(resizer, 0, sizeof *resizer);
}

static void copy_part(const tsm_resize_spec *spec, const uint8_t *in, uint8_t *out)
{
    const tsm_rect *part = &spec->part;
    size_t row_bytes = (size_t)part->width * 3;

    for (int y = 0; y < part->height; y++) {
        const uint8_t *row = in + ((size_t)(part->y + y) * (size_t)spec->in_width + (size_t)part->x) * 3;
        memcpy(out + (size_t)y * row_bytes, row, row_bytes);
    }
}

void tsm_resizer_run(tsm_resizer *resizer, const uint8_t *in, uint8_t *out)
{
    const tsm_resize_spec *spec = &resizer->spec;

    if (keeps_size(spec))
        copy_part(spec, in, out);
    else if (spec->mode == TSM_MODE_MMACTION2)
        tsm_cv_scale(&resizer->cv, in, spec->in_width, out);
    else
        tsm_resample_run(&resizer->resample, in, resizer->scratch, out);
}

tsm_status tsm_resize_rgb(tsm_video_mode mode, const uint8_t *in, int width, int height, uint8_t *out, int out_width,
                          int out_height, tsm_error *error)
{
    const tsm_resize_spec spec = { mode, width, height, out_width, out_height, { 0, 0, out_width, out_height } };
    tsm_resizer resizer = { 0 };
    size_t pixels, bytes;

    if (!in || !out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: no image, or nowhere to put it");
    if (mode != TSM_MODE_MIT && mode != TSM_MODE_MMACTION2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "mode %d is not known", (int)mode);
    if (width < 1 || height < 1 || out_width < 1 || out_height < 1)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "cannot resize %d x %d to %d x %d", width, height, out_width,
                        out_height);
    if (!tsm_multiply((size_t)out_width, (size_t)out_height, &pixels) || !tsm_multiply(pixels, 3, &bytes))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d x %d pixels are too many", out_width, out_height);
    TSM_TRY_RETURN(tsm_resizer_set(&resizer, &spec, error));
    tsm_resizer_run(&resizer, in, out);
    tsm_resizer_clear(&resizer);
    return TSM_OK;
}
