/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cuda_runtime.h - of the simulated device: what a .cu source sees when it is compiled as host C++17.
 *
 * Every call that a thread makes of the device (its index, barriers, shuffles, atomics, shared arrays) goes to the
 * executor; plain loads and stores are plain, and watched by the compiler's instrumentation (access.cpp) or by ASan.
 */
#ifndef TSM_SIM_CUDA_RUNTIME_H
#define TSM_SIM_CUDA_RUNTIME_H

#include "cuda_runtime_api.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define TSM_SIMULATED_DEVICE
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

/* Shared arrays come from the block's arena, poisoned and red-zoned: TSM_SHARED takes the place of __shared__. */
#define TSM_SHARED(type, name, count)                                                                                \
    static const char name##_site = 0;                                                                               \
    type(&name)[count] =                                                                                             \
        *reinterpret_cast<type(*)[count]>(tsm_sim_shared(&name##_site, sizeof(type) * (count), alignof(type)))
#define TSM_SHARED_DYNAMIC(type, name) type *name = reinterpret_cast<type *>(tsm_sim_shared_dynamic())

#define TSM_SHARED_STAGES(name) char *name = reinterpret_cast<char *>(tsm_sim_shared_dynamic())

#define TSM_LAUNCH(kernel, ...)             tsm_sim_launch_call(#kernel, false, kernel, __VA_ARGS__)
#define TSM_LAUNCH_COOPERATIVE(kernel, ...) tsm_sim_launch_call(#kernel, true, kernel, __VA_ARGS__)

#define TSM_SIM_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
};

/* The executor (scheduler.cpp, sync.cpp, memory.cpp). None of it is instrumented. */
uint3 tsm_sim_thread_index();
uint3 tsm_sim_block_index();
uint3 tsm_sim_block_size();
uint3 tsm_sim_grid_size();
void *tsm_sim_shared(const void *site, size_t bytes, size_t alignment);
void *tsm_sim_shared_dynamic();
void tsm_sim_check_aligned(const void *address, size_t bytes);
void tsm_sim_atomic(const void *address, size_t bytes);
int tsm_sim_block_vote(int predicate, const char *file, int line);
uint64_t tsm_sim_shuffle(unsigned mask, uint64_t value, int source, const char *what, const char *file, int line);
unsigned tsm_sim_ballot(unsigned mask, int predicate, const char *what, const char *file, int line);
void tsm_sim_sync_block(const char *file, int line);
void tsm_sim_sync_warp(unsigned mask, const char *file, int line);
void tsm_sim_sync_grid(const char *file, int line);
cudaError_t tsm_sim_launch(const char *name, const void *kernel, bool cooperative, dim3 grid, dim3 block,
                           size_t shared_bytes, cudaStream_t stream, void (*invoke)(void *), void *parameters,
                           size_t parameter_bytes);

#define threadIdx (tsm_sim_thread_index())
#define blockIdx  (tsm_sim_block_index())
#define blockDim  (tsm_sim_block_size())
#define gridDim   (tsm_sim_grid_size())
static const int warpSize = 32;

/* ---- Vectors: copying one checks that both ends are aligned, as the hardware's vector loads and stores do ---- */

#define TSM_SIM_VECTOR2(name, type)                                                                                  \
    struct alignas(2 * sizeof(type)) name {                                                                          \
        type x, y;                                                                                                   \
        name() = default;                                                                                            \
        name(type vx, type vy) : x(vx), y(vy) {}                                                                     \
        name(const name &o) { *this = o; }                                                                           \
        name &operator=(const name &o)                                                                               \
        {                                                                                                            \
            tsm_sim_check_aligned(&o, sizeof o), tsm_sim_check_aligned(this, sizeof o);                              \
            x = o.x, y = o.y;                                                                                        \
            return *this;                                                                                            \
        }                                                                                                            \
    };                                                                                                               \
    static inline name make_##name(type x, type y)                                                                   \
    {                                                                                                                \
        return name(x, y);                                                                                           \
    }

#define TSM_SIM_VECTOR4(name, type)                                                                                  \
    struct alignas(4 * sizeof(type)) name {                                                                          \
        type x, y, z, w;                                                                                             \
        name() = default;                                                                                            \
        name(type vx, type vy, type vz, type vw) : x(vx), y(vy), z(vz), w(vw) {}                                     \
        name(const name &o) { *this = o; }                                                                           \
        name &operator=(const name &o)                                                                               \
        {                                                                                                            \
            tsm_sim_check_aligned(&o, sizeof o), tsm_sim_check_aligned(this, sizeof o);                              \
            x = o.x, y = o.y, z = o.z, w = o.w;                                                                      \
            return *this;                                                                                            \
        }                                                                                                            \
    };                                                                                                               \
    static inline name make_##name(type x, type y, type z, type w)                                                   \
    {                                                                                                                \
        return name(x, y, z, w);                                                                                     \
    }

TSM_SIM_VECTOR2(float2, float)
TSM_SIM_VECTOR2(int2, int)
TSM_SIM_VECTOR2(uint2, unsigned)
TSM_SIM_VECTOR4(float4, float)
TSM_SIM_VECTOR4(int4, int)
TSM_SIM_VECTOR4(uint4, unsigned)
TSM_SIM_VECTOR4(uchar4, unsigned char)

/* ---- Barriers, votes, shuffles ------------------------------------------------------------------------------ */

static inline void __syncthreads(TSM_SIM_SITE)
{
    tsm_sim_sync_block(file, line);
}
static inline int __syncthreads_count(int p, TSM_SIM_SITE)
{
    return tsm_sim_block_vote(p, file, line);
}
static inline int __syncthreads_or(int p, TSM_SIM_SITE)
{
    return tsm_sim_block_vote(p, file, line) > 0;
}
static inline int __syncthreads_and(int p, TSM_SIM_SITE)
{
    return tsm_sim_block_vote(!p, file, line) == 0;
}
static inline void __syncwarp(unsigned mask = 0xffffffffu, TSM_SIM_SITE)
{
    tsm_sim_sync_warp(mask, file, line);
}

static inline unsigned __ballot_sync(unsigned mask, int p, TSM_SIM_SITE)
{
    return tsm_sim_ballot(mask, p, "__ballot_sync", file, line);
}
static inline int __any_sync(unsigned mask, int p, TSM_SIM_SITE)
{
    return tsm_sim_ballot(mask, p, "__any_sync", file, line) != 0;
}
static inline int __all_sync(unsigned mask, int p, TSM_SIM_SITE)
{
    return tsm_sim_ballot(mask, p, "__all_sync", file, line) == mask;
}

template <typename T>
T tsm_sim_shuffle_as(unsigned mask, T value, int source, const char *what, const char *file, int line)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 2, "shuffles move 2, 4 or 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = tsm_sim_shuffle(mask, bits, source, what, file, line);
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline int tsm_sim_lane()
{
    uint3 t = tsm_sim_thread_index(), n = tsm_sim_block_size();
    return (int)((t.x + n.x * (t.y + n.y * t.z)) % 32);
}

template <typename T> T __shfl_sync(unsigned mask, T value, int source, int width = 32, TSM_SIM_SITE)
{
    int lane = tsm_sim_lane();
    return tsm_sim_shuffle_as(mask, value, lane / width * width + source % width, "__shfl_sync", file, line);
}
template <typename T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, TSM_SIM_SITE)
{
    int lane = tsm_sim_lane(), from = lane - (int)delta;
    return tsm_sim_shuffle_as(mask, value, from < lane / width * width ? lane : from, "__shfl_up_sync", file, line);
}
template <typename T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, TSM_SIM_SITE)
{
    int lane = tsm_sim_lane(), from = lane + (int)delta;
    return tsm_sim_shuffle_as(mask, value, from >= lane / width * width + width ? lane : from, "__shfl_down_sync",
                              file, line);
}
template <typename T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, TSM_SIM_SITE)
{
    int lane = tsm_sim_lane(), from = lane ^ bits;
    return tsm_sim_shuffle_as(mask, value, from >= lane / width * width + width ? lane : from, "__shfl_xor_sync",
                              file, line);
}

/* ---- Atomics: threads switch only at barriers, so plain arithmetic is atomic; the access is declared as such -- */

#define TSM_SIM_UNWATCHED __attribute__((no_sanitize("thread"), noinline))

template <typename T> TSM_SIM_UNWATCHED T atomicAdd(T *address, T value)
{
    tsm_sim_atomic(address, sizeof *address);
    T old = *address;
    *address = old + value;
    return old;
}
template <typename T> TSM_SIM_UNWATCHED T atomicMax(T *address, T value)
{
    tsm_sim_atomic(address, sizeof *address);
    T old = *address;
    if (value > old) *address = value;
    return old;
}
template <typename T> TSM_SIM_UNWATCHED T atomicMin(T *address, T value)
{
    tsm_sim_atomic(address, sizeof *address);
    T old = *address;
    if (value < old) *address = value;
    return old;
}
template <typename T> TSM_SIM_UNWATCHED T atomicExch(T *address, T value)
{
    tsm_sim_atomic(address, sizeof *address);
    T old = *address;
    *address = value;
    return old;
}
template <typename T> TSM_SIM_UNWATCHED T atomicCAS(T *address, T expected, T value)
{
    tsm_sim_atomic(address, sizeof *address);
    T old = *address;
    if (old == expected) *address = value;
    return old;
}

static inline void __threadfence() {}
static inline void __threadfence_block() {}

template <typename T> T __ldg(const T *address)
{
    return *address;
}

/* On a GPU off by 2 units in the last place at most; 0 where the divisor is 2^126 or more. */
static inline float __fdividef(float a, float b)
{
    return a / b;
}

/* ---- Launch: the parameters are copied into one object that every thread of the launch reads ------------------ */

template <typename... P> struct tsm_sim_parameters;

template <> struct tsm_sim_parameters<> {
    template <typename K, typename... Done> void call(K kernel, Done... done) { kernel(done...); }
};

template <typename First, typename... Rest> struct tsm_sim_parameters<First, Rest...> {
    First first;
    tsm_sim_parameters<Rest...> rest;
    template <typename K, typename... Done> void call(K kernel, Done... done) { rest.call(kernel, done..., first); }
};

template <typename... P> struct tsm_sim_closure {
    void (*kernel)(P...);
    tsm_sim_parameters<P...> parameters;
    static void invoke(void *self)
    {
        auto *closure = static_cast<tsm_sim_closure *>(self);
        closure->parameters.call(closure->kernel);
    }
};

static inline tsm_sim_parameters<> tsm_sim_pack()
{
    return {};
}
template <typename First, typename... Rest, typename A, typename... B>
static inline tsm_sim_parameters<First, Rest...> tsm_sim_pack(A first, B... rest)
{
    if constexpr (sizeof...(Rest) == 0)
        return { static_cast<First>(first), {} };
    else
        return { static_cast<First>(first), tsm_sim_pack<Rest...>(rest...) };
}

template <typename... P, typename... A>
cudaError_t tsm_sim_launch_call(const char *name, bool cooperative, void (*kernel)(P...), dim3 grid, dim3 block,
                                size_t shared_bytes, cudaStream_t stream, A... arguments)
{
    static_assert(sizeof...(P) == sizeof...(A), "the kernel takes another number of arguments");
    tsm_sim_closure<P...> closure = { kernel, tsm_sim_pack<P...>(arguments...) };

    return tsm_sim_launch(name, reinterpret_cast<const void *>(kernel), cooperative, grid, block, shared_bytes,
                          stream, tsm_sim_closure<P...>::invoke, &closure, sizeof closure);
}

#endif
