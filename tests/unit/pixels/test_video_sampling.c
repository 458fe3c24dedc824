/* SPDX-License-Identifier: Apache-2.0 */
/* Frame numbers, against tables computed by the Python formulas, and what must hold for any video. */
#include <stdbool.h>

#include "video_support.h"

enum { MOST = 10 * 128 };

static tsm_sampling sampling_of(const char *name)
{
    if (strcmp(name, "uniform") == 0) return TSM_SAMPLING_UNIFORM;
    return strcmp(name, "twice") == 0 ? TSM_SAMPLING_TWICE : TSM_SAMPLING_DENSE;
}

START_TEST(test_table)
{
    size_t bytes;
    char *table = (char *)read_file(PIL_DATA "sampling.txt", &bytes), *rest = table, *line, name[16];
    int lines = 0;

    while ((line = strsep(&rest, "\n")) && *line) {
        int frames, segments, span, at, numbers[MOST], count;
        tsm_error error;
        ck_assert_int_eq(sscanf(line, "%15s %d %d %d :%n", name, &frames, &segments, &span, &at), 4);
        count = tsm_sampling_clips(sampling_of(name)) * segments;
        for (int mode = TSM_MODE_MIT; mode <= TSM_MODE_MMACTION2; mode++) {
            char *next = line + at;
            assert_ok(tsm_sample_frames(mode, sampling_of(name), frames, segments, span, numbers, &error), &error);
            for (int i = 0; i < count; i++)
                if (numbers[i] != strtol(next, &next, 10))
                    ck_abort_msg("%.40s...: number %d is %d", line, i, numbers[i]);
            ck_assert_msg(*next == '\0', "%.40s...: more than %d numbers", line, count);
        }
        lines++;
    }
    ck_assert_int_gt(lines, 300);
    free(table);
}
END_TEST

/* Every number lies in the video; the frames of a segment sampling never go back. */
START_TEST(test_properties)
{
    for (int frames = 1; frames < 400; frames += frames < 70 ? 1 : 37) {
        for (int segments = 1; segments <= 100; segments += segments < 20 ? 1 : 16) {
            for (int sampling = TSM_SAMPLING_UNIFORM; sampling <= TSM_SAMPLING_DENSE; sampling++) {
                int numbers[MOST], count = tsm_sampling_clips(sampling) * segments;
                tsm_error error;
                assert_ok(tsm_sample_frames(TSM_MODE_MIT, sampling, frames, segments, 1, numbers, &error), &error);
                for (int i = 0; i < count; i++) {
                    bool back = sampling != TSM_SAMPLING_DENSE && i % segments && numbers[i] < numbers[i - 1];
                    if (numbers[i] < 1 || numbers[i] > frames || back)
                        ck_abort_msg("sampling %d of %d frames, %d segments: number %d is %d", sampling, frames,
                                     segments, i, numbers[i]);
                }
            }
        }
    }
}
END_TEST

START_TEST(test_refusals)
{
    int numbers[MOST];
    tsm_error error;

    assert_error(tsm_sample_frames(TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 0, 8, 1, numbers, &error), &error,
                 TSM_ERROR_ARGUMENT, "0 frames");
    assert_error(tsm_sample_frames(TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 4, 8, 5, numbers, &error), &error,
                 TSM_ERROR_ARGUMENT, "4 frames");
    assert_error(tsm_sample_frames(TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 4, 0, 1, numbers, &error), &error,
                 TSM_ERROR_ARGUMENT, "0 segments");
    assert_error(tsm_sample_frames(TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 4, 1 << 20, 1, numbers, &error), &error,
                 TSM_ERROR_ARGUMENT, "segments");
    assert_error(tsm_sample_frames(TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 4, 8, 0, numbers, &error), &error,
                 TSM_ERROR_ARGUMENT, "span");
    assert_error(tsm_sample_frames(TSM_MODE_MIT, 7, 4, 8, 1, numbers, &error), &error, TSM_ERROR_ARGUMENT,
                 "sampling 7");
    assert_error(tsm_sample_frames(9, TSM_SAMPLING_UNIFORM, 4, 8, 1, numbers, &error), &error, TSM_ERROR_ARGUMENT,
                 "mode 9");
    assert_error(tsm_sample_frames(TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 4, 8, 1, NULL, &error), &error,
                 TSM_ERROR_ARGUMENT, "numbers");
    ck_assert_int_eq(tsm_sample_frames(TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 0, 8, 1, numbers, NULL),
                     TSM_ERROR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_sampling");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, test_table);
    tcase_add_test(tests, test_properties);
    tcase_add_test(tests, test_refusals);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
