/* SPDX-License-Identifier: Apache-2.0 */
/* Prec@1, Prec@5, mean class accuracy, confusion and intervals, against what one counts by hand. */
#include "eval/eval.h"
#include "support.h"

START_TEST(test_counts)
{
    static const float first[6] = { 6, 5, 4, 3, 2, 1 };
    metrics m;
    tsm_error error;

    assert_ok(metrics_open(&m, 6, &error), &error);
    ck_assert_int_eq(metrics_add(&m, 0, first), 0);
    ck_assert_int_eq(metrics_add(&m, 0, first), 0);
    ck_assert_int_eq(metrics_add(&m, 4, first), 0); /* fifth */
    ck_assert_int_eq(metrics_add(&m, 5, first), 0); /* sixth */
    ck_assert_int_eq(m.videos, 4);
    ck_assert_int_eq(m.right1, 2);
    ck_assert_int_eq(m.right5, 3);
    ck_assert(fabs(metrics_mean_class(&m) - 1.0 / 3) < 1e-12); /* of three classes with videos */
    ck_assert_uint_eq(m.confusion[0], 2);
    ck_assert_uint_eq(m.confusion[4 * 6], 1);
    ck_assert_int_eq(m.of_class[5], 1);
    ck_assert_int_eq(m.right5_of[4], 1);
    metrics_close(&m);
}
END_TEST

/* A network that cannot tell anything is right for one class, not for all. */
START_TEST(test_equal)
{
    static const float equal[6] = { 0 };
    metrics m;
    tsm_error error;

    assert_ok(metrics_open(&m, 6, &error), &error);
    for (int label = 0; label < 6; label++) ck_assert_int_eq(metrics_add(&m, label, equal), 0);
    ck_assert_int_eq(m.right1, 1);
    ck_assert_int_eq(m.right5, 5);
    metrics_close(&m);
}
END_TEST

/* Values of Wilson's interval from the literature's formula, worked out in double precision elsewhere. */
START_TEST(test_interval)
{
    double low, high;

    metrics_interval(6, 14, &low, &high);
    ck_assert(fabs(low - 0.213808) < 1e-6 && fabs(high - 0.674094) < 1e-6);
    metrics_interval(14, 14, &low, &high);
    ck_assert(fabs(low - 14 / (14 + 1.959963984540054 * 1.959963984540054)) < 1e-12 && fabs(high - 1) < 1e-12);
    metrics_interval(0, 10, &low, &high);
    ck_assert(low == 0 && fabs(high - 0.277533) < 1e-5);
    metrics_interval(0, 0, &low, &high);
    ck_assert(low == 0 && high == 1);
}
END_TEST

static int has(const void *user, int video, int class)
{
    return ((const int *)user)[2 * video + class];
}

/* Of class 0 the videos rank 0, 1, 2, 3 and the first and third have it: (1 + 2/3) / 2. Nobody has class 1, but for one
 * that does not count. */
START_TEST(test_several)
{
    static const float scores[10] = { .9f, 0, .8f, 0, .7f, 1, .6f, 0, 1, 1 };
    static const int classes[10] = { 1, 0, 0, 0, 1, 0, 0, 0, 0, 1 }, both[2] = { 0, 1 };
    static const bool skip[5] = { false, false, false, false, true }, none[5] = { false };
    double map;
    metrics m;
    tsm_error error;

    assert_ok(metrics_mean_ap(scores, 5, 2, has, classes, skip, &map, &error), &error);
    ck_assert(fabs(map - 5.0 / 6) < 1e-12);
    /* The fifth is the first of class 0, and of class 1 the second behind the third, of equal score. */
    assert_ok(metrics_mean_ap(scores, 5, 2, has, classes, none, &map, &error), &error);
    ck_assert(fabs(map - ((0.5 + 0.5) / 2 + 0.5) / 2) < 1e-12);

    assert_ok(metrics_open(&m, 2, &error), &error);
    ck_assert_int_eq(metrics_add_several(&m, both, 2, scores), 0);
    ck_assert_int_eq(metrics_add_several(&m, both + 1, 1, scores), 0);
    ck_assert_int_eq(m.videos, 2);
    ck_assert_int_eq(m.right1, 1);
    ck_assert_int_eq(m.of_class[1], 2);
    metrics_close(&m);
}
END_TEST

START_TEST(test_many_classes)
{
    metrics m;
    tsm_error error;
    float *scores = calloc(METRICS_MAX_CONFUSION + 1, sizeof *scores);

    assert_ok(metrics_open(&m, METRICS_MAX_CONFUSION + 1, &error), &error);
    ck_assert_ptr_null(m.confusion);
    scores[METRICS_MAX_CONFUSION] = 1;
    ck_assert_int_eq(metrics_add(&m, METRICS_MAX_CONFUSION, scores), METRICS_MAX_CONFUSION);
    ck_assert_int_eq(m.right1, 1);
    metrics_close(&m);
    free(scores);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval_metrics");
    TCase *all = tcase_create("all");

    tcase_add_test(all, test_counts);
    tcase_add_test(all, test_equal);
    tcase_add_test(all, test_interval);
    tcase_add_test(all, test_several);
    tcase_add_test(all, test_many_classes);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
