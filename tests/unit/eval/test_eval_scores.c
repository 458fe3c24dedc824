/* SPDX-License-Identifier: Apache-2.0 */
/* test_eval_scores.c - the scores of a video from the logits of its clips, and their order. */
#include "eval/eval.h"
#include "support.h"

/* Two clips whose softmaxes are (1/4, 3/4) and (1/2, 1/2). */
START_TEST(scores_of_both_modes)
{
    const float logits[4] = { 0, (float)log(3), 5, 5 };
    double scores[2], means[2];
    tsm_error error;

    assert_ok(scores_combine(TSM_MODE_MMACTION2, logits, 2, 2, scores, means, &error), &error);
    ck_assert_double_eq_tol(scores[0], 0.375, 1e-7);
    ck_assert_double_eq_tol(scores[1], 0.625, 1e-7);
    ck_assert_double_eq_tol(means[1], (log(3) + 5) / 2, 1e-7);
    assert_ok(scores_combine(TSM_MODE_MIT, logits, 2, 2, scores, means, &error), &error);
    ck_assert_double_eq_tol(scores[0], 1 / (1 + sqrt(3)), 1e-7);
    ck_assert_double_eq_tol(scores[0] + scores[1], 1, 1e-12);
    ck_assert_double_eq_tol(means[0], 2.5, 1e-7);
}
END_TEST

START_TEST(scores_of_extremes)
{
    const float large[2] = { 3e38f, -3e38f }, bad[2] = { 0, NAN }, infinite[2] = { INFINITY, 0 };
    double scores[2], means[2];
    tsm_error error;

    assert_ok(scores_combine(TSM_MODE_MIT, large, 1, 2, scores, means, &error), &error);
    ck_assert_double_eq(scores[0], 1);
    ck_assert_double_eq(scores[1], 0);
    assert_error(scores_combine(TSM_MODE_MIT, bad, 1, 2, scores, means, &error), &error, TSM_ERROR_FORMAT, "class 1");
    assert_error(scores_combine(TSM_MODE_MIT, infinite, 1, 2, scores, means, &error), &error, TSM_ERROR_FORMAT,
                 "class 0");
}
END_TEST

/* Sigmoids, each by itself: of the mean logit, or their mean. */
START_TEST(scores_of_several_labels)
{
    const float logits[4] = { 2, -1, 0, -3 };
    double scores[2], means[2];
    tsm_error error;

    assert_ok(scores_combine_multi(TSM_MODE_MIT, logits, 2, 2, scores, means, &error), &error);
    ck_assert(means[0] == 1 && means[1] == -2);
    ck_assert(fabs(scores[0] - 0.7310585786300049) < 1e-12 && fabs(scores[1] - 0.11920292202211755) < 1e-12);
    assert_ok(scores_combine_multi(TSM_MODE_MMACTION2, logits, 2, 2, scores, means, &error), &error);
    ck_assert(fabs(scores[0] - (0.8807970779778823 + 0.5) / 2) < 1e-12);
    ck_assert(means[0] == 1 && means[1] == -2);
}
END_TEST

START_TEST(top_is_ordered)
{
    const double scores[6] = { 0.1, 0.3, 0.1, 0.4, 0.1, 0 }, means[6] = { 1, 3, 2, 4, 1, 0 };
    const int want[6] = { 3, 1, 2, 0, 4, 5 };

    for (int count = 1; count <= 6; count++) {
        int top[6] = { -1, -1, -1, -1, -1, -1 };

        scores_top(scores, means, 6, count, top);
        for (int i = 0; i < 6; i++) ck_assert_int_eq(top[i], i < count ? want[i] : -1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval_scores");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, scores_of_both_modes);
    tcase_add_test(tests, scores_of_extremes);
    tcase_add_test(tests, scores_of_several_labels);
    tcase_add_test(tests, top_is_ordered);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
