/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c - see resize.h. */
#include "resize.h"

#include <string.h>

#include "alignment.h"

static size_t axis_bytes(const tsm_resample_axis *axis)
{
    const size_t positions = (size_t)axis->count * sizeof(int32_t);

    return 2 * tsm_cuda_align(positions) + tsm_cuda_align(positions * (size_t)axis->taps);
}

/* Copies a table to *at and moves that on. */
static tsm_status put(char **at, const int32_t **table, const int32_t *from, size_t count, tsm_error *error)
{
    TSM_CUDA(cudaMemcpy(*at, from, count * sizeof *from, cudaMemcpyHostToDevice));
    *table = (const int32_t *)(void *)*at;
    *at += tsm_cuda_align(count * sizeof *from);
    return TSM_OK;
}

static tsm_status put_axis(char **at, tsm_kernel_axis *axis, const tsm_resample_axis *from, tsm_error *error)
{
    const size_t count = (size_t)from->count;

    axis->taps = from->taps;
    TSM_TRY_RETURN(put(at, &axis->first, from->first, count, error));
    TSM_TRY_RETURN(put(at, &axis->count, from->used, count, error));
    return put(at, &axis->weights, from->weights, count * (size_t)from->taps, error);
}

tsm_status tsm_cuda_resize_make(tsm_cuda_resize *resize, const tsm_resample *resample, tsm_error *error)
{
    tsm_status status;
    char *at;

    memset(resize, 0, sizeof *resize);
    if (!resample) return TSM_OK;
    resize->resample = resample;
    resize->bytes = axis_bytes(&resample->columns) + axis_bytes(&resample->rows);
    TSM_CUDA_TRY(cudaMalloc((void **)&resize->tables, resize->bytes));
    at = resize->tables;
    TSM_TRY(put_axis(&at, &resize->columns, &resample->columns, error));
    TSM_TRY(put_axis(&at, &resize->rows, &resample->rows, error));
    /* A copy from pageable memory may return before it is over, and no stream of ours waits for this one. */
    TSM_CUDA_TRY(cudaStreamSynchronize(NULL));
    return TSM_OK;
fail:
    tsm_cuda_resize_clear(resize);
    return status;
}

void tsm_cuda_resize_clear(tsm_cuda_resize *resize)
{
    if (resize->tables) cudaFree(resize->tables);
    memset(resize, 0, sizeof *resize);
}

uint64_t tsm_cuda_resize_frames(const tsm_resample *r, int64_t images)
{
    return (uint64_t)images * (uint64_t)r->spec.in_width * (uint64_t)r->spec.in_height * 3;
}

static uint64_t between_bytes(const tsm_resample *r, int64_t images)
{
    return (uint64_t)images * tsm_resample_between_bytes(r);
}

uint64_t tsm_cuda_resize_scratch(const tsm_resample *r, int64_t images)
{
    return tsm_cuda_align(tsm_cuda_resize_frames(r, images)) + tsm_cuda_align(between_bytes(r, images)) +
           (uint64_t)images * (uint64_t)r->spec.width * (uint64_t)r->spec.height * 3;
}

tsm_status tsm_cuda_resize_enqueue(const tsm_cuda_resize *resize, const void *frames, void *scratch, int images,
                                   const void **resized, cudaStream_t stream, tsm_error *error)
{
    const tsm_resample *r = resize->resample;
    uint8_t *between = (uint8_t *)scratch + tsm_cuda_align(tsm_cuda_resize_frames(r, images));
    const tsm_kernel_resize_args args = { .in = frames,
                                          .between = between,
                                          .out = between + tsm_cuda_align(between_bytes(r, images)),
                                          .images = images,
                                          .in_h = r->spec.in_height,
                                          .in_w = r->spec.in_width,
                                          .out_h = r->spec.height,
                                          .out_w = r->spec.width,
                                          .row_begin = r->row_begin,
                                          .row_end = r->row_end,
                                          .columns = resize->columns,
                                          .rows = resize->rows };

    *resized = args.out;
    TSM_CUDA(tsm_kernel_resize(&args, stream));
    return TSM_OK;
}
