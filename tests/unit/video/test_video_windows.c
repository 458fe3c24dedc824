/* SPDX-License-Identifier: Apache-2.0 */
/* Windows along a video: where they lie, and that their pixels are those of the frames a plain load gives. */
#include "core/status.h"
#include "video_support.h"

#define SHORT_GOPS VIDEO_DATA "h264_short_gops.mp4" /* 120 frames in 4.8 s */

static tsm_video_options small_video(void)
{
    tsm_video_options video = TSM_VIDEO_OPTIONS_INIT;

    video.segments = 4;
    video.input_size = 32;
    return video;
}

/* All frames of the video, as a load of so many segments gives them. */
static tsm_clips *load_all(void)
{
    tsm_video_options video = small_video();
    tsm_clips *clips;
    tsm_error error;

    video.segments = 120;
    assert_ok(tsm_video_load(&clips, SHORT_GOPS, &video, &error), &error);
    return clips;
}

static void check_pixels(const tsm_clips *window, const tsm_clips *all)
{
    const tsm_tensor got = tsm_clips_tensor(window), want = tsm_clips_tensor(all);
    const size_t bytes = 32 * 32 * 3;
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;

    ck_assert_int_eq(tsm_clips_get_info(window, &info), TSM_OK);
    for (int i = 0; i < info.segments; i++)
        ck_assert_mem_eq((const uint8_t *)got.data + (size_t)i * bytes,
                         (const uint8_t *)want.data + (size_t)(info.numbers[i] - 1) * bytes, bytes);
}

static tsm_windows *open_windows(const tsm_windows_options *options)
{
    tsm_windows *windows;
    tsm_error error;

    assert_ok(tsm_windows_open(&windows, -1, SHORT_GOPS, options, &error), &error);
    return windows;
}

/* 50 frames, 20 apart: 1-50, 21-70, 41-90, 61-110, 81-120. */
START_TEST(test_frames)
{
    tsm_video_options video = small_video();
    tsm_windows_options options = TSM_WINDOWS_OPTIONS_INIT;
    tsm_clips *all = load_all(), *clips;
    tsm_windows *windows;
    tsm_window where;
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_error error;

    options.video = &video;
    options.frames = 50;
    options.stride_frames = 20;
    windows = open_windows(&options);
    for (int i = 0; i < 5; i++) {
        assert_ok(tsm_windows_next(windows, &clips, &where, &error), &error);
        ck_assert_ptr_nonnull(clips);
        ck_assert_int_eq(where.index, i);
        ck_assert_int_eq(where.first, 1 + 20 * i);
        ck_assert_int_eq(where.frames, i < 4 ? 50 : 40);
        ck_assert(fabs(where.start_s - 0.8 * i) < 1e-9 && fabs(where.end_s - (i < 4 ? 0.8 * i + 2 : 4.8)) < 1e-9);
        ck_assert_int_eq(tsm_clips_get_info(clips, &info), TSM_OK);
        for (int k = 0; k < 4; k++) {
            const double tick = where.frames / 4.0;

            ck_assert_int_eq(info.numbers[k], where.first + (int)(tick / 2 + tick * k));
        }
        ck_assert_int_eq(info.frames, 120);
        check_pixels(clips, all);
        tsm_clips_destroy(&clips);
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(tsm_windows_next(windows, &clips, &where, &error), &error);
        ck_assert_ptr_null(clips);
    }
    tsm_windows_close(&windows);
    tsm_windows_close(&windows);
    tsm_windows_close(NULL);
    tsm_clips_destroy(&all);
}
END_TEST

static int count_windows(const tsm_windows_options *options, const tsm_clips *all)
{
    tsm_windows *windows = open_windows(options);
    tsm_window where;
    tsm_clips *clips;
    tsm_error error;
    int count = 0, end = 0;

    for (;; count++) {
        assert_ok(tsm_windows_next(windows, &clips, &where, &error), &error);
        if (!clips) break;
        check_pixels(clips, all);
        end = where.first + where.frames - 1;
        tsm_clips_destroy(&clips);
    }
    if (count) ck_assert_int_le(end, 120);
    tsm_windows_close(&windows);
    return count;
}

/* Seconds, windows that touch, with gaps between, longer than the video, and of one frame. */
START_TEST(test_lengths)
{
    tsm_video_options video = small_video();
    tsm_windows_options options = TSM_WINDOWS_OPTIONS_INIT;
    tsm_clips *all = load_all();

    options.video = &video;
    options.seconds = 1.2;
    ck_assert_int_eq(count_windows(&options, all), 4);
    options.stride_seconds = 0.3;
    ck_assert_int_eq(count_windows(&options, all), 13);
    options.stride_seconds = 2.4;
    ck_assert_int_eq(count_windows(&options, all), 2);
    options.seconds = 100;
    ck_assert_int_eq(count_windows(&options, all), 1);
    options = (tsm_windows_options){ .struct_size = sizeof options, .video = &video, .frames = 1 };
    ck_assert_int_eq(count_windows(&options, all), 120);
    tsm_clips_destroy(&all);
}
END_TEST

START_TEST(test_refusals)
{
    tsm_video_options video = small_video();
    tsm_windows_options options = TSM_WINDOWS_OPTIONS_INIT;
    tsm_windows *windows;
    tsm_clips *clips;
    tsm_error error;

    options.video = &video;
    assert_error(tsm_windows_open(&windows, -1, SHORT_GOPS, &options, &error), &error, TSM_ERROR_ARGUMENT, "length");
    options.seconds = 0.001;
    assert_error(tsm_windows_open(&windows, -1, SHORT_GOPS, &options, &error), &error, TSM_ERROR_ARGUMENT,
                 SHORT_GOPS);
    options.seconds = NAN;
    assert_error(tsm_windows_open(&windows, -1, SHORT_GOPS, &options, &error), &error, TSM_ERROR_ARGUMENT, "length");
    options.seconds = 1;
    assert_error(tsm_windows_open(&windows, -1, VIDEO_DATA "absent.mp4", &options, &error), &error, TSM_ERROR_IO,
                 "absent.mp4");
    ck_assert_ptr_null(windows);
    assert_error(tsm_windows_open(&windows, -1, VIDEO_DATA "audio_only.m4a", &options, &error), &error,
                 TSM_ERROR_FORMAT, "audio_only.m4a");
    assert_error(tsm_windows_open(&windows, -1, VIDEO_DATA, &options, &error), &error, TSM_ERROR_UNSUPPORTED,
                 VIDEO_DATA);
    video.raw = 1;
    assert_error(tsm_windows_open(&windows, -1, SHORT_GOPS, &options, &error), &error, TSM_ERROR_ARGUMENT, "whole");
    video.raw = 0;
    assert_error(tsm_windows_next(NULL, &clips, NULL, &error), &error, TSM_ERROR_ARGUMENT, "windows");
}
END_TEST

/* The n-th allocation fails: an error, and nothing is lost. */
START_TEST(test_memory)
{
    tsm_video_options video = small_video();
    tsm_windows_options options = TSM_WINDOWS_OPTIONS_INIT;
    int failures = 0;

    options.video = &video;
    options.frames = 60;
    options.stride_frames = 10;
    for (uint64_t n = 1; n < 10000; n++) {
        tsm_windows *windows = NULL;
        tsm_clips *clips = NULL;
        tsm_error error;
        tsm_status status;

        tsm_alloc_fail_at(n);
        status = tsm_windows_open(&windows, -1, SHORT_GOPS, &options, &error);
        while (status == TSM_OK) {
            status = tsm_windows_next(windows, &clips, NULL, &error);
            if (!clips) break;
            tsm_clips_destroy(&clips);
        }
        tsm_windows_close(&windows);
        if (tsm_alloc_fail_at(0) < n) break;
        ck_assert_int_eq(status, TSM_ERROR_MEMORY);
        failures++;
    }
    ck_assert_int_gt(failures, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_windows");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 120);
    tcase_add_test(all, test_frames);
    tcase_add_test(all, test_lengths);
    tcase_add_test(all, test_refusals);
    tcase_add_test(all, test_memory);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
