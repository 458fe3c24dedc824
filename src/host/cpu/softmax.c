/* SPDX-License-Identifier: Apache-2.0 */
/*
 * softmax.c - a softmax over rows but for the division, which costs less after the rows were multiplied with
 * something narrower. The exponentials of a row find it in the first-level cache, where its largest value was looked
 * for.
 *
 * Unlike the memory-bound loops these are compiled for each width of vectors that an x86-64 may have.
 */
#include "ops.h"

#include <string.h>

#include "exp.h"

/* Between floats and integers of the same order, either way: negative ones have their magnitude turned round.
 * Compilers vectorise the largest of integers; that of floats not all of them, for the sake of NaN. */
TSM_CPU_INLINE int32_t turn(int32_t bits)
{
    return bits ^ (bits >> 31 & INT32_MAX);
}

TSM_CPU_INLINE float find_largest(const float *x, int64_t count)
{
    int32_t largest = INT32_MIN;
    float value;

#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < count; i++) {
        int32_t bits;

        memcpy(&bits, x + i, sizeof bits);
        largest = turn(bits) > largest ? turn(bits) : largest;
    }
    largest = turn(largest);
    memcpy(&value, &largest, sizeof value);
    return value;
}

/* Returns one over the sum. */
TSM_CPU_INLINE float soften_row(float *x, int64_t count, const bool fused)
{
    const float largest = find_largest(x, count);
    float sum = 0;

#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) {
        const float below = x[i] - largest;

        x[i] = tsm_exp(TSM_EXP_LOWEST > below ? TSM_EXP_LOWEST : below, fused);
        sum += x[i];
    }
    return 1 / sum;
}

static float soften_plain(float *x, int64_t count)
{
    return soften_row(x, count, false);
}

typedef float soften_function(float *x, int64_t count);

#if defined(__x86_64__)

__attribute__((target("avx2,fma"))) static float soften_avx2(float *x, int64_t count)
{
    return soften_row(x, count, true);
}

__attribute__((target("avx512f"))) static float soften_avx512(float *x, int64_t count)
{
    return soften_row(x, count, true);
}

static soften_function *choose(void)
{
    if (__builtin_cpu_supports("avx512f")) return soften_avx512;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? soften_avx2 : soften_plain;
}

#else

static soften_function *choose(void)
{
    return soften_plain;
}

#endif

void tsm_cpu_softmax(float *x, float *factors, int64_t rows, int64_t count)
{
    soften_function *const soften = choose();

    for (int64_t row = 0; row < rows; row++) factors[row] = soften(x + row * count, count);
}

void tsm_cpu_scale_rows(const float *x, const float *factors, float *out, int64_t rows, int64_t count)
{
    for (int64_t row = 0; row < rows; row++) {
        const float factor = factors[row];

        for (int64_t i = row * count; i < (row + 1) * count; i++) out[i] = x[i] * factor;
    }
}
