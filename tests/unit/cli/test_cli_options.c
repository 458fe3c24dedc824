/* SPDX-License-Identifier: Apache-2.0 */
/* The option parser, the settings that options become, and the text of the progress line. */
#include "support.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/runner.h"

#include <unistd.h>

static const option_choice colours[] = { { "red", 1 }, { "green", 2 }, { 0 } };
static const char *text;
static int number, flag, colour, positional;
static char said[512]; /* on stderr, or on stdout for the help */

static const option_spec specs[] = {
    OPTION_SPEC_TEXT("text", "FILE", &text, "some text"),
    OPTION_SPEC_NUMBER("number", &number, 1, 10, "a number"),
    OPTION_SPEC_FLAG("flag", &flag, "a flag"),
    OPTION_SPEC_CHOICE("colour", &colour, colours, "a colour"),
};
static const option_table table = { "paint", "WALL...", "Paints walls.", specs, 4 };

/* Parses up to five arguments; what it prints goes to `said`. */
static options_result parse(char *arguments[static 6])
{
    FILE *file = tmpfile();
    int count = 0, out, err;
    options_result result;

    while (arguments[count]) count++;
    fflush(stdout);
    out = dup(1);
    err = dup(2);
    dup2(fileno(file), 1);
    dup2(fileno(file), 2);
    text = NULL;
    number = flag = colour = 0;
    positional = -1;
    result = options_parse(&table, count, arguments, &positional);
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return result;
}

#define PARSE(...) parse((char *[6]){ __VA_ARGS__ })

START_TEST(values_are_stored)
{
    char *arguments[6] = { "a", "--text", "t", "--number=7", "b", NULL };

    ck_assert_int_eq(parse(arguments), OPTIONS_OK);
    ck_assert_str_eq(text, "t");
    ck_assert_int_eq(number, 7);
    ck_assert_int_eq(positional, 2);
    ck_assert_str_eq(arguments[0], "a");
    ck_assert_str_eq(arguments[1], "b");

    ck_assert_int_eq(PARSE("--flag", "--colour", "green", "--text="), OPTIONS_OK);
    ck_assert_int_eq(flag, 1);
    ck_assert_int_eq(colour, 2);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(positional, 0);

    ck_assert_int_eq(PARSE("--text", "--flag"), OPTIONS_OK); /* a value may look like an option */
    ck_assert_str_eq(text, "--flag");
    ck_assert_int_eq(PARSE("--", "--flag", "-"), OPTIONS_OK);
    ck_assert_int_eq(flag, 0);
    ck_assert_int_eq(positional, 2);
    ck_assert_str_eq(said, "");
}
END_TEST

static void assert_wrong(options_result result, const char *names)
{
    const char *newline = strchr(said, '\n');

    ck_assert_int_eq(result, OPTIONS_WRONG);
    ck_assert_msg(strstr(said, names) != NULL, "\"%s\" does not name \"%s\"", said, names);
    ck_assert_msg(strstr(said, "usage: tsm paint") != NULL, "no usage in \"%s\"", said);
    ck_assert_msg(newline && newline[1] == '\0', "not one line: \"%s\"", said);
}

START_TEST(wrong_usage_is_named)
{
    assert_wrong(PARSE("--walls"), "--walls");
    assert_wrong(PARSE("--numb", "3"), "--numb");
    assert_wrong(PARSE("-n"), "-n");
    assert_wrong(PARSE("--number", "x"), "--number: 'x'");
    assert_wrong(PARSE("--number", ""), "--number");
    assert_wrong(PARSE("--number", "3x"), "--number: '3x'");
    assert_wrong(PARSE("--number", "0"), "1..10");
    assert_wrong(PARSE("--number=11"), "1..10");
    assert_wrong(PARSE("--number=99999999999999999999"), "1..10");
    assert_wrong(PARSE("--number"), "--number needs a value");
    assert_wrong(PARSE("--flag=1"), "--flag takes no value");
    assert_wrong(PARSE("--colour", "blue"), "red|green");
    assert_wrong(PARSE("--te\nxt", "a"), "--te?xt");
}
END_TEST

START_TEST(help_lists_every_option)
{
    ck_assert_int_eq(PARSE("a", "-h"), OPTIONS_HELP);
    for (size_t i = 0; i < table.count; i++) ck_assert_ptr_nonnull(strstr(said, table.specs[i].name));
    ck_assert_ptr_nonnull(strstr(said, "usage: tsm paint [options] WALL..."));
    ck_assert_ptr_nonnull(strstr(said, "red|green"));
    ck_assert_int_eq(PARSE("--help"), OPTIONS_HELP);
}
END_TEST

/* Batches are of one size, no larger than allowed, and waste less than one clip each. */
START_TEST(batches_cover_the_clips)
{
    for (int64_t clips = 1; clips <= 300; clips++) {
        int64_t batch = runner_batch(clips), batches = (clips + batch - 1) / batch;

        ck_assert_int_ge(batch, 1);
        ck_assert_int_le(batch, RUNNER_MAX_BATCH);
        ck_assert_int_eq(batches, (clips + RUNNER_MAX_BATCH - 1) / RUNNER_MAX_BATCH);
        ck_assert_int_lt(batches * batch - clips, batches);
    }
    ck_assert_int_eq(runner_batch(10), 5);
    ck_assert_int_eq(runner_batch(INT64_MAX), RUNNER_MAX_BATCH);
}
END_TEST

/* What is not given stays "from the file"; online says the direction, and asks for every frame. */
START_TEST(settings_become_options)
{
    settings given = { .segments = 16, .shift_direction = TSM_MIRRORED, .nonlocal = TSM_NONLOCAL_DOT_PRODUCT };
    const settings nothing = { 0 };
    tsm_model_options model = settings_model(&nothing, NULL);

    ck_assert_int_eq(model.shift_direction, TSM_DIRECTION_FROM_FILE);
    ck_assert_int_eq(model.nonlocal, TSM_NONLOCAL_NONE);
    ck_assert_int_eq(settings_engine(&nothing).per_frame, 0);
    model = settings_model(&given, "a\nb");
    ck_assert_int_eq(model.segments, 16);
    ck_assert_int_eq(model.shift_direction, TSM_MIRRORED);
    ck_assert_int_eq(model.nonlocal, TSM_NONLOCAL_DOT_PRODUCT);
    ck_assert_str_eq(model.labels, "a\nb");
    given.shift_direction = 0;
    given.online = 1;
    ck_assert_int_eq(settings_model(&given, NULL).shift_direction, TSM_UNIDIRECTIONAL);
    ck_assert_int_eq(settings_engine(&given).per_frame, 1);
    ck_assert_str_eq(settings_name(settings_directions, TSM_UNIDIRECTIONAL), "unidirectional");
    ck_assert_str_eq(settings_name(settings_nonlocals, TSM_NONLOCAL_GAUSSIAN), "gaussian");
}
END_TEST

START_TEST(logits_of_clips_and_frames)
{
    runner net = { .info = { .segments = 8, .classes = 400 } };

    ck_assert_uint_eq(runner_logits(&net), 400);
    net.per_frame = 1;
    ck_assert_uint_eq(runner_logits(&net), 3200);
}
END_TEST

START_TEST(progress_says_rate_and_time_left)
{
    char line[128];

    progress_text("videos", 12.5, 100, 4000, line, sizeof line);
    ck_assert_str_eq(line, "12/100 videos, 3.12 videos/s, 28 s left");
    progress_text("videos", 1, 100, 60000, line, sizeof line);
    ck_assert_str_eq(line, "1/100 videos, 0.0167 videos/s, 99 min left");
    progress_text("videos", 0, 100, 60000, line, sizeof line);
    ck_assert_str_eq(line, "0/100 videos, 0 videos/s");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_options");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, values_are_stored);
    tcase_add_test(tests, wrong_usage_is_named);
    tcase_add_test(tests, help_lists_every_option);
    tcase_add_test(tests, batches_cover_the_clips);
    tcase_add_test(tests, settings_become_options);
    tcase_add_test(tests, logits_of_clips_and_frames);
    tcase_add_test(tests, progress_says_rate_and_time_left);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
