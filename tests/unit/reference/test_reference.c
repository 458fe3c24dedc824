/* SPDX-License-Identifier: Apache-2.0 */
/* test_reference.c - the reference operations against cases worked out by hand; everything else leans on them. */
#include "reference/ops.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_values(const float *got, const float *want, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(got[i] == want[i], "element %zu is %.9g, want %.9g", i, (double)got[i], (double)want[i]);
}

START_TEST(shift_moves_folds)
{
    /* One clip of 3 frames, one pixel, 5 channels, folds of 2: channel 4 stays. */
    const tsm_dims dims = { 1, 3, 1, 1, 5 };
    const float in[] = { 1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 21, 22, 23, 24, 25 };
    const float want[] = { 11, 12, 0, 0, 5, 21, 22, 3, 4, 15, 0, 0, 13, 14, 25 };
    float out[15];

    tsm_ref_shift(out, in, &dims, (tsm_shift){ 2, 4, 1 });
    assert_values(out, want, COUNT(want));
    tsm_ref_shift(out, in, &dims, (tsm_shift){ 0 });
    assert_values(out, in, COUNT(in));
}
END_TEST

START_TEST(shift_keeps_clips_apart)
{
    /* Two clips of 2 frames of 2 pixels, 2 channels, folds of 1. */
    const tsm_dims dims = { 2, 2, 1, 2, 2 };
    const float in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80 };
    const float want[] = { 5, 0, 7, 0, 0, 2, 0, 4, 50, 0, 70, 0, 0, 20, 0, 40 };
    float out[16];

    tsm_ref_shift(out, in, &dims, (tsm_shift){ 1, 2, 1 });
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(shift_of_everything)
{
    /* n_div 1: every channel comes from the next frame. */
    const tsm_dims dims = { 1, 2, 1, 1, 2 };
    const float in[] = { 1, 2, 3, 4 }, want[] = { 3, 4, 0, 0 };
    float out[4];

    tsm_ref_shift(out, in, &dims, tsm_shift_both(2, 2));
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(shift_in_other_directions)
{
    /* One clip of 3 frames, one pixel, 3 channels. */
    const tsm_dims dims = { 1, 3, 1, 1, 3 };
    const float in[] = { 1, 2, 3, 11, 12, 13, 21, 22, 23 };
    const float mirrored[] = { 0, 12, 13, 1, 22, 23, 11, 0, 0 }; /* one channel from before, two from after */
    const float past[] = { 0, 0, 3, 1, 2, 13, 11, 12, 23 };      /* two from before */
    const float second[] = { 0, 2, 3, 1, 12, 13, 11, 22, 23 };   /* the first fold is empty */
    float out[9];

    tsm_ref_shift(out, in, &dims, (tsm_shift){ 1, 3, -1 });
    assert_values(out, mirrored, COUNT(mirrored));
    tsm_ref_shift(out, in, &dims, (tsm_shift){ 2, 2, -1 });
    assert_values(out, past, COUNT(past));
    tsm_ref_shift(out, in, &dims, (tsm_shift){ 0, 1, 1 });
    assert_values(out, second, COUNT(second));
}
END_TEST

START_TEST(conv_pads_and_strides)
{
    /* 3x3 pixels under a 3x3 kernel, stride 2, padding 1: the four corners see 2x2 pixels each. */
    const tsm_dims dims = { 1, 1, 3, 3, 1 };
    const float in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, weights[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    const float want[] = { 1 * 5 + 2 * 6 + 4 * 8 + 5 * 9, 2 * 4 + 3 * 5 + 5 * 7 + 6 * 8,
                           4 * 2 + 5 * 3 + 7 * 5 + 8 * 6, 5 * 1 + 6 * 2 + 8 * 4 + 9 * 5 };
    tsm_node node = { .op = TSM_OP_CONV,
                      .in_channels = 1,
                      .out_channels = 1,
                      .groups = 1,
                      .kernel_h = 3,
                      .kernel_w = 3,
                      .stride = 2,
                      .pad = 1 };
    float out[4];

    tsm_ref_conv(out, in, &dims, &node, weights, NULL);
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(conv_is_not_square)
{
    /* One row of a 1x2 kernel over 2x3 pixels and 2 channels; two frames. */
    const tsm_dims dims = { 1, 2, 1, 3, 2 };
    const float in[] = { 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60 }, weights[] = { 1, 10, 100, 1000 };
    const float want[] = { 4321, 6543, 43210, 65430 };
    tsm_node node = {
        .op = TSM_OP_CONV, .in_channels = 2, .out_channels = 1, .groups = 1, .kernel_h = 1, .kernel_w = 2, .stride = 1
    };
    float out[4];

    tsm_ref_conv(out, in, &dims, &node, weights, NULL);
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(conv_groups_bias_residual_act)
{
    /* 4 to 4 channels in 2 groups at one pixel. */
    const tsm_dims dims = { 1, 1, 1, 1, 4 };
    const float in[] = { 1, 2, 3, 4 }, weights[] = { 1, 1, 1, -1, 1, 1, 2, 2 }, residual[] = { 0.5f, 0, -20, 1 };
    const float plain[] = { 1 + 2, 1 - 2, 3 + 4, 6 + 8 }, fused[] = { 4.5f, 0, 0, 6 };
    float bias[] = { 1, -1, 2, -8 }, out[4];
    tsm_node node = {
        .op = TSM_OP_CONV, .in_channels = 4, .out_channels = 4, .groups = 2, .kernel_h = 1, .kernel_w = 1, .stride = 1
    };

    tsm_ref_conv(out, in, &dims, &node, weights, NULL);
    assert_values(out, plain, COUNT(plain));
    node.bias = bias;
    node.act = TSM_ACT_RELU6; /* the last channel comes to 14 - 8 + 1 = 7 */
    tsm_ref_conv(out, in, &dims, &node, weights, residual);
    assert_values(out, fused, COUNT(fused));
}
END_TEST

START_TEST(conv_sums_in_double)
{
    /* In float 2^24 + 1 is 2^24, and the sum would come to 0. */
    const tsm_dims dims = { 1, 1, 1, 1, 3 };
    const float in[] = { 16777216, 1, -16777216 }, weights[] = { 1, 1, 1 }, want[] = { 1 };
    tsm_node node = {
        .op = TSM_OP_CONV, .in_channels = 3, .out_channels = 1, .groups = 1, .kernel_h = 1, .kernel_w = 1, .stride = 1
    };
    float out[1];

    tsm_ref_conv(out, in, &dims, &node, weights, NULL);
    assert_values(out, want, 1);
    tsm_ref_fc(out, in, 1, &node, weights);
    assert_values(out, want, 1);
}
END_TEST

START_TEST(batchnorm_normalises)
{
    const tsm_dims dims = { 1, 1, 1, 2, 2 };
    const float in[] = { 3, 1, 5, 2 };
    float gamma[] = { 2, 1 }, beta[] = { 1, 0 }, mean[] = { 3, 1 }, variance[] = { 4 - 1e-5f, 0.25f - 1e-5f };
    const float want[] = { 1, 0, 3, 2 };
    tsm_node node = { .op = TSM_OP_BATCHNORM,
                      .in_channels = 2,
                      .out_channels = 2,
                      .gamma = gamma,
                      .beta = beta,
                      .mean = mean,
                      .variance = variance };
    float out[4];

    tsm_ref_batchnorm(out, in, &dims, &node);
    assert_close(out, want, COUNT(want), 1e-7, "batchnorm");
}
END_TEST

START_TEST(add_and_act)
{
    const float a[] = { -3, 2, 5 }, b[] = { 1, -1, 4 }, sum[] = { -2, 1, 9 };
    const float relu[] = { 0, 1, 9 }, relu6[] = { 0, 1, 6 };
    float out[3], not_a_number[] = { NAN };

    tsm_ref_add(out, a, b, 3);
    assert_values(out, sum, 3);
    tsm_ref_act(out, sum, 3, TSM_ACT_NONE);
    assert_values(out, sum, 3);
    tsm_ref_act(out, sum, 3, TSM_ACT_RELU);
    assert_values(out, relu, 3);
    tsm_ref_act(out, sum, 3, TSM_ACT_RELU6);
    assert_values(out, relu6, 3);
    tsm_ref_act(out, not_a_number, 1, TSM_ACT_RELU);
    ck_assert(isnan(out[0]));
}
END_TEST

START_TEST(leaky_and_sigmoid)
{
    const float in[] = { -100, -2, 0, 3 }, leaky[] = { -1, -0.02f, 0, 3 };
    /* e^2 = 7.389056, e^3 = 20.085537 */
    const float sigmoid[] = { 0, 1 / 8.389056f, 0.5f, 20.085537f / 21.085537f };
    float out[4], not_a_number[] = { NAN };

    tsm_ref_act(out, in, 4, TSM_ACT_LEAKY_RELU);
    assert_values(out, leaky, 4);
    tsm_ref_act(out, in, 4, TSM_ACT_SIGMOID);
    assert_close(out, sigmoid, 4, 1e-7, "sigmoid");
    for (tsm_act act = TSM_ACT_NONE; act < TSM_ACT_COUNT; act++) {
        tsm_ref_act(out, not_a_number, 1, act);
        ck_assert(isnan(out[0]));
    }
}
END_TEST

START_TEST(scales_channels)
{
    /* Two frames of 1x2 pixels, 2 channels; a factor a frame and channel. */
    const tsm_dims dims = { 1, 2, 1, 2, 2 };
    const float in[] = { 1, 2, 3, 4, 5, -6, 7, 8 }, factors[] = { 1, 10, -1, 0.5f };
    const float plain[] = { 1, 20, 3, 40, -5, -3, -7, 4 }, relu[] = { 1, 20, 3, 40, 0, 0, 0, 4 };
    float out[8];

    tsm_ref_scale(out, in, factors, &dims, TSM_ACT_NONE);
    assert_values(out, plain, COUNT(plain));
    tsm_ref_scale(out, in, factors, &dims, TSM_ACT_RELU);
    assert_values(out, relu, COUNT(relu));
}
END_TEST

START_TEST(attends_softly)
{
    /* Two clips of one query and two keys of 2 channels, values of one. Scores are ln 3 and 0: weights 3/4 and 1/4;
     * in the second clip both 1000: halves, as only differences count. */
    const tsm_dims query_dims = { 2, 1, 1, 1, 2 }, value_dims = { 2, 1, 1, 2, 1 };
    const float queries[] = { 1, 2, 10, 0 }, keys[] = { 1.0986123f, 0, -4, 2, 100, 7, 100, -7 };
    const float values[] = { 8, 4, 1, 3 }, want[] = { 7, 2 };
    double scores[2];
    float out[2];

    tsm_ref_attention(out, queries, &query_dims, keys, values, &value_dims, true, scores);
    assert_close(out, want, 2, 1e-7, "attention");
}
END_TEST

START_TEST(attends_by_count)
{
    /* One clip of two frames of one query each, and 1x2 keys: scores (1, 2, 3, 4), then (0, 10, 0, -10). */
    const tsm_dims query_dims = { 1, 2, 1, 1, 2 }, value_dims = { 1, 2, 1, 2, 2 };
    const float queries[] = { 1, 0, 0, 10 }, keys[] = { 1, 0, 2, 1, 3, 0, 4, -1 };
    const float values[] = { 1, 0, 1, 0, 1, 0, 1, 4 }, want[] = { 10 / 4.0f, 16 / 4.0f, 0, -40 / 4.0f };
    double scores[4];
    float out[4];

    tsm_ref_attention(out, queries, &query_dims, keys, values, &value_dims, false, scores);
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(window_means)
{
    /* 3x2 pixels under 2x2 windows: those of the last row have but two pixels. */
    const tsm_dims dims = { 1, 1, 3, 2, 2 }, three = { 1, 1, 1, 3, 1 };
    const float in[] = { 1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 7, 70 }, want[] = { 2.5f, 25, 6, 60 };
    const float line[] = { 1, 2, 6 }, overlapping[] = { 3, 4, 6 };
    const tsm_node node = { .op = TSM_OP_AVGPOOL, .kernel_h = 2, .kernel_w = 2, .stride = 2 };
    const tsm_node dense = { .op = TSM_OP_AVGPOOL, .kernel_h = 2, .kernel_w = 3, .stride = 1 };
    float out[4];

    tsm_ref_window_mean(out, in, &dims, &node);
    assert_values(out, want, COUNT(want));
    tsm_ref_window_mean(out, line, &three, &dense);
    assert_values(out, overlapping, COUNT(overlapping));
}
END_TEST

START_TEST(maxpool_ignores_padding)
{
    /* All negative, so that padding by zeros would win. Two channels. */
    const tsm_dims dims = { 1, 1, 3, 2, 2 };
    const float in[] = { -1, -10, -2, -20, -3, -30, -4, -40, -5, -50, -6, -60 };
    const float want[] = { -1, -10, -3, -30 };
    tsm_node node = { .op = TSM_OP_MAXPOOL, .kernel_h = 3, .kernel_w = 3, .stride = 2, .pad = 1 };
    float out[4];

    tsm_ref_maxpool(out, in, &dims, &node);
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(maxpool_keeps_nan)
{
    const tsm_dims dims = { 1, 1, 1, 3, 1 };
    const float in[] = { 1, NAN, 3 };
    tsm_node node = { .op = TSM_OP_MAXPOOL, .kernel_h = 1, .kernel_w = 3, .stride = 1 };
    float out[1];

    tsm_ref_maxpool(out, in, &dims, &node);
    ck_assert(isnan(out[0]));
}
END_TEST

START_TEST(means)
{
    /* Two clips of 2 frames of 1x2 pixels, 2 channels. */
    const tsm_dims dims = { 2, 2, 1, 2, 2 };
    const float in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80 };
    const float frames[] = { 2, 3, 6, 7, 20, 30, 60, 70 }, clips[] = { 4, 5, 40, 50 };
    const float over_t[] = { 3, 4, 5, 6, 30, 40, 50, 60 };
    float out[8];

    tsm_ref_avgpool(out, in, &dims, false);
    assert_values(out, frames, 8);
    tsm_ref_avgpool(out, in, &dims, true);
    assert_values(out, clips, 4);
    tsm_ref_tmean(out, in, &dims);
    assert_values(out, over_t, 8);
}
END_TEST

START_TEST(tpool_pairs)
{
    /* Two clips of 4 frames of two values; the neighbours of a clip's ends are outside it. */
    const tsm_dims dims = { 2, 4, 1, 1, 2 };
    const float in[] = { 1, -5, 2, -6, 3, -7, 9, -1, 0, 0, -1, 7, 5, 5, 4, 6 };
    const float want[] = { 2, -5, 9, -1, 0, 7, 5, 7 };
    float out[8];

    tsm_ref_tpool(out, in, &dims);
    assert_values(out, want, 8);
}
END_TEST

START_TEST(fc_rows)
{
    const float in[] = { 1, 2, 3, 4 }, weights[] = { 1, 10, 100, 1000, -1, 1 };
    const float want[] = { 21.5f, 2100, 1, 43.5f, 4300, 1 };
    float bias[] = { 0.5f, 0, 0 }, out[6];
    tsm_node node = { .op = TSM_OP_FC, .in_channels = 2, .out_channels = 3, .bias = bias };

    tsm_ref_fc(out, in, 2, &node, weights);
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(input_of_planes)
{
    /* Two frames of 2 channels of 1x2 pixels. */
    const tsm_dims dims = { 1, 2, 1, 2, 2 };
    const float in[] = { 1, 2, 10, 20, 3, 4, 30, 40 }, want[] = { 1, 10, 2, 20, 3, 30, 4, 40 };
    float out[8];

    tsm_ref_input_f32(out, in, &dims);
    assert_values(out, want, COUNT(want));
}
END_TEST

START_TEST(input_of_bytes)
{
    /* What PyTorch gives for x.float().div(255).sub_(mean).div_(std), at bytes where double arithmetic, a
     * multiplication by 1/255 or 1/std, and one fused scale and offset each give something else. */
    const tsm_dims dims = { 1, 1, 1, 2, 3 };
    const uint8_t in[] = { 118, 62, 49, 224, 252, 218 };
    const float mean[] = { 0.485f, 0.456f, 0.406f }, std[] = { 0.229f, 0.224f, 0.225f };
    const float want[] = { -0.0971830264f, -0.95028007f, -0.950413883f, 1.71804082f, 2.37605023f, 1.99511993f };
    float out[6];

    tsm_ref_input_u8(out, in, &dims, mean, std);
    assert_values(out, want, COUNT(want));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reference");
    TCase *ops = tcase_create("ops");

    tcase_add_test(ops, shift_moves_folds);
    tcase_add_test(ops, shift_keeps_clips_apart);
    tcase_add_test(ops, shift_of_everything);
    tcase_add_test(ops, shift_in_other_directions);
    tcase_add_test(ops, conv_pads_and_strides);
    tcase_add_test(ops, conv_is_not_square);
    tcase_add_test(ops, conv_groups_bias_residual_act);
    tcase_add_test(ops, conv_sums_in_double);
    tcase_add_test(ops, batchnorm_normalises);
    tcase_add_test(ops, add_and_act);
    tcase_add_test(ops, leaky_and_sigmoid);
    tcase_add_test(ops, scales_channels);
    tcase_add_test(ops, attends_softly);
    tcase_add_test(ops, attends_by_count);
    tcase_add_test(ops, window_means);
    tcase_add_test(ops, maxpool_ignores_padding);
    tcase_add_test(ops, maxpool_keeps_nan);
    tcase_add_test(ops, means);
    tcase_add_test(ops, tpool_pairs);
    tcase_add_test(ops, fc_rows);
    tcase_add_test(ops, input_of_planes);
    tcase_add_test(ops, input_of_bytes);
    suite_add_tcase(suite, ops);
    return run_suite(suite);
}
