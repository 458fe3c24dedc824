/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels.h - the CUDA kernels of libtsm, as C functions that enqueue them.
 *
 * Every function enqueues on `stream` and returns: it allocates nothing, never synchronises and can be captured in a
 * CUDA graph. Pointers are device memory. Activations are (N,T,H,W,C), channels last; a "row" is the channels of one
 * pixel, and a pitch is the number of elements from one row to the next (at least the channels). Rows whose addresses
 * and pitches are multiples of 16 bytes move in 16-byte vectors; others work, element by element.
 *
 * dtype is TSM_FLOAT32, TSM_FLOAT16 or TSM_BFLOAT16; sums are made in float32 and rounded once.
 * cudaErrorInvalidValue: a NULL pointer, a size below 1, a dtype that the kernel does not have, or more work than one
 * launch can index (2^31 vectors a frame, or rows); otherwise what the launch returned.
 */
#ifndef TSM_KERNELS_KERNELS_H
#define TSM_KERNELS_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdint.h>
#include <tsm/tsm.h>

#include "act.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- shift.cu ---- */

/* out[n,t] = the temporal shift of in: channels [0, fold) from frame t + step, [fold, end) from t - step, zeros
 * beyond the clip, the rest from t. 0 <= fold <= end <= channels; step is 1 or -1; end 0 is a copy. in and out must
 * not overlap, except as here: `channels` = end with out = in + C, both of pitch C + end, writes only the channels
 * that move into columns [C, C + end) of the same rows (the shift method "overlap"). */
typedef struct tsm_kernel_shift_args {
    const void *in;
    void *out;
    int64_t in_pitch, out_pitch;
    int n, t, pixels, channels;
    int fold, end, step;
    int element_bytes; /* 1, 2 or 4 */
} tsm_kernel_shift_args;

cudaError_t tsm_kernel_shift(const tsm_kernel_shift_args *args, cudaStream_t stream);

/* The uni-directional shift of live streams, fold == end and step -1: channels [0, fold) of frame t come from t - 1,
 * of frame 0 from the stream's cache, which then takes those of frame T-1. */
typedef struct tsm_kernel_shift_online_args {
    tsm_kernel_shift_args shift;
    void *cache;          /* (slots, pixels, fold), dense; NULL: zeros, nothing is kept */
    const int32_t *slots; /* device: the slot of each of the n streams, all different; NULL: stream i has slot i */
} tsm_kernel_shift_online_args;

cudaError_t tsm_kernel_shift_online(const tsm_kernel_shift_online_args *args, cudaStream_t stream);

/* ---- pool.cu ---- */

/* Maximum over windows of (images, h, w, channels); the padding counts as nothing, NaN wins. 2 pad <= kernel. */
typedef struct tsm_kernel_maxpool_args {
    const void *in;
    void *out;
    int64_t in_pitch, out_pitch;
    int images, h, w, channels;
    int kernel, stride, pad;
    tsm_dtype dtype;
} tsm_kernel_maxpool_args;

cudaError_t tsm_kernel_maxpool(const tsm_kernel_maxpool_args *args, cudaStream_t stream);

/* (groups, rows, channels) to (groups, channels): the mean over rows. A group is a frame (rows = h*w) or a clip
 * (rows = t*h*w). The order of summation depends on the shape alone. */
typedef struct tsm_kernel_avgpool_args {
    const void *in;
    void *out;
    int groups, rows, channels;
    tsm_dtype dtype, out_dtype; /* out_dtype: dtype, or TSM_FLOAT32 */
} tsm_kernel_avgpool_args;

cudaError_t tsm_kernel_avgpool(const tsm_kernel_avgpool_args *args, cudaStream_t stream);

/* Mean over windows of (images, h, w, channels) that begin inside, every `stride` pixels, of what is inside. */
typedef struct tsm_kernel_window_mean_args {
    const void *in;
    void *out;
    int64_t in_pitch, out_pitch;
    int images, h, w, channels;
    int kernel_h, kernel_w, stride;
    tsm_dtype dtype;
} tsm_kernel_window_mean_args;

cudaError_t tsm_kernel_window_mean(const tsm_kernel_window_mean_args *args, cudaStream_t stream);

/* (n, t, values) to (n, t', values): maximum over 3 frames at stride 2 with padding 1, t' = (t - 1) / 2 + 1. */
typedef struct tsm_kernel_tpool_args {
    const void *in;
    void *out;
    int n, t;
    int64_t values; /* h * w * channels */
    tsm_dtype dtype;
} tsm_kernel_tpool_args;

cudaError_t tsm_kernel_tpool(const tsm_kernel_tpool_args *args, cudaStream_t stream);

/* ---- depthwise.cu ---- */

/* Depthwise 3x3 convolution with padding 1 and stride 1 or 2 of dense (images, h, w, channels). */
typedef struct tsm_kernel_depthwise_args {
    const void *in;
    const void *weights; /* (3, 3, channels), of dtype */
    const float *bias;   /* (channels); NULL: none */
    void *out;
    int images, h, w, channels, stride;
    tsm_kernel_act act;
    tsm_dtype dtype;
} tsm_kernel_depthwise_args;

cudaError_t tsm_kernel_depthwise(const tsm_kernel_depthwise_args *args, cudaStream_t stream);

/* ---- elementwise.cu ---- */

/* out = act(a + b), row by row. b NULL: out = act(a). out may be a or b, with the same pitch. */
typedef struct tsm_kernel_add_args {
    const void *a, *b;
    void *out;
    int64_t a_pitch, b_pitch, out_pitch;
    int64_t rows;
    int channels;
    tsm_kernel_act act;
    tsm_dtype dtype;
} tsm_kernel_add_args;

cudaError_t tsm_kernel_add(const tsm_kernel_add_args *args, cudaStream_t stream);

/* out = act(in * factors): (frames, pixels, channels), with one factor a frame and channel. out may be in, with the
 * same pitch. */
typedef struct tsm_kernel_scale_args {
    const void *in, *factors; /* factors: (frames, channels) */
    void *out;
    int64_t in_pitch, factor_pitch, out_pitch;
    int frames, pixels, channels;
    tsm_kernel_act act;
    tsm_dtype dtype;
} tsm_kernel_scale_args;

cudaError_t tsm_kernel_scale(const tsm_kernel_scale_args *args, cudaStream_t stream);

/* ---- rows.cu ---- */

/* softmax of each of `rows` rows of `count` elements; one of the types is float32. out may be in where both are, with
 * the same pitch. */
typedef struct tsm_kernel_softmax_args {
    const void *in;
    void *out;
    int64_t in_pitch, out_pitch;
    int64_t rows;
    int count;
    tsm_dtype dtype, out_dtype;
} tsm_kernel_softmax_args;

cudaError_t tsm_kernel_softmax(const tsm_kernel_softmax_args *args, cudaStream_t stream);

/* The k largest of each row, in order; equal values by lower index; NaN last. out_values and out_indices (rows, k),
 * one of them may be NULL. 1 <= k <= classes. */
cudaError_t tsm_kernel_topk(const void *in, float *out_values, int32_t *out_indices, int rows, int classes, int k,
                            tsm_dtype dtype, cudaStream_t stream);

/* Lowers *first to the least of the `rows` rows of `count` float32 that has a value which is not finite. */
cudaError_t tsm_kernel_not_finite(const float *in, int rows, int count, uint32_t *first, cudaStream_t stream);

/* ---- input.cu ---- */

/* uint8 RGB (pixels, 3) to (pixels, 4) of dtype: ((x / 255) - mean) / std in float32, the fourth channel 0. */
typedef struct tsm_kernel_bytes_args {
    const uint8_t *in;
    void *out;
    int64_t pixels; /* n * t * h * w */
    float mean[3], std[3];
    tsm_dtype dtype;
} tsm_kernel_bytes_args;

cudaError_t tsm_kernel_bytes(const tsm_kernel_bytes_args *args, cudaStream_t stream);

/* float32 (images, channels, pixels) to (images, pixels, out_channels) of dtype; channels beyond the first are 0.
 * What is read is looked at on the way: *not_finite is lowered to the least image that has a value which is not
 * finite. */
typedef struct tsm_kernel_planes_args {
    const float *in;
    void *out;
    int images, channels, out_channels;
    int64_t pixels;       /* h * w */
    uint32_t *not_finite; /* NULL: not looked for */
    tsm_dtype dtype;
} tsm_kernel_planes_args;

cudaError_t tsm_kernel_planes(const tsm_kernel_planes_args *args, cudaStream_t stream);

/* ---- resize.cu ---- */

/* One axis of a resize: output i is the sum over count[i] inputs from first[i] on, the k-th weighted by
 * weights[i * taps + k] in units of 2^-22. An axis that keeps its size has one tap of 2^22. Device pointers. */
typedef struct tsm_kernel_axis {
    const int32_t *first, *count, *weights;
    int taps;
} tsm_kernel_axis;

/* RGB images (images, in_h, in_w, 3) to (images, out_h, out_w, 3): columns first, bytes in between, then rows. The
 * tables describe the outputs that are wanted, so a crop is a matter of the tables; the rows they read are
 * [row_begin, row_end) of the input. */
typedef struct tsm_kernel_resize_args {
    const uint8_t *in;
    uint8_t *between; /* (images, row_end - row_begin, out_w, 3) */
    uint8_t *out;
    int images, in_h, in_w, out_h, out_w;
    int row_begin, row_end;
    tsm_kernel_axis columns, rows; /* of out_w and of out_h outputs */
} tsm_kernel_resize_args;

cudaError_t tsm_kernel_resize(const tsm_kernel_resize_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
