/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exp.h - exp and the sigmoid in arithmetic that compilers vectorise; a library's would be a call an element.
 *
 * exp(x) = 2^n exp(r), n the integer next to x / ln 2, so that |r| <= ln 2 / 2, where the series up to r^7 is exact
 * to less than the rounding. The result is within 1.5 units in the last place.
 */
#ifndef TSM_CPU_EXP_H
#define TSM_CPU_EXP_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TSM_CPU_INLINE static inline __attribute__((always_inline))

/* Below, 2^n is no normal number; exp(-87) is 1.6e-38. */
#define TSM_EXP_LOWEST (-87.0f)

/* `fused` where the CPU has an instruction for it; a constant, like everything that decides about code here. */
TSM_CPU_INLINE float tsm_multiply_add(float a, float b, float c, const bool fused)
{
    return fused ? __builtin_fmaf(a, b, c) : a * b + c;
}

/* For x from the lowest to 88, and NaN. */
TSM_CPU_INLINE float tsm_exp(float x, const bool fused)
{
    /* Adding 1.5 * 2^23 rounds to an integer, which then is in the low bits of the sum. ln 2 comes in two parts, of
     * which n times the first is exact. */
    const float rounder = 12582912.0f, ln2_first = 0.693359375f, ln2_rest = -2.12194440e-4f;
    const float rounded = tsm_multiply_add(x, 1.44269504f, rounder, fused), n = rounded - rounder;
    const float r = tsm_multiply_add(n, -ln2_rest, tsm_multiply_add(n, -ln2_first, x, fused), fused);
    float sum = 1.0f / 5040, power;
    uint32_t bits;

    sum = tsm_multiply_add(sum, r, 1.0f / 720, fused);
    sum = tsm_multiply_add(sum, r, 1.0f / 120, fused);
    sum = tsm_multiply_add(sum, r, 1.0f / 24, fused);
    sum = tsm_multiply_add(sum, r, 1.0f / 6, fused);
    sum = tsm_multiply_add(sum, r, 1.0f / 2, fused);
    sum = tsm_multiply_add(sum, r, 1.0f, fused);
    sum = tsm_multiply_add(sum, r, 1.0f, fused);
    memcpy(&bits, &rounded, sizeof bits);
    bits = (bits + 127) << 23; /* the exponent of 2^n; what else was in the bits falls off */
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

TSM_CPU_INLINE float tsm_sigmoid(float x)
{
    const float below = -fabsf(x), power = tsm_exp(TSM_EXP_LOWEST > below ? TSM_EXP_LOWEST : below, false);

    return (x < 0 ? power : 1.0f) / (1.0f + power);
}

#endif
