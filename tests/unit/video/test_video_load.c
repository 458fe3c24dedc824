/* SPDX-License-Identifier: Apache-2.0 */
/* tsm_video_load as callers see it: options, order of the clips, facts, normalising, and refusals. */
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"
#include "video/limits.h"
#include "video_support.h"

#define SHORT_GOPS VIDEO_DATA "h264_short_gops.mp4"

static tsm_video_options options_of(tsm_sampling sampling, int segments, int views)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;

    options.sampling = sampling;
    options.segments = segments;
    options.views = views;
    options.input_size = 56;
    return options;
}

static tsm_clips *load(const char *path, const tsm_video_options *options)
{
    tsm_clips *clips;
    tsm_error error;

    assert_ok(tsm_video_load(&clips, path, options, &error), &error);
    return clips;
}

START_TEST(test_defaults)
{
    tsm_clips *clips = load(SHORT_GOPS, NULL);
    tsm_tensor tensor = tsm_clips_tensor(clips);
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    static const int64_t dims[5] = { 1, 8, 224, 224, 3 };
    static const int numbers[8] = { 8, 23, 38, 53, 68, 83, 98, 113 };

    ck_assert_int_eq(tensor.ndim, 5);
    ck_assert_mem_eq(tensor.dims, dims, sizeof dims);
    ck_assert(tensor.dtype == TSM_UINT8 && tensor.layout == TSM_NTHWC && tensor.memory == TSM_MEMORY_HOST);
    ck_assert_int_eq(tsm_clips_get_info(clips, &info), TSM_OK);
    ck_assert_int_eq(info.width, 96);
    ck_assert_int_eq(info.height, 64);
    ck_assert_int_eq(info.frames, 120);
    ck_assert_str_eq(info.codec, "h264");
    ck_assert(fabs(info.duration_s - 4.8) < 1e-6);
    ck_assert_int_eq(info.views * info.samples, 1);
    ck_assert_int_eq(info.segments, 8);
    ck_assert_mem_eq(info.numbers, numbers, sizeof numbers);
    ck_assert(info.decode_ms > 0 && info.preprocess_ms > 0);
    tsm_clips_destroy(&clips);
    ck_assert_ptr_null(clips);
    tsm_clips_destroy(&clips);
    tsm_clips_destroy(NULL);
}
END_TEST

static const uint8_t *frame_at(const tsm_clips *clips, int view, int sample, int segment)
{
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_tensor tensor = tsm_clips_tensor(clips);
    size_t bytes = (size_t)(tensor.dims[2] * tensor.dims[3] * 3);

    ck_assert_int_eq(tsm_clips_get_info(clips, &info), TSM_OK);
    return (const uint8_t *)tensor.data + bytes * (size_t)((view * info.samples + sample) * info.segments + segment);
}

/* View-major, then sample, then segment: the ten views of two samples, each against a load of what it shows. */
START_TEST(test_order)
{
    tsm_video_options options = options_of(TSM_SAMPLING_TWICE, 3, 10), five = options_of(TSM_SAMPLING_TWICE, 3, 5);
    tsm_video_options uniform = options_of(TSM_SAMPLING_UNIFORM, 3, 5);
    tsm_clips *ten = load(SHORT_GOPS, &options), *plain = load(SHORT_GOPS, &five),
              *first = load(SHORT_GOPS, &uniform);
    size_t row = 56 * 3, bytes = row * 56;

    ck_assert_int_eq(tsm_clips_tensor(ten).dims[0], 20);
    for (int view = 0; view < 5; view++) {
        for (int segment = 0; segment < 3; segment++) {
            ck_assert_mem_eq(frame_at(plain, view, 0, segment), frame_at(first, view, 0, segment), bytes);
            for (int sample = 0; sample < 2; sample++) {
                const uint8_t *upright = frame_at(plain, view, sample, segment);
                const uint8_t *mirrored = frame_at(ten, 2 * view + 1, sample, segment);
                ck_assert_mem_eq(frame_at(ten, 2 * view, sample, segment), upright, bytes);
                for (size_t i = 0; i < bytes; i += 3)
                    ck_assert_mem_eq(mirrored + i, upright + i / row * row + (row - 3 - i % row), 3);
            }
        }
    }
    ck_assert_mem_ne(frame_at(ten, 0, 0, 0), frame_at(ten, 0, 1, 0), bytes);
    tsm_clips_destroy(&ten);
    tsm_clips_destroy(&plain);
    tsm_clips_destroy(&first);
}
END_TEST

/* A crop is the part of the scaled frame that tsm_view_get says. */
START_TEST(test_crops)
{
    tsm_video_options options = options_of(TSM_SAMPLING_UNIFORM, 1, 3), whole = options;
    tsm_clips *clips, *full;
    tsm_error error;

    for (int mode = TSM_MODE_MIT; mode <= TSM_MODE_MMACTION2; mode++) {
        int width, height;
        options.mode = whole.mode = mode;
        options.views = mode == TSM_MODE_MIT ? 3 : 1;
        whole.views = 3;
        whole.full_res = 1;
        clips = load(SHORT_GOPS, &options);
        full = load(SHORT_GOPS, &whole);
        tsm_scaled_size(mode, 96, 64, 64, &width, &height);
        for (int v = 0; v < options.views; v++) {
            tsm_view view, place;
            assert_ok(tsm_view_get(mode, options.views, v, width, height, 56, &view, &error), &error);
            assert_ok(tsm_view_get(mode, 3, 2, width, height, 64, &place, &error), &error);
            for (int y = 0; y < 56; y++) {
                int x = view.x > place.x ? view.x : place.x, end = view.x < place.x ? view.x + 56 : place.x + 64;
                if (end > view.x + 56) end = view.x + 56;
                ck_assert_mem_eq(frame_at(clips, v, 0, 0) + 3 * (y * 56 + x - view.x),
                                 frame_at(full, 2, 0, 0) + 3 * ((y + view.y - place.y) * 64 + x - place.x),
                                 3 * (size_t)(end - x));
            }
        }
        tsm_clips_destroy(&clips);
        tsm_clips_destroy(&full);
    }
}
END_TEST

START_TEST(test_normalize)
{
    static const float mean[3] = { 0.485f, 0.456f, 0.406f }, std[3] = { 0.229f, 0.224f, 0.225f };
    float bad[3] = { 0.2f, 0, 0.2f }, *values = poisoned_array((size_t)2 * 3 * 56 * 56 + 1), guard;
    tsm_video_options options = options_of(TSM_SAMPLING_UNIFORM, 2, 1);
    tsm_clips *clips = load(SHORT_GOPS, &options);
    tsm_error error;

    memcpy(&guard, &values[2 * 3 * 56 * 56], sizeof guard);
    assert_ok(tsm_clips_normalize(clips, mean, std, values, &error), &error);
    for (int t = 0; t < 2; t++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 56 * 56; i++) {
                volatile float value = (float)frame_at(clips, 0, 0, t)[3 * i + c] / 255.0f; /* each step rounded */
                value = value - mean[c];
                value = value / std[c];
                ck_assert(values[(t * 3 + c) * 56 * 56 + i] == value);
            }
    ck_assert_mem_eq(&guard, &values[2 * 3 * 56 * 56], sizeof guard);
    assert_error(tsm_clips_normalize(clips, mean, bad, values, &error), &error, TSM_ERROR_ARGUMENT, "channel 1");
    bad[1] = NAN;
    assert_error(tsm_clips_normalize(clips, bad, std, values, &error), &error, TSM_ERROR_ARGUMENT, "channel 1");
    assert_error(tsm_clips_normalize(NULL, mean, std, values, &error), &error, TSM_ERROR_ARGUMENT, "clips");
    free(values);
    tsm_clips_destroy(&clips);
}
END_TEST

/* ---- Refusals ----------------------------------------------------------------------------------------------- */

static void refuse(const char *path, const tsm_video_options *options, tsm_status code, const char *names)
{
    tsm_clips *clips = (tsm_clips *)1;
    tsm_error error = { 0 };

    assert_error(tsm_video_load(&clips, path, options, &error), &error, code, names);
    ck_assert_ptr_null(clips);
    if (code != TSM_ERROR_ARGUMENT) ck_assert_msg(strstr(error.text, path) == error.text, "%s", error.text);
}

START_TEST(test_bad_files)
{
    refuse(VIDEO_DATA "no_such_file.mp4", NULL, TSM_ERROR_IO, "No such file");
    refuse(VIDEO_DATA "empty.mp4", NULL, TSM_ERROR_FORMAT, "empty");
    refuse(VIDEO_DATA "text.mp4", NULL, TSM_ERROR_FORMAT, "not a video");
    refuse(VIDEO_DATA "index_missing.mp4", NULL, TSM_ERROR_FORMAT, "not a video");
    refuse(VIDEO_DATA "audio_only.m4a", NULL, TSM_ERROR_FORMAT, "no video stream");
    refuse(VIDEO_DATA "audio_with_cover.m4a", NULL, TSM_ERROR_FORMAT, "cover picture");
    refuse(VIDEO_DATA "playlist.m3u8", NULL, TSM_ERROR_FORMAT, "playlist");
    refuse(VIDEO_DATA "concat.txt", NULL, TSM_ERROR_FORMAT, "playlist");
    refuse("/dev/null", NULL, TSM_ERROR_UNSUPPORTED, "regular file");
    refuse("http://localhost/clip.mp4", NULL, TSM_ERROR_IO, "No such file");
}
END_TEST

START_TEST(test_bad_options)
{
    tsm_video_options o = options_of(TSM_SAMPLING_UNIFORM, 8, 1);
    tsm_error error;

    refuse(NULL, NULL, TSM_ERROR_ARGUMENT, "path");
    assert_error(tsm_video_load(NULL, SHORT_GOPS, NULL, &error), &error, TSM_ERROR_ARGUMENT, "clips");
    o.views = 4;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "4 views");
    o = options_of(TSM_SAMPLING_UNIFORM, -1, 1);
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "segments");
    o = options_of(7, 8, 1);
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "sampling 7");
    o = options_of(TSM_SAMPLING_UNIFORM, 8, 1);
    o.mode = 3;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "mode 3");
    o = options_of(TSM_SAMPLING_UNIFORM, 8, 1);
    o.scale_size = 40;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "scale size 40");
    o.scale_size = 0;
    o.input_size = 1 << 20;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "input size 1048576: 1 to 4096");
    o = options_of(TSM_SAMPLING_UNIFORM, 8, 1);
    o.threads = -2;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "threads");
    o.threads = TSM_MAX_THREADS + 1;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "1 to 1024");
    o = options_of(TSM_SAMPLING_UNIFORM, 8, 1);
    o.struct_size = 1;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "struct_size");
    o = options_of(TSM_SAMPLING_UNIFORM, 8, 3);
    o.mode = TSM_MODE_MMACTION2;
    refuse(SHORT_GOPS, &o, TSM_ERROR_ARGUMENT, "full resolution");
}
END_TEST

START_TEST(test_info_refusals)
{
    tsm_clips_info info = { 0 };
    tsm_clips *clips = load(SHORT_GOPS, NULL);

    ck_assert_int_eq(tsm_clips_get_info(clips, &info), TSM_ERROR_ARGUMENT);
    ck_assert_int_eq(tsm_clips_get_info(clips, NULL), TSM_ERROR_ARGUMENT);
    info.struct_size = sizeof info;
    ck_assert_int_eq(tsm_clips_get_info(NULL, &info), TSM_ERROR_ARGUMENT);
    ck_assert_ptr_null(tsm_clips_tensor(NULL).data);
    tsm_clips_destroy(&clips);
}
END_TEST

/* ---- Hostile conditions ------------------------------------------------------------------------------------- */

/* With each of our allocations failing in turn there is an error and nothing is lost (a leak checker sees that). */
START_TEST(test_allocation_failures)
{
    static const char *const paths[] = { SHORT_GOPS, VIDEO_DATA "mpeg4_b_frames.mp4", VIDEO_DATA "turned_90.mp4" };
    tsm_video_options options = options_of(TSM_SAMPLING_UNIFORM, 3, 1);

    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
        for (uint64_t n = 1;; n++) {
            tsm_clips *clips;
            tsm_error error = { 0 };
            tsm_status status;
            tsm_alloc_fail_at(n);
            status = tsm_video_load(&clips, paths[p], &options, &error);
            tsm_alloc_fail_at(0);
            tsm_clips_destroy(&clips);
            if (status == TSM_OK) {
                ck_assert_uint_gt(n, 8);
                break;
            }
            assert_error(status, &error, TSM_ERROR_MEMORY, "out of memory");
        }
    }
}
END_TEST

/* Wrong bytes all over a file: clips, or a line of text; never anything else. */
START_TEST(test_wrong_bytes)
{
    static const char *const names[] = { "h264_edit_list.mp4", "mpeg1_program_stream.mpg", "vp9_odd_size.webm",
                                         "mjpeg_odd_size.avi", "hevc_temporal_layers.mp4", "h264_no_times.h264" };
    tsm_video_options options = options_of(TSM_SAMPLING_UNIFORM, 4, 1);
    char path[600], copy[] = "/tmp/tsm_wrong_XXXXXX";
    int file = mkstemp(copy);
    size_t bytes;
    uint8_t *data;

    ck_assert_int_ge(file, 0);
    close(file);
    snprintf(path, sizeof path, VIDEO_DATA "%s", names[_i]);
    data = read_file(path, &bytes);
    for (uint32_t round = 0; round < 40; round++) {
        uint8_t *wrong = malloc(bytes);
        tsm_clips *clips;
        tsm_error error = { 0 };
        tsm_status status;
        memcpy(wrong, data, bytes);
        /* Half of the rounds damage the head or the tail, where the index of a container is. */
        for (uint32_t i = 0; i < 1 + round % 8; i++) {
            double place = (hashed_value(i, round) + 1) / 2;
            size_t at = (size_t)(place * (double)(round % 2 ? bytes : bytes / 20));
            if (round % 4 == 2) at = bytes - 1 - at;
            wrong[at < bytes ? at : 0] = (uint8_t)(hashed_value(i, round + 1000) * 128);
        }
        write_file(copy, wrong, bytes);
        status = tsm_video_load(&clips, copy, &options, &error);
        if (status != TSM_OK) assert_error(status, &error, error.code, copy);
        tsm_clips_destroy(&clips);
        free(wrong);
    }
    free(data);
    unlink(copy);
}
END_TEST

static void *load_in_thread(void *path)
{
    tsm_video_options options = options_of(TSM_SAMPLING_TWICE, 4, 1);
    uint32_t crc = 0;

    for (int i = 0; i < 5; i++) {
        tsm_clips *clips = NULL;
        tsm_tensor tensor;
        if (tsm_video_load(&clips, path, &options, NULL) != TSM_OK) return NULL;
        tensor = tsm_clips_tensor(clips);
        crc = crc32_of(tensor.data, (size_t)tensor.dims[0] * 4 * 56 * 56 * 3);
        tsm_clips_destroy(&clips);
    }
    return (void *)(uintptr_t)crc;
}

/* As many as the process may run on, whatever is asked for. */
START_TEST(test_decoder_threads)
{
    cpu_set_t all, one;

    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
    ck_assert_int_eq(tsm_decoder_threads(1), 1);
    ck_assert_int_le(tsm_decoder_threads(TSM_MAX_THREADS), tsm_cpu_count());
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(tsm_decoder_threads(4), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
}
END_TEST

START_TEST(test_threads)
{
    char path[] = SHORT_GOPS;
    pthread_t threads[4];
    void *alone = load_in_thread(path), *together;

    ck_assert_ptr_nonnull(alone);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, load_in_thread, path), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &together);
        ck_assert_ptr_eq(together, alone);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_load");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_defaults);
    tcase_add_test(tests, test_order);
    tcase_add_test(tests, test_crops);
    tcase_add_test(tests, test_normalize);
    tcase_add_test(tests, test_bad_files);
    tcase_add_test(tests, test_bad_options);
    tcase_add_test(tests, test_info_refusals);
    tcase_add_test(tests, test_allocation_failures);
    tcase_add_loop_test(tests, test_wrong_bytes, 0, 6);
    tcase_add_test(tests, test_decoder_threads);
    tcase_add_test(tests, test_threads);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
