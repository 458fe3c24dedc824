/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_verifier.c - how the autotuner tells right from wrong: outputs made by loops of this test's own pass, whichever
 * kernel comes first; an output with one wrong sample, or with one element that nobody wrote, does not.
 */
#include "support.h"

#ifdef TSM_HAS_CUDA
#include "cuda/conv/verifier.h"

#define SPEC(precision_, images_, h_, w_, channels_, oh_, ow_, filters_, kernel_, stride_, pad_, groups_, in_, out_, \
             residual_, ...)                                                                                         \
    {                                                                                                                \
        .precision = TSM_PRECISION_##precision_, .images = images_, .h = h_, .w = w_, .channels = channels_,         \
        .oh = oh_, .ow = ow_, .filters = filters_, .kernel_h = kernel_, .kernel_w = kernel_, .stride = stride_,      \
        .pad = pad_, .groups = groups_, .in_pitch = in_, .out_pitch = out_, .residual_pitch = residual_, __VA_ARGS__ \
    }

/* Pixels in, channels, pixels out, filters, window, groups, pitches; what is fused. */
static const tsm_conv_spec specs[] = {
    SPEC(FP32, 2, 6, 7, 5, 6, 7, 9, 3, 1, 1, 1, 5, 9, 0, .act = TSM_ACT_RELU),
    SPEC(FP16, 3, 9, 8, 16, 5, 4, 24, 3, 2, 1, 1, 16, 24, 24, .act = TSM_ACT_RELU6),
    SPEC(BF16, 2, 7, 7, 32, 7, 7, 16, 1, 1, 0, 1, 40, 24, 16, .in_offset = 8, .act = TSM_ACT_RELU),
    SPEC(TF32, 1, 6, 6, 12, 6, 6, 18, 3, 1, 1, 3, 12, 18, 18, .act = TSM_ACT_NONE),
    SPEC(FP16, 4, 1, 1, 64, 1, 1, 7, 1, 1, 0, 1, 64, 7, 0, .float_out = true),
    SPEC(FP16, 8, 20, 20, 8, 20, 20, 16, 1, 1, 0, 1, 8, 16, 0, .act = TSM_ACT_NONE),
    SPEC(FP16, 6, 5, 4, 24, 5, 4, 16, 3, 1, 1, 1, 24, 16, 0, .frames = 3, .shift = { 4, 8, 1 }),
    SPEC(BF16, 4, 4, 4, 16, 4, 4, 16, 1, 1, 0, 1, 16, 16, 16, .frames = 2, .shift = { 2, 6, -1 },
         .residual_shift = { 4, 8, -1 }, .act = TSM_ACT_RELU),
};

static float at(const tsm_conv_spec *s, int64_t index)
{
    return tsm_operand_value(index, tsm_cuda_dtype_of(s->precision)->type);
}

/* The image whose shift reads image `image` for channel c; -1 where there is none in the clip. */
static int64_t shifted_to(const tsm_conv_spec *s, const tsm_shift *shift, int64_t image, int64_t c)
{
    const int64_t by = !shift->end || c >= shift->end ? 0 : c < shift->fold ? -shift->step : shift->step;
    const int64_t t = by ? image % s->frames + by : 0;

    return by && (t < 0 || t >= s->frames) ? -1 : image + by;
}

/* Scatters every input to the outputs that see it: the other way round than the verifier. */
static double *convolve(const tsm_conv_spec *s)
{
    const int64_t depth = s->channels / s->groups, per_group = s->filters / s->groups;
    double *out = calloc((size_t)tsm_conv_spec_output_count(s), sizeof *out);

    ck_assert_ptr_nonnull(out);
    for (int64_t in = 0; in < s->images * s->h * s->w; in++)
        for (int tap = 0; tap < s->kernel_h * s->kernel_w; tap++) {
            const int64_t image = in / (s->h * s->w), y = in / s->w % s->h + s->pad - tap / s->kernel_w,
                          x = in % s->w + s->pad - tap % s->kernel_w;

            if (y < 0 || x < 0 || y % s->stride || x % s->stride) continue;
            if (y / s->stride >= s->oh || x / s->stride >= s->ow) continue;
            for (int64_t f = 0; f < s->filters; f++)
                for (int64_t c = 0; c < depth; c++) {
                    const int64_t channel = f / per_group * depth + c, to = shifted_to(s, &s->shift, image, channel);
                    const int64_t pixel = (to * s->oh + y / s->stride) * s->ow + x / s->stride;

                    if (to < 0) continue;
                    out[pixel * s->out_pitch + f] +=
                        (double)at(s, s->in_offset + in * s->in_pitch + channel) *
                        (double)at(s, (f * s->kernel_h * s->kernel_w + tap) * tsm_conv_spec_tap(s) + c);
                }
        }
    return out;
}

static float finish(const tsm_conv_spec *s, double sum, int64_t index)
{
    const tsm_dtype type = tsm_operands_out_type(s);
    const int64_t pixel = index / s->out_pitch, f = index % s->out_pitch;

    sum += (double)tsm_operand_value(f, type);
    for (int64_t image = 0; s->residual_pitch && image < s->images; image++)
        if (shifted_to(s, &s->residual_shift, image, f) == pixel / (s->oh * s->ow))
            sum += (double)tsm_operand_value(
                (image * s->oh * s->ow + pixel % (s->oh * s->ow)) * s->residual_pitch + f, type);
    if (s->act != TSM_ACT_NONE && sum < 0) sum = 0;
    return (float)(s->act == TSM_ACT_RELU6 && sum > 6 ? 6 : sum);
}

/* The verifier as if it had fetched a right output; what lies between the rows is not a number. */
static tsm_verifier make_judge(const tsm_conv_spec *s)
{
    double *sums = convolve(s);
    const tsm_dtype type = tsm_operands_out_type(s);
    tsm_verifier verifier;
    tsm_error error;

    assert_ok(tsm_verifier_open(&verifier, s, &error), &error);
    ck_assert_int_ge(verifier.sample_count, TSM_VERIFIER_SAMPLES);
    for (size_t part = 0; part < TSM_VERIFIER_PARTS; part++)
        for (size_t i = 0; i < verifier.part_count; i++) {
            const int64_t index = (int64_t)(verifier.begins[part] + i);
            const bool gap = index % s->out_pitch >= s->filters;
            const float value = gap ? NAN : finish(s, sums[index], index);
            char *to = (char *)verifier.parts + (part * verifier.part_count + i) * tsm_dtype_bytes(type);

            tsm_cuda_round(to, &value, 1, type);
        }
    free(sums);
    return verifier;
}

static void set(const tsm_verifier *verifier, size_t part, size_t i, float value)
{
    const tsm_dtype type = tsm_operands_out_type(&verifier->spec);

    tsm_cuda_round((char *)verifier->parts + (part * verifier->part_count + i) * tsm_dtype_bytes(type), &value, 1,
                   type);
}

START_TEST(right_outputs_pass)
{
    tsm_verifier verifier = make_judge(&specs[_i]);

    ck_assert(tsm_verifier_agrees(&verifier));
    tsm_verifier_close(&verifier);
}
END_TEST

/* Any sample off by five times what is allowed; where parts overlap, in both. */
START_TEST(wrong_samples_fail)
{
    for (int k = 0; k < TSM_VERIFIER_PARTS * TSM_VERIFIER_SAMPLES; k++) {
        tsm_verifier verifier = make_judge(&specs[_i]);

        if (k < verifier.sample_count) {
            const tsm_verifier_sample *sample = &verifier.samples[k];

            for (size_t part = 0; part < TSM_VERIFIER_PARTS; part++) {
                const size_t begin = verifier.begins[part], index = (size_t)sample->index;

                if (index >= begin && index - begin < verifier.part_count)
                    set(&verifier, part, index - begin, (float)(sample->want + 5 * verifier.tolerance));
            }
            ck_assert_msg(!tsm_verifier_agrees(&verifier), "sample %d", k);
        }
        tsm_verifier_close(&verifier);
    }
}
END_TEST

/* What nobody wrote is still the poison: not a number, wherever it is. */
START_TEST(unwritten_elements_fail)
{
    const tsm_conv_spec *s = &specs[_i];
    tsm_verifier verifier = make_judge(s);

    for (size_t part = 0; part < TSM_VERIFIER_PARTS; part++)
        for (size_t i = 0; i < verifier.part_count; i += 1 + verifier.part_count / 50) {
            const tsm_dtype type = tsm_operands_out_type(s);
            const float kept = tsm_number_at(verifier.parts, type, (int64_t)(part * verifier.part_count + i));

            if ((int64_t)(verifier.begins[part] + i) % s->out_pitch >= s->filters) continue;
            set(&verifier, part, i, NAN);
            ck_assert_msg(!tsm_verifier_agrees(&verifier), "element %zu of part %zu", i, part);
            set(&verifier, part, i, kept);
        }
    ck_assert(tsm_verifier_agrees(&verifier));
    tsm_verifier_close(&verifier);
}
END_TEST

int main(void)
{
    const int count = (int)(sizeof specs / sizeof *specs);
    Suite *suite = suite_create("verifier");
    TCase *tests = tcase_create("verifier");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, right_outputs_pass, 0, count);
    tcase_add_loop_test(tests, wrong_samples_fail, 0, count);
    tcase_add_loop_test(tests, unwritten_elements_fail, 0, count);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

#else
int main(void)
{
    printf("skipped: built without CUDA\n");
    return 77;
}
#endif
