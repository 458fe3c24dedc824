/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.cu - maximum and mean over windows of pixels, mean over pixels (and frames), maximum over windows of frames.
 *
 * Maximum over pixels: a thread makes 16 bytes of channels of one output pixel; the windows overlap, so of its K*K
 * loads (9 in the published networks) most hit the cache. Bytes: the input once from memory, a quarter of it written
 * (stride 2). The published window has a kernel of its own, unrolled, with all loads on their way at once: bounds on
 * its registers make ptxas spill. K = 0 takes any.
 *
 * Mean over windows: the same division of work; the published windows (2x2, stride 2) do not overlap, so every input
 * byte is read once, and a quarter of them written.
 *
 * Mean: a block of 512 threads owns 32 chunks of channels of one group, or, where that made too few blocks to fill a
 * GPU (one clip), 4; each of its 16 or 128 slices takes every 16th or 128th row, in float32, and slices are added in
 * a fixed order through shared memory, so the result depends on the shape alone. Bytes: the input once, by 64 bytes
 * at least.
 *
 * Maximum over frames: 16 bytes of one output frame a thread. Bytes: the input 1.5 times, half of it written.
 *
 * Layout: channels last; each kernel takes single elements where rows are not multiples of 16 bytes.
 */
#include "device.h"

namespace tsm
{

/* ---- Maximum over pixels ---- */

template <typename T> struct MaxpoolPlan {
    const T *in;
    T *out;
    int64_t in_pitch, out_pitch;
    int h, w, out_h, out_w, kernel, stride, pad;
    int64_t rows;        /* images * out_h */
    uint32_t chunks;     /* of an output row of pixels */
    tsm_divisor per_row; /* chunks of a pixel */
};

/* A pixel of the padding is replaced by the nearest in the image, which the window holds as well: the maximum is the
 * same, and all loads can be in flight together. */
__device__ __forceinline__ int clamp(int i, int size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

template <typename T, int V, int K> __global__ void __launch_bounds__(kThreads) maxpool_kernel(MaxpoolPlan<T> p)
{
    wait_for_previous();
    uint32_t i = blockIdx.x * kThreads + threadIdx.x, x = tsm_divide(i, p.per_row);
    int c = (int)(i - x * p.per_row.value) * V, left = tsm_window_start((int)x, p.stride, p.pad);
    const int kernel = K ? K : p.kernel;

    if (i >= p.chunks) return;
    for (int64_t row = blockIdx.y; row < p.rows; row += gridDim.y) {
        int64_t image = row / p.out_h;
        int top = tsm_window_start((int)(row - image * p.out_h), p.stride, p.pad);
        float best[V];
#pragma unroll
        for (int j = 0; j < V; j++) best[j] = -INFINITY;
#pragma unroll
        for (int ky = 0; ky < kernel; ky++) {
#pragma unroll
            for (int kx = 0; kx < kernel; kx++) {
                int iy = clamp(top + ky, p.h), ix = clamp(left + kx, p.w);
                Pack<T, V> pack = load<T, V>(p.in + ((image * p.h + iy) * p.w + ix) * p.in_pitch + c);
#pragma unroll
                for (int j = 0; j < V; j++) best[j] = larger(best[j], to_float(pack.v[j]));
            }
        }
        Pack<T, V> result;
#pragma unroll
        for (int j = 0; j < V; j++) result.v[j] = from_float<T>(best[j]);
        store<T, V>(p.out + (row * p.out_w + x) * p.out_pitch + c, result);
    }
}

template <typename T, int V> static cudaError_t maxpool_run(MaxpoolPlan<T> p, int channels, cudaStream_t stream)
{
    int64_t per_row = channels / V, chunks = per_row * p.out_w;

    if (chunks > kMaxIndex - kThreads) return cudaErrorInvalidValue;
    p.chunks = (uint32_t)chunks;
    p.per_row = tsm_divisor_make((uint32_t)per_row);
    dim3 grid = grid_of(chunks, kThreads, p.rows);
    if (p.kernel == 3) return TSM_LAUNCH((maxpool_kernel<T, V, 3>), grid, kThreads, 0, stream, p);
    return TSM_LAUNCH((maxpool_kernel<T, V, 0>), grid, kThreads, 0, stream, p);
}

template <typename T> static cudaError_t maxpool_launch(const tsm_kernel_maxpool_args *a, cudaStream_t stream)
{
    int out_h = tsm_window_count(a->h, a->kernel, a->stride, a->pad);
    int out_w = tsm_window_count(a->w, a->kernel, a->stride, a->pad);
    MaxpoolPlan<T> p = { static_cast<const T *>(a->in),
                         static_cast<T *>(a->out),
                         a->in_pitch,
                         a->out_pitch,
                         a->h,
                         a->w,
                         out_h,
                         out_w,
                         a->kernel,
                         a->stride,
                         a->pad,
                         (int64_t)a->images * out_h,
                         0,
                         { 0, 0, 0 } };
    bool vectors = a->channels % vector_length<T> == 0 && aligned(a->in) && aligned(a->out) &&
                   aligned(a->in_pitch, sizeof(T)) && aligned(a->out_pitch, sizeof(T));

    if (vectors) return maxpool_run<T, vector_length<T>>(p, a->channels, stream);
    return maxpool_run<T, 1>(p, a->channels, stream);
}

static bool maxpool_is_valid(const tsm_kernel_maxpool_args *a)
{
    return a->in && a->out && a->images > 0 && a->h > 0 && a->w > 0 && a->channels > 0 && a->kernel > 0 &&
           a->stride > 0 && a->pad >= 0 && 2 * (int64_t)a->pad <= a->kernel &&
           a->h + 2 * (int64_t)a->pad >= a->kernel && a->w + 2 * (int64_t)a->pad >= a->kernel &&
           a->in_pitch >= a->channels && a->out_pitch >= a->channels;
}

/* ---- Mean over windows ---- */

template <typename T> struct WindowPlan {
    const T *in;
    T *out;
    int64_t in_pitch, out_pitch;
    int h, w, out_h, out_w, kernel_h, kernel_w, stride;
    int64_t rows;        /* images * out_h */
    uint32_t chunks;     /* of an output row of pixels */
    tsm_divisor per_row; /* chunks of a pixel */
};

template <typename T, int V> __global__ void __launch_bounds__(kThreads, kResident) window_kernel(WindowPlan<T> p)
{
    wait_for_previous();
    uint32_t i = blockIdx.x * kThreads + threadIdx.x, x = tsm_divide(i, p.per_row);
    int c = (int)(i - x * p.per_row.value) * V, left = tsm_window_start((int)x, p.stride, 0);
    int right = left + p.kernel_w < p.w ? left + p.kernel_w : p.w;

    if (i >= p.chunks) return;
    for (int64_t row = blockIdx.y; row < p.rows; row += gridDim.y) {
        int64_t image = row / p.out_h;
        int top = tsm_window_start((int)(row - image * p.out_h), p.stride, 0);
        int bottom = top + p.kernel_h < p.h ? top + p.kernel_h : p.h;
        float sum[V] = {};
        for (int iy = top; iy < bottom; iy++) {
#pragma unroll 2
            for (int ix = left; ix < right; ix++) {
                Pack<T, V> pack = load<T, V>(p.in + ((image * p.h + iy) * p.w + ix) * p.in_pitch + c);
#pragma unroll
                for (int j = 0; j < V; j++) sum[j] += to_float(pack.v[j]);
            }
        }
        float count = (float)(bottom - top) * (float)(right - left);
        Pack<T, V> result;
#pragma unroll
        for (int j = 0; j < V; j++) result.v[j] = from_float<T>(sum[j] / count);
        store<T, V>(p.out + (row * p.out_w + x) * p.out_pitch + c, result);
    }
}

template <typename T, int V> static cudaError_t window_run(WindowPlan<T> p, int channels, cudaStream_t stream)
{
    int64_t per_row = channels / V, chunks = per_row * p.out_w;

    if (chunks > kMaxIndex - kThreads) return cudaErrorInvalidValue;
    p.chunks = (uint32_t)chunks;
    p.per_row = tsm_divisor_make((uint32_t)per_row);
    return TSM_LAUNCH((window_kernel<T, V>), grid_of(chunks, kThreads, p.rows), kThreads, 0, stream, p);
}

template <typename T> static cudaError_t window_launch(const tsm_kernel_window_mean_args *a, cudaStream_t stream)
{
    int out_h = tsm_window_count_up(a->h, a->stride);
    WindowPlan<T> p = { static_cast<const T *>(a->in),
                        static_cast<T *>(a->out),
                        a->in_pitch,
                        a->out_pitch,
                        a->h,
                        a->w,
                        out_h,
                        tsm_window_count_up(a->w, a->stride),
                        a->kernel_h,
                        a->kernel_w,
                        a->stride,
                        (int64_t)a->images * out_h,
                        0,
                        { 0, 0, 0 } };
    bool vectors = a->channels % vector_length<T> == 0 && aligned(a->in) && aligned(a->out) &&
                   aligned(a->in_pitch, sizeof(T)) && aligned(a->out_pitch, sizeof(T));

    if (vectors) return window_run<T, vector_length<T>>(p, a->channels, stream);
    return window_run<T, 1>(p, a->channels, stream);
}

static bool window_is_valid(const tsm_kernel_window_mean_args *a)
{
    return a->in && a->out && a->images > 0 && a->h > 0 && a->w > 0 && a->channels > 0 && a->kernel_h > 0 &&
           a->kernel_w > 0 && a->stride > 0 && a->kernel_h <= kMaxIndex - a->h && a->kernel_w <= kMaxIndex - a->w &&
           a->in_pitch >= a->channels && a->out_pitch >= a->channels;
}

/* ---- Mean ---- */

constexpr int kMeanThreads = 512, kMeanParts = 16;
constexpr int kWideLanes = 32, kNarrowLanes = 4; /* chunks of channels of a block */
constexpr int kFewBlocks = 128; /* below so many wide ones, about the multiprocessors of a large GPU, narrow ones */

template <typename T, typename O> struct MeanPlan {
    const T *in;
    O *out;
    int groups, rows, channels;
};

/* The sum of what all slices have of element i, as several threads have begun to add it. */
template <int Columns, int Parts> __device__ __forceinline__ float add_parts(const float *combined, int i)
{
    float total = 0.0f;

#pragma unroll
    for (int part = 0; part < Parts; part++) total += combined[part * Columns + i];
    return total;
}

template <typename T, typename O, int V, int L>
__global__ void __launch_bounds__(kMeanThreads) mean_kernel(MeanPlan<T, O> p)
{
    wait_for_previous();
    constexpr int columns = V * L, slices = kMeanThreads / L;
    constexpr int parts = kMeanThreads / columns < kMeanParts ? kMeanThreads / columns : kMeanParts;
    TSM_SHARED(float, partial, kMeanThreads *V); /* (slice, element of the chunk, lane) */
    TSM_SHARED(float, combined, parts *columns);
    int linear = (int)threadIdx.x, lane = linear % L, slice = linear / L;
    int first = (int)blockIdx.x * columns, c = first + lane * V;

    for (int group = (int)blockIdx.y; group < p.groups; group += (int)gridDim.y) {
        float sum[V] = {};
        if (c < p.channels) {
            const T *rows = p.in + (int64_t)group * p.rows * p.channels + c;
#pragma unroll 4
            for (int r = slice; r < p.rows; r += slices) {
                Pack<T, V> pack = load<T, V>(rows + (int64_t)r * p.channels);
#pragma unroll
                for (int j = 0; j < V; j++) sum[j] += to_float(pack.v[j]);
            }
        }
#pragma unroll
        for (int j = 0; j < V; j++) partial[(slice * V + j) * L + lane] = sum[j];
        __syncthreads();
        if (linear < parts * columns) {
            float some = 0.0f;
            for (int s = linear / columns; s < slices; s += parts) some += partial[s * columns + linear % columns];
            combined[linear] = some;
        }
        __syncthreads();
        int column = first + linear % L * V + linear / L;
        if (linear < columns && column < p.channels)
            p.out[(int64_t)group * p.channels + column] =
                from_float<O>(add_parts<columns, parts>(combined, linear) / (float)p.rows);
    }
}

template <typename T, typename O, int V>
static cudaError_t mean_of(const tsm_kernel_avgpool_args *a, cudaStream_t stream)
{
    MeanPlan<T, O> p = { static_cast<const T *>(a->in), static_cast<O *>(a->out), a->groups, a->rows, a->channels };

    if (divide_up(a->channels, kWideLanes * V) * a->groups < kFewBlocks)
        return TSM_LAUNCH((mean_kernel<T, O, V, kNarrowLanes>), grid_of(a->channels, kNarrowLanes * V, a->groups),
                          kMeanThreads, 0, stream, p);
    return TSM_LAUNCH((mean_kernel<T, O, V, kWideLanes>), grid_of(a->channels, kWideLanes * V, a->groups),
                      kMeanThreads, 0, stream, p);
}

template <typename T, typename O> static cudaError_t mean_run(const tsm_kernel_avgpool_args *a, cudaStream_t stream)
{
    if (a->channels % vector_length<T> == 0 && aligned(a->in)) return mean_of<T, O, vector_length<T>>(a, stream);
    return mean_of<T, O, 1>(a, stream);
}

template <typename T> static cudaError_t mean_launch(const tsm_kernel_avgpool_args *a, cudaStream_t stream)
{
    if (a->out_dtype == TSM_FLOAT32) return mean_run<T, float>(a, stream);
    return a->out_dtype == a->dtype ? mean_run<T, T>(a, stream) : cudaErrorInvalidValue;
}

/* ---- Maximum over frames ---- */

template <typename T> struct TpoolPlan {
    const T *in;
    T *out;
    int t, out_t;
    int64_t frames, values; /* frames: n * out_t */
};

template <typename T, int V> __global__ void __launch_bounds__(kThreads, kResident) tpool_kernel(TpoolPlan<T> p)
{
    wait_for_previous();
    int64_t i = ((int64_t)blockIdx.x * kThreads + threadIdx.x) * V;

    if (i >= p.values) return;
    for (int64_t frame = blockIdx.y; frame < p.frames; frame += gridDim.y) {
        int64_t clip = frame / p.out_t;
        int start = tsm_window_start((int)(frame - clip * p.out_t), TSM_TPOOL_STRIDE, TSM_TPOOL_PAD);
        float best[V];
#pragma unroll
        for (int j = 0; j < V; j++) best[j] = -INFINITY;
#pragma unroll
        for (int k = 0; k < TSM_TPOOL_KERNEL; k++) {
            int t = start + k;
            if (t < 0 || t >= p.t) continue;
            Pack<T, V> pack = load<T, V>(p.in + (clip * p.t + t) * p.values + i);
#pragma unroll
            for (int j = 0; j < V; j++) best[j] = larger(best[j], to_float(pack.v[j]));
        }
        Pack<T, V> result;
#pragma unroll
        for (int j = 0; j < V; j++) result.v[j] = from_float<T>(best[j]);
        store<T, V>(p.out + frame * p.values + i, result);
    }
}

template <typename T> static cudaError_t tpool_launch(const tsm_kernel_tpool_args *a, cudaStream_t stream)
{
    constexpr int V = vector_length<T>;
    int out_t = tsm_window_count(a->t, TSM_TPOOL_KERNEL, TSM_TPOOL_STRIDE, TSM_TPOOL_PAD);
    TpoolPlan<T> p = {
        static_cast<const T *>(a->in), static_cast<T *>(a->out), a->t, out_t, (int64_t)a->n * out_t, a->values
    };

    if (a->values > kMaxIndex) return cudaErrorInvalidValue;
    if (a->values % V == 0 && aligned(a->in) && aligned(a->out))
        return TSM_LAUNCH((tpool_kernel<T, V>), grid_of(a->values, kThreads * V, p.frames), kThreads, 0, stream, p);
    return TSM_LAUNCH((tpool_kernel<T, 1>), grid_of(a->values, kThreads, p.frames), kThreads, 0, stream, p);
}

} // namespace tsm

cudaError_t tsm_kernel_maxpool(const tsm_kernel_maxpool_args *args, cudaStream_t stream)
{
    if (!tsm::maxpool_is_valid(args)) return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::maxpool_launch, args, stream)
}

cudaError_t tsm_kernel_window_mean(const tsm_kernel_window_mean_args *args, cudaStream_t stream)
{
    if (!tsm::window_is_valid(args)) return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::window_launch, args, stream)
}

cudaError_t tsm_kernel_avgpool(const tsm_kernel_avgpool_args *args, cudaStream_t stream)
{
    if (!args->in || !args->out || args->groups < 1 || args->rows < 1 || args->channels < 1)
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::mean_launch, args, stream)
}

cudaError_t tsm_kernel_tpool(const tsm_kernel_tpool_args *args, cudaStream_t stream)
{
    if (!args->in || !args->out || args->n < 1 || args->t < 1 || args->values < 1) return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::tpool_launch, args, stream)
}
