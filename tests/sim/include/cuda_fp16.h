/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_fp16.h - of the simulated device: binary16 with CUDA's names; arithmetic in float, rounded to nearest even. */
#ifndef TSM_SIM_CUDA_FP16_H
#define TSM_SIM_CUDA_FP16_H

#include "cuda_runtime.h"

struct __half {
    uint16_t bits;
};

static inline float __half2float(__half h)
{
    uint32_t sign = (uint32_t)(h.bits & 0x8000u) << 16, exponent = (h.bits >> 10) & 31u, fraction = h.bits & 1023u,
             out;
    float value;

    if (exponent == 0) { /* zero and subnormal: fraction * 2^-24, exact */
        value = (float)fraction * 5.9604644775390625e-8f;
        return sign ? -value : value;
    }
    out = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112u) << 23) | fraction << 13;
    memcpy(&value, &out, sizeof value);
    return value;
}

static inline __half __float2half_rn(float value)
{
    uint32_t bits, sign, rest, half, lost;

    memcpy(&bits, &value, sizeof bits);
    sign = (bits >> 16) & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u) return { 0x7fff };                      /* NaN, as the hardware writes it */
    if (bits >= 0x477ff000u) return { (uint16_t)(sign | 0x7c00u) }; /* at least 65520: rounds to infinity */
    if (bits < 0x38800000u) {                                       /* below 2^-14: a multiple of 2^-24 */
        if (bits < 0x33000000u) return { (uint16_t)sign };
        unsigned shift = 126u - (bits >> 23);
        rest = (bits & 0x7fffffu) | 0x800000u;
        half = rest >> shift;
        lost = rest & ((1u << shift) - 1u);
        if (lost > 1u << (shift - 1u) || (lost == 1u << (shift - 1u) && (half & 1u))) half++;
        return { (uint16_t)(sign | half) };
    }
    half = (bits - 0x38000000u) >> 13;
    lost = bits & 0x1fffu;
    if (lost > 0x1000u || (lost == 0x1000u && (half & 1u))) half++;
    return { (uint16_t)(sign | half) };
}

static inline __half __float2half(float value)
{
    return __float2half_rn(value);
}

static inline __half operator+(__half a, __half b)
{
    return __float2half_rn(__half2float(a) + __half2float(b));
}
static inline __half operator-(__half a, __half b)
{
    return __float2half_rn(__half2float(a) - __half2float(b));
}
static inline __half operator*(__half a, __half b)
{
    return __float2half_rn(__half2float(a) * __half2float(b));
}
static inline bool operator<(__half a, __half b)
{
    return __half2float(a) < __half2float(b);
}
static inline bool operator>(__half a, __half b)
{
    return __half2float(a) > __half2float(b);
}

TSM_SIM_VECTOR2(__half2, __half)

static inline float2 __half22float2(__half2 h)
{
    return float2(__half2float(h.x), __half2float(h.y));
}
static inline __half2 __floats2half2_rn(float x, float y)
{
    return __half2(__float2half_rn(x), __float2half_rn(y));
}

typedef __half half;
typedef __half2 half2;

#endif
