/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.c - sums, factors and activations that no product took along: loops that the compiler vectorises. */
#include "ops.h"

#include "exp.h"

#define BLOCK 8192 /* elements that a thread takes at a time */

/* Written so that NaN survives, and so that they vectorise. */
static inline float relu(float x)
{
    return x < 0.0f ? 0.0f : x;
}

static inline float relu6(float x)
{
    return relu(x) > 6.0f ? 6.0f : relu(x);
}

static inline float leaky_relu(float x)
{
    const float less = x * TSM_LEAKY_SLOPE;

    return less > x ? less : x;
}

/* out may be x, which says nothing against doing several elements at once. */
#define EACH(value)                                                                                                  \
    do {                                                                                                             \
        _Pragma("omp simd") for (int64_t i = 0; i < count; i++) out[i] = value;                                      \
    } while (0)

void tsm_cpu_act_serial(const float *x, float *out, int64_t count, tsm_act act)
{
    switch (act) {
    case TSM_ACT_RELU: EACH(relu(x[i])); break;
    case TSM_ACT_RELU6: EACH(relu6(x[i])); break;
    case TSM_ACT_LEAKY_RELU: EACH(leaky_relu(x[i])); break;
    case TSM_ACT_SIGMOID: EACH(tsm_sigmoid(x[i])); break;
    case TSM_ACT_NONE:
    case TSM_ACT_COUNT: EACH(x[i]); break;
    }
}

void tsm_cpu_act(const float *x, float *out, int64_t count, tsm_act act)
{
#pragma omp parallel for schedule(static) if (count > BLOCK)
    for (int64_t i = 0; i < count; i += BLOCK)
        tsm_cpu_act_serial(x + i, out + i, count - i < BLOCK ? count - i : BLOCK, act);
}

void tsm_cpu_add(const float *x, const float *y, float *out, int64_t count)
{
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < count; i++) out[i] = x[i] + y[i];
}

/* A row of pixels goes through the first-level cache for both steps. */
void tsm_cpu_scale(const float *x, const float *factors, float *out, const tsm_dims *dims, tsm_act act)
{
    const int64_t c = dims->c, row = dims->w * c, rows = (int64_t)dims->n * dims->t * dims->h;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        const float *of_frame = factors + i / dims->h * c;

        for (int64_t at = i * row; at < (i + 1) * row; at += c) {
#pragma omp simd
            for (int64_t k = 0; k < c; k++) out[at + k] = x[at + k] * of_frame[k];
            tsm_cpu_act_serial(out + at, out + at, c, act);
        }
    }
}
