/* SPDX-License-Identifier: Apache-2.0 */
/* Frames one by one: from files, pipes and raw bytes; and to a file again. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <tsm/feed.h>
#include <tsm/record.h>
#include <unistd.h>

#include "video_support.h"

static const char *const files[] = { VIDEO_DATA "h264_b_frames.mp4",  VIDEO_DATA "mpeg2_transport_stream.ts",
                                     VIDEO_DATA "vp9_odd_size.webm",  VIDEO_DATA "turned_90.mp4",
                                     VIDEO_DATA "h264_no_times.h264", VIDEO_DATA "h264_variable_rate.mp4",
                                     VIDEO_DATA "mpeg4_b_frames.avi" };
#define FILES (int)(sizeof files / sizeof *files)

/* What a feed gives: how many frames, and sums that depend on every pixel and on the order. */
typedef struct seen {
    int frames;
    uint32_t crc;
    double last_s;
    int width, height;
} seen;

static seen see_all(tsm_feed *feed)
{
    tsm_feed_frame frame = { .struct_size = sizeof frame };
    seen s = { 0 };
    tsm_error error;

    for (;;) {
        assert_ok(tsm_feed_next(feed, 1, &frame, &error), &error);
        if (!frame.number) return s;
        ck_assert_uint_eq(frame.number, (uint64_t)++s.frames);
        ck_assert_msg(s.frames == 1 ? frame.time_s == 0 : frame.time_s > s.last_s, "frame %d is at %g s", s.frames,
                      frame.time_s);
        s.last_s = frame.time_s;
        s.width = frame.width;
        s.height = frame.height;
        s.crc = s.crc * 31 + crc32_of(frame.rgb, (size_t)frame.width * (size_t)frame.height * 3);
    }
}

static seen see_file(const char *path)
{
    tsm_feed *feed = NULL;
    tsm_error error;
    seen s;

    assert_ok(tsm_feed_open(&feed, path, NULL, &error), &error);
    ck_assert_int_eq(tsm_feed_is_live(feed), 0);
    s = see_all(feed);
    tsm_feed_close(&feed);
    return s;
}

/* As many frames, of the same pixels, as the loader of clips finds. */
START_TEST(files_have_the_frames_that_clips_have)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    const seen s = see_file(files[_i]);
    uint32_t crc = 0;
    tsm_clips *clips;
    tsm_tensor frames;
    tsm_error error;

    options.segments = s.frames;
    options.raw = 1;
    assert_ok(tsm_video_load(&clips, files[_i], &options, &error), &error);
    ck_assert_int_eq(tsm_clips_get_info(clips, &info), TSM_OK);
    ck_assert_int_eq(info.frames, s.frames);
    ck_assert_int_eq(info.width, s.width);
    ck_assert_int_eq(info.height, s.height);
    frames = tsm_clips_tensor(clips);
    for (int t = 0; t < s.frames; t++) {
        const size_t bytes = (size_t)s.width * (size_t)s.height * 3;

        crc = crc * 31 + crc32_of((const uint8_t *)frames.data + (size_t)t * bytes, bytes);
    }
    ck_assert_uint_eq(crc, s.crc);
    tsm_clips_destroy(&clips);
}
END_TEST

/* Writes a file into a pipe. */
typedef struct writer {
    const char *path;
    int to;
    size_t most;
} writer;

static void *write_all(void *user)
{
    const writer *w = user;
    size_t bytes;
    uint8_t *data = read_file(w->path, &bytes);

    if (w->most && w->most < bytes) bytes = w->most;
    for (size_t at = 0; at < bytes;) {
        const size_t piece = bytes - at < 1000 ? bytes - at : 1000;
        const ssize_t wrote = write(w->to, data + at, piece);

        if (wrote <= 0) break;
        at += (size_t)wrote;
    }
    free(data);
    close(w->to);
    return NULL;
}

START_TEST(pipes_have_the_same_frames)
{
    const seen want = see_file(files[1]);
    tsm_feed *feed = NULL;
    pthread_t thread;
    int ends[2];
    writer w;
    tsm_error error;
    seen got;

    ck_assert_int_eq(pipe(ends), 0);
    w = (writer){ files[1], ends[1], 0 };
    ck_assert_int_eq(pthread_create(&thread, NULL, write_all, &w), 0);
    assert_ok(tsm_feed_open_descriptor(&feed, ends[0], "pipe", NULL, &error), &error);
    got = see_all(feed);
    tsm_feed_close(&feed);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(close(ends[0]), 0); /* it is still ours */
    ck_assert_int_eq(got.frames, want.frames);
    ck_assert_uint_eq(got.crc, want.crc);
}
END_TEST

START_TEST(raw_frames)
{
    enum { WIDTH = 6, HEIGHT = 4, BYTES = WIDTH * HEIGHT * 3 };
    tsm_feed_options options = TSM_FEED_OPTIONS_INIT;
    tsm_feed_frame frame = { .struct_size = sizeof frame };
    uint8_t pixels[BYTES * 3 - 1];
    tsm_feed *feed = NULL;
    tsm_error error;
    int ends[2];

    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], pixels, sizeof pixels), sizeof pixels);
    close(ends[1]);
    options.raw_width = WIDTH;
    options.raw_height = HEIGHT;
    options.raw_rate = 8;
    assert_ok(tsm_feed_open_descriptor(&feed, ends[0], "raw", &options, &error), &error);
    for (int t = 0; t < 2; t++) {
        assert_ok(tsm_feed_next(feed, 1, &frame, &error), &error);
        ck_assert_uint_eq(frame.number, (uint64_t)t + 1);
        ck_assert_msg(frame.time_s == t / 8.0, "at %g s", frame.time_s);
        ck_assert_mem_eq(frame.rgb, pixels + t * BYTES, BYTES);
    }
    assert_ok(tsm_feed_next(feed, 1, &frame, &error), &error); /* the third is cut: it is none */
    ck_assert_uint_eq(frame.number, 0);
    tsm_feed_close(&feed);
    close(ends[0]);
}
END_TEST

static int stop_at_once(void *user)
{
    (void)user;
    return 1;
}

/* A pipe in which nothing comes is no reason to wait for ever. */
START_TEST(waiting_can_be_cancelled)
{
    tsm_feed_options options = TSM_FEED_OPTIONS_INIT;
    tsm_feed_frame frame = { .struct_size = sizeof frame };
    tsm_feed *feed = NULL;
    tsm_error error;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    options.cancel = stop_at_once;
    assert_error(tsm_feed_open_descriptor(&feed, ends[0], "pipe", &options, &error), &error, TSM_ERROR_CANCELLED,
                 "pipe");
    options.raw_width = options.raw_height = 4;
    assert_ok(tsm_feed_open_descriptor(&feed, ends[0], "pipe", &options, &error), &error);
    assert_error(tsm_feed_next(feed, 1, &frame, &error), &error, TSM_ERROR_CANCELLED, "pipe");
    tsm_feed_close(&feed);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(refuses)
{
    static const struct {
        const char *source;
        tsm_status status;
        const char *word;
    } cases[] = {
        { VIDEO_DATA "absent.mp4", TSM_ERROR_IO, "absent.mp4" },
        { VIDEO_DATA "text.mp4", TSM_ERROR_FORMAT, "text.mp4" },
        { VIDEO_DATA "empty.mp4", TSM_ERROR_FORMAT, "empty" },
        { VIDEO_DATA "playlist.m3u8", TSM_ERROR_FORMAT, "playlist" },
        { VIDEO_DATA "concat.txt", TSM_ERROR_FORMAT, "concat.txt" },
        { VIDEO_DATA "audio_only.m4a", TSM_ERROR_FORMAT, "no video stream" },
        { "http://127.0.0.1:1/x.ts", TSM_ERROR_UNSUPPORTED, "allow_network" },
        { "rtsp://127.0.0.1:1/x", TSM_ERROR_UNSUPPORTED, "allow_network" },
        { "https://me:secret@127.0.0.1:1/a@b", TSM_ERROR_UNSUPPORTED, "https://127.0.0.1:1/a@b: " },
        { "file:" VIDEO_DATA "h264_b_frames.mp4", TSM_ERROR_IO, "No such file" },
        { "concat:" VIDEO_DATA "h264_b_frames.mp4", TSM_ERROR_IO, "No such file" },
        { "tcp://127.0.0.1:1", TSM_ERROR_IO, "No such file" },
        { "pipe:0", TSM_ERROR_IO, "No such file" },
    };
    tsm_feed_options options = TSM_FEED_OPTIONS_INIT;
    tsm_feed *feed = NULL;
    tsm_error error;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_error(tsm_feed_open(&feed, cases[i].source, NULL, &error), &error, cases[i].status, cases[i].word);
    options.max_pixels = 100;
    assert_error(tsm_feed_open(&feed, files[0], &options, &error), &error, TSM_ERROR_UNSUPPORTED, "pixels");
    options = (tsm_feed_options)TSM_FEED_OPTIONS_INIT;
    options.raw_width = 4;
    assert_error(tsm_feed_open(&feed, files[0], &options, &error), &error, TSM_ERROR_FORMAT, "no pixels");
    options = (tsm_feed_options)TSM_FEED_OPTIONS_INIT;
    options.threads = -1;
    assert_error(tsm_feed_open(&feed, files[0], &options, &error), &error, TSM_ERROR_ARGUMENT, "threads");
    assert_error(tsm_feed_open(&feed, NULL, NULL, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    assert_error(tsm_feed_open_descriptor(&feed, -1, "x", NULL, &error), &error, TSM_ERROR_ARGUMENT, "descriptor");
    ck_assert_ptr_null(feed);
    tsm_feed_close(&feed);
    tsm_feed_close(NULL);
}
END_TEST

/* What is recorded is there again: as many frames, at their times, about as bright; an odd row is left out. */
START_TEST(recorded_frames_come_back)
{
    enum { WIDTH = 50, HEIGHT = 41, COUNT = 7 };
    static const double times[COUNT] = { 0, .1, .2, .2, .5, .6, 2 };
    char path[64];
    uint8_t *rgb = malloc((size_t)WIDTH * HEIGHT * 3);
    tsm_recorder *recorder = NULL;
    tsm_error error;
    int descriptor;
    seen s;

    snprintf(path, sizeof path, "/tmp/tsm-record-%ld.mp4", (long)getpid());
    descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(descriptor, 0);
    assert_ok(tsm_recorder_open(&recorder, descriptor, path, WIDTH, HEIGHT, &error), &error);
    for (int t = 0; t < COUNT; t++) {
        memset(rgb, 30 * t, (size_t)WIDTH * HEIGHT * 3);
        assert_ok(tsm_recorder_put(recorder, rgb, times[t], &error), &error);
    }
    assert_error(tsm_recorder_put(recorder, rgb, NAN, &error), &error, TSM_ERROR_ARGUMENT, path);
    assert_ok(tsm_recorder_finish(recorder, &error), &error);
    tsm_recorder_close(&recorder);
    close(descriptor);
    s = see_file(path);
    ck_assert_int_eq(s.frames, COUNT);
    ck_assert_int_eq(s.width, WIDTH);
    ck_assert_int_eq(s.height, HEIGHT - 1);
    ck_assert_msg(fabs(s.last_s - 2) < 1e-3, "the last is at %g s", s.last_s);
    unlink(path);
    free(rgb);
}
END_TEST

START_TEST(a_full_disk_is_said)
{
    uint8_t rgb[64 * 64 * 3];
    tsm_recorder *recorder = NULL;
    tsm_status status;
    tsm_error error;
    const int full = open("/dev/full", O_WRONLY);

    if (full < 0) return;
    memset(rgb, 9, sizeof rgb);
    status = tsm_recorder_open(&recorder, full, "/dev/full", 64, 64, &error);
    for (int t = 0; t < 400 && status == TSM_OK; t++) {
        for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * (size_t)(t + 3) * 2654435761u >> 11);
        status = tsm_recorder_put(recorder, rgb, t * .04, &error);
    }
    if (status == TSM_OK) status = tsm_recorder_finish(recorder, &error);
    assert_error(status, &error, TSM_ERROR_IO, "/dev/full");
    tsm_recorder_close(&recorder);
    close(full);
    assert_error(tsm_recorder_open(&recorder, -1, "x", 64, 64, &error), &error, TSM_ERROR_ARGUMENT, "descriptor");
    assert_error(tsm_recorder_open(&recorder, 1, "x", 1, 64, &error), &error, TSM_ERROR_ARGUMENT, "pixels");
    assert_error(tsm_recorder_put(NULL, rgb, 0, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_feed");
    TCase *tests = tcase_create("all");

    signal(SIGPIPE, SIG_IGN);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, files_have_the_frames_that_clips_have, 0, FILES);
    tcase_add_test(tests, pipes_have_the_same_frames);
    tcase_add_test(tests, raw_frames);
    tcase_add_test(tests, waiting_can_be_cancelled);
    tcase_add_test(tests, refuses);
    tcase_add_test(tests, recorded_frames_come_back);
    tcase_add_test(tests, a_full_disk_is_said);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
