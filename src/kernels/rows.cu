/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.cu - softmax of rows (class scores, attention), the k largest of each row of logits, and rows that are not
 * finite.
 *
 * Softmax: a warp a row, so that no barrier is needed; lanes take every 32nd chunk of 16 bytes of float32 and combine
 * by shuffles. It passes over the row three times (largest, sum, result), of which the second and third hit the L1
 * cache for rows of some thousand elements. Bytes: the row once in, once out. Operations: two exponentials an
 * element, in float32. Layout: rows at two pitches.
 *
 * Search for what is not finite: a warp a row; only rows that have some cost an atomic. Bytes: the rows once.
 *
 * Top-k: a block a row; threads take every 256th element, lanes combine by shuffles, warps through shared memory. It
 * passes k times, each time for the best element below the last one found in a total order of (value, index), so
 * nothing is sorted or marked. A row of a few hundred classes stays in the cache. Layout: dense (rows, classes).
 */
#include "device.h"

namespace tsm
{

constexpr int kLanes = 32, kRowWarps = kThreads / kLanes;
constexpr int kSoftmaxVector = 4; /* 16 bytes of float32, 8 of the others */

struct Largest {
    template <typename X> __device__ static X combine(X a, X b) { return a > b ? a : b; }
};
struct Sum {
    template <typename X> __device__ static X combine(X a, X b) { return a + b; }
};

/* Combines one value of every lane of `width`; all get the same result. */
template <typename Op, typename X> __device__ __forceinline__ X combine_lanes(X x, int width)
{
#pragma unroll
    for (int distance = width / 2; distance > 0; distance /= 2)
        x = Op::combine(x, __shfl_xor_sync(kFullWarp, x, distance));
    return x;
}

/* Combines one value of every thread; all threads of the block get the same result. */
template <typename Op, typename X> __device__ __forceinline__ X combine_block(X x, X *parts)
{
    int lane = (int)threadIdx.x % kLanes, warp = (int)threadIdx.x / kLanes;

    x = combine_lanes<Op>(x, kLanes);
    if (lane == 0) parts[warp] = x;
    __syncthreads();
    x = combine_lanes<Op>(parts[lane % kRowWarps], kRowWarps);
    __syncthreads(); /* parts may be written again */
    return x;
}

/* ---- Softmax ---- */

template <typename T, typename O> struct SoftmaxPlan {
    const T *in;
    O *out;
    int64_t in_pitch, out_pitch, rows;
    int count;
};

/* in may be out: a lane reads and writes the same elements. */
template <typename T, typename O, int V>
__global__ void __launch_bounds__(kThreads, kResident) softmax_kernel(SoftmaxPlan<T, O> p)
{
    wait_for_previous();
    int lane = (int)threadIdx.x % kLanes;
    int64_t row = (int64_t)blockIdx.x * kRowWarps + threadIdx.x / kLanes;
    const T *x = p.in + row * p.in_pitch;
    O *y = p.out + row * p.out_pitch;
    float top = -INFINITY, sum = 0.0f;

    if (row >= p.rows) return; /* the whole warp */
#pragma unroll 4
    for (int i = lane * V; i < p.count; i += kLanes * V) {
        Pack<T, V> pack = load<T, V>(x + i);
#pragma unroll
        for (int j = 0; j < V; j++) top = fmaxf(top, to_float(pack.v[j]));
    }
    top = combine_lanes<Largest>(top, kLanes);
#pragma unroll 4
    for (int i = lane * V; i < p.count; i += kLanes * V) {
        Pack<T, V> pack = load<T, V>(x + i);
#pragma unroll
        for (int j = 0; j < V; j++) sum += expf(to_float(pack.v[j]) - top);
    }
    const float scale = 1.0f / combine_lanes<Sum>(sum, kLanes);
#pragma unroll 4
    for (int i = lane * V; i < p.count; i += kLanes * V) {
        Pack<T, V> pack = load<T, V>(x + i);
        Pack<O, V> result;
#pragma unroll
        for (int j = 0; j < V; j++) result.v[j] = from_float<O>(expf(to_float(pack.v[j]) - top) * scale);
        store<O, V>(y + i, result);
    }
}

__global__ void __launch_bounds__(kThreads, kResident)
    not_finite_kernel(const float *in, int rows, int count, uint32_t *first)
{
    wait_for_previous();
    int row = (int)blockIdx.x * kRowWarps + (int)threadIdx.x / kLanes;
    bool finite = true;

    if (row >= rows) return; /* the whole warp */
    for (int i = (int)threadIdx.x % kLanes; i < count; i += kLanes)
        finite = finite && is_finite(in[(int64_t)row * count + i]);
    if (!finite) atomicMin(first, (uint32_t)row);
}

template <typename T>
__global__ void __launch_bounds__(kThreads, kResident)
    topk_kernel(const T *in, float *values, int32_t *indices, int classes, int k)
{
    wait_for_previous();
    TSM_SHARED(uint64_t, parts, kRowWarps);
    const T *x = in + (int64_t)blockIdx.x * classes;
    uint64_t last = UINT64_MAX;

    for (int found = 0; found < k; found++) {
        uint64_t best = 0;
        for (int i = (int)threadIdx.x; i < classes; i += kThreads) {
            float value = to_float(x[i]);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            uint64_t key = tsm_rank_key(bits, (uint32_t)i);
            if (key < last && key > best) best = key;
        }
        last = combine_block<Largest>(best, parts);
        int index = (int)~(uint32_t)last;
        if (threadIdx.x == 0 && indices) indices[(int64_t)blockIdx.x * k + found] = index;
        if (threadIdx.x == 0 && values) values[(int64_t)blockIdx.x * k + found] = to_float(x[index]);
    }
}

template <typename T, typename O>
static cudaError_t softmax_run(const tsm_kernel_softmax_args *a, cudaStream_t stream)
{
    SoftmaxPlan<T, O> p = {
        static_cast<const T *>(a->in), static_cast<O *>(a->out), a->in_pitch, a->out_pitch, a->rows, a->count
    };
    dim3 grid = grid_of(a->rows, kRowWarps, 1);
    bool vectors = a->count % kSoftmaxVector == 0 && aligned(a->in) && aligned(a->out) &&
                   a->in_pitch % kSoftmaxVector == 0 && a->out_pitch % kSoftmaxVector == 0;

    if (vectors) return TSM_LAUNCH((softmax_kernel<T, O, kSoftmaxVector>), grid, kThreads, 0, stream, p);
    return TSM_LAUNCH((softmax_kernel<T, O, 1>), grid, kThreads, 0, stream, p);
}

template <typename T> static cudaError_t softmax_of(const tsm_kernel_softmax_args *a, cudaStream_t stream)
{
    return softmax_run<T, float>(a, stream);
}

template <typename O> static cudaError_t softmax_to(const tsm_kernel_softmax_args *a, cudaStream_t stream)
{
    return softmax_run<float, O>(a, stream);
}

template <typename T>
static cudaError_t topk_launch(const void *in, float *values, int32_t *indices, int rows, int classes, int k,
                               cudaStream_t stream)
{
    return TSM_LAUNCH((topk_kernel<T>), (unsigned)rows, kThreads, 0, stream, static_cast<const T *>(in), values,
                      indices, classes, k);
}

} // namespace tsm

cudaError_t tsm_kernel_softmax(const tsm_kernel_softmax_args *args, cudaStream_t stream)
{
    if (!args->in || !args->out || args->rows < 1 || args->count < 1 || args->in_pitch < args->count ||
        args->out_pitch < args->count || args->rows > tsm::kMaxIndex ||
        args->count > tsm::kMaxIndex - tsm::kLanes * tsm::kSoftmaxVector)
        return cudaErrorInvalidValue;
    if (args->dtype == TSM_FLOAT32) TSM_BY_DTYPE(args->out_dtype, tsm::softmax_to, args, stream)
    if (args->out_dtype != TSM_FLOAT32) return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::softmax_of, args, stream)
}

cudaError_t tsm_kernel_topk(const void *in, float *out_values, int32_t *out_indices, int rows, int classes, int k,
                            tsm_dtype dtype, cudaStream_t stream)
{
    if (!in || (!out_values && !out_indices) || rows < 1 || classes < 1 || k < 1 || k > classes)
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(dtype, tsm::topk_launch, in, out_values, out_indices, rows, classes, k, stream)
}

cudaError_t tsm_kernel_not_finite(const float *in, int rows, int count, uint32_t *first, cudaStream_t stream)
{
    if (!in || !first || rows < 1 || count < 1 || count > tsm::kMaxIndex - tsm::kLanes) return cudaErrorInvalidValue;
    return TSM_LAUNCH(tsm::not_finite_kernel, tsm::grid_of(rows, tsm::kRowWarps, 1), tsm::kThreads, 0, stream, in,
                      rows, count, first);
}
