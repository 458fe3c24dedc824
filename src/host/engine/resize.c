/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c - frames that come at another size than the network's: what a caller asks for, checked, and, for backends
 * that do not resize, the frames on the host. */
#include "engine.h"

#define MAX_ELEMENTS (INT64_C(1) << 40) /* of the frames of a batch, as of any value of a graph */

static bool is_side(int pixels)
{
    return pixels >= 1 && pixels <= TSM_MAX_SIDE;
}

/* Whether [from, from + size) lies within [0, whole). */
static bool lies_within(int from, int size, int whole)
{
    return from >= 0 && from <= whole && size <= whole - from;
}

static tsm_status check_resize(const tsm_resize *resize, const tsm_dims *input, tsm_error *error)
{
    const int64_t pixels = (int64_t)resize->width * resize->height * 3;

    if (!is_side(resize->width) || !is_side(resize->height))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: frames of %dx%d pixels, want 1 to %d a side",
                        resize->width, resize->height, TSM_MAX_SIDE);
    if (!is_side(resize->scaled_width) || !is_side(resize->scaled_height))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: scaled to %dx%d pixels, want 1 to %d a side",
                        resize->scaled_width, resize->scaled_height, TSM_MAX_SIDE);
    if (!lies_within(resize->x, input->w, resize->scaled_width) ||
        !lies_within(resize->y, input->h, resize->scaled_height))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: a crop of %dx%d at (%d, %d) leaves the frame of %dx%d",
                        input->w, input->h, resize->x, resize->y, resize->scaled_width, resize->scaled_height);
    if (input->c != 3)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: frames have 3 channels, this network reads %d", input->c);
    if ((int64_t)input->n * input->t > MAX_ELEMENTS / pixels)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "resize: %d clips of %d frames of %dx%d pixels are too many",
                        input->n, input->t, resize->width, resize->height);
    return TSM_OK;
}

tsm_status tsm_resize_read(tsm_resample_spec *spec, const tsm_resize *caller, const tsm_dims *input, tsm_error *error)
{
    tsm_resize resize;

    TSM_TRY_RETURN(tsm_options_read(&resize, sizeof resize, caller, "tsm_resize", error));
    if (resize.scaled_width == 0 && resize.scaled_height == 0) {
        resize.scaled_width = resize.width;
        resize.scaled_height = resize.height;
    }
    TSM_TRY_RETURN(check_resize(&resize, input, error));
    *spec = (tsm_resample_spec){ .in_width = resize.width,
                                 .in_height = resize.height,
                                 .scaled_width = resize.scaled_width,
                                 .scaled_height = resize.scaled_height,
                                 .x = resize.x,
                                 .y = resize.y,
                                 .width = input->w,
                                 .height = input->h,
                                 .mirror = resize.mirror != 0 };
    return TSM_OK;
}

/* Replaces *memory, of *bytes, by at least `wanted` bytes; what it held is lost. */
static tsm_status grow(void **memory, size_t *bytes, size_t wanted, tsm_error *error)
{
    void *larger;

    if (wanted <= *bytes) return TSM_OK;
    larger = tsm_alloc_aligned(wanted, 1);
    if (!larger) return tsm_fail_memory(error, wanted);
    tsm_free(*memory);
    *memory = larger;
    *bytes = wanted;
    return TSM_OK;
}

tsm_status tsm_context_make_room(tsm_context *context, const tsm_planned *planned, tsm_error *error)
{
    const size_t bytes = (size_t)tsm_dims_count(tsm_planned_input(context, planned));
    const size_t scratch = tsm_resample_scratch_bytes(&planned->resize);

    TSM_TRY_RETURN(tsm_check_bytes(bytes + scratch, context->engine->max_bytes, error));
    TSM_TRY_RETURN(grow(&context->frames, &context->frame_bytes, bytes, error));
    return grow(&context->scratch, &context->scratch_bytes, scratch, error);
}

void tsm_context_free_room(tsm_context *context)
{
    tsm_free(context->frames);
    tsm_free(context->scratch);
    context->frames = context->scratch = NULL;
    context->frame_bytes = context->scratch_bytes = 0;
}

tsm_tensor tsm_context_resample(tsm_context *context, const tsm_planned *planned, const tsm_tensor *input)
{
    const tsm_resample *resize = &planned->resize;
    const tsm_dims *d = tsm_planned_input(context, planned);
    const size_t from = (size_t)resize->spec.in_width * (size_t)resize->spec.in_height * 3;
    const size_t to = (size_t)d->w * (size_t)d->h * 3;
    tsm_tensor frames = *input;

    for (size_t i = 0; i < (size_t)d->n * (size_t)d->t; i++)
        tsm_resample_run(resize, (const uint8_t *)input->data + i * from, context->scratch,
                         (uint8_t *)context->frames + i * to);
    frames.data = context->frames;
    frames.memory = TSM_MEMORY_HOST;
    frames.dims[2] = d->h;
    frames.dims[3] = d->w;
    return frames;
}
