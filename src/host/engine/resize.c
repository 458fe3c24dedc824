/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c - frames that come at another size than the network's: what a caller asks for, checked, and, for backends
 * that do not resize, the frames on the host. */
#include "core/status.h"
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

/* Memory for the frames at the network's size, where it is for the engine to resample. */
static tsm_status make_room(tsm_context *context, const tsm_dims *input, tsm_error *error)
{
    const size_t bytes = (size_t)tsm_dims_count(input), scratch = tsm_resample_scratch_bytes(&context->resize);

    if (context->engine->backend->resizes) return TSM_OK;
    context->frames = tsm_alloc_aligned(bytes, 1);
    context->scratch = tsm_alloc_aligned(scratch, 1);
    if (!context->frames || !context->scratch) return tsm_fail_memory(error, bytes + scratch);
    return TSM_OK;
}

tsm_status tsm_context_make_resize(tsm_context *context, const tsm_resize *caller, tsm_error *error)
{
    const tsm_dims *input = tsm_graph_input_dims(context->graph);
    tsm_resize resize;

    TSM_TRY_RETURN(tsm_options_read(&resize, sizeof resize, caller, "tsm_resize", error));
    if (resize.scaled_width == 0 && resize.scaled_height == 0) {
        resize.scaled_width = resize.width;
        resize.scaled_height = resize.height;
    }
    TSM_TRY_RETURN(check_resize(&resize, input, error));
    TSM_TRY_RETURN(tsm_resample_make(&context->resize,
                                     &(tsm_resample_spec){ .in_width = resize.width,
                                                           .in_height = resize.height,
                                                           .scaled_width = resize.scaled_width,
                                                           .scaled_height = resize.scaled_height,
                                                           .x = resize.x,
                                                           .y = resize.y,
                                                           .width = input->w,
                                                           .height = input->h,
                                                           .mirror = resize.mirror != 0 },
                                     error));
    context->graph->resize = &context->resize;
    return make_room(context, input, error);
}

uint64_t tsm_context_resize_bytes(const tsm_context *context)
{
    if (!context->frames) return 0;
    return (uint64_t)tsm_dims_count(tsm_graph_input_dims(context->graph)) +
           tsm_resample_scratch_bytes(&context->resize);
}

void tsm_context_drop_resize(tsm_context *context)
{
    tsm_resample_clear(&context->resize);
    tsm_free(context->frames);
    tsm_free(context->scratch);
    context->frames = NULL;
    context->scratch = NULL;
}

tsm_tensor tsm_context_resample(tsm_context *context, const tsm_tensor *input)
{
    const tsm_resample *resize = &context->resize;
    const tsm_dims *d = tsm_graph_input_dims(context->graph);
    const size_t from = (size_t)resize->spec.in_width * (size_t)resize->spec.in_height * 3;
    const size_t to = (size_t)d->w * (size_t)d->h * 3;
    tsm_tensor frames = *input;

    for (size_t i = 0; i < (size_t)d->n * (size_t)d->t; i++)
        tsm_resample_run(resize, (const uint8_t *)input->data + i * from, context->scratch, context->frames + i * to);
    frames.data = context->frames;
    frames.memory = TSM_MEMORY_HOST;
    frames.dims[2] = d->h;
    frames.dims[3] = d->w;
    return frames;
}
