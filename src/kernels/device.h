/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - what every kernel file uses: launches, 16-byte packs of elements, conversions, and choice by dtype.
 *
 * A device that is simulated on the host defines TSM_LAUNCH and TSM_SHARED in its cuda_runtime.h.
 */
#ifndef TSM_KERNELS_DEVICE_H
#define TSM_KERNELS_DEVICE_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "index.h"
#include "kernels.h"

#ifndef TSM_LAUNCH
/* TSM_LAUNCH((kernel<...>), grid, block, shared bytes, stream, arguments...): enqueues, returns the error. */
#define TSM_LAUNCH(kernel, ...) tsm_launch(kernel, __VA_ARGS__)
/* A static array in shared memory. */
#define TSM_SHARED(type, name, count) __shared__ type name[count]

/* launch.cu: whether the current device can begin a kernel while the one before it ends. */
bool tsm_kernels_begin_early();

template <typename T> struct tsm_exactly {
    using type = T; /* keeps an argument out of the deduction of the kernel's parameters */
};

template <typename... P>
static cudaError_t tsm_launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                              typename tsm_exactly<P>::type... arguments)
{
    void *pointers[] = { &arguments... };
    cudaLaunchAttribute early = {};
    cudaLaunchConfig_t config = {};

    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = &early;
    config.numAttrs = tsm_kernels_begin_early() ? 1 : 0;
    return cudaLaunchKernelExC(&config, reinterpret_cast<const void *>(kernel), pointers);
}
#endif

/* Most blocks along y, as CUDA has it; kernels loop over further rows. Tests make it small. */
#ifndef TSM_GRID_ROWS
#define TSM_GRID_ROWS 65535
#endif

namespace tsm
{

constexpr int kVectorBytes = 16;
constexpr int kThreads = 256; /* of a block, where nothing asks for another number */
constexpr int kResident = 6;  /* blocks on a multiprocessor of kernels that wait for memory: 1,536 threads, all that
                                 sm_86, 89 and 120 have room for, and 40 registers each */
constexpr unsigned kGridRows = TSM_GRID_ROWS;
constexpr int64_t kMaxIndex = 0x7fffffff;
constexpr unsigned kFullWarp = 0xffffffffu;

/* The first statement of every kernel. With programmatic dependent launch (sm_90 and later) its blocks begin while
 * the kernel before it ends, whose results are there only behind this; that kernel has waited likewise, so everything
 * before is done, too. */
__device__ __forceinline__ void wait_for_previous()
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/* V elements that are loaded and stored at once: 16 or 8 bytes, or a single element. */
template <typename T, int V> struct Pack {
    T v[V];
};

template <int Bytes> struct Raw;
template <> struct Raw<16> {
    using type = uint4;
};
template <> struct Raw<8> {
    using type = uint2;
};

template <typename T, int V> __device__ __forceinline__ Pack<T, V> load(const T *address)
{
    Pack<T, V> pack;

    if constexpr (V == 1) {
        pack.v[0] = *address;
    } else {
        using R = typename Raw<sizeof(pack)>::type;
        R raw = *reinterpret_cast<const R *>(address);
        memcpy(&pack, static_cast<const void *>(&raw), sizeof pack);
    }
    return pack;
}

template <typename T, int V> __device__ __forceinline__ void store(T *address, const Pack<T, V> &pack)
{
    if constexpr (V == 1) {
        *address = pack.v[0];
    } else {
        using R = typename Raw<sizeof(pack)>::type;
        R raw;
        memcpy(static_cast<void *>(&raw), &pack, sizeof raw);
        *reinterpret_cast<R *>(address) = raw;
    }
}

template <typename T> constexpr int vector_length = kVectorBytes / (int)sizeof(T);

__device__ __forceinline__ float to_float(float x)
{
    return x;
}
__device__ __forceinline__ float to_float(__half x)
{
    return __half2float(x);
}
__device__ __forceinline__ float to_float(__nv_bfloat16 x)
{
    return __bfloat162float(x);
}

template <typename T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x)
{
    return x;
}
template <> __device__ __forceinline__ __half from_float<__half>(float x)
{
    return __float2half_rn(x);
}
template <> __device__ __forceinline__ __nv_bfloat16 from_float<__nv_bfloat16>(float x)
{
    return __float2bfloat16_rn(x);
}

constexpr float kLeakySlope = 0.01f;

/* As PyTorch: NaN stays NaN. All threads have the same `act`, so each goes one way, past the others' instructions. */
template <int N> __device__ __forceinline__ void activate(float (&x)[N], tsm_kernel_act act)
{
    if (act == TSM_KERNEL_ACT_SIGMOID) {
#pragma unroll
        for (int j = 0; j < N; j++) x[j] = __fdividef(1.0f, 1.0f + expf(-x[j]));
    } else if (act == TSM_KERNEL_ACT_LEAKY_RELU) {
#pragma unroll
        for (int j = 0; j < N; j++) x[j] = x[j] < 0.0f ? x[j] * kLeakySlope : x[j];
    } else if (act != TSM_KERNEL_ACT_NONE) {
        const float highest = act == TSM_KERNEL_ACT_RELU6 ? 6.0f : INFINITY;
#pragma unroll
        for (int j = 0; j < N; j++) x[j] = x[j] < 0.0f ? 0.0f : x[j] > highest ? highest : x[j];
    }
}

/* The larger, NaN if either is. */
__device__ __forceinline__ float larger(float best, float x)
{
    return x > best || x != x ? x : best;
}

/* All bits of the exponent say infinity or NaN; isfinite, however it is compiled. */
__device__ __forceinline__ bool is_finite(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return (bits & 0x7f800000u) != 0x7f800000u;
}

/* ---- Host side of a launch ---- */

static inline bool aligned(const void *address)
{
    return reinterpret_cast<uintptr_t>(address) % kVectorBytes == 0;
}
static inline bool aligned(int64_t elements, size_t element_bytes)
{
    return elements * (int64_t)element_bytes % kVectorBytes == 0;
}

static inline int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Blocks along x for `items` of work, along y for `rows` (kernels loop over the rows that remain). */
static inline dim3 grid_of(int64_t items, int64_t items_per_block, int64_t rows)
{
    return dim3((unsigned)divide_up(items, items_per_block), (unsigned)(rows < kGridRows ? rows : kGridRows));
}

/* Returns function<T>(arguments...) for the element type of `dtype`. */
#define TSM_BY_DTYPE(dtype, function, ...)                                                                           \
    switch (dtype) {                                                                                                 \
    case TSM_FLOAT32: return function<float>(__VA_ARGS__);                                                           \
    case TSM_FLOAT16: return function<__half>(__VA_ARGS__);                                                          \
    case TSM_BFLOAT16: return function<__nv_bfloat16>(__VA_ARGS__);                                                  \
    default: return cudaErrorInvalidValue;                                                                           \
    }

} // namespace tsm

#endif
