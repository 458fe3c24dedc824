/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depthwise.cu - 3x3 depthwise convolution with bias and activation.
 *
 * Idea: a thread makes 16 bytes of channels of a few neighbouring output pixels, four at stride 1 and two at stride
 * 2, as many as fit into half the registers that a thread may have, so that two blocks share a multiprocessor. It
 * walks the input pixels under them row by row, loads each once and adds it to every output that sees it, with the
 * three weights of the row in registers. Bytes: the input once from memory (rows are read three times, from the
 * cache), the output once, 9 weights a channel. Operations: 9 multiply-adds an output, in float32: bound by bandwidth
 * on every GPU. Layout: dense (images, h, w, channels); weights (3, 3, channels).
 */
#include "device.h"

namespace tsm
{

constexpr int kDepthKernel = 3, kDepthPad = 1;

template <int S> constexpr int depth_pixels = S == 1 ? 4 : 2; /* output pixels of a thread at stride S */

template <typename T> struct DepthwisePlan {
    const T *in, *weights;
    const float *bias;
    T *out;
    int h, w, channels, out_h, out_w;
    tsm_kernel_act act;
    int64_t rows;        /* images * out_h */
    uint32_t chunks;     /* of an output row: groups of pixels times chunks of channels */
    tsm_divisor per_row; /* chunks of channels */
};

/* Adds what one input row gives to the outputs; `line` is the row, at the chunk's channels. */
template <typename T, int V, int S>
__device__ __forceinline__ void depthwise_row(float (&sum)[depth_pixels<S>][V], const DepthwisePlan<T> &p,
                                              const T *line, const T *weights, int left)
{
    Pack<T, V> tap[kDepthKernel];

#pragma unroll
    for (int k = 0; k < kDepthKernel; k++) tap[k] = load<T, V>(weights + k * p.channels);
#pragma unroll
    for (int column = 0; column < (depth_pixels<S> - 1) * S + kDepthKernel; column++) {
        int x = left + column;
        Pack<T, V> pixel = {}; /* the padding: all bits zero is zero in every type */
        if (x >= 0 && x < p.w) pixel = load<T, V>(line + (int64_t)x * p.channels);
#pragma unroll
        for (int o = 0; o < depth_pixels<S>; o++) {
            const int k = column - o * S;
            if (k < 0 || k >= kDepthKernel) continue;
#pragma unroll
            for (int j = 0; j < V; j++) sum[o][j] += to_float(pixel.v[j]) * to_float(tap[k].v[j]);
        }
    }
}

template <typename T, int V, int S>
__global__ void __launch_bounds__(kThreads, 2) depthwise_kernel(DepthwisePlan<T> p)
{
    wait_for_previous();
    uint32_t i = blockIdx.x * kThreads + threadIdx.x, group = tsm_divide(i, p.per_row);
    int c = (int)(i - group * p.per_row.value) * V, first = (int)group * depth_pixels<S>;

    if (i >= p.chunks) return;
    for (int64_t row = blockIdx.y; row < p.rows; row += gridDim.y) {
        int64_t image = row / p.out_h;
        int top = tsm_window_start((int)(row - image * p.out_h), S, kDepthPad);
        float sum[depth_pixels<S>][V];
#pragma unroll
        for (int o = 0; o < depth_pixels<S>; o++)
#pragma unroll
            for (int j = 0; j < V; j++) sum[o][j] = p.bias ? p.bias[c + j] : 0.0f;
#pragma unroll
        for (int k = 0; k < kDepthKernel; k++) {
            int y = top + k;
            if (y < 0 || y >= p.h) continue;
            depthwise_row<T, V, S>(sum, p, p.in + (image * p.h + y) * p.w * p.channels + c,
                                   p.weights + k * kDepthKernel * p.channels + c,
                                   tsm_window_start(first, S, kDepthPad));
        }
#pragma unroll
        for (int o = 0; o < depth_pixels<S>; o++) {
            if (first + o >= p.out_w) continue;
            Pack<T, V> result;
            activate(sum[o], p.act);
#pragma unroll
            for (int j = 0; j < V; j++) result.v[j] = from_float<T>(sum[o][j]);
            store<T, V>(p.out + (row * p.out_w + first + o) * p.channels + c, result);
        }
    }
}

template <typename T, int V, int S> static cudaError_t depthwise_run(DepthwisePlan<T> p, cudaStream_t stream)
{
    int64_t per_row = p.channels / V, chunks = divide_up(p.out_w, depth_pixels<S>) * per_row;

    if (chunks > kMaxIndex - kThreads) return cudaErrorInvalidValue;
    p.chunks = (uint32_t)chunks;
    p.per_row = tsm_divisor_make((uint32_t)per_row);
    return TSM_LAUNCH((depthwise_kernel<T, V, S>), grid_of(chunks, kThreads, p.rows), kThreads, 0, stream, p);
}

template <typename T> static cudaError_t depthwise_launch(const tsm_kernel_depthwise_args *a, cudaStream_t stream)
{
    int out_h = tsm_window_count(a->h, kDepthKernel, a->stride, kDepthPad);
    int out_w = tsm_window_count(a->w, kDepthKernel, a->stride, kDepthPad);
    DepthwisePlan<T> p = { static_cast<const T *>(a->in),
                           static_cast<const T *>(a->weights),
                           a->bias,
                           static_cast<T *>(a->out),
                           a->h,
                           a->w,
                           a->channels,
                           out_h,
                           out_w,
                           a->act,
                           (int64_t)a->images * out_h,
                           0,
                           { 0, 0, 0 } };
    bool vectors = a->channels % vector_length<T> == 0 && aligned(a->in) && aligned(a->weights) && aligned(a->out);

    if (vectors && a->stride == 1) return depthwise_run<T, vector_length<T>, 1>(p, stream);
    if (vectors) return depthwise_run<T, vector_length<T>, 2>(p, stream);
    return a->stride == 1 ? depthwise_run<T, 1, 1>(p, stream) : depthwise_run<T, 1, 2>(p, stream);
}

} // namespace tsm

cudaError_t tsm_kernel_depthwise(const tsm_kernel_depthwise_args *args, cudaStream_t stream)
{
    if (!args->in || !args->weights || !args->out || args->images < 1 || args->h < 1 || args->w < 1 ||
        args->channels < 1 || args->stride < 1 || args->stride > 2)
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::depthwise_launch, args, stream)
}
