/* SPDX-License-Identifier: Apache-2.0 */
/* resize_pil.c - one image scaled as Pillow does it; the arithmetic is in resample.c. */
#include "resample.h"
#include "resize.h"

tsm_status tsm_resize_pil(const tsm_rgb *in, int out_width, int out_height, const tsm_rect *part, uint8_t *out,
                          tsm_error *error)
{
    const tsm_resample_spec spec = { .in_width = in->width,
                                     .in_height = in->height,
                                     .scaled_width = out_width,
                                     .scaled_height = out_height,
                                     .x = part->x,
                                     .y = part->y,
                                     .width = part->width,
                                     .height = part->height };
    tsm_resample resample;
    tsm_status status = TSM_OK;
    void *scratch;

    TSM_TRY_RETURN(tsm_resample_make(&resample, &spec, error));
    scratch = tsm_alloc_aligned(tsm_resample_scratch_bytes(&resample), 1);
    if (scratch)
        tsm_resample_run(&resample, in->data, scratch, out);
    else
        status = tsm_fail_memory(error, tsm_resample_scratch_bytes(&resample));
    tsm_free(scratch);
    tsm_resample_clear(&resample);
    return status;
}
