/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - pools: memory-bound loops over channels, which the compiler vectorises. */
#include "ops.h"

#include <math.h>
#include <string.h>

static void max_into(float *restrict out, const float *restrict in, int64_t c)
{
    /* Written so that NaN from either side survives, and so that it vectorises. */
    for (int64_t i = 0; i < c; i++) out[i] = in[i] > out[i] || in[i] != in[i] ? in[i] : out[i];
}

static void maxpool_pixel(const float *frame, float *out, const tsm_dims *in, const tsm_node *node, int top, int left)
{
    const int bottom = top + node->kernel_h < in->h ? top + node->kernel_h : in->h;
    const int right = left + node->kernel_w < in->w ? left + node->kernel_w : in->w;

    for (int i = 0; i < in->c; i++) out[i] = -INFINITY;
    for (int y = top > 0 ? top : 0; y < bottom; y++) {
        for (int x = left > 0 ? left : 0; x < right; x++)
            max_into(out, frame + ((int64_t)y * in->w + x) * in->c, in->c);
    }
}

void tsm_cpu_maxpool(const float *x, float *out, const tsm_dims *in, const tsm_dims *dims, const tsm_node *node)
{
    const int64_t frame = (int64_t)in->h * in->w * in->c, rows = (int64_t)dims->n * dims->t * dims->h;

#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const int top = (int)(row % dims->h) * node->stride - node->pad;
        float *to = out + row * dims->w * dims->c;

        for (int i = 0; i < dims->w; i++)
            maxpool_pixel(x + row / dims->h * frame, to + (int64_t)i * dims->c, in, node, top,
                          i * node->stride - node->pad);
    }
}

static void add_into(float *restrict out, const float *restrict in, int64_t c)
{
    for (int64_t i = 0; i < c; i++) out[i] += in[i];
}

/* The mean of what lies inside of a window whose first pixel does. */
static void window_mean(const float *frame, float *out, const tsm_dims *in, const tsm_node *node, int top, int left)
{
    const int bottom = top + node->kernel_h < in->h ? top + node->kernel_h : in->h;
    const int right = left + node->kernel_w < in->w ? left + node->kernel_w : in->w;
    const float count = (float)(bottom - top) * (float)(right - left);

    for (int i = 0; i < in->c; i++) out[i] = 0;
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) add_into(out, frame + ((int64_t)y * in->w + x) * in->c, in->c);
    }
    for (int i = 0; i < in->c; i++) out[i] /= count;
}

void tsm_cpu_window_mean(const float *x, float *out, const tsm_dims *in, const tsm_dims *dims, const tsm_node *node)
{
    const int64_t frame = (int64_t)in->h * in->w * in->c, rows = (int64_t)dims->n * dims->t * dims->h;

#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const int top = (int)(row % dims->h) * node->stride;
        float *to = out + row * dims->w * dims->c;

        for (int i = 0; i < dims->w; i++)
            window_mean(x + row / dims->h * frame, to + (int64_t)i * dims->c, in, node, top, i * node->stride);
    }
}

/* Frame t of the result is the largest of frames 2 t - 1 to 2 t + 1; work is shared by rows of pixels. */
void tsm_cpu_tpool(const float *x, float *out, const tsm_dims *in)
{
    const int64_t row = (int64_t)in->w * in->c, rows = (int64_t)in->n * (in->t / 2) * in->h;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        const int64_t y = i % in->h, frame = i / in->h * 2; /* T is even, so that clips of T frames align */
        const float *from = x + (frame * in->h + y) * row;
        float *to = out + i * row;

        memcpy(to, from, (size_t)row * sizeof *to);
        max_into(to, from + in->h * row, row);
        if (frame % in->t) max_into(to, from - in->h * row, row);
    }
}

/* out[c] = mean over `rows` rows of c floats; rows are summed in blocks first, which keeps the rounding small. */
static void mean_rows(const float *x, float *out, int64_t rows, int64_t pitch, int64_t c)
{
    enum { BLOCK_ROWS = 64, BLOCK_CHANNELS = 64 };
    float sum[BLOCK_CHANNELS], block[BLOCK_CHANNELS];

    for (int64_t c0 = 0; c0 < c; c0 += BLOCK_CHANNELS) {
        const int64_t width = c - c0 < BLOCK_CHANNELS ? c - c0 : BLOCK_CHANNELS;

        memset(sum, 0, sizeof sum);
        for (int64_t row = 0; row < rows; row += BLOCK_ROWS) {
            const int64_t end = rows - row < BLOCK_ROWS ? rows : row + BLOCK_ROWS;

            memset(block, 0, sizeof block);
            for (int64_t r = row; r < end; r++) {
                for (int64_t i = 0; i < width; i++) block[i] += x[r * pitch + c0 + i];
            }
            for (int64_t i = 0; i < width; i++) sum[i] += block[i];
        }
        for (int64_t i = 0; i < width; i++) out[c0 + i] = sum[i] / (float)rows;
    }
}

/* `groups` means over `rows` consecutive rows each; the work is shared by slices of channels too, as there may be
 * but one group. */
static void mean_groups(const float *x, float *out, int64_t groups, int64_t rows, int64_t c)
{
    enum { SLICE = 256 };
    const int64_t slices = (c + SLICE - 1) / SLICE;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < groups * slices; i++) {
        const int64_t group = i / slices, c0 = i % slices * SLICE;

        mean_rows(x + group * rows * c + c0, out + group * c + c0, rows, c, c - c0 < SLICE ? c - c0 : SLICE);
    }
}

void tsm_cpu_avgpool(const float *x, float *out, const tsm_dims *in, bool over_time)
{
    const int64_t pixels = (int64_t)in->h * in->w;

    if (over_time) {
        mean_groups(x, out, in->n, pixels * in->t, in->c);
    } else {
        mean_groups(x, out, (int64_t)in->n * in->t, pixels, in->c);
    }
}

void tsm_cpu_tmean(const float *x, float *out, const tsm_dims *in)
{
    mean_groups(x, out, in->n, in->t, (int64_t)in->h * in->w * in->c);
}
