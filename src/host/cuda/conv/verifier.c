/* SPDX-License-Identifier: Apache-2.0 */
/* verifier.c - see verifier.h. */
#include "verifier.h"

#include <math.h>
#include <string.h>

#include "kernels/index.h"

#define PART_ELEMENTS      (1 << 14)
#define TOLERANCE_EPSILONS 16   /* of the largest sample; sums of the same products in another order */
#define TOLERANCE_FP32     1e-4 /* fp32 kernels may be Winograd's */

/* The image that channel c of a pixel of `image` is read from, -1 where its clip has no such frame. */
static int64_t image_of(const tsm_conv_spec *s, const tsm_shift *shift, int64_t image, int64_t c)
{
    int t, source;

    if (!shift->end) return image;
    t = (int)(image % s->frames);
    source = tsm_shift_source((int)c, t, shift->fold, shift->end, shift->step);
    return source < 0 || source >= s->frames ? -1 : image + source - t;
}

/* One product of the sum that makes an output. */
static double product(const tsm_conv_spec *s, tsm_dtype type, int64_t x, int64_t w)
{
    return (double)tsm_operand_value(s->in_offset + x, type) * (double)tsm_operand_value(w, type);
}

/* Filter `f` at pixel (oy, ox) of an image, without bias, residual and activation. */
static double sum_of(const tsm_conv_spec *s, int64_t image, int64_t oy, int64_t ox, int64_t f)
{
    const tsm_dtype type = tsm_cuda_dtype_of(s->precision)->type;
    const int64_t depth = s->channels / s->groups, first = f / (s->filters / s->groups) * depth;
    double sum = 0;

    for (int r = 0; r < s->kernel_h; r++)
        for (int t = 0; t < s->kernel_w; t++) {
            const int64_t y = oy * s->stride - s->pad + r, x = ox * s->stride - s->pad + t;
            const int64_t tap = f * tsm_conv_spec_row(s) + (r * s->kernel_w + t) * tsm_conv_spec_tap(s);

            if (y < 0 || y >= s->h || x < 0 || x >= s->w) continue;
            for (int64_t c = 0; c < depth; c++) {
                const int64_t from = image_of(s, &s->shift, image, first + c);

                if (from >= 0)
                    sum += product(s, type, ((from * s->h + y) * s->w + x) * s->in_pitch + first + c, tap + c);
            }
        }
    return sum;
}

static double joined_sum(const tsm_conv_spec *s, int64_t image, int64_t oy, int64_t ox, int64_t f)
{
    const tsm_dtype type = tsm_cuda_dtype_of(s->precision)->type;
    const int64_t row = image * s->joined_h + oy * s->joined_stride;
    const int64_t pixel = (row * s->joined_w + ox * s->joined_stride) * s->joined_pitch;
    const int64_t weights = f * tsm_conv_spec_row(s) + s->kernel_h * s->kernel_w * tsm_conv_spec_tap(s);
    double sum = 0;

    for (int64_t c = 0; c < s->joined_channels; c++)
        sum += (double)tsm_operand_value(pixel + c, type) * (double)tsm_operand_value(weights + c, type);
    return sum;
}

static double expected(const tsm_conv_spec *s, int64_t index)
{
    const tsm_dtype type = tsm_operands_out_type(s);
    const int64_t pixels = s->oh * s->ow, pixel = index / s->out_pitch, f = index % s->out_pitch;
    const int64_t of_image = pixel % pixels, from = image_of(s, &s->residual_shift, pixel / pixels, f);
    double sum = sum_of(s, pixel / pixels, of_image / s->ow, of_image % s->ow, f);

    sum += joined_sum(s, pixel / pixels, of_image / s->ow, of_image % s->ow, f) + (double)tsm_operand_value(f, type);
    if (s->residual_pitch && from >= 0)
        sum += (double)tsm_operand_value((from * pixels + of_image) * s->residual_pitch + f, type);
    if (s->act == TSM_ACT_SIGMOID) return 1 / (1 + exp(-sum));
    if (s->act == TSM_ACT_LEAKY_RELU && sum < 0) return sum * (double)TSM_LEAKY_SLOPE;
    if (s->act != TSM_ACT_NONE && sum < 0) return 0;
    return s->act == TSM_ACT_RELU6 && sum > 6 ? 6 : sum;
}

static bool is_gap(const tsm_conv_spec *s, int64_t index)
{
    return index % s->out_pitch >= s->filters;
}

/* Spread over a part, its first and its last element among them, where those are no gaps. */
static void add_samples(tsm_verifier *verifier, size_t begin)
{
    for (int i = 0; i < TSM_VERIFIER_SAMPLES; i++) {
        const int64_t index = (int64_t)(begin + (verifier->part_count - 1) * (size_t)i / (TSM_VERIFIER_SAMPLES - 1));

        if (is_gap(&verifier->spec, index)) continue;
        verifier->samples[verifier->sample_count++] =
            (tsm_verifier_sample){ index, expected(&verifier->spec, index) };
    }
}

tsm_status tsm_verifier_open(tsm_verifier *verifier, const tsm_conv_spec *spec, tsm_error *error)
{
    const size_t count = (size_t)tsm_conv_spec_output_count(spec);
    const double epsilon = tsm_cuda_dtype_of(spec->precision)->epsilon;
    double largest = 0;

    memset(verifier, 0, sizeof *verifier);
    verifier->spec = *spec;
    verifier->part_count = count < PART_ELEMENTS ? count : PART_ELEMENTS;
    verifier->parts = tsm_alloc_aligned(TSM_VERIFIER_PARTS * verifier->part_count, sizeof(float));
    if (!verifier->parts) return tsm_fail_memory(error, TSM_VERIFIER_PARTS * verifier->part_count * sizeof(float));
    for (size_t i = 0; i < TSM_VERIFIER_PARTS; i++) {
        verifier->begins[i] = (count - verifier->part_count) * i / (TSM_VERIFIER_PARTS - 1);
        add_samples(verifier, verifier->begins[i]);
    }
    for (int i = 0; i < verifier->sample_count; i++) largest = fmax(largest, fabs(verifier->samples[i].want));
    verifier->tolerance = fmax(TOLERANCE_EPSILONS * epsilon, TOLERANCE_FP32) * largest;
    return TSM_OK;
}

void tsm_verifier_close(tsm_verifier *verifier)
{
    tsm_free(verifier->parts);
    memset(verifier, 0, sizeof *verifier);
}

tsm_status tsm_verifier_fetch(tsm_verifier *verifier, const void *out, cudaStream_t stream, tsm_error *error)
{
    const size_t element = tsm_dtype_bytes(tsm_operands_out_type(&verifier->spec)),
                 bytes = verifier->part_count * element;

    for (size_t i = 0; i < TSM_VERIFIER_PARTS; i++)
        TSM_CUDA(cudaMemcpyAsync((char *)verifier->parts + i * bytes,
                                 (const char *)out + verifier->begins[i] * element, bytes, cudaMemcpyDeviceToHost,
                                 stream));
    TSM_CUDA(cudaStreamSynchronize(stream));
    return TSM_OK;
}

/* Element `at` of part `part`. */
static double fetched(const tsm_verifier *verifier, size_t part, size_t at)
{
    return (double)tsm_number_at(verifier->parts, tsm_operands_out_type(&verifier->spec),
                                 (int64_t)(part * verifier->part_count + at));
}

static bool are_numbers(const tsm_verifier *verifier)
{
    for (size_t part = 0; part < TSM_VERIFIER_PARTS; part++)
        for (size_t at = 0; at < verifier->part_count; at++)
            if (!is_gap(&verifier->spec, (int64_t)(verifier->begins[part] + at)) &&
                !isfinite(fetched(verifier, part, at)))
                return false;
    return true;
}

static bool is_near(const tsm_verifier *verifier, const tsm_verifier_sample *sample)
{
    size_t part = TSM_VERIFIER_PARTS - 1;

    while ((size_t)sample->index < verifier->begins[part]) part--;
    return fabs(fetched(verifier, part, (size_t)sample->index - verifier->begins[part]) - sample->want) <=
           verifier->tolerance;
}

bool tsm_verifier_agrees(const tsm_verifier *verifier)
{
    if (!are_numbers(verifier)) return false;
    for (int i = 0; i < verifier->sample_count; i++)
        if (!is_near(verifier, &verifier->samples[i])) return false;
    return true;
}
