/* SPDX-License-Identifier: Apache-2.0 */
/* test_video_limits.c - what a source may cost: pixels, frames, bytes and time, and the caller's own word to stop;
 * for every kind of source, by an error that names the limit. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>

#include "video_support.h"

static const char *const videos[] = {
    "h264_b_frames.mp4", "h264_no_times.h264", "hevc_temporal_layers.mp4", "vp9_odd_size.webm",
    "av1.mp4",           "mjpeg_odd_size.avi", "mpeg4_b_frames.mp4",       "mpeg2_transport_stream.ts",
    "animated.gif",      "mpeg4_b_frames.avi", "vp8_hidden_frames.webm",   "mpeg1_program_stream.mpg",
};
enum { VIDEOS = sizeof videos / sizeof *videos };

static char folder[64];

/* A folder of frames of both kinds is made beside the videos. */
static void make_folder(void)
{
    static const char *const sources[] = { "progressive.jpg", "interlaced.png" };

    snprintf(folder, sizeof folder, "/tmp/tsm_limits_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < 4; i++) {
        char path[600];
        size_t bytes;
        uint8_t *data;

        snprintf(path, sizeof path, PIL_DATA "%s", sources[i % 2]);
        data = read_file(path, &bytes);
        snprintf(path, sizeof path, "%s/%d.jpg", folder, i);
        write_file(path, data, bytes);
        free(data);
    }
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* The n-th source: a video, or behind them the folder. */
static const char *source(int n)
{
    static char path[600];

    if (n == VIDEOS) return folder;
    snprintf(path, sizeof path, VIDEO_DATA "%s", videos[n]);
    return path;
}

static tsm_video_options small_options(void)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;

    options.segments = 4;
    options.input_size = 32;
    return options;
}

static void refuse(const char *path, const tsm_video_options *options, tsm_status want, const char *names)
{
    tsm_clips *clips = (tsm_clips *)1;
    tsm_error error = { 0 };

    assert_error(tsm_video_load(&clips, path, options, &error), &error, want, names);
    ck_assert_ptr_null(clips);
    ck_assert_msg(strstr(error.text, path) != NULL, "\"%s\" does not name %s", error.text, path);
}

static tsm_clips_info accept(const char *path, const tsm_video_options *options)
{
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_clips *clips;
    tsm_error error;

    assert_ok(tsm_video_load(&clips, path, options, &error), &error);
    ck_assert_int_eq(tsm_clips_get_info(clips, &info), TSM_OK);
    tsm_clips_destroy(&clips);
    return info;
}

START_TEST(pixels_frames_and_bytes)
{
    tsm_video_options options = small_options();
    const char *path = source(_i);
    tsm_clips_info info = accept(path, &options);
    char names[80];

    options.max_pixels = (int64_t)info.width * info.height;
    options.max_frames = info.frames;
    accept(path, &options);

    options.max_pixels--;
    snprintf(names, sizeof names, "%lld in all", (long long)options.max_pixels);
    refuse(path, &options, TSM_ERROR_UNSUPPORTED, names);
    options.max_pixels = 0;
    if (info.frames > 1) {
        options.max_frames--;
        snprintf(names, sizeof names, "more than %lld frames", (long long)options.max_frames);
        refuse(path, &options, TSM_ERROR_UNSUPPORTED, names);
    }
    options.max_frames = 0;
    options.max_clip_bytes = 4 * 32 * 32 * 3;
    accept(path, &options);
    options.max_bytes = 100;
    refuse(path, &options, TSM_ERROR_UNSUPPORTED, "at most 100 are read");
}
END_TEST

/* A checkpoint may ask for 51 GB of frames by its numbers alone. */
START_TEST(clips_are_limited)
{
    tsm_video_options options = small_options();
    tsm_clips *clips;
    tsm_error error;

    options.max_clip_bytes = 4 * 32 * 32 * 3 - 1;
    assert_error(tsm_video_load(&clips, source(0), &options, &error), &error, TSM_ERROR_UNSUPPORTED,
                 "4 frames of 3072 bytes make clips of more than the 12287 bytes");
    options.raw = 1;
    refuse(source(0), &options, TSM_ERROR_UNSUPPORTED, "4 frames of 18432 bytes");
    options.raw = 0;
    options.segments = TSM_MAX_SEGMENTS;
    options.input_size = TSM_MAX_INPUT_SIZE;
    options.max_clip_bytes = INT64_C(1) << 34;
    assert_error(tsm_video_load(&clips, source(0), &options, &error), &error, TSM_ERROR_UNSUPPORTED, "1024 frames");
}
END_TEST

START_TEST(wrong_limits)
{
    static const struct {
        int64_t pixels, frames, bytes;
        double seconds;
        const char *names;
    } wrong[] = { { -1, 0, 0, 0, "max_pixels -1" },       { (1 << 26) + 1, 0, 0, 0, "max_pixels 67108865" },
                  { 0, -1, 0, 0, "max_frames -1" },       { 0, INT64_MAX, 0, 0, "max_frames" },
                  { 0, 0, -1, 0, "max_bytes -1" },        { 0, 0, 0, -1, "max_seconds -1" },
                  { 0, 0, 0, (double)NAN, "max_seconds" } };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tsm_video_options options = small_options();
        tsm_clips *clips;
        tsm_error error;

        options.max_pixels = wrong[i].pixels;
        options.max_frames = wrong[i].frames;
        options.max_bytes = wrong[i].bytes;
        options.max_seconds = wrong[i].seconds;
        assert_error(tsm_video_load(&clips, source(0), &options, &error), &error, TSM_ERROR_ARGUMENT, wrong[i].names);
    }
}
END_TEST

START_TEST(time_is_limited)
{
    tsm_video_options options = small_options();

    options.max_seconds = 1e-9;
    refuse(source(_i), &options, TSM_ERROR_CANCELLED, "1e-09 seconds");
    options.max_seconds = 1000;
    accept(source(_i), &options);
}
END_TEST

/* Counts down to the word to stop. */
static int count_down(void *user)
{
    int *left = user;

    return --*left == 0; /* once only: it must be heard */
}

/* Stopped at the 1st, 2nd, 4th, 8th, ... time of asking, and never asked in vain. */
START_TEST(callers_can_stop_it)
{
    tsm_video_options options = small_options();
    int asked = 0;

    options.cancel = count_down;
    options.cancel_user = &asked;
    asked = INT32_MAX;
    accept(source(_i), &options);
    asked = INT32_MAX - asked;
    ck_assert_int_gt(asked, 8);
    for (int at = 1; at <= asked; at = at * 3 / 2 + 1) {
        int left = at;

        options.cancel_user = &left;
        refuse(source(_i), &options, TSM_ERROR_CANCELLED, "cancelled");
        ck_assert_int_ge(left, -2); /* and at once */
    }
}
END_TEST

/* ---- Images that are built to waste time ---- */

/* A progressive JPEG of `scans` scans: the low bits of one coefficient after the other. */
static void write_scans(const char *path, int scans)
{
    jpeg_scan_info script[200] = { { .comps_in_scan = 1 } };
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    uint8_t row[64] = { 0 };
    JSAMPROW rows[1] = { row };
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    for (int i = 1; i < scans; i++) { /* coefficient k: all but its last bit, then that */
        int k = 1 + (i - 1) / 2, refined = (i - 1) % 2;

        script[i] = (jpeg_scan_info){ .comps_in_scan = 1, .Ss = k, .Se = k, .Ah = refined, .Al = !refined };
    }
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = jpeg.image_height = 64;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg.scan_info = script;
    jpeg.num_scans = scans;
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < 64; y++) jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
}

START_TEST(scans_are_limited)
{
    tsm_video_options options = small_options();
    char path[600];

    remove_folder();
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/1.jpg", folder);
    write_scans(path, 100);
    accept(folder, &options);
    write_scans(path, 101);
    refuse(folder, &options, TSM_ERROR_FORMAT, "more than 100 scans");
}
END_TEST

/* An open file is read from its beginning, wherever it stands, and stays so. */
START_TEST(descriptors)
{
    tsm_video_options options = small_options();
    FILE *file = fopen(source(0), "rb");
    tsm_clips *clips, *same;
    tsm_error error;
    int ends[2];

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(lseek(fileno(file), 77, SEEK_SET), 77);
    assert_ok(tsm_video_load_descriptor(&clips, fileno(file), "an open file", &options, &error), &error);
    ck_assert_int_eq(lseek(fileno(file), 0, SEEK_CUR), 77);
    assert_ok(tsm_video_load(&same, source(0), &options, &error), &error);
    ck_assert_mem_eq(tsm_clips_tensor(clips).data, tsm_clips_tensor(same).data, 4 * 32 * 32 * 3);
    tsm_clips_destroy(&clips);
    tsm_clips_destroy(&same);
    fclose(file);
    assert_error(tsm_video_load_descriptor(&clips, -1, NULL, &options, &error), &error, TSM_ERROR_ARGUMENT, "-1");
    ck_assert_int_eq(pipe(ends), 0);
    assert_error(tsm_video_load_descriptor(&clips, ends[0], "a pipe", &options, &error), &error,
                 TSM_ERROR_UNSUPPORTED, "a pipe");
    ck_assert_int_eq(close(ends[0]), 0); /* still ours */
    ck_assert_int_eq(close(ends[1]), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_limits");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, pixels_frames_and_bytes, 0, VIDEOS + 1);
    tcase_add_test(tests, clips_are_limited);
    tcase_add_test(tests, wrong_limits);
    tcase_add_loop_test(tests, time_is_limited, 0, VIDEOS + 1);
    tcase_add_loop_test(tests, callers_can_stop_it, 0, VIDEOS + 1);
    tcase_add_test(tests, scans_are_limited);
    tcase_add_test(tests, descriptors);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
