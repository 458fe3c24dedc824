/* SPDX-License-Identifier: Apache-2.0 */
/* test_eval_labels.c - the files of class names that data sets ship: every form, and what is refused for which
 * line. */
#include "eval/eval.h"
#include "support.h"

static tsm_error error;

static tsm_status parse(const char *data, size_t bytes, char **text, int *count)
{
    return labels_parse(data, bytes, "l.txt", text, count, &error);
}

static const struct {
    const char *data, *want;
    int count;
} accepted[] = {
    /* one name a line */
    { "left\nright\n", "left\nright", 2 },
    { "left\r\nright", "left\nright", 2 },
    { "a", "a", 1 },
    { "caf\xc3\xa9\n\xe6\x97\xa5\n\xf0\x9f\x98\x80", "caf\xc3\xa9\n\xe6\x97\xa5\n\xf0\x9f\x98\x80", 3 },
    { "\xef\xbb\xbf"
      "a\r\n\r\n# not a name\n  b c\t\n\n",
      "a\nb c", 2 },
    { "same\nsame\nother", "same\nsame\nother", 3 },
    { "2 legged squat\nclean and jerk\nrun 100\n", "2 legged squat\nclean and jerk\nrun 100", 3 },
    { "[something], then {this}\n\"quoted\"", "[something], then {this}\n\"quoted\"", 2 },
    { "label\nname\nid", "label\nname\nid", 3 },
    /* index name */
    { "1 ApplyEyeMakeup\n2 ApplyLipstick\n3 Archery\r\n", "ApplyEyeMakeup\nApplyLipstick\nArchery", 3 },
    { "0 a\n1 b", "a\nb", 2 },
    { "# classes\n2\tc d\n\n00 a\n1   b\n", "a\nb\nc d", 3 },
    { "0 crane\n1 crane", "crane\ncrane", 2 },
    { "1 walk", "walk", 1 },
    { "0 run 100\n1 run 200\n2 walk", "run 100\nrun 200\nwalk", 3 },
    { "1 step 4\n2 step 4", "step 4\nstep 4", 2 },
    /* name index */
    { "brush_hair 0\ncartwheel 1", "brush_hair\ncartwheel", 2 },
    { "b two\t2\na one\t1\n", "a one\nb two", 2 },
    { "4 step 2\n4 stop 1", "4 stop\n4 step", 2 },
    /* whatever separates them */
    { "8,i\n4,e\n0,a\n1,b\n2,c\n3,d\n5,f\n6,g\n7,h\n", "a\nb\nc\nd\ne\nf\ng\nh\ni", 9 },
    { "0: a b\n1: c:d\n2 : e", "a b\nc:d\ne", 3 },
    { "0;a\n1 ; b, c\n", "a\nb, c", 2 },
    { "b\t1\na\t0\n", "a\nb", 2 },
    { "moving left,0\nmoving right,1\n", "moving left\nmoving right", 2 },
    { "a:1\nb:2", "a\nb", 2 },
    { "1;\"a; b\"\n\"2\";\"c\"\n", "a; b\nc", 2 },
    { "1, a\n2,\tb\n", "a\nb", 2 },
    { "1. b\n0. a\n2.  c 3", "a\nb\nc 3", 3 },
    { "1) b\n0) a\n", "a\nb", 2 },
    { "1 - b\n0 - a-z\n", "a-z\nb", 2 },
    { "b - 1\na - 0\n", "a\nb", 2 },
    { "1|b\n0 | a\n", "a\nb", 2 },
    { "b|1\na|0\n", "a\nb", 2 },
    { "b = 1\na=0\n", "a\nb", 2 },
    { "1=b\n0 = a\n", "a\nb", 2 },
    { "b->1\na => 0\n", "a\nb", 2 },
    { "1 -> b\n0->a\n", "a\nb", 2 },
    { "1.0,b\n0.0,a\n", "a\nb", 2 },
    { "b 1.0\na 0.0\n", "a\nb", 2 },
    { "1,b,\n0,a,\n", "a\nb", 2 },
    { "b;1;\na;0;\n", "a\nb", 2 },
    { "1,'b'\n'0','a'\n", "a\nb", 2 },
    { "1,\"b, \"\"c\"\"\"\n0,\"a\"\n", "a\nb, \"c\"", 2 },
    { "1 b\r0 a\r", "a\nb", 2 },
    { "2-legged squat\n3.5 km\n4x100", "2-legged squat\n3.5 km\n4x100", 3 },
    { "pass-1\nv.2\nx3", "pass-1\nv.2\nx3", 3 },
    /* under a header */
    { "Class Index, Class Name\n2,b\n1,a\n", "a\nb", 2 },
    { "Class-Name = Class-ID\nb = 2\na = 1\n", "a\nb", 2 },
    { "colour,size\n1,b\n0,a\n", "a\nb", 2 },
    { "names:\n  1: b\n  0: a\n", "a\nb", 2 },
    { "id;name\n1;b\n0;a\n", "a\nb", 2 },
    { "class_name\tclass_id\nb\t1\na\t0\n", "a\nb", 2 },
    { "index: label\n0: a\n1: b\n", "a\nb", 2 },
    { "Label Index\na 0\nb 1\n", "a\nb", 2 },
    { "name , id\nb, 1\na, 0\n", "a\nb", 2 },
    { "id;x;name\n1;9;b\n0;9;\"a;\"\n", "a;\nb", 2 },
    /* JSON */
    { "[\"b\", \"a\"]", "b\na", 2 },
    { "[[\"b\", 1], [\"a\", \"0\"]]", "a\nb", 2 },
    { "[[1, \"b\"], [0, \"7\"]]", "7\nb", 2 },
    { "[{\"id\": 2, \"name\": \"b\", \"supercategory\": \"x\"}, {\"name\": \"a\", \"id\": 1}]", "a\nb", 2 },
    { "[a]\n[b]\n", "[a]\n[b]", 2 },
    { "{\"Folding something\": \"1\", \"Holding [something] up\": \"0\"}",
      "Holding [something] up\nFolding something", 2 },
    { "\xef\xbb\xbf\n {\"a\":1,\r\n\"b\":2}\n", "a\nb", 2 },
    { "{\"1\":\"b\",\"0\":\"a\"}", "a\nb", 2 },
    { "{\"1\":\"7\",\"b\":\"0\",\"c\":\"1\",\"d\":2,\"e\":3,\"f\":4,\"g\":5,\"h\":6}", "b\nc\nd\ne\nf\ng\nh\n1", 8 },
    { "{\"caf\\u00e9 \": 0}", "caf\xc3\xa9", 1 },
    /* CSV */
    { "label,youtube_id,time_start,time_end,split\nwrapping present,a,1,2,train\nabseiling,b,1,2,train\n"
      "wrapping present,c,1,2,train\n",
      "abseiling\nwrapping present", 2 },
    { "youtube_id,Label\r\nx,\"a, \"\"b\"\" c\"\r\ny,Zoo\r\n", "Zoo\na, \"b\" c", 2 },
    { "id,name\n1,b\n0,a\n", "a\nb", 2 },
    { "Name,Index\n\"b, c\",2\na,1\n", "a\nb, c", 2 },
};

START_TEST(accepts)
{
    char *text;
    int count;

    assert_ok(parse(accepted[_i].data, strlen(accepted[_i].data), &text, &count), &error);
    ck_assert_str_eq(text, accepted[_i].want);
    ck_assert_int_eq(count, accepted[_i].count);
    free(text);
}
END_TEST

#define TEXT(data) data, sizeof data - 1

static const struct {
    const char *data;
    size_t bytes;
    const char *names;
} refused[] = {
    { TEXT(""), "no labels" },
    { TEXT("\n \r\n# nothing\n"), "no labels" },
    { TEXT("\xef\xbb\xbf"), "no labels" },
    { TEXT("a\0b"), "UTF-8" },
    { TEXT("a\xff"), "UTF-8" },
    { TEXT("\xc0\x80"), "UTF-8" },
    { TEXT("\xed\xa0\x80"), "UTF-8" },
    { TEXT("\xe6\x97"), "UTF-8" },
    { TEXT("\xf4\x90\x80\x80"), "UTF-8" },
    { TEXT("\xf0\x80\x80\x80"), "UTF-8" },
    { TEXT("\xff\xfe"
           "a\0"),
      "is UTF-16, not UTF-8 text" },
    { TEXT("\xfe\xff"
           "\0a"),
      "is UTF-16" },
    { TEXT("1 a\n\n2 b\n2 c"), "line 4 has index 2, as has 'b'" },
    { TEXT("0 a\n1 b\n3 d"), "line 3 has index 3, but no name has index 2" },
    { TEXT("5 a\n6 b\n7 c"), "line 1 has index 5, but no name has index 1" },
    { TEXT("1 a\n2 b\nc"), "line 3 has no index before a name" },
    { TEXT("a 0\nb 1\n# c\nc\n"), "line 4 has no index after a name" },
    { TEXT("1 a\n2 b\n3"), "line 3 has no index before" },
    { TEXT("class 1\nclass 2\n"), "line 2 has the name of line 1" },
    { TEXT("0 class 1\n1 type 0"), "line 1 begins and ends in an index" },
    { TEXT("1 a 7\n3 b 9"), "line 2 has index 3, but no name has index 2" },
    { TEXT("{\"a\":0,\n\"b\":1,\n\"a\":2}"), "line 3 is not JSON" },
    { TEXT("{\"a\":0,\n\"b\":1"), "line 2 is not JSON" },
    { TEXT("{\"a\":0} x"), "line 1 is not JSON" },
    { TEXT("{}"), "no labels" },
    { TEXT("[]"), "no labels" },
    { TEXT("[\"a\", 1]"), "entry 2 of the list is not a name" },
    { TEXT("[[\"a\", 0], \"b\"]"), "entry 2 of the list is not a name with an index" },
    { TEXT("[[\"1\", \"2\"]]"), "entry 1" },
    { TEXT("[[\"a\", 0], [\"b\", 0]]"), "'b' has index 0, as has 'a'" },
    { TEXT("[{\"name\": \"a\"}]"), "entry 1" },
    { TEXT("0,a\n1,b\nc\n"), "line 3 has no index before a name" },
    { TEXT("a;0\nb;1\nc\n"), "line 3 has no index after a name" },
    { TEXT("0,a\n2,b\n"), "line 2 has index 2, but no name has index 1" },
    { TEXT("0,a\n0,b\n"), "line 2 has index 0, as has 'a'" },
    { TEXT("0,a\n1,,b\n2,c\n"), "line 2 has no index before a name" },
    { TEXT("0,a,1\n1,b,0\n"), "line 1 begins and ends in an index" },
    { TEXT("colour,size\n1,a\n2,b\n"), "line 1 has no index before a name" },
    { TEXT("moving up\n1 moving left\n2 moving down\n"), "line 1 has no index before a name" },
    { TEXT("0 a\n1 b\nc\n2 d\n"), "line 3 has no index before a name" },
    { TEXT("{\"a\":0,\"b\":\"\"}"), "'b' is not mapped to an index" },
    { TEXT("{\"a\":0,\"b\":-1}"), "'b' is not mapped" },
    { TEXT("{\"a\":0,\"b\":1.0}"), "'b' is not mapped" },
    { TEXT("{\"a\":0,\"b\":99999999999999999}"), "'b' is not mapped" },
    { TEXT("{\"a\":[0],\"b\":{}}"), "'a' is not mapped" },
    { TEXT("{\"0\":\"1\",\"1\":\"0\"}"), "numbers to numbers" },
    { TEXT("{\"a\":0,\"b\":\"0\"}"), "'b' has index 0, as has 'a'" },
    { TEXT("{\"a\":0,\"b\":2}"), "'b' has index 2, but no name has index 1" },
    { TEXT("{\" \":0}"), "empty name" },
    { TEXT("{\"a\\nb\":0}"), "line break" },
    { TEXT("{\"a\\u0000b\":0}"), "not JSON" },
    { TEXT("youtube_id,time_start,time_end,split\na,1,2,test\n"), "line 1 names no column label" },
    { TEXT("label,youtube_id\na,b\nc\n,d\n"), "line 4 has an empty name" },
    { TEXT("youtube_id,label\na,b\nc\n"), "line 3 has 1 columns" },
    { TEXT("label,youtube_id\n\"a,b\n"), "line 2 has a quote" },
    { TEXT("label,youtube_id\n"), "no labels" },
    { TEXT("id,name\n0,a\nx,b\n"), "line 3 has the index 'x'" },
    { TEXT("id,name\n0,a\n2,b\n"), "line 3 has index 2, but no name has index 1" },
    { TEXT("id,name\n0,a\n0,b\n"), "line 3 has index 0, as has 'a'" },
};

START_TEST(refuses)
{
    char *text;
    int count;

    assert_error(parse(refused[_i].data, refused[_i].bytes, &text, &count), &error, TSM_ERROR_FORMAT,
                 refused[_i].names);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(count, 0);
    ck_assert_msg(strncmp(error.text, "l.txt: ", 7) == 0, "\"%s\" does not begin with the path", error.text);
}
END_TEST

/* The 101 lines of a classInd.txt in any order are the same classes. */
START_TEST(order_does_not_matter)
{
    char data[2000] = "", want[2000] = "", *text;
    int count;

    for (int i = 0; i < 101; i++) {
        sprintf(data + strlen(data), "%d Class%c%d\n", i * 37 % 101 + 1, 'A' + i % 7, i * 37 % 101);
        for (int k = 0; k < 101; k++)
            if (k * 37 % 101 == i) sprintf(want + strlen(want), "%sClass%c%d", i ? "\n" : "", 'A' + k % 7, i);
    }
    assert_ok(parse(data, strlen(data), &text, &count), &error);
    ck_assert_int_eq(count, 101);
    ck_assert_str_eq(text, want);
    free(text);
}
END_TEST

START_TEST(sizes_are_bounded)
{
    const size_t json = (1 << 20) + 1, lines = 2 * 1000001;
    char *data = malloc(lines), *text;
    int count;

    ck_assert_ptr_nonnull(data);
    memset(data, ' ', lines);
    data[0] = '{';
    assert_error(parse(data, json, &text, &count), &error, TSM_ERROR_FORMAT, "too long");
    for (size_t i = 0; i < lines; i++) data[i] = i % 2 ? '\n' : 'a';
    assert_error(parse(data, lines, &text, &count), &error, TSM_ERROR_FORMAT, "line 1000001 ");
    assert_ok(parse(data, lines - 2, &text, &count), &error);
    ck_assert_int_eq(count, 1000000);
    free(text);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval_labels");
    TCase *tests = tcase_create("all");

    tcase_add_loop_test(tests, accepts, 0, (int)(sizeof accepted / sizeof *accepted));
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, order_does_not_matter);
    tcase_add_test(tests, sizes_are_bounded);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
