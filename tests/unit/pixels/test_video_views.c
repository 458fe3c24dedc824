/* SPDX-License-Identifier: Apache-2.0 */
/* Scaled sizes and crops, against tables computed by the Python formulas. */
#include "video_support.h"

static tsm_video_mode mode_of(const char *name)
{
    return strcmp(name, "mit") == 0 ? TSM_MODE_MIT : TSM_MODE_MMACTION2;
}

static void check_size(const char *line)
{
    char mode[16];
    int width, height, scale, want_width, want_height, got_width, got_height;

    ck_assert_int_eq(
        sscanf(line, "size %15s %d %d %d : %d %d", mode, &width, &height, &scale, &want_width, &want_height), 6);
    tsm_scaled_size(mode_of(mode), width, height, scale, &got_width, &got_height);
    ck_assert_msg(got_width == want_width && got_height == want_height, "%s: got %d x %d", line, got_width,
                  got_height);
}

static void check_views(const char *line)
{
    char mode[16];
    int count, width, height, crop, at;
    const char *places;
    tsm_error error;

    ck_assert_int_eq(sscanf(line, "views %15s %d %d %d %d :%n", mode, &count, &width, &height, &crop, &at), 5);
    places = line + at;
    for (int i = 0; i < count; i++) {
        int x, y, mirror;
        tsm_view view;
        ck_assert_int_eq(sscanf(places, "%d %d %d%n", &x, &y, &mirror, &at), 3);
        places += at;
        assert_ok(tsm_view_get(mode_of(mode), count, i, width, height, crop, &view, &error), &error);
        ck_assert_msg(view.x == x && view.y == y && view.mirror == mirror && view.size == crop,
                      "%s: view %d is %d %d %d of %d", line, i, view.x, view.y, view.mirror, view.size);
        ck_assert(view.x >= 0 && view.y >= 0 && view.x + crop <= width && view.y + crop <= height);
    }
}

START_TEST(test_table)
{
    size_t bytes;
    char *table = (char *)read_file(PIL_DATA "views.txt", &bytes), *rest = table, *line;
    int lines = 0;

    for (; (line = strsep(&rest, "\n")) && *line; lines++) {
        if (strncmp(line, "size", 4) == 0)
            check_size(line);
        else
            check_views(line);
    }
    ck_assert_int_gt(lines, 190);
    free(table);
}
END_TEST

START_TEST(test_refusals)
{
    tsm_view view;
    tsm_error error;

    assert_error(tsm_view_get(TSM_MODE_MIT, 2, 0, 340, 256, 224, &view, &error), &error, TSM_ERROR_ARGUMENT,
                 "2 views");
    assert_error(tsm_view_get(TSM_MODE_MIT, 3, 3, 340, 256, 224, &view, &error), &error, TSM_ERROR_ARGUMENT,
                 "view 3 of 3");
    assert_error(tsm_view_get(TSM_MODE_MIT, 1, 0, 340, 200, 224, &view, &error), &error, TSM_ERROR_ARGUMENT,
                 "340 x 200");
    assert_error(tsm_view_get(TSM_MODE_MIT, 1, 0, 340, 200, 0, &view, &error), &error, TSM_ERROR_ARGUMENT,
                 "crop of 0");
    assert_error(tsm_view_get(TSM_MODE_MIT, 1, 0, 340, 256, 224, NULL, &error), &error, TSM_ERROR_ARGUMENT, "view");
    assert_error(tsm_view_get(TSM_MODE_MMACTION2, 3, 0, 340, 256, 224, &view, &error), &error, TSM_ERROR_ARGUMENT,
                 "full resolution");
}
END_TEST

/* Sizes that no caller should pass still give sizes. */
START_TEST(test_absurd_sizes)
{
    int width, height;

    for (int mode = TSM_MODE_MIT; mode <= TSM_MODE_MMACTION2; mode++) {
        tsm_scaled_size(mode, 2147483647, 1, 4096, &width, &height);
        ck_assert_int_eq(width, 2147483647);
        ck_assert_int_eq(height, 4096);
        tsm_scaled_size(mode, 0, 0, 256, &width, &height);
        ck_assert_int_ge(width, 1);
        ck_assert_int_ge(height, 1);
    }
}
END_TEST

START_TEST(test_unknown_modes)
{
    tsm_view view;
    tsm_error error;

    ck_assert_int_eq(tsm_view_get(9, 1, 0, 10, 10, 5, &view, NULL), TSM_ERROR_ARGUMENT);
    assert_error(tsm_view_get(-1, 3, 0, 10, 10, 5, &view, &error), &error, TSM_ERROR_ARGUMENT, "mode -1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_views");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, test_table);
    tcase_add_test(tests, test_refusals);
    tcase_add_test(tests, test_absurd_sizes);
    tcase_add_test(tests, test_unknown_modes);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
