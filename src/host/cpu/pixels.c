/* SPDX-License-Identifier: Apache-2.0 */
/* pixels.c - reading the input, and picking every stride-th pixel for 1x1 convolutions with a stride. */
#include "ops.h"

#include <string.h>

void tsm_cpu_pick_pixels(const float *x, float *out, const tsm_dims *dims, int stride)
{
    const int64_t oh = (dims->h + stride - 1) / stride, ow = (dims->w + stride - 1) / stride, c = dims->c;
    const int64_t rows = oh * dims->t * dims->n;

#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const float *in = x + ((row / oh) * dims->h + row % oh * stride) * dims->w * c;
        float *to = out + row * ow * c;

        for (int64_t i = 0; i < ow; i++) memcpy(to + i * c, in + i * stride * c, (size_t)c * sizeof *x);
    }
}

/* The usual three planes are read side by side, any other number one after another. */
static void interleave_row(const float *in, float *out, int64_t plane, int64_t width, int64_t channels)
{
    if (channels == 3) {
        for (int64_t i = 0; i < width; i++) {
            out[3 * i] = in[i];
            out[3 * i + 1] = in[plane + i];
            out[3 * i + 2] = in[2 * plane + i];
        }
        return;
    }
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t i = 0; i < width; i++) out[i * channels + c] = in[c * plane + i];
    }
}

/* An exponent of all ones, which infinities and NaN have, carries into the sign when one is added to it. */
static bool is_finite(const float *x, int64_t count)
{
    uint32_t carried = 0;

#pragma omp simd reduction(| : carried)
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, x + i, sizeof bits);
        carried |= (bits & INT32_MAX) + (UINT32_C(1) << 23);
    }
    return carried <= INT32_MAX;
}

int64_t tsm_cpu_from_ntchw(const float *x, float *out, const tsm_dims *dims)
{
    const int64_t plane = (int64_t)dims->h * dims->w, frame = plane * dims->c;
    const int64_t rows = (int64_t)dims->h * dims->t * dims->n, values = (int64_t)dims->w * dims->c;
    int64_t first = INT64_MAX;

    /* What was written is looked at while it is in the first-level cache. */
#pragma omp parallel for schedule(static) reduction(min : first)
    for (int64_t row = 0; row < rows; row++) {
        const float *in = x + row / dims->h * frame + row % dims->h * dims->w;
        float *to = out + row * values;

        interleave_row(in, to, plane, dims->w, dims->c);
        if (!is_finite(to, values) && row < first) first = row;
    }
    return first < rows ? first / dims->h : -1;
}

void tsm_cpu_from_bytes(const uint8_t *x, float *out, const tsm_dims *dims, const float mean[3], const float std[3])
{
    const int64_t pixels = (int64_t)dims->n * dims->t * dims->h * dims->w;
    float value[3][256];

    for (int c = 0; c < 3; c++) {
        for (int byte = 0; byte < 256; byte++) value[c][byte] = ((float)byte / 255.0f - mean[c]) / std[c];
    }
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < pixels; i++) {
        out[3 * i] = value[0][x[3 * i]];
        out[3 * i + 1] = value[1][x[3 * i + 1]];
        out[3 * i + 2] = value[2][x[3 * i + 2]];
    }
}
