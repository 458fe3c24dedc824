/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_unscaled.c - the pipeline where the device is a GPU, on the simulated one: frames in page-locked memory,
 * scaled there, must give the logits of frames that the host scaled, to the bit.
 */
#include "net_support.h"

#include <tsm/pipeline.h>

#define VIDEO(name) TSM_SOURCE_DIR "/tests/data/video/" name
#define CLASSES     7

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

typedef struct repeat {
    const char *path;
    int left;
} repeat;

static int next_again(void *user, tsm_source *source)
{
    repeat *r = user;

    source->path = r->path;
    return r->left-- > 0;
}

static tsm_engine *cuda_engine(void)
{
    tsm_model *model = NULL;
    tsm_engine *engine = NULL;
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_error error;

    set_mode("on", "off");
    options.device = "cuda";
    assert_ok(tsm_model_load(&model, GOLDEN("r18"), NULL, &error), &error);
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    tsm_model_destroy(&model);
    return engine;
}

static tsm_pipeline *pipeline_of(const tsm_engine *engine, const tsm_video_options *video, repeat *sources,
                                 int on_device)
{
    tsm_pipeline_options options = TSM_PIPELINE_OPTIONS_INIT;
    tsm_pipeline *pipeline = NULL;
    tsm_error error;

    options.video = video;
    options.workers = 1;
    options.batch = 1;
    options.queue = 2;
    options.resize_on_device = on_device;
    options.next = next_again;
    options.next_user = sources;
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    return pipeline;
}

static const tsm_result *result_of(tsm_pipeline *pipeline)
{
    const tsm_result *result;
    tsm_error error;

    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    ck_assert_ptr_nonnull(result);
    assert_ok(result->status, &result->error);
    return result;
}

static tsm_video_options options_of(int index)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;

    options.sampling = cases[index].sampling;
    options.full_res = cases[index].full_res;
    options.input_size = cases[index].input_size;
    return options;
}

static size_t outputs_of(int index, int on_device, float *logits)
{
    tsm_video_options video = options_of(index);
    repeat sources = { cases[index].path, 1 };
    tsm_engine *engine = cuda_engine();
    tsm_pipeline *pipeline = pipeline_of(engine, &video, &sources, on_device);
    const tsm_result *result = result_of(pipeline);
    const tsm_tensor pixels = tsm_clips_tensor(result->clips);
    const size_t count = (size_t)(result->count * result->values);

    ck_assert_int_eq(pixels.memory, on_device ? TSM_MEMORY_PINNED : TSM_MEMORY_HOST);
    ck_assert_int_eq(result->values, CLASSES);
    if (on_device) {
        struct cudaPointerAttributes at;

        DEVICE_OK(cudaPointerGetAttributes(&at, pixels.data));
        ck_assert_int_eq(at.type, cudaMemoryTypeHost);
        ck_assert_int_eq(pixels.dims[3], result->info.width);
    }
    memcpy(logits, result->outputs, count * sizeof *logits);
    tsm_pipeline_destroy(&pipeline);
    tsm_engine_destroy(&engine);
    return count;
}

START_TEST(equals_the_host)
{
    float want[10 * CLASSES], got[10 * CLASSES];
    size_t count;

    begin_case((unsigned)_i);
    count = outputs_of(_i, 0, want);
    ck_assert_uint_eq(outputs_of(_i, 1, got), count);
    assert_bytes(got, want, count * sizeof *got, cases[_i].path);
    assert_nothing_left();
}
END_TEST

/* Videos one after the other share the blocks of page-locked memory. */
START_TEST(memory_is_used_again)
{
    tsm_video_options video = options_of(0);
    repeat sources = { cases[0].path, 12 };
    tsm_engine *engine;
    tsm_pipeline *pipeline;
    int64_t before;

    begin_case(100);
    engine = cuda_engine();
    pipeline = pipeline_of(engine, &video, &sources, 1);
    for (int i = 0; i < 4; i++) result_of(pipeline);
    before = (int64_t)tsm_sim_count().allocations;
    ck_assert_int_gt(before, 0);
    for (int i = 0; i < 8; i++) result_of(pipeline);
    ck_assert_int_eq((int64_t)tsm_sim_count().allocations, before);
    tsm_pipeline_destroy(&pipeline);
    tsm_engine_destroy(&engine);
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
