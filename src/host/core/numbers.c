/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c - see numbers.h. */
#include "numbers.h"

#include <math.h>
#include <string.h>

static uint32_t float_bits(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float tsm_half_to_float(uint16_t half)
{
    union {
        uint32_t u;
        float f;
    } v;
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, mantissa = half & 0x3ff;

    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24, exact in float */
        v.f = (float)mantissa * 0x1p-24f;
        v.u |= sign;
        return v.f;
    }
    /* 112 is the difference of the biases, 127 - 15; infinity and NaN keep an exponent of all ones. */
    v.u = sign | (exponent == 0x1f ? 0xffu : exponent + 112) << 23 | mantissa << 13;
    return v.f;
}

uint16_t tsm_float_to_half(float value)
{
    uint32_t bits = float_bits(value), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;

    if (size > 0x7f800000) return (uint16_t)(sign | 0x7e00); /* NaN */
    /* 65520, halfway from the largest to the next, is the first that rounds to infinity. */
    if (size >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    /* Below 2^-14 halves are multiples of 2^-24. */
    if (size < 0x38800000) return (uint16_t)(sign | (uint32_t)lrintf(fabsf(value) * 0x1p24f));
    size += 0xfff + (size >> 13 & 1);
    return (uint16_t)(sign | (size - 0x38000000) >> 13);
}

uint16_t tsm_float_to_bfloat(float value)
{
    uint32_t bits = float_bits(value);

    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40); /* NaN, quiet: rounding could end it */
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void tsm_numbers_to_float(const void *array, tsm_dtype dtype, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++) out[i] = tsm_number_at(array, dtype, i);
}
