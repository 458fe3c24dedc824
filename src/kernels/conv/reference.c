/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - see reference.h. */
#include "reference.h"
#include "../index.h"

#include <math.h>
#include <string.h>

typedef struct sums {
    double value, magnitude;
} sums;

static void add(sums *s, double term)
{
    s->value += term;
    s->magnitude += fabs(term);
}

/* As the tensor cores read it: float32 rounded to 10 bits of fraction, halves away from zero. */
static double factor(float value, tsm_dtype dtype)
{
    uint32_t bits;

    if (dtype != TSM_FLOAT32) return (double)value;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0x1000u) & ~0x1fffu;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* Channel c of pixel (y, x) of frame t of clip n, after the shift. */
static float shifted(const tsm_conv_kernel_spec *s, const float *in, int n, int t, int y, int x, int c)
{
    const int from = tsm_shift_source(c, t, s->fold, s->end, s->step);

    if (from < 0 || from >= s->t || y < 0 || y >= s->h || x < 0 || x >= s->w) return 0.0f;
    return in[((((int64_t)n * s->t + from) * s->h + y) * s->w + x) * s->in_pitch + c];
}

static void add_taps(sums *sum, const tsm_conv_kernel_spec *s, const tsm_conv_kernel_operands *o, int n, int t,
                     int oy, int ox, int filter)
{
    const float *weights = o->filters + (int64_t)filter * s->kernel_h * s->kernel_w * s->channels;

    for (int r = 0; r < s->kernel_h; r++)
        for (int q = 0; q < s->kernel_w; q++)
            for (int c = 0; c < s->channels; c++) {
                const int y = tsm_window_start(oy, s->stride, s->pad) + r;
                const int x = tsm_window_start(ox, s->stride, s->pad) + q;
                const float weight = weights[(r * s->kernel_w + q) * s->channels + c];

                add(sum, factor(shifted(s, o->in, n, t, y, x, c), s->dtype) * factor(weight, s->dtype));
            }
}

static void add_joined(sums *sum, const tsm_conv_kernel_spec *s, const tsm_conv_kernel_operands *o, int n, int t,
                       int oy, int ox, int filter)
{
    const int64_t row = ((int64_t)n * s->t + t) * s->joined_h + (int64_t)oy * s->joined_stride;
    const float *pixel = o->joined + (row * s->joined_w + (int64_t)ox * s->joined_stride) * s->joined_pitch;
    const float *weights = o->joined_filters + (int64_t)filter * s->joined_channels;

    for (int c = 0; c < s->joined_channels; c++) add(sum, factor(pixel[c], s->dtype) * factor(weights[c], s->dtype));
}

static void add_residual(sums *sum, const tsm_conv_kernel_spec *s, const float *residual, int n, int t, int64_t pixel,
                         int64_t pixels, int filter)
{
    const int from = tsm_shift_source(filter, t, s->residual_fold, s->residual_end, s->step);

    if (from < 0 || from >= s->t) return;
    add(sum, (double)residual[(((int64_t)n * s->t + from) * pixels + pixel) * s->residual_pitch + filter]);
}

static double act_of(double x, tsm_kernel_act act)
{
    switch (act) {
    case TSM_KERNEL_ACT_NONE: return x;
    case TSM_KERNEL_ACT_RELU: return x < 0 ? 0 : x;
    case TSM_KERNEL_ACT_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case TSM_KERNEL_ACT_LEAKY_RELU: return x < 0 ? x * (double)0.01f : x;
    case TSM_KERNEL_ACT_SIGMOID: return 1 / (1 + exp(-x));
    }
    return x;
}

static void make_pixel(const tsm_conv_kernel_spec *s, const tsm_conv_kernel_operands *o, int n, int t, int oy, int ox)
{
    const int ow = tsm_conv_kernel_out_w(s);
    const int64_t pixels = (int64_t)tsm_conv_kernel_out_h(s) * ow, pixel = (int64_t)oy * ow + ox;
    const int64_t row = ((int64_t)n * s->t + t) * pixels + pixel;

    for (int filter = 0; filter < s->filters; filter++) {
        sums sum = { 0, 0 };

        add_taps(&sum, s, o, n, t, oy, ox, filter);
        if (s->joined_channels) add_joined(&sum, s, o, n, t, oy, ox, filter);
        if (o->bias) add(&sum, (double)o->bias[filter]);
        if (o->residual) add_residual(&sum, s, o->residual, n, t, pixel, pixels, filter);
        o->out[row * s->filters + filter] = act_of(sum.value, s->act);
        o->magnitude[row * s->filters + filter] = sum.magnitude;
    }
}

void tsm_conv_kernel_reference(const tsm_conv_kernel_spec *spec, const tsm_conv_kernel_operands *operands)
{
    for (int n = 0; n < spec->n; n++)
        for (int t = 0; t < spec->t; t++)
            for (int oy = 0; oy < tsm_conv_kernel_out_h(spec); oy++)
                for (int ox = 0; ox < tsm_conv_kernel_out_w(spec); ox++) make_pixel(spec, operands, n, t, oy, ox);
}
