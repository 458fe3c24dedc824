/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h - number formats of 16 bits: float16 (IEEE half) and bfloat16, held as bit patterns. */
#ifndef TSM_CORE_NUMBERS_H
#define TSM_CORE_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <tsm/tsm.h>

/* Exact: every float16 and bfloat16 is a float. */
float tsm_half_to_float(uint16_t half);
static inline float tsm_bfloat_to_float(uint16_t bits)
{
    union {
        uint32_t u;
        float f;
    } v = { (uint32_t)bits << 16 };
    return v.f;
}

/* Round to the nearest, ties to even; what is beyond the largest becomes infinity, NaN stays NaN. */
uint16_t tsm_float_to_half(float value);
uint16_t tsm_float_to_bfloat(float value);

/* Is the exponent all ones? */
static inline bool tsm_half_is_finite(uint16_t half)
{
    return (half & 0x7c00) != 0x7c00;
}

/* Bytes of one element. */
static inline size_t tsm_dtype_bytes(tsm_dtype dtype)
{
    return dtype == TSM_FLOAT32 ? 4 : dtype == TSM_UINT8 ? 1 : 2;
}

/* Element `index` of an array of float32, float16 or bfloat16. It is copied out: a file may hold its tensors at any
 * address. Inline, for a loop over the weights of a network. */
static inline float tsm_number_at(const void *array, tsm_dtype dtype, int64_t index)
{
    const char *data = array;
    uint16_t bits;
    float value;

    if (dtype == TSM_FLOAT32) {
        memcpy(&value, data + index * (int64_t)sizeof value, sizeof value);
        return value;
    }
    memcpy(&bits, data + index * (int64_t)sizeof bits, sizeof bits);
    return dtype == TSM_FLOAT16 ? tsm_half_to_float(bits) : tsm_bfloat_to_float(bits);
}

/* The first `count` elements of such an array as float32. */
void tsm_numbers_to_float(const void *array, tsm_dtype dtype, int64_t count, float *out);

#endif
