/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - see reference.h. */
#include "reference.h"
#include "index.h"

#include <math.h>
#include <string.h>

/* Address of element c of a row of frame `frame`, counted over all clips. */
static size_t element_at(const tsm_kernel_shift_args *a, int64_t pitch, int64_t frame, int row, int c)
{
    return (size_t)(((frame * a->pixels + row) * pitch + c) * a->element_bytes);
}

/* Copies an element from the frame that the shift says, or zeros where the clip has no such frame. */
static void copy_shifted(const tsm_kernel_shift_args *a, int n, int t, int row, int c)
{
    int from = tsm_shift_source(c, t, a->fold, a->end, a->step);
    size_t bytes = (size_t)a->element_bytes;
    char *to = (char *)a->out + element_at(a, a->out_pitch, (int64_t)n * a->t + t, row, c);

    memset(to, 0, bytes);
    if (from >= 0 && from < a->t)
        memcpy(to, (const char *)a->in + element_at(a, a->in_pitch, (int64_t)n * a->t + from, row, c), bytes);
}

void tsm_kernel_shift_reference(const tsm_kernel_shift_args *a)
{
    for (int n = 0; n < a->n; n++)
        for (int t = 0; t < a->t; t++)
            for (int row = 0; row < a->pixels; row++)
                for (int c = 0; c < a->channels; c++) copy_shifted(a, n, t, row, c);
}

void tsm_kernel_shift_online_reference(const tsm_kernel_shift_online_args *args)
{
    const tsm_kernel_shift_args *a = &args->shift;
    size_t bytes = (size_t)a->element_bytes * (size_t)a->fold;

    for (int n = 0; n < a->n; n++) {
        for (int t = 0; t < a->t; t++)
            for (int row = 0; row < a->pixels; row++)
                for (int c = 0; c < a->channels; c++) copy_shifted(a, n, t, row, c);
        for (int row = 0; args->cache && row < a->pixels; row++) {
            size_t slot = args->slots ? (size_t)args->slots[n] : (size_t)n;
            char *cached = (char *)args->cache + (slot * (size_t)a->pixels + (size_t)row) * bytes;

            memcpy((char *)a->out + element_at(a, a->out_pitch, (int64_t)n * a->t, row, 0), cached, bytes);
            memcpy(cached, (const char *)a->in + element_at(a, a->in_pitch, (int64_t)(n + 1) * a->t - 1, row, 0),
                   bytes);
        }
    }
}

static float window_max(const float *clip, int frames, int64_t values, int start)
{
    float best = -INFINITY;

    for (int t = start; t < start + TSM_TPOOL_KERNEL; t++) {
        if (t < 0 || t >= frames) continue;
        float x = clip[t * values];
        if (x > best || isnan(x)) best = x;
    }
    return best;
}

void tsm_kernel_tpool_reference(const tsm_kernel_tpool_args *a)
{
    int out_t = tsm_window_count(a->t, TSM_TPOOL_KERNEL, TSM_TPOOL_STRIDE, TSM_TPOOL_PAD);
    float *out = a->out;

    for (int n = 0; n < a->n; n++)
        for (int t = 0; t < out_t; t++)
            for (int64_t i = 0; i < a->values; i++)
                *out++ = window_max((const float *)a->in + (int64_t)n * a->t * a->values + i, a->t, a->values,
                                    tsm_window_start(t, TSM_TPOOL_STRIDE, TSM_TPOOL_PAD));
}

void tsm_kernel_softmax_reference(const tsm_kernel_softmax_args *a)
{
    for (int64_t row = 0; row < a->rows; row++) {
        const float *in = (const float *)a->in + row * a->in_pitch;
        float *out = (float *)a->out + row * a->out_pitch;
        double top = -INFINITY, sum = 0;

        for (int i = 0; i < a->count; i++) top = fmax(top, in[i]);
        for (int i = 0; i < a->count; i++) sum += exp(in[i] - top);
        for (int i = 0; i < a->count; i++) out[i] = (float)(exp(in[i] - top) / sum);
    }
}

void tsm_kernel_topk_reference(const float *in, float *out_values, int32_t *out_indices, int rows, int classes, int k)
{
    for (int row = 0; row < rows; row++, in += classes) {
        uint64_t last = UINT64_MAX;

        for (int found = 0; found < k; found++) {
            uint64_t best = 0;

            for (int i = 0; i < classes; i++) {
                uint32_t bits;
                memcpy(&bits, &in[i], sizeof bits);
                uint64_t key = tsm_rank_key(bits, (uint32_t)i);
                if (key < last && key > best) best = key;
            }
            last = best;
            out_indices[row * k + found] = (int32_t) ~(uint32_t)best;
            out_values[row * k + found] = in[~(uint32_t)best];
        }
    }
}

/* The weighted sum of bytes `step` apart. */
static uint8_t weighted(const uint8_t *in, int64_t step, const tsm_kernel_axis *axis, int index)
{
    int32_t sum = TSM_RESIZE_HALF;

    for (int k = 0; k < axis->count[index]; k++) sum += in[k * step] * axis->weights[(int64_t)index * axis->taps + k];
    return tsm_resize_byte(sum);
}

void tsm_kernel_resize_reference(const tsm_kernel_resize_args *a)
{
    int64_t in_row = (int64_t)a->in_w * 3, out_row = (int64_t)a->out_w * 3;
    int between = a->row_end - a->row_begin;

    for (int image = 0; image < a->images; image++) {
        const uint8_t *in = a->in + (int64_t)image * a->in_h * in_row;
        uint8_t *narrow = a->between + (int64_t)image * between * out_row;
        uint8_t *out = a->out + (int64_t)image * a->out_h * out_row;

        for (int y = 0; y < between; y++)
            for (int i = 0; i < out_row; i++)
                narrow[y * out_row + i] = weighted(
                    in + (a->row_begin + y) * in_row + a->columns.first[i / 3] * 3 + i % 3, 3, &a->columns, i / 3);
        for (int y = 0; y < a->out_h; y++)
            for (int i = 0; i < out_row; i++)
                out[y * out_row + i] =
                    weighted(narrow + (a->rows.first[y] - a->row_begin) * out_row + i, out_row, &a->rows, y);
    }
}
