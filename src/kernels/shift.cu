/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift.cu - the temporal shift as one fused strided copy.
 *
 * Idea: a thread owns chunks of 16 bytes of one output frame. The channels of a chunk say from which frame of the
 * clip it comes (index.h), so the shift is a choice of source address, and no second pass touches the channels that
 * stay. A chunk on the border of a fold, or on the end of a row, is copied element by element; there are at most
 * three a row. Four chunks are loaded before the first is stored, which keeps enough bytes in flight.
 *
 * Bytes: every output byte is written once; every input byte is read once, except those that leave the clip.
 * Operations: none on the data, some integer arithmetic a chunk.
 *
 * Layout: rows of `channels` elements at in_pitch and out_pitch, (n, t, pixels) rows. Elements are moved as bits, so
 * one kernel serves all types of a size.
 * Without 16-byte alignment of both tensors and pitches a chunk is one element.
 */
#include "device.h"

namespace tsm
{

constexpr int kShiftChunks = 4; /* of a thread; so few blocks are resident (64 registers) that each wants many bytes
                                   on their way */

template <typename U> struct ShiftPlan {
    const U *in;
    U *out;
    int64_t in_pitch, out_pitch;
    int frames, t, pixels, channels, fold, end, step;
    uint32_t chunks;     /* of a frame */
    tsm_divisor per_row; /* chunks of a row */
};

template <typename U> struct OnlinePlan {
    ShiftPlan<U> shift;
    U *cache;
    const int32_t *slots;
    bool cache_vectors; /* rows of the cache are aligned */
};

template <typename U> __device__ __forceinline__ int shift_source(const ShiftPlan<U> &p, int t, int c)
{
    return tsm_shift_source(c, t, p.fold, p.end, p.step);
}

/* Element c of row `row` of frame `from` of the clip that begins at frame `clip`; zero beyond the clip. */
template <typename U>
__device__ __forceinline__ U shift_element(const ShiftPlan<U> &p, int clip, int from, uint32_t row, int c)
{
    if (from < 0 || from >= p.t) return 0;
    return p.in[((int64_t)(clip + from) * p.pixels + row) * p.in_pitch + c];
}

/* Whether elements c ... c + V - 1 exist and come from one frame. */
template <typename U, int V> __device__ __forceinline__ bool shift_is_whole(const ShiftPlan<U> &p, int t, int c)
{
    return c + V <= p.channels && shift_source(p, t, c) == shift_source(p, t, c + V - 1);
}

template <typename U, int V> __global__ void __launch_bounds__(kThreads) shift_kernel(ShiftPlan<U> p)
{
    wait_for_previous();
    uint32_t first = blockIdx.x * (kThreads * kShiftChunks) + threadIdx.x;

    for (int frame = (int)blockIdx.y; frame < p.frames; frame += (int)gridDim.y) {
        int t = frame % p.t, clip = frame - t;
        Pack<U, V> packs[kShiftChunks];
#pragma unroll
        for (int k = 0; k < kShiftChunks; k++) {
            uint32_t i = first + k * kThreads, row = tsm_divide(i, p.per_row);
            int c = (int)(i - row * p.per_row.value) * V, from = shift_source(p, t, c);
            packs[k] = {};
            if (i < p.chunks && from >= 0 && from < p.t && shift_is_whole<U, V>(p, t, c))
                packs[k] = load<U, V>(p.in + ((int64_t)(clip + from) * p.pixels + row) * p.in_pitch + c);
        }
#pragma unroll
        for (int k = 0; k < kShiftChunks; k++) {
            uint32_t i = first + k * kThreads, row = tsm_divide(i, p.per_row);
            int c = (int)(i - row * p.per_row.value) * V;
            U *out = p.out + ((int64_t)frame * p.pixels + row) * p.out_pitch;
            if (i >= p.chunks) continue;
            if (shift_is_whole<U, V>(p, t, c)) {
                store<U, V>(out + c, packs[k]);
                continue;
            }
#pragma unroll 1
            for (int e = c; e < c + V && e < p.channels; e++)
                out[e] = shift_element(p, clip, shift_source(p, t, e), row, e);
        }
    }
}

/* ---- Live streams ---- */

/* Copies elements c ... c + V - 1 of one row; `cached`: the stream's row in the cache, for frame 0, or NULL. */
template <typename U, int V>
__device__ __forceinline__ void online_chunk(const OnlinePlan<U> &o, int clip, int t, uint32_t row, int c, U *out,
                                             const U *cached)
{
    const ShiftPlan<U> &p = o.shift;
    int from = shift_source(p, t, c);

    if (c + V <= p.channels && from == shift_source(p, t, c + V - 1)) {
        if (from >= 0) {
            store<U, V>(out + c, load<U, V>(p.in + ((int64_t)(clip + from) * p.pixels + row) * p.in_pitch + c));
            return;
        }
        if (cached && o.cache_vectors) {
            store<U, V>(out + c, load<U, V>(cached + c));
            return;
        }
    }
#pragma unroll 1
    for (int e = c; e < c + V && e < p.channels; e++) {
        from = shift_source(p, t, e);
        out[e] = from >= 0 ? shift_element(p, clip, from, row, e) : cached ? cached[e] : (U)0;
    }
}

/* A thread of frame 0 first reads its chunk of the cache, then puts that of the last frame there. */
template <typename U, int V>
__global__ void __launch_bounds__(kThreads, kResident) shift_online_kernel(OnlinePlan<U> o)
{
    wait_for_previous();
    const ShiftPlan<U> &p = o.shift;
    uint32_t i = blockIdx.x * kThreads + threadIdx.x, row = tsm_divide(i, p.per_row);
    int c = (int)(i - row * p.per_row.value) * V;

    if (i >= p.chunks) return;
    for (int frame = (int)blockIdx.y; frame < p.frames; frame += (int)gridDim.y) {
        int t = frame % p.t, clip = frame - t, stream = frame / p.t;
        int64_t slot = t == 0 && o.slots ? o.slots[stream] : stream;
        U *cached = t == 0 && o.cache ? o.cache + (slot * p.pixels + row) * p.fold : nullptr;
        online_chunk<U, V>(o, clip, t, row, c, p.out + ((int64_t)frame * p.pixels + row) * p.out_pitch, cached);
        if (!cached || c >= p.fold) continue;
        const U *last = p.in + ((int64_t)(clip + p.t - 1) * p.pixels + row) * p.in_pitch;
        if (o.cache_vectors && c + V <= p.fold) {
            store<U, V>(cached + c, load<U, V>(last + c));
            continue;
        }
#pragma unroll 1
        for (int e = c; e < c + V && e < p.fold; e++) cached[e] = last[e];
    }
}

/* ---- Launches ---- */

template <typename U> static bool shift_plan(ShiftPlan<U> *p, const tsm_kernel_shift_args *a, int *vector)
{
    bool vectors =
        aligned(a->in) && aligned(a->out) && aligned(a->in_pitch, sizeof(U)) && aligned(a->out_pitch, sizeof(U));
    *vector = vectors ? vector_length<U> : 1;
    int64_t per_row = divide_up(a->channels, *vector), chunks = per_row * a->pixels;

    *p = { static_cast<const U *>(a->in),
           static_cast<U *>(a->out),
           a->in_pitch,
           a->out_pitch,
           a->n * a->t,
           a->t,
           a->pixels,
           a->channels,
           a->fold,
           a->end,
           a->step,
           (uint32_t)chunks,
           tsm_divisor_make((uint32_t)per_row) };
    return chunks <= kMaxIndex - kThreads * kShiftChunks;
}

static bool shift_is_valid(const tsm_kernel_shift_args *a)
{
    return a->in && a->out && a->n > 0 && a->t > 0 && a->pixels > 0 && a->channels > 0 &&
           a->channels <= kMaxIndex / 2 && a->fold >= 0 && a->fold <= a->end && a->end <= a->channels &&
           (a->end == 0 || a->step == 1 || a->step == -1) && a->in_pitch >= a->channels &&
           a->out_pitch >= a->channels && (int64_t)a->n * a->t <= kMaxIndex;
}

template <typename U> static cudaError_t shift_launch(const tsm_kernel_shift_args *a, cudaStream_t stream)
{
    ShiftPlan<U> p;
    int vector;

    if (!shift_plan(&p, a, &vector)) return cudaErrorInvalidValue;
    dim3 grid = grid_of(p.chunks, kThreads * kShiftChunks, p.frames);
    if (vector == 1) return TSM_LAUNCH((shift_kernel<U, 1>), grid, kThreads, 0, stream, p);
    return TSM_LAUNCH((shift_kernel<U, vector_length<U>>), grid, kThreads, 0, stream, p);
}

template <typename U> static cudaError_t online_launch(const tsm_kernel_shift_online_args *a, cudaStream_t stream)
{
    OnlinePlan<U> o;
    int vector;

    if (!shift_plan(&o.shift, &a->shift, &vector)) return cudaErrorInvalidValue;
    o.cache = a->shift.fold ? static_cast<U *>(a->cache) : nullptr;
    o.slots = a->slots;
    o.cache_vectors = aligned(a->cache) && aligned(a->shift.fold, sizeof(U));
    dim3 grid = grid_of(o.shift.chunks, kThreads, o.shift.frames);
    if (vector == 1) return TSM_LAUNCH((shift_online_kernel<U, 1>), grid, kThreads, 0, stream, o);
    return TSM_LAUNCH((shift_online_kernel<U, vector_length<U>>), grid, kThreads, 0, stream, o);
}

} // namespace tsm

cudaError_t tsm_kernel_shift(const tsm_kernel_shift_args *args, cudaStream_t stream)
{
    if (!tsm::shift_is_valid(args)) return cudaErrorInvalidValue;
    switch (args->element_bytes) {
    case 1: return tsm::shift_launch<uint8_t>(args, stream);
    case 2: return tsm::shift_launch<uint16_t>(args, stream);
    case 4: return tsm::shift_launch<uint32_t>(args, stream);
    default: return cudaErrorInvalidValue;
    }
}

cudaError_t tsm_kernel_shift_online(const tsm_kernel_shift_online_args *args, cudaStream_t stream)
{
    const tsm_kernel_shift_args *shift = &args->shift;

    if (!tsm::shift_is_valid(shift) || shift->fold != shift->end || (shift->end && shift->step != -1))
        return cudaErrorInvalidValue;
    switch (shift->element_bytes) {
    case 1: return tsm::online_launch<uint8_t>(args, stream);
    case 2: return tsm::online_launch<uint16_t>(args, stream);
    case 4: return tsm::online_launch<uint32_t>(args, stream);
    default: return cudaErrorInvalidValue;
    }
}
