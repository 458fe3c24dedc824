/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of windows: where they begin and end, their scores, and subtitles. */
#include "cli/spans.h"

#include "support.h"

#include <stdio.h>
#include <unistd.h>

/* Window `index` of two seconds, `stride` apart, at 10 frames a second. */
static tsm_window window_at(int index, double stride)
{
    return (tsm_window){ .index = index,
                         .first = 1 + (int)(index * stride * 10),
                         .frames = 20,
                         .start_s = index * stride,
                         .end_s = index * stride + 2 };
}

static void add(spans *s, int index, double stride, int class, double score)
{
    const tsm_window where = window_at(index, stride);
    tsm_error error;

    assert_ok(spans_add(s, &where, class, class == 1 ? "one <1>" : NULL, score, &error), &error);
}

static void expect(const span *one, int class, double start, double end, int first, int frames, double score)
{
    ck_assert_int_eq(one->class, class);
    ck_assert(fabs(one->start_s - start) < 1e-9);
    ck_assert(fabs(one->end_s - end) < 1e-9);
    ck_assert_int_eq(one->first, first);
    ck_assert_int_eq(one->frames, frames);
    ck_assert(fabs(one->score - score) < 1e-9);
}

/* 0-2 and 1-3 have class 1, 2-4 class 2, 3-5 none: the changes are at 2.5 and at 3.5. */
START_TEST(test_overlap)
{
    spans s = { 0 };

    add(&s, 0, 1, 1, 0.5);
    add(&s, 1, 1, 1, 0.7);
    add(&s, 2, 1, 2, 0.9);
    add(&s, 3, 1, -1, 0);
    ck_assert_int_eq(s.count, 3);
    expect(&s.items[0], 1, 0, 2.5, 1, 25, 0.6);
    expect(&s.items[1], 2, 2.5, 3.5, 26, 10, 0.9);
    expect(&s.items[2], -1, 3.5, 5, 36, 15, 0);
    spans_clear(&s);
}
END_TEST

/* Windows that touch change where they touch; a gap is nobody's, and ends a span of the same class too. */
START_TEST(test_apart)
{
    spans s = { 0 };

    add(&s, 0, 2, 1, 1);
    add(&s, 1, 2, 2, 1);
    expect(&s.items[0], 1, 0, 2, 1, 20, 1);
    expect(&s.items[1], 2, 2, 4, 21, 20, 1);
    spans_clear(&s);
    add(&s, 0, 3, 1, 1);
    add(&s, 1, 3, 1, 1);
    ck_assert_int_eq(s.count, 2);
    expect(&s.items[1], 1, 3, 5, 31, 20, 1);
    spans_clear(&s);
}
END_TEST

static void expect_file(const char *path, const char *want)
{
    char got[400];
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(got, want);
    unlink(path);
}

START_TEST(test_subtitles)
{
    char folder[] = "/tmp/tsm-spans-XXXXXX", path[64];
    spans s = { 0 };
    tsm_error error;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    add(&s, 0, 2, 1, 1);
    add(&s, 1, 2, -1, 0);
    add(&s, 2000, 2, 17, 1);
    snprintf(path, sizeof path, "%s/a.srt", folder);
    assert_ok(spans_write_subtitles(&s, path, &error), &error);
    expect_file(path, "1\n00:00:00,000 --> 00:00:02,000\none <1>\n\n2\n01:06:40,000 --> 01:06:42,000\nclass 17\n\n");
    snprintf(path, sizeof path, "%s/a.vtt", folder);
    assert_ok(spans_write_subtitles(&s, path, &error), &error);
    expect_file(path, "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\none &lt;1&gt;\n\n"
                      "01:06:40.000 --> 01:06:42.000\nclass 17\n\n");
    rmdir(folder);
    spans_clear(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_spans");
    TCase *all = tcase_create("all");

    tcase_add_test(all, test_overlap);
    tcase_add_test(all, test_apart);
    tcase_add_test(all, test_subtitles);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
