/*
 * rows.cu - softmax and the k largest of each row of logits.
 *
 * Idea: a block a row. Threads take every 256th element, lanes combine by shuffles, warps through shared memory.
 * Softmax passes over the row three times (largest, sum, result); top-k passes k times, each time for the best
 * element below the last one found in a total order of (value, index), so nothing is sorted or marked. A row of a few
 * hundred classes stays in the cache. Operations: an exponential twice an element, in float32. Layout: dense (rows,
 * classes).
 */
#include "device.h"

#include <math.h>

namespace tsm
{

constexpr int kRowWarps = kThreads / 32;

struct Largest {
    template <typename X> __device__ static X combine(X a, X b) { return a > b ? a : b; }
};
struct Sum {
    template <typename X> __device__ static X combine(X a, X b) { return a + b; }
};

/* Combines one value of every thread; all threads of the block get the same result. */
template <typename Op, typename X> __device__ __forceinline__ X combine_block(X x, X *parts)
{
    int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;

#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) x = Op::combine(x, __shfl_xor_sync(kFullWarp, x, distance));
    if (lane == 0) parts[warp] = x;
    __syncthreads();
    x = parts[lane % kRowWarps];
#pragma unroll
    for (int distance = kRowWarps / 2; distance > 0; distance /= 2)
        x = Op::combine(x, __shfl_xor_sync(kFullWarp, x, distance));
    __syncthreads(); /* parts may be written again */
    return x;
}

/* in may be out: a thread reads and writes the same elements. */
template <typename T> __global__ void __launch_bounds__(kThreads) softmax_kernel(const T *in, float *out, int classes)
{
    TSM_SHARED(float, parts, kRowWarps);
    const T *x = in + (int64_t)blockIdx.x * classes;
    float *y = out + (int64_t)blockIdx.x * classes, top = -INFINITY, sum = 0.0f;

    for (int i = (int)threadIdx.x; i < classes; i += kThreads) top = fmaxf(top, to_float(x[i]));
    top = combine_block<Largest>(top, parts);
    for (int i = (int)threadIdx.x; i < classes; i += kThreads) sum += expf(to_float(x[i]) - top);
    sum = combine_block<Sum>(sum, parts);
    for (int i = (int)threadIdx.x; i < classes; i += kThreads) y[i] = expf(to_float(x[i]) - top) / sum;
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    topk_kernel(const T *in, float *values, int32_t *indices, int classes, int k)
{
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

template <typename T>
static cudaError_t softmax_launch(const void *in, float *out, int rows, int classes, cudaStream_t stream)
{
    return TSM_LAUNCH((softmax_kernel<T>), (unsigned)rows, kThreads, 0, stream, static_cast<const T *>(in), out,
                      classes);
}

template <typename T>
static cudaError_t topk_launch(const void *in, float *values, int32_t *indices, int rows, int classes, int k,
                               cudaStream_t stream)
{
    return TSM_LAUNCH((topk_kernel<T>), (unsigned)rows, kThreads, 0, stream, static_cast<const T *>(in), values,
                      indices, classes, k);
}

} // namespace tsm

cudaError_t tsm_kernel_softmax(const void *in, float *out, int rows, int classes, tsm_dtype dtype,
                               cudaStream_t stream)
{
    if (!in || !out || rows < 1 || classes < 1) return cudaErrorInvalidValue;
    TSM_BY_DTYPE(dtype, tsm::softmax_launch, in, out, rows, classes, stream)
}

cudaError_t tsm_kernel_topk(const void *in, float *out_values, int32_t *out_indices, int rows, int classes, int k,
                            tsm_dtype dtype, cudaStream_t stream)
{
    if (!in || (!out_values && !out_indices) || rows < 1 || classes < 1 || k < 1 || k > classes)
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(dtype, tsm::topk_launch, in, out_values, out_indices, rows, classes, k, stream)
}
