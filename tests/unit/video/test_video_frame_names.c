/* SPDX-License-Identifier: Apache-2.0 */
/* test_video_frame_names.c - patterns, their matching, and the order of names; and allocation failures. */
#include "core/memory.h"
#include "support.h"
#include "video/frame_names.h"

/* Each list is in order. */
static const char *const ordered[][6] = {
    { "1.jpg", "2.jpg", "10.jpg", "100.jpg" },
    { "img_001.jpg", "img_2.jpg", "img_0010.jpg" },
    { "2023-11-14_22-13-59.jpg", "2023-11-14_22-14-06.jpg", "2023-11-14_23-00-00.jpg", "2023-12-01_00-00-00.jpg" },
    { "s1e9", "s1e10", "s2e1", "s10e1" },
    { "a", "a0", "a1", "b" },
    { "99999999999999999999.png", "100000000000000000000.png" },
    { "01.jpg", "1.jpg", "02.jpg", "2.jpg" },
    { "x", "\xc3\xa9" },
};

START_TEST(order)
{
    const char *const *list = ordered[_i];

    for (int i = 0; i < 6 && list[i]; i++)
        for (int k = 0; k < 6 && list[k]; k++) {
            int got = tsm_frame_name_compare(list[i], list[k]);

            ck_assert_msg((got > 0) - (got < 0) == (i > k) - (i < k), "%s, %s: %d", list[i], list[k], got);
        }
}
END_TEST

static const struct {
    const char *pattern, *name;
    bool matches;
} matches[] = {
    { "img_#.jpg", "img_00017.jpg", true },
    { "img_#.jpg", "img_.jpg", false },
    { "img_#.jpg", "img_1x.jpg", false },
    { "img_#.jpg", "img_1.JPG", true },
    { "img_#.jpg", "IMG_1.jpg", false },
    { "img_%05d.jpg", "img_123456.jpg", true },
    { "img_%d.jpg", "img_1.jpg", true },
    { "%d%d", "12", true },
    { "##", "1", false },
    { "#-#.png", "12-034.png", true },
    { "*.png", "a.b.png", true },
    { "*", "", true },
    { "*", ".hidden", false },
    { ".*", ".hidden", true },
    { "f?ame*#.*", "frame_7_12.jpeg", true },
    { "*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
    { "a#b", "a#b", true },
    { "100%", "100%", true },
    { "", "", true },
    { "", "a", false },
};

START_TEST(matching)
{
    ck_assert_msg(tsm_frame_name_matches(matches[_i].name, matches[_i].pattern) == matches[_i].matches, "%s and %s",
                  matches[_i].pattern, matches[_i].name);
}
END_TEST

static tsm_status choose(const char *const *list, tsm_frame_names *names, char **pattern, char **note,
                         tsm_error *error)
{
    tsm_status status = TSM_OK;

    *names = (tsm_frame_names){ 0 };
    *pattern = *note = NULL;
    for (; *list && status == TSM_OK; list++) status = tsm_frame_names_add(names, *list, error);
    return status == TSM_OK ? tsm_frame_names_choose(names, pattern, note, error) : status;
}

START_TEST(choosing)
{
    static const char *const one[] = { "b7.png", NULL }, *const two[] = { "a.jpg", "b.jpg", NULL },
                             *const mixed[] = { "z.png", "f10.jpg", "f9.JPG", NULL };
    tsm_frame_names names;
    char *pattern, *note;
    tsm_error error;

    assert_ok(choose(one, &names, &pattern, &note, &error), &error);
    ck_assert_str_eq(pattern, "b#.png");
    ck_assert_ptr_null(note);
    tsm_free(pattern);
    tsm_frame_names_clear(&names);

    assert_ok(choose(mixed, &names, &pattern, &note, &error), &error);
    ck_assert_uint_eq(names.count, 2);
    ck_assert_str_eq(names.items[0], "f9.JPG");
    ck_assert_str_eq(names.items[1], "f10.jpg");
    ck_assert_str_eq(pattern, "f#.jpg");
    tsm_free(pattern);
    tsm_free(note);
    tsm_frame_names_clear(&names);

    assert_error(choose(two, &names, &pattern, &note, &error), &error, TSM_ERROR_FORMAT, "a.jpg (1), b.jpg (1)");
    ck_assert_ptr_null(pattern);
    tsm_frame_names_clear(&names);
}
END_TEST

START_TEST(allocation_failures)
{
    static const char *const list[] = { "z.png", "f10.jpg", "f9.jpg", NULL };
    tsm_status status = TSM_ERROR_MEMORY;

    for (uint64_t n = 1; status != TSM_OK; n++) {
        tsm_frame_names names;
        char *pattern, *note;
        tsm_error error;

        tsm_alloc_fail_at(n);
        status = choose(list, &names, &pattern, &note, &error);
        tsm_alloc_fail_at(0);
        if (status != TSM_OK) assert_error(status, &error, TSM_ERROR_MEMORY, "memory");
        tsm_free(pattern);
        tsm_free(note);
        tsm_frame_names_clear(&names);
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_frame_names");
    TCase *tests = tcase_create("all");

    tcase_add_loop_test(tests, order, 0, (int)(sizeof ordered / sizeof *ordered));
    tcase_add_loop_test(tests, matching, 0, (int)(sizeof matches / sizeof *matches));
    tcase_add_test(tests, choosing);
    tcase_add_test(tests, allocation_failures);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
