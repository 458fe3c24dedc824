/* SPDX-License-Identifier: Apache-2.0 */
/* avx512.h - what the kernels for AVX-512 share: a product of a few rows in registers, and what follows it. */
#ifndef TSM_CPU_AVX512_H
#define TSM_CPU_AVX512_H

#include <immintrin.h>

#include "graph/backend.h"

#define TSM_AVX512        __attribute__((target("avx512f")))
#define TSM_AVX512_INLINE static inline __attribute__((always_inline)) __attribute__((target("avx512f")))

#define TSM_LANES     16 /* floats of a vector */
#define TSM_ROWS_MOST 12 /* of a product at a time: with two vectors of columns 24 accumulators */

/* sum += rows of x, `pitch` floats apart, times a panel of (k, vectors * 16), for `k` columns of x. */
TSM_AVX512_INLINE void tsm_rows_accumulate(__m512 sum[TSM_ROWS_MOST][2], const float *x, int64_t pitch, int64_t k,
                                           const float *panel, const int rows, const int vectors)
{
    for (int64_t i = 0; i < k; i++, panel += vectors * TSM_LANES) {
        __m512 weights[2];

#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) weights[j] = _mm512_loadu_ps(panel + j * TSM_LANES);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            const __m512 value = _mm512_set1_ps(x[r * pitch + i]);

#pragma GCC unroll 2
            for (int j = 0; j < vectors; j++) sum[r][j] = _mm512_fmadd_ps(value, weights[j], sum[r][j]);
        }
    }
}

TSM_AVX512_INLINE void tsm_rows_clear(__m512 sum[TSM_ROWS_MOST][2], const int rows, const int vectors)
{
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) sum[r][j] = _mm512_setzero_ps();
    }
}

/* All but the sigmoid. Max and min return their second operand where one is NaN, so NaN stays. */
TSM_AVX512_INLINE __m512 tsm_activate(__m512 value, const tsm_act act)
{
    const __m512 low = _mm512_setzero_ps();

    if (act == TSM_ACT_RELU || act == TSM_ACT_RELU6) value = _mm512_max_ps(low, value);
    if (act == TSM_ACT_RELU6) value = _mm512_min_ps(_mm512_set1_ps(6.0f), value);
    if (act == TSM_ACT_LEAKY_RELU)
        value = _mm512_max_ps(_mm512_mul_ps(value, _mm512_set1_ps(TSM_LEAKY_SLOPE)), value);
    return value;
}

/* One entry for each number of rows from 1 to TSM_ROWS_MOST. */
#define TSM_ROWS_EACH(entry)                                                                                         \
    entry(1) entry(2) entry(3) entry(4) entry(5) entry(6) entry(7) entry(8) entry(9) entry(10) entry(11) entry(12)

#endif
