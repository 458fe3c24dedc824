/* SPDX-License-Identifier: Apache-2.0 */
/* Debounce and hysteresis of the label that a stream shows. */
#include "cli/stream_label.h"
#include "support.h"

enum { CLASSES = 3 };

/* Takes predictions, given as the scores of class 0 and 1; returns the labels shown, a digit each, '*' before a new
 * one. */
static const char *labels(int patience, double margin, const double (*scores)[2], int count)
{
    static char shown[64];
    stream_label label = STREAM_LABEL_INIT;
    int used = 0;

    label.patience = patience;
    label.margin = margin;
    for (int i = 0; i < count; i++) {
        const double all[CLASSES] = { scores[i][0], scores[i][1], 0.05 };
        const bool changed = stream_label_take(&label, all, all[0] >= all[1] ? 0 : 1);

        used += snprintf(shown + used, sizeof shown - (size_t)used, "%s%d", changed ? "*" : "", label.shown);
    }
    return shown;
}

static const double scores[][2] = { { .9, .1 }, { .4, .6 }, { .9, .1 },   { .4, .6 }, { .45, .55 },
                                    { .1, .9 }, { .2, .8 }, { .55, .45 }, { .9, .1 }, { .9, .1 } };
#define COUNT 10

START_TEST(follows_the_best)
{
    ck_assert_str_eq(labels(1, 0, scores, COUNT), "*0*1*0*1111*000");
}
END_TEST

START_TEST(waits_for_several_in_a_row)
{
    ck_assert_str_eq(labels(2, 0, scores, COUNT), "*0000*1111*00");
    ck_assert_str_eq(labels(3, 0, scores, COUNT), "*00000*1111*0");
    ck_assert_str_eq(labels(5, 0, scores, COUNT), "*0000000000");
}
END_TEST

/* A lead of less than the margin is none, and begins the count anew. */
START_TEST(wants_a_margin)
{
    ck_assert_str_eq(labels(1, .3, scores, COUNT), "*00000*111*00");
    ck_assert_str_eq(labels(2, .3, scores, COUNT), "*000000*111*0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_stream_label");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, follows_the_best);
    tcase_add_test(tests, waits_for_several_in_a_row);
    tcase_add_test(tests, wants_a_margin);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
