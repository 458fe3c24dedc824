/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_unscaled.c - what classify does where the device is a GPU, on the simulated one: frames in page-locked
 * memory, scaled there, must give the logits of frames that the host scaled, to the bit.
 */
#include "net_support.h"

#include "cli/runner.h"

#define VIDEO(name) TSM_SOURCE_DIR "/tests/data/video/" name

static const struct {
    const char *path;
    tsm_sampling sampling;
    int full_res, input_size;
} cases[] = {
    { VIDEO("h264_b_frames.mp4"), TSM_SAMPLING_UNIFORM, 0, 32 },
    { VIDEO("turned_90.mp4"), TSM_SAMPLING_UNIFORM, 0, 32 },
    { VIDEO("vp9_odd_size.webm"), TSM_SAMPLING_TWICE, 0, 48 },
    { VIDEO("turned_270.mp4"), TSM_SAMPLING_UNIFORM, 1, 32 },
    { VIDEO("animated.gif"), TSM_SAMPLING_DENSE, 0, 64 },
};

static void open_runner(runner *r)
{
    const settings s = { .model = (char *)GOLDEN("r18"), .device = "cuda" };
    tsm_error error;

    set_mode("on", "off");
    assert_ok(runner_open(r, &s, 0, &error), &error);
    ck_assert(r->scales);
}

static tsm_clips *load(runner *r, const tsm_video_options *options, int raw, const char *path)
{
    tsm_video_options own = *options;
    tsm_clips *clips = NULL;
    tsm_error error;

    own.raw = raw;
    own.allocator = raw ? &r->allocator : NULL;
    assert_ok(tsm_video_load(&clips, path, &own, &error), &error);
    return clips;
}

/* The logits of all clips, and how many values they are. */
static size_t run(runner *r, const tsm_clips *clips, const tsm_resize *resize, float logits[70])
{
    tsm_tensor frames = tsm_clips_tensor(clips);
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_error error;
    int batch = runner_batch(frames.dims[0]);

    assert_ok(tsm_clips_get_info(clips, &info), &error);
    assert_ok(runner_plan(r, batch, info.crop, info.crop, resize, &error), &error);
    for (int64_t first = 0; first < frames.dims[0]; first += batch)
        assert_ok(runner_run(r, &frames, first, logits + first * r->info.classes, &error), &error);
    return (size_t)(frames.dims[0] * r->info.classes);
}

START_TEST(equals_the_host)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_resize resize = TSM_RESIZE_INIT;
    struct cudaPointerAttributes at;
    float want[70], got[70];
    tsm_clips *clips;
    runner r;
    size_t count;
    tsm_error error;

    begin_case((unsigned)_i);
    open_runner(&r);
    options.sampling = cases[_i].sampling;
    options.full_res = cases[_i].full_res;
    options.input_size = cases[_i].input_size;
    clips = load(&r, &options, 0, cases[_i].path);
    count = run(&r, clips, NULL, want);
    tsm_clips_destroy(&clips);
    ck_assert_ptr_null(r.frames);

    clips = load(&r, &options, 1, cases[_i].path);
    ck_assert_int_eq(tsm_clips_tensor(clips).memory, TSM_MEMORY_PINNED);
    DEVICE_OK(cudaPointerGetAttributes(&at, tsm_clips_tensor(clips).data));
    ck_assert_int_eq(at.type, cudaMemoryTypeHost);
    assert_ok(tsm_clips_get_resize(clips, 0, &resize, &error), &error);
    ck_assert_int_eq(resize.width, tsm_clips_tensor(clips).dims[3]);
    ck_assert_uint_eq(run(&r, clips, &resize, got), count);
    assert_bytes(got, want, count * sizeof *got, cases[_i].path);
    tsm_clips_destroy(&clips);
    runner_close(&r);
    assert_nothing_left();
}
END_TEST

/* Videos one after the other share one block of page-locked memory; too large a video gets none. */
START_TEST(memory_is_used_again)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_sim_counters before;
    tsm_clips *clips;
    runner r;

    begin_case(100);
    open_runner(&r);
    options.input_size = 32;
    clips = load(&r, &options, 1, VIDEO("h264_b_frames.mp4"));
    tsm_clips_destroy(&clips);
    before = tsm_sim_count();
    ck_assert_uint_gt(before.allocations, 0);
    for (int i = 0; i < 3; i++) {
        clips = load(&r, &options, 1, VIDEO("h264_b_frames.mp4"));
        ck_assert_ptr_eq(tsm_clips_tensor(clips).data, r.frames);
        tsm_clips_destroy(&clips);
    }
    ck_assert_uint_eq(tsm_sim_count().allocations, before.allocations);
    ck_assert_ptr_null(r.allocator.allocate(r.allocator.user, (size_t)RUNNER_MAX_FRAMES + 1));
    runner_close(&r);
    assert_nothing_left();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unscaled frames on the plugin");
    TCase *tests = tcase_create("unscaled");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, equals_the_host, 0, COUNT_OF(cases));
    tcase_add_test(tests, memory_is_used_again);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
