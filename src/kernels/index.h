/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - index arithmetic that the kernels and their plain-C references share: pure functions of integers.
 */
#ifndef TSM_KERNELS_INDEX_H
#define TSM_KERNELS_INDEX_H

#include <stdint.h>

#ifdef __CUDACC__
#define TSM_BOTH static __host__ __device__ __forceinline__
#else
#define TSM_BOTH static inline
#endif

/* Division by a number that is known when the kernel is launched: a multiplication and a shift. */
typedef struct tsm_divisor {
    uint32_t value, multiplier, shift;
} tsm_divisor;

/* 1 <= value < 2^31. */
TSM_BOTH tsm_divisor tsm_divisor_make(uint32_t value)
{
    tsm_divisor d = { value, 0, 0 };

    while ((uint64_t)1 << d.shift < value) d.shift++;
    d.multiplier = (uint32_t)(((((uint64_t)1 << d.shift) - value) << 32) / value + 1);
    return d;
}

/* n / d for n < 2^31. */
TSM_BOTH uint32_t tsm_divide(uint32_t n, tsm_divisor d)
{
    return ((uint32_t)((uint64_t)n * d.multiplier >> 32) + n) >> d.shift;
}

/* Which frame the temporal shift reads for channel c of frame t: -1 before the clip, `frames` after it, where zeros
 * are read. Channels [0, fold) come from frame t + step, [fold, end) from t - step, the rest stay. */
TSM_BOTH int tsm_shift_source(int c, int t, int fold, int end, int step)
{
    return c < fold ? t + step : c < end ? t - step : t;
}

/* Windows of a pool or convolution along one axis: their number, and where window i begins (< 0: in the padding). */
TSM_BOTH int tsm_window_count(int size, int kernel, int stride, int pad)
{
    return (size + 2 * pad - kernel) / stride + 1;
}

TSM_BOTH int tsm_window_start(int i, int stride, int pad)
{
    return i * stride - pad;
}

/* Windows without padding that begin inside, however little of them is inside: their number along one axis. */
TSM_BOTH int tsm_window_count_up(int size, int stride)
{
    return (size - 1) / stride + 1;
}

/* The temporal pool of non-local networks: 3 frames, stride 2, padding 1. */
enum { TSM_TPOOL_KERNEL = 3, TSM_TPOOL_STRIDE = 2, TSM_TPOOL_PAD = 1 };

/* A float as an unsigned key of the same order, -0 and +0 alike; NaN below all. */
TSM_BOTH uint32_t tsm_order_key(uint32_t bits)
{
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0;
    if (bits == 0x80000000u) bits = 0;
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* Rank of an element among a row: larger value first, then lower index. Never 0. */
TSM_BOTH uint64_t tsm_rank_key(uint32_t bits, uint32_t index)
{
    return (uint64_t)tsm_order_key(bits) << 32 | (uint32_t)~index;
}

/* Fixed-point weights of the resize: a sum of bytes times weights, begun at TSM_RESIZE_HALF, becomes a byte. */
enum { TSM_RESIZE_BITS = 22, TSM_RESIZE_HALF = 1 << (TSM_RESIZE_BITS - 1) };

TSM_BOTH uint8_t tsm_resize_byte(int32_t sum)
{
    int32_t value = sum >> TSM_RESIZE_BITS;

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

#endif
