/* SPDX-License-Identifier: Apache-2.0 */
/* resize.h - frames that come at another size: the tables of the resize on the device, and the resize itself. */
#ifndef TSM_CUDA_RESIZE_H
#define TSM_CUDA_RESIZE_H

#include "kernels/kernels.h"
#include "pixels/pixels.h"
#include "cuda_calls.h"

typedef struct tsm_cuda_resize {
    const tsm_resample *resample; /* borrowed; NULL: frames come at the size of the input */
    char *tables;                 /* device memory */
    size_t bytes;
    tsm_kernel_axis columns, rows;
} tsm_cuda_resize;

/* Puts the tables on the device; `resample` NULL: nothing is made. Blocking. Errors: MEMORY, DEVICE. */
tsm_status tsm_cuda_resize_make(tsm_cuda_resize *resize, const tsm_resample *resample, tsm_error *error);
void tsm_cuda_resize_clear(tsm_cuda_resize *resize);

/* Scratch of `images` frames: as they come, between columns and rows, and resized. */
uint64_t tsm_cuda_resize_scratch(const tsm_resample *resample, int64_t images);

/* Bytes of `images` frames as they come: what the caller's tensor holds, and the scratch begins with. */
uint64_t tsm_cuda_resize_frames(const tsm_resample *resample, int64_t images);

/* Enqueues the resize of `frames`, which may lie at the beginning of `scratch`; *resized then points into it. */
tsm_status tsm_cuda_resize_enqueue(const tsm_cuda_resize *resize, const void *frames, void *scratch, int images,
                                   const void **resized, cudaStream_t stream, tsm_error *error);

#endif
