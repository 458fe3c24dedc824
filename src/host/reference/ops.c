/* SPDX-License-Identifier: Apache-2.0 */
/* ops.c - see ops.h. */
#include "ops.h"

#include <math.h>

#define BATCHNORM_EPS 1e-5

/* The input row (or column) that output row `out` reads at tap `tap`; it may lie in the padding. */
static int source_pixel(int out, int tap, const tsm_node *node)
{
    return out * node->stride - node->pad + tap;
}

static int window_count(int in, int kernel, const tsm_node *node)
{
    return (in + 2 * node->pad - kernel) / node->stride + 1;
}

float tsm_ref_activate(float value, tsm_act act)
{
    if (act == TSM_ACT_NONE || isnan(value)) return value;
    if (act == TSM_ACT_SIGMOID) return (float)(1 / (1 + exp(-(double)value)));
    if (value < 0) return act == TSM_ACT_LEAKY_RELU ? value * TSM_LEAKY_SLOPE : 0;
    return act == TSM_ACT_RELU6 && value > 6 ? 6 : value;
}

void tsm_ref_shift(float *out, const float *in, const tsm_dims *dims, tsm_shift shift)
{
    int64_t pixels = (int64_t)dims->h * dims->w, channels = dims->c, frame = pixels * channels;

    for (int64_t nt = 0; nt < (int64_t)dims->n * dims->t; nt++) {
        int t = (int)(nt % dims->t);

        for (int64_t i = 0; i < frame; i++) {
            int64_t c = i % channels;
            int from = c < shift.fold ? t + shift.step : c < shift.end ? t - shift.step : t;

            out[nt * frame + i] = from < 0 || from >= dims->t ? 0 : in[(nt + from - t) * frame + i];
        }
    }
}

void tsm_ref_shift_online(float *out, const float *in, float *cache, int64_t pixels, int channels, int fold)
{
    for (int64_t p = 0; p < pixels; p++, in += channels, out += channels)
        for (int c = 0; c < channels; c++) {
            out[c] = c < fold ? *cache : in[c];
            if (c < fold) *cache++ = in[c];
        }
}

/* Sum over the window of one output element; `w` is that of the output channel, `first` the group's first channel. */
static double convolve(const float *frame, const tsm_dims *d, const tsm_node *node, const float *w, int y, int x,
                       int first)
{
    int channels = node->in_channels / node->groups;
    double sum = 0;

    for (int ky = 0; ky < node->kernel_h; ky++) {
        int iy = source_pixel(y, ky, node);

        if (iy < 0 || iy >= d->h) continue;
        for (int kx = 0; kx < node->kernel_w; kx++) {
            int ix = source_pixel(x, kx, node);
            const float *pixel = frame + ((int64_t)iy * d->w + ix) * d->c + first;
            const float *tap = w + ((int64_t)ky * node->kernel_w + kx) * channels;

            if (ix < 0 || ix >= d->w) continue;
            for (int c = 0; c < channels; c++) sum += (double)pixel[c] * tap[c];
        }
    }
    return sum;
}

static void conv_frame(float *out, const float *in, const tsm_dims *d, const tsm_node *node, const float *weights,
                       const float *residual)
{
    int height = window_count(d->h, node->kernel_h, node), width = window_count(d->w, node->kernel_w, node);
    int group_in = node->in_channels / node->groups, group_out = node->out_channels / node->groups;
    int64_t per_output = (int64_t)node->kernel_h * node->kernel_w * group_in, at = 0;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int o = 0; o < node->out_channels; o++, at++) {
                double sum = convolve(in, d, node, weights + o * per_output, y, x, o / group_out * group_in);

                if (node->bias) sum += node->bias[o];
                if (residual) sum += residual[at];
                out[at] = tsm_ref_activate((float)sum, node->act);
            }
}

void tsm_ref_conv(float *out, const float *in, const tsm_dims *in_dims, const tsm_node *node, const float *weights,
                  const float *residual)
{
    int64_t in_frame = (int64_t)in_dims->h * in_dims->w * in_dims->c;
    int64_t out_frame = (int64_t)window_count(in_dims->h, node->kernel_h, node) *
                        window_count(in_dims->w, node->kernel_w, node) * node->out_channels;

    for (int64_t f = 0; f < (int64_t)in_dims->n * in_dims->t; f++)
        conv_frame(out + f * out_frame, in + f * in_frame, in_dims, node, weights,
                   residual ? residual + f * out_frame : NULL);
}

void tsm_ref_batchnorm(float *out, const float *in, const tsm_dims *dims, const tsm_node *node)
{
    int64_t count = tsm_dims_count(dims);

    for (int64_t i = 0; i < count; i++) {
        int64_t c = i % dims->c;
        double normal = ((double)in[i] - node->mean[c]) / sqrt((double)node->variance[c] + BATCHNORM_EPS);

        out[i] = (float)(normal * node->gamma[c] + node->beta[c]);
    }
}

void tsm_ref_add(float *out, const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++) out[i] = a[i] + b[i];
}

void tsm_ref_act(float *out, const float *in, int64_t count, tsm_act act)
{
    for (int64_t i = 0; i < count; i++) out[i] = tsm_ref_activate(in[i], act);
}

static float window_max(const float *frame, const tsm_dims *d, const tsm_node *node, int y, int x, int c)
{
    float largest = -INFINITY;

    for (int ky = 0; ky < node->kernel_h; ky++)
        for (int kx = 0; kx < node->kernel_w; kx++) {
            int iy = source_pixel(y, ky, node), ix = source_pixel(x, kx, node);
            float value;

            if (iy < 0 || iy >= d->h || ix < 0 || ix >= d->w) continue;
            value = frame[((int64_t)iy * d->w + ix) * d->c + c];
            if (value > largest || isnan(value)) largest = value;
        }
    return largest;
}

void tsm_ref_maxpool(float *out, const float *in, const tsm_dims *in_dims, const tsm_node *node)
{
    int64_t frame = (int64_t)in_dims->h * in_dims->w * in_dims->c;
    int height = window_count(in_dims->h, node->kernel_h, node);
    int width = window_count(in_dims->w, node->kernel_w, node);

    for (int64_t f = 0; f < (int64_t)in_dims->n * in_dims->t; f++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < in_dims->c; c++) *out++ = window_max(in + f * frame, in_dims, node, y, x, c);
}

void tsm_ref_tpool(float *out, const float *in, const tsm_dims *in_dims)
{
    int64_t frame = (int64_t)in_dims->h * in_dims->w * in_dims->c;

    for (int n = 0; n < in_dims->n; n++)
        for (int t = 0; t < in_dims->t; t += 2)
            for (int64_t i = 0; i < frame; i++) {
                float largest = -INFINITY;

                for (int from = t - 1; from <= t + 1; from++) {
                    float value;

                    if (from < 0 || from >= in_dims->t) continue;
                    value = in[((int64_t)n * in_dims->t + from) * frame + i];
                    if (value > largest || isnan(value)) largest = value;
                }
                *out++ = largest;
            }
}

/* out (groups, channels): the mean of `rows` consecutive rows of in (groups, rows, channels). */
static void mean_rows(float *out, const float *in, int64_t groups, int64_t rows, int64_t channels)
{
    for (int64_t g = 0; g < groups; g++)
        for (int64_t c = 0; c < channels; c++) {
            double sum = 0;

            for (int64_t r = 0; r < rows; r++) sum += in[(g * rows + r) * channels + c];
            out[g * channels + c] = (float)(sum / (double)rows);
        }
}

void tsm_ref_avgpool(float *out, const float *in, const tsm_dims *in_dims, bool over_time)
{
    int64_t frames = over_time ? in_dims->t : 1;

    mean_rows(out, in, (int64_t)in_dims->n * in_dims->t / frames, frames * in_dims->h * in_dims->w, in_dims->c);
}

void tsm_ref_tmean(float *out, const float *in, const tsm_dims *in_dims)
{
    mean_rows(out, in, in_dims->n, in_dims->t, (int64_t)in_dims->h * in_dims->w * in_dims->c);
}

void tsm_ref_window_mean(float *out, const float *in, const tsm_dims *in_dims, const tsm_node *node)
{
    const tsm_dims *d = in_dims;
    int height = (d->h + node->stride - 1) / node->stride, width = (d->w + node->stride - 1) / node->stride;
    int64_t windows = (int64_t)d->n * d->t * height * width;

    for (int64_t i = 0; i < windows * d->c; i++) {
        int64_t window = i / d->c, frame = window / width / height;
        int top = (int)(window / width % height) * node->stride, left = (int)(window % width) * node->stride,
            count = 0;
        double sum = 0;

        for (int y = top; y < top + node->kernel_h && y < d->h; y++)
            for (int x = left; x < left + node->kernel_w && x < d->w; x++, count++)
                sum += in[((frame * d->h + y) * d->w + x) * d->c + i % d->c];
        out[i] = (float)(sum / count);
    }
}

void tsm_ref_scale(float *out, const float *in, const float *factors, const tsm_dims *dims, tsm_act act)
{
    int64_t count = tsm_dims_count(dims), frame = (int64_t)dims->h * dims->w * dims->c;

    for (int64_t i = 0; i < count; i++)
        out[i] = tsm_ref_activate(in[i] * factors[i / frame * dims->c + i % dims->c], act);
}

static void softmax(double *values, int64_t count)
{
    double largest = values[0], sum = 0;

    for (int64_t i = 1; i < count; i++) largest = fmax(largest, values[i]);
    for (int64_t i = 0; i < count; i++) sum += values[i] = exp(values[i] - largest);
    for (int64_t i = 0; i < count; i++) values[i] /= sum;
}

/* One query over the keys of its clip. */
static void attend(float *out, const float *query, int64_t channels, const float *keys, const float *values,
                   int64_t positions, int64_t value_channels, bool weigh_softly, double *scores)
{
    for (int64_t k = 0; k < positions; k++) {
        scores[k] = 0;
        for (int64_t c = 0; c < channels; c++) scores[k] += (double)query[c] * keys[k * channels + c];
    }
    if (weigh_softly) softmax(scores, positions);
    for (int64_t c = 0; c < value_channels; c++) {
        double sum = 0;

        for (int64_t k = 0; k < positions; k++) sum += scores[k] * values[k * value_channels + c];
        out[c] = (float)(weigh_softly ? sum : sum / (double)positions);
    }
}

void tsm_ref_attention(float *out, const float *queries, const tsm_dims *query_dims, const float *keys,
                       const float *values, const tsm_dims *value_dims, bool weigh_softly, double *scores)
{
    int64_t rows = (int64_t)query_dims->t * query_dims->h * query_dims->w, channels = query_dims->c;
    int64_t positions = (int64_t)value_dims->t * value_dims->h * value_dims->w, value_channels = value_dims->c;

    for (int64_t n = 0; n < query_dims->n; n++)
        for (int64_t row = 0; row < rows; row++) {
            int64_t at = n * rows + row;

            attend(out + at * value_channels, queries + at * channels, channels, keys + n * positions * channels,
                   values + n * positions * value_channels, positions, value_channels, weigh_softly, scores);
        }
}

void tsm_ref_fc(float *out, const float *in, int64_t rows, const tsm_node *node, const float *weights)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t o = 0; o < node->out_channels; o++) {
            double sum = node->bias ? node->bias[o] : 0;

            for (int64_t c = 0; c < node->in_channels; c++)
                sum += (double)in[r * node->in_channels + c] * weights[o * node->in_channels + c];
            *out++ = (float)sum;
        }
}

int64_t tsm_ref_input_f32(float *out, const float *in, const tsm_dims *dims)
{
    int64_t pixels = (int64_t)dims->h * dims->w, frames = (int64_t)dims->n * dims->t, bad = -1;

    for (int64_t f = 0; f < frames; f++, in += pixels * dims->c)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t c = 0; c < dims->c; c++) {
                *out++ = in[c * pixels + p];
                if (bad < 0 && !isfinite(in[c * pixels + p])) bad = f;
            }
    return bad;
}

void tsm_ref_input_u8(float *out, const uint8_t *in, const tsm_dims *dims, const float mean[3], const float std[3])
{
    int64_t count = tsm_dims_count(dims);

    for (int64_t i = 0; i < count; i++) out[i] = ((float)in[i] / 255.0f - mean[i % 3]) / std[i % 3];
}
