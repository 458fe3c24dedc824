/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elementwise.cu - the residual addition with its activation, where no library fuses it into a convolution, and the
 * scaling of channels (squeeze and excitation) with its.
 *
 * Idea: 16 bytes a thread; a dense tensor is one row of the addition. Bytes: two reads and a write an element for the
 * addition; a read and a write for the scaling, whose factors, a row a frame, stay in the cache. Operations: one
 * addition or multiplication in float32. Every element is read and written by the same thread, so out may be an
 * operand. Layout: rows of `channels` elements at three pitches.
 */
#include "device.h"

namespace tsm
{

template <typename T> struct AddPlan {
    const T *a, *b;
    T *out;
    int64_t a_pitch, b_pitch, out_pitch;
    uint32_t chunks;     /* of all rows */
    tsm_divisor per_row; /* chunks of a row */
    tsm_kernel_act act;
};

template <typename T, int V> __global__ void __launch_bounds__(kThreads, kResident) add_kernel(AddPlan<T> p)
{
    wait_for_previous();
    uint32_t i = blockIdx.x * kThreads + threadIdx.x, row = tsm_divide(i, p.per_row);
    int64_t c = (int64_t)(i - row * p.per_row.value) * V;

    if (i >= p.chunks) return;
    Pack<T, V> pack = load<T, V>(p.a + row * p.a_pitch + c), other = {};
    if (p.b) other = load<T, V>(p.b + row * p.b_pitch + c);
    float sum[V];
#pragma unroll
    for (int j = 0; j < V; j++) {
        float x = to_float(pack.v[j]);
        sum[j] = p.b ? x + to_float(other.v[j]) : x;
    }
    activate(sum, p.act);
#pragma unroll
    for (int j = 0; j < V; j++) pack.v[j] = from_float<T>(sum[j]);
    store<T, V>(p.out + row * p.out_pitch + c, pack);
}

template <typename T, int V>
static cudaError_t add_run(AddPlan<T> p, int64_t rows, int64_t channels, cudaStream_t stream)
{
    int64_t per_row = channels / V;

    if (per_row > kMaxIndex / rows - kThreads) return cudaErrorInvalidValue;
    p.chunks = (uint32_t)(rows * per_row);
    p.per_row = tsm_divisor_make((uint32_t)per_row);
    return TSM_LAUNCH((add_kernel<T, V>), grid_of(p.chunks, kThreads, 1), kThreads, 0, stream, p);
}

template <typename T> static cudaError_t add_launch(const tsm_kernel_add_args *a, cudaStream_t stream)
{
    AddPlan<T> p = { static_cast<const T *>(a->a),
                     static_cast<const T *>(a->b),
                     static_cast<T *>(a->out),
                     a->a_pitch,
                     a->b_pitch,
                     a->out_pitch,
                     0,
                     { 0, 0, 0 },
                     a->act };
    int64_t rows = a->rows, channels = a->channels;
    bool dense = a->a_pitch == channels && a->out_pitch == channels && (!a->b || a->b_pitch == channels);

    if (dense && channels <= kMaxIndex / rows) {
        channels *= rows;
        rows = 1;
    }
    bool pitches = rows == 1 || (aligned(a->a_pitch, sizeof(T)) && aligned(a->out_pitch, sizeof(T)) &&
                                 (!a->b || aligned(a->b_pitch, sizeof(T))));
    if (pitches && channels % vector_length<T> == 0 && aligned(a->a) && aligned(a->b) && aligned(a->out))
        return add_run<T, vector_length<T>>(p, rows, channels, stream);
    return add_run<T, 1>(p, rows, channels, stream);
}

/* ---- act(in * factors) ---- */

template <typename T> struct ScalePlan {
    const T *in, *factors;
    T *out;
    int64_t in_pitch, factor_pitch, out_pitch;
    int frames, pixels;
    uint32_t chunks;     /* of a frame */
    tsm_divisor per_row; /* chunks of a row */
    tsm_kernel_act act;
};

template <typename T, int V> __global__ void __launch_bounds__(kThreads, kResident) scale_kernel(ScalePlan<T> p)
{
    wait_for_previous();
    uint32_t i = blockIdx.x * kThreads + threadIdx.x, pixel = tsm_divide(i, p.per_row);
    int64_t c = (int64_t)(i - pixel * p.per_row.value) * V;

    if (i >= p.chunks) return;
    for (int frame = (int)blockIdx.y; frame < p.frames; frame += (int)gridDim.y) {
        int64_t row = (int64_t)frame * p.pixels + pixel;
        Pack<T, V> pack = load<T, V>(p.in + row * p.in_pitch + c);
        Pack<T, V> factor = load<T, V>(p.factors + frame * p.factor_pitch + c);
        float product[V];
#pragma unroll
        for (int j = 0; j < V; j++) product[j] = to_float(pack.v[j]) * to_float(factor.v[j]);
        activate(product, p.act);
#pragma unroll
        for (int j = 0; j < V; j++) pack.v[j] = from_float<T>(product[j]);
        store<T, V>(p.out + row * p.out_pitch + c, pack);
    }
}

template <typename T, int V> static cudaError_t scale_run(ScalePlan<T> p, int channels, cudaStream_t stream)
{
    int64_t per_row = channels / V, chunks = per_row * p.pixels;

    if (chunks > kMaxIndex - kThreads) return cudaErrorInvalidValue;
    p.chunks = (uint32_t)chunks;
    p.per_row = tsm_divisor_make((uint32_t)per_row);
    return TSM_LAUNCH((scale_kernel<T, V>), grid_of(chunks, kThreads, p.frames), kThreads, 0, stream, p);
}

template <typename T> static cudaError_t scale_launch(const tsm_kernel_scale_args *a, cudaStream_t stream)
{
    ScalePlan<T> p = { static_cast<const T *>(a->in),
                       static_cast<const T *>(a->factors),
                       static_cast<T *>(a->out),
                       a->in_pitch,
                       a->factor_pitch,
                       a->out_pitch,
                       a->frames,
                       a->pixels,
                       0,
                       { 0, 0, 0 },
                       a->act };
    bool vectors = a->channels % vector_length<T> == 0 && aligned(a->in) && aligned(a->factors) && aligned(a->out) &&
                   aligned(a->in_pitch, sizeof(T)) && aligned(a->factor_pitch, sizeof(T)) &&
                   aligned(a->out_pitch, sizeof(T));

    if (vectors) return scale_run<T, vector_length<T>>(p, a->channels, stream);
    return scale_run<T, 1>(p, a->channels, stream);
}

} // namespace tsm

cudaError_t tsm_kernel_scale(const tsm_kernel_scale_args *args, cudaStream_t stream)
{
    if (!args->in || !args->factors || !args->out || args->frames < 1 || args->pixels < 1 || args->channels < 1 ||
        args->in_pitch < args->channels || args->factor_pitch < args->channels || args->out_pitch < args->channels)
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::scale_launch, args, stream)
}

cudaError_t tsm_kernel_add(const tsm_kernel_add_args *args, cudaStream_t stream)
{
    if (!args->a || !args->out || args->rows < 1 || args->channels < 1 || args->a_pitch < args->channels ||
        args->out_pitch < args->channels || (args->b && args->b_pitch < args->channels))
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::add_launch, args, stream)
}
