/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of videos: every form, what each entry becomes, and what is refused. */
#include "eval/eval.h"
#include "support.h"

static video_list parse(const char *text, list_form form)
{
    video_list l;
    tsm_error error;

    assert_ok(list_parse(&l, text, strlen(text), "list", form, &error), &error);
    return l;
}

static void expect(const video_list *l, int i, const char *path, const char *class, int label, int frames, int line)
{
    const list_video *video = &l->videos[i];

    ck_assert_int_lt(i, l->count);
    ck_assert_str_eq(video->path, path);
    if (class)
        ck_assert_str_eq(video->class, class);
    else
        ck_assert_ptr_null(video->class);
    ck_assert_int_eq(video->label, label);
    ck_assert_int_eq(video->frames, frames);
    ck_assert_int_eq(video->line, line);
}

static const char *label_of(const void *user, int i)
{
    return ((const char *const *)user)[i];
}

START_TEST(test_lines)
{
    video_list l = parse("\xef\xbb\xbf# title\n\n a b/c.mp4\t 12  3 \r\nd 1 0", LIST_AUTO);

    ck_assert_int_eq(l.form, LIST_RELEASE);
    ck_assert_int_eq(l.count, 2);
    expect(&l, 0, "a b/c.mp4", NULL, 3, 12, 3);
    expect(&l, 1, "d", NULL, 0, 1, 4);
    list_clear(&l);
    l = parse("a b/c.mp4 3\nd 0\n", LIST_AUTO);
    ck_assert_int_eq(l.form, LIST_MMACTION2);
    expect(&l, 0, "a b/c.mp4", NULL, 3, 0, 1);
    list_clear(&l);
    /* Two numbers look like the release's list; the form can be said. */
    l = parse("clip 7 3\n", LIST_MMACTION2);
    expect(&l, 0, "clip 7", NULL, 3, 0, 1);
    list_clear(&l);
    l = parse("x/Apply Makeup/v_1.avi\nBrush/v_2.avi\n", LIST_AUTO);
    ck_assert_int_eq(l.form, LIST_FOLDERS);
    expect(&l, 0, "x/Apply Makeup/v_1.avi", "Apply Makeup", -1, 0, 1);
    expect(&l, 1, "Brush/v_2.avi", "Brush", -1, 0, 2);
    list_clear(&l);
}
END_TEST

START_TEST(test_several_labels)
{
    static const char *const names[] = { "a", "b", "c" };
    video_list l = parse("x.mp4 2,0\ny.mp4 1\n", LIST_AUTO);
    tsm_error error;

    ck_assert_int_eq(l.form, LIST_MMACTION2);
    expect(&l, 0, "x.mp4", NULL, 2, 0, 1);
    ck_assert_int_eq(l.videos[0].other_count, 1);
    ck_assert_int_eq(l.videos[0].others[0], 0);
    ck_assert_int_eq(l.videos[1].other_count, 0);
    assert_ok(list_resolve(&l, label_of, names, 3, &error), &error);
    list_clear(&l);
    l = parse("x 10 1,2,7\n", LIST_AUTO);
    ck_assert_int_eq(l.form, LIST_RELEASE);
    ck_assert_int_eq(l.videos[0].other_count, 2);
    ck_assert_int_eq(l.videos[0].frames, 10);
    assert_error(list_resolve(&l, label_of, names, 3, &error), &error, TSM_ERROR_FORMAT, "label 7");
    list_clear(&l);
}
END_TEST

START_TEST(test_annotations)
{
    video_list l = parse("id;label\n74225;Spinning something, then stopping\n1 ; x\n", LIST_AUTO);

    ck_assert_int_eq(l.form, LIST_CSV);
    ck_assert_int_eq(l.count, 2);
    expect(&l, 0, "74225", "Spinning something, then stopping", -1, 0, 2);
    expect(&l, 1, "1", "x", -1, 0, 3);
    list_clear(&l);
    l = parse(" [{\"id\": \"78687\", \"label\": \"holding potato\", \"template\": \"Holding [something] next to "
              "[something]\"}]",
              LIST_AUTO);
    ck_assert_int_eq(l.form, LIST_JSON);
    expect(&l, 0, "78687", "Holding something next to something", -1, 0, 1);
    list_clear(&l);
    l = parse("label,youtube_id,time_start,time_end,split,is_cc\n\"eating, "
              "quickly\",-Ab_9,7,17,val,0\nclapping,zz,100,110,val,1\n",
              LIST_AUTO);
    ck_assert_int_eq(l.form, LIST_KINETICS);
    expect(&l, 0, "-Ab_9_000007_000017", "eating, quickly", -1, 0, 2);
    expect(&l, 1, "zz_000100_000110", "clapping", -1, 0, 3);
    list_clear(&l);
}
END_TEST

START_TEST(test_resolve)
{
    static const char *const names[] = { "b", "a", "c" };
    video_list l = parse("1;a\n2;c\n3;b\n", LIST_AUTO);
    tsm_error error;

    assert_ok(list_resolve(&l, label_of, names, 3, &error), &error);
    ck_assert_int_eq(l.videos[0].label, 1);
    ck_assert_int_eq(l.videos[1].label, 2);
    ck_assert_int_eq(l.videos[2].label, 0);
    assert_error(list_resolve(&l, label_of, names, 2, &error), &error, TSM_ERROR_FORMAT,
                 "line 2: no class is called 'c'");
    list_clear(&l);
    l = parse("x 1\ny 2\n", LIST_AUTO);
    assert_ok(list_resolve(&l, label_of, names, 3, &error), &error);
    assert_error(list_resolve(&l, label_of, names, 2, &error), &error, TSM_ERROR_FORMAT, "line 2: label 2");
    list_clear(&l);
}
END_TEST

static const struct wrong {
    const char *text, *words;
    list_form form;
} wrong[] = {
    { "", "list: holds no videos", LIST_AUTO },
    { "# nothing\n\n", "list: holds no videos", LIST_AUTO },
    { "a 1\nb\n", "line 2", LIST_AUTO },
    { "a 1 2\nb 2\n", "line 2: is not `path num_frames label`", LIST_AUTO },
    { "a 1\nb 1\na 2\n", "line 3: a is there already, in 1", LIST_AUTO },
    { "a 9999999999\n", "neither a label", LIST_AUTO },
    { "video.mp4\n", "line 1: has neither", LIST_AUTO },
    { "a;b\nc\n", "line 2: has no semicolon", LIST_AUTO },
    { "a;\n", "line 1: has an empty class", LIST_AUTO },
    { ";a\n", "line 1: names no video", LIST_AUTO },
    { "/v.avi\n", "line 1: has an empty class", LIST_AUTO },
    { "[1]", "entry 1: is not an object", LIST_AUTO },
    { "[{\"id\":\"1\"}]", "entry 1: is not an object", LIST_AUTO },
    { "[", "is no JSON", LIST_AUTO },
    { "{}", "is not a JSON list", LIST_JSON },
    { "a 1,\n", "line 1: has a label that is no number", LIST_AUTO },
    { "a 1,x\n", "line 1: has a label that is no number", LIST_AUTO },
    { "a 1\n", "has not the columns", LIST_KINETICS },
    { "label,youtube_id,time_start,time_end\na,b,1\n", "line 2: has 3 columns", LIST_AUTO },
    { "label,youtube_id,time_start,time_end\na,b,x,2\n", "line 2: time_start", LIST_AUTO },
    { "label,youtube_id,time_start,time_end\na,../b,1,2\n", "line 2: youtube_id", LIST_AUTO },
    { "a\xff 1\n", "is not UTF-8", LIST_AUTO },
};

START_TEST(test_wrong)
{
    video_list l;
    tsm_error error;
    tsm_status status = list_parse(&l, wrong[_i].text, strlen(wrong[_i].text), "list", wrong[_i].form, &error);

    assert_error(status, &error, TSM_ERROR_FORMAT, wrong[_i].words);
    ck_assert_int_eq(l.count, 0);
    ck_assert_ptr_null(l.videos);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval_list");
    TCase *all = tcase_create("all");

    tcase_add_test(all, test_lines);
    tcase_add_test(all, test_several_labels);
    tcase_add_test(all, test_annotations);
    tcase_add_test(all, test_resolve);
    tcase_add_loop_test(all, test_wrong, 0, sizeof wrong / sizeof *wrong);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
