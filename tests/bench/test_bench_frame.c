/* SPDX-License-Identifier: Apache-2.0 */
/* test_bench_frame.c - lists and ranges of options, and what may be said of samples. */
#include <check.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame/machine.h"
#include "frame/options.h"
#include "frame/samples.h"

/* In the place of frame/report.c's. */
int bench_fail(const char *format, ...);
int bench_fail(const char *format, ...)
{
    (void)format;
    return 1;
}

static bool parse_list(const char *text, bench_list *list)
{
    const bench_option options[] = { { "batch", BENCH_LIST, list, "LIST", "" }, { 0 } };
    char name[] = "--batch", value[64], *argv[] = { name, value };
    int positional;

    snprintf(value, sizeof value, "%s", text);
    return bench_parse(2, argv, options, &positional);
}

static void assert_list(const char *text, int count, const double *values)
{
    bench_list list = { 0 };

    ck_assert_msg(parse_list(text, &list), "%s was refused", text);
    ck_assert_msg(list.count == count, "%s: %d values, want %d", text, list.count, count);
    for (int i = 0; i < count; i++) ck_assert_double_eq(list.values[i], values[i]);
}

START_TEST(lists_and_ranges)
{
    assert_list("1", 1, (double[]){ 1 });
    assert_list("1,2,4..64", 7, (double[]){ 1, 2, 4, 8, 16, 32, 64 });
    assert_list("3..20", 4, (double[]){ 3, 6, 12, 20 });
    assert_list("2..8+2", 4, (double[]){ 2, 4, 6, 8 });
    assert_list("2..7+2,9", 4, (double[]){ 2, 4, 6, 9 });
    assert_list("5..5", 1, (double[]){ 5 });
}
END_TEST

START_TEST(lists_that_are_none)
{
    static const char *const wrong[] = { "",     ",",    "1,",  "1,,2", "a",           "1..",    "..4",
                                         "4..2", "0..4", "1.5", "-1",   "1..2+0",      "1..4+a", "1e9",
                                         "1 2",  "1;2",  "nan", "inf",  "1..1000000+1" };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bench_list list = bench_list_of(7);

        ck_assert_msg(!parse_list(wrong[i], &list), "%s was taken", wrong[i]);
        ck_assert_double_eq(list.values[0], 7);
    }
}
END_TEST

START_TEST(lists_of_words)
{
    bench_words words = bench_words_of("auto");
    const bench_option inner[] = { { "shift", BENCH_WORDS, &words, "NAMES", "" }, { 0 } };
    const bench_option options[] = { { NULL, BENCH_GROUP, (void *)(uintptr_t)inner, NULL, "Axes" }, { 0 } };
    char name[] = "--shift", good[] = "copy,gather", bad[] = "copy,,gather", input[] = "clip.mp4";
    char *argv[] = { input, name, good }, *wrong[] = { name, bad };
    int positional;

    ck_assert(bench_parse(3, argv, options, &positional));
    ck_assert_int_eq(positional, 1);
    ck_assert_str_eq(argv[0], "clip.mp4");
    ck_assert_int_eq(words.count, 2);
    ck_assert_str_eq(words.values[1], "gather");
    ck_assert(!bench_parse(2, wrong, options, &positional));
}
END_TEST

static bench_summary summary_of(int count)
{
    bench_samples samples = { 0 };
    bench_summary summary;

    for (int i = 1; i <= count; i++) ck_assert(bench_samples_add(&samples, (double)(i * 13 % (count + 1))));
    summary = bench_summarise(&samples);
    bench_samples_clear(&samples);
    return summary;
}

/* 1 to 100, in another order. */
START_TEST(percentiles)
{
    const bench_summary s = summary_of(100);

    ck_assert_int_eq(s.runs, 100);
    ck_assert_double_eq(s.median, 50.5);
    ck_assert_double_eq(s.min, 1);
    ck_assert_double_eq(s.max, 100);
    ck_assert_double_eq(s.p90, 90);
    ck_assert_double_eq(s.p95, 95);
    ck_assert_double_eq(s.p99, 99);
    ck_assert_double_eq(s.mean, 50.5);
    ck_assert_double_eq_tol(s.spread, 50 / 50.5, 1e-12);
}
END_TEST

START_TEST(percentiles_that_runs_do_not_show)
{
    const bench_summary one = summary_of(1), ten = summary_of(10), twenty = summary_of(20), none = summary_of(0);

    ck_assert(isnan(none.median) && none.runs == 0);
    ck_assert_double_eq(one.p50, 1);
    ck_assert(isnan(one.p90) && isnan(one.p99) && isnan(one.spread) && isnan(one.drift));
    ck_assert_double_eq(ten.p90, 9);
    ck_assert(isnan(ten.p95));
    ck_assert_double_eq(twenty.p95, 19);
    ck_assert(isnan(twenty.p99));
}
END_TEST

START_TEST(drift_of_halves)
{
    bench_samples samples = { 0 };

    for (int i = 0; i < 20; i++) ck_assert(bench_samples_add(&samples, i < 10 ? 10 : 11));
    ck_assert_double_eq_tol(bench_summarise(&samples).drift, 0.1, 1e-12);
    bench_samples_clear(&samples);
}
END_TEST

/* Of neighbours: a machine that halves its speed in the middle changes nothing. */
START_TEST(ratio_of_pairs)
{
    bench_samples first = { 0 }, second = { 0 };

    for (int i = 0; i < 11; i++) {
        const double slow = i < 5 ? 1 : 2;

        ck_assert(bench_samples_add(&first, 30 * slow) && bench_samples_add(&second, 40 * slow));
    }
    ck_assert_double_eq(bench_median_ratio(&first, &second), 0.75);
    bench_samples_clear(&first);
    bench_samples_clear(&second);
}
END_TEST

/* An nvidia-smi that answers as the real one does, and writes down what it was asked. */
static void make_gpu(char folder[64], const char *answer)
{
    char path[128];
    FILE *file;

    strcpy(folder, "/tmp/test_bench_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/nvidia-smi", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "#!/bin/sh\necho \"$*\" >%s/asked\n%s\n", folder, answer);
    fclose(file);
    ck_assert_int_eq(chmod(path, 0700), 0);
    ck_assert_int_eq(setenv("PATH", folder, 1), 0);
}

static void drop_gpu(const char *folder, const char *path)
{
    static const char *const names[] = { "nvidia-smi", "asked" };
    char file[128];

    for (int i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s/%s", folder, names[i]);
        unlink(file);
    }
    rmdir(folder);
    setenv("PATH", path, 1);
}

START_TEST(gpu_as_nvidia_smi_tells)
{
    char *path = strdup(getenv("PATH")), folder[64], reasons[128];
    json_t *gpu;

    make_gpu(folder, "echo 'NVIDIA H100 80GB HBM3, 550.54, 1755, 1980, 2619, 81559, 700.00, 41'");
    gpu = bench_gpu_json("cuda:1");
    ck_assert_ptr_nonnull(gpu);
    ck_assert_str_eq(json_string_value(json_object_get(gpu, "name")), "NVIDIA H100 80GB HBM3");
    ck_assert_str_eq(json_string_value(json_object_get(gpu, "driver")), "550.54");
    ck_assert_double_eq(json_number_value(json_object_get(gpu, "sm_mhz")), 1755);
    ck_assert_double_eq(json_number_value(json_object_get(gpu, "temperature_c")), 41);
    json_decref(gpu);
    drop_gpu(folder, path);

    make_gpu(folder, "echo 0x0000000000000024");
    ck_assert(bench_gpu_throttles(reasons, sizeof reasons));
    ck_assert_str_eq(reasons, "power cap, software thermal slowdown");
    drop_gpu(folder, path);

    make_gpu(folder, "echo 0x0000000000000001"); /* idle */
    ck_assert(!bench_gpu_throttles(reasons, sizeof reasons));
    drop_gpu(folder, path);

    make_gpu(folder, "echo No devices were found; exit 6");
    ck_assert_ptr_null(bench_gpu_json("cuda"));
    ck_assert(!bench_gpu_throttles(reasons, sizeof reasons));
    drop_gpu(folder, path);
    free(path);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("frame");
    Suite *suite = suite_create("bench_frame");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, lists_and_ranges);
    tcase_add_test(tcase, lists_that_are_none);
    tcase_add_test(tcase, lists_of_words);
    tcase_add_test(tcase, percentiles);
    tcase_add_test(tcase, percentiles_that_runs_do_not_show);
    tcase_add_test(tcase, drift_of_halves);
    tcase_add_test(tcase, ratio_of_pairs);
    tcase_add_test(tcase, gpu_as_nvidia_smi_tells);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
