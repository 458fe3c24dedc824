/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_shown.c - text from files as a terminal gets it, and as JSON has it. */
#include "cli/json_out.h"
#include "cli/shown.h"
#include "support.h"

static const struct {
    const char *text, *want;
} cases[] = {
    { "", "" },
    { "plain ~", "plain ~" },
    { "a\033[31m\b\r\n\t\177", "a?[31m?????" },
    { "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80" },
    { "\xc2\x9b"
      "31m \xc2\x80 \xc2\xa0",
      "?31m ? \xc2\xa0" },
    { "gpj.\xe2\x80\xae\xd8\x9c \xe2\x81\xa6x\xe2\x81\xa9 \xe2\x80\xa8\xe2\x80\x8f",
      "gpj.?? ?x? ??" }, /* turn text around */
    { "\xe2\x80\xa6 \xe2\x80\xaf \xe2\x80\x8d \xe2\x81\xaa", "\xe2\x80\xa6 \xe2\x80\xaf \xe2\x80\x8d \xe2\x81\xaa" },
    { "caf\xe9 \x9b", "caf\\xe9 \\x9b" },
    { "\xc3", "\\xc3" },
    { "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },
    { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
    { "\xc0\x9b", "\\xc0\\x9b" }, /* an overlong escape */
};

START_TEST(text_is_harmless)
{
    char got[100], *printed;
    FILE *file = tmpfile();
    size_t length = strlen(cases[_i].want);

    ck_assert_str_eq(shown_copy(got, sizeof got, cases[_i].text), cases[_i].want);
    shown_print(file, cases[_i].text);
    ck_assert_int_eq(ftell(file), (long)length);
    rewind(file);
    printed = calloc(length + 1, 1);
    ck_assert_uint_eq(fread(printed, 1, length, file), length);
    ck_assert_str_eq(printed, cases[_i].want);
    free(printed);
    fclose(file);
}
END_TEST

/* Cut between characters, never within one. */
START_TEST(copies_fit)
{
    for (size_t bytes = 1; bytes < 12; bytes++) {
        char got[12];

        memset(got, 7, sizeof got);
        shown_copy(got, bytes, "a\xc3\xa9\xe9z");
        ck_assert_uint_lt(strlen(got), bytes);
        ck_assert_int_eq(strncmp(got, "a\xc3\xa9\\xe9z", strlen(got)), 0);
        ck_assert(strlen(got) != 2);
        for (size_t i = bytes; i < sizeof got; i++) ck_assert_int_eq(got[i], 7);
    }
}
END_TEST

START_TEST(bytes_find_a_file_again)
{
    json_t *object = json_object();

    object = json_out_add_bytes(object, "name_bytes", "caf\xc3\xa9");
    ck_assert_ptr_null(json_object_get(object, "name_bytes"));
    object = json_out_add_bytes(object, "name_bytes", "caf\xe9\n");
    ck_assert_str_eq(json_string_value(json_object_get(object, "name_bytes")), "636166e90a");
    ck_assert_ptr_null(json_out_add_bytes(NULL, "x", "\xff"));
    ck_assert_ptr_eq(json_out_add_bytes(object, "x", NULL), object);
    json_decref(object);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_shown");
    TCase *tests = tcase_create("all");

    tcase_add_loop_test(tests, text_is_harmless, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tests, copies_fit);
    tcase_add_test(tests, bytes_find_a_file_again);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
