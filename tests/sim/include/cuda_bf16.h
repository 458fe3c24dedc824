/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_bf16.h - of the simulated device: bfloat16 with CUDA's names; arithmetic in float, rounded to nearest even. */
#ifndef TSM_SIM_CUDA_BF16_H
#define TSM_SIM_CUDA_BF16_H

#include "cuda_runtime.h"

struct __nv_bfloat16 {
    uint16_t bits;
};

static inline float __bfloat162float(__nv_bfloat16 b)
{
    uint32_t bits = (uint32_t)b.bits << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline __nv_bfloat16 __float2bfloat16_rn(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return { 0x7fff }; /* NaN, as the hardware writes it */
    return { (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16) };
}

static inline __nv_bfloat16 __float2bfloat16(float value)
{
    return __float2bfloat16_rn(value);
}

static inline __nv_bfloat16 operator+(__nv_bfloat16 a, __nv_bfloat16 b)
{
    return __float2bfloat16_rn(__bfloat162float(a) + __bfloat162float(b));
}
static inline __nv_bfloat16 operator-(__nv_bfloat16 a, __nv_bfloat16 b)
{
    return __float2bfloat16_rn(__bfloat162float(a) - __bfloat162float(b));
}
static inline __nv_bfloat16 operator*(__nv_bfloat16 a, __nv_bfloat16 b)
{
    return __float2bfloat16_rn(__bfloat162float(a) * __bfloat162float(b));
}
static inline bool operator<(__nv_bfloat16 a, __nv_bfloat16 b)
{
    return __bfloat162float(a) < __bfloat162float(b);
}
static inline bool operator>(__nv_bfloat16 a, __nv_bfloat16 b)
{
    return __bfloat162float(a) > __bfloat162float(b);
}

TSM_SIM_VECTOR2(__nv_bfloat162, __nv_bfloat16)

static inline float2 __bfloat1622float2(__nv_bfloat162 b)
{
    return float2(__bfloat162float(b.x), __bfloat162float(b.y));
}
static inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y)
{
    return __nv_bfloat162(__float2bfloat16_rn(x), __float2bfloat16_rn(y));
}

#endif
