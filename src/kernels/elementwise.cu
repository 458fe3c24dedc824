/*
 * elementwise.cu - the residual addition with its activation, where no library fuses it into a convolution.
 *
 * Idea: 16 bytes a thread; a dense tensor is one row. Bytes: two reads and a write an element. Operations: one
 * addition in float32. Every element is read and written by the same thread, so out may be a or b. Layout: `rows`
 * rows of `channels` elements at three pitches.
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

template <typename T, int V> __global__ void __launch_bounds__(kThreads) add_kernel(AddPlan<T> p)
{
    uint32_t i = blockIdx.x * kThreads + threadIdx.x, row = tsm_divide(i, p.per_row);
    int64_t c = (int64_t)(i - row * p.per_row.value) * V;

    if (i >= p.chunks) return;
    Pack<T, V> pack = load<T, V>(p.a + row * p.a_pitch + c), other = {};
    if (p.b) other = load<T, V>(p.b + row * p.b_pitch + c);
#pragma unroll
    for (int j = 0; j < V; j++) {
        float x = to_float(pack.v[j]);
        pack.v[j] = from_float<T>(activate(p.b ? x + to_float(other.v[j]) : x, p.act));
    }
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

} // namespace tsm

cudaError_t tsm_kernel_add(const tsm_kernel_add_args *args, cudaStream_t stream)
{
    if (!args->a || !args->out || args->rows < 1 || args->channels < 1 || args->a_pitch < args->channels ||
        args->out_pitch < args->channels || (args->b && args->b_pitch < args->channels))
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::add_launch, args, stream)
}
