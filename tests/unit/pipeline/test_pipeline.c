/* SPDX-License-Identifier: Apache-2.0 */
/* Many videos through one network: order, bits, failures at their place, cancelling, lack of memory. */
#include <fcntl.h>
#include <pthread.h>
#include <tsm/pipeline.h>
#include <unistd.h>

#include "core/status.h"
#include "engines.h"
#include "video_support.h"

#define SHORT_GOPS VIDEO_DATA "h264_short_gops.mp4"
#define B_FRAMES   VIDEO_DATA "h264_b_frames.mp4"
#define OPEN_GOPS  VIDEO_DATA "h264_open_gops.mkv"
#define ABSENT     VIDEO_DATA "absent.mp4"
#define NO_VIDEO   VIDEO_DATA "audio_only.m4a"

static const char *const mixed[] = { SHORT_GOPS, ABSENT,    B_FRAMES, NO_VIDEO, NO_VIDEO,
                                     ABSENT,     OPEN_GOPS, B_FRAMES, ABSENT,   SHORT_GOPS };
enum { MIXED = sizeof mixed / sizeof *mixed, MOST_CLIPS = 12, CLASSES = 7 };

typedef struct list {
    const char *const *paths;
    int count, given, most_ahead;
    int taken;
} list;

static int next_path(void *user, tsm_source *source)
{
    list *l = user;

    if (l->given - l->taken > l->most_ahead) l->most_ahead = l->given - l->taken;
    if (l->given == l->count) return 0;
    source->path = l->paths[l->given % MIXED];
    source->user = (void *)(uintptr_t)l->given++;
    return 1;
}

static tsm_video_options small_video(tsm_sampling sampling, int views)
{
    tsm_video_options video = TSM_VIDEO_OPTIONS_INIT;

    video.sampling = sampling;
    video.views = views;
    video.input_size = 32;
    return video;
}

static tsm_pipeline_options pipeline_of(list *l, const tsm_video_options *video)
{
    tsm_pipeline_options options = TSM_PIPELINE_OPTIONS_INIT;

    options.video = video;
    options.next = next_path;
    options.next_user = l;
    return options;
}

static tsm_engine *one_thread_engine(const char *path, int features)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model *model = load_model(path);
    tsm_engine *engine = NULL;
    tsm_error error;

    options.device = "cpu";
    options.threads = 1;
    options.features = features;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    tsm_model_destroy(&model);
    return engine;
}

/* What a video gives without a pipeline. */
static int plain_outputs(const tsm_engine *engine, const char *path, const tsm_video_options *video, float *logits)
{
    tsm_video_options options = *video;
    tsm_clips *clips = NULL;
    tsm_context *context = NULL;
    tsm_tensor frames, clip, output;
    tsm_error error;
    int count;

    options.segments = 8;
    assert_ok(tsm_video_load(&clips, path, &options, &error), &error);
    frames = tsm_clips_tensor(clips);
    count = (int)frames.dims[0];
    context = make_context(engine, &(tsm_shape){ 1, 8, (int)frames.dims[2], (int)frames.dims[3] });
    for (int i = 0; i < count; i++) {
        assert_ok(tsm_tensor_slice(&frames, i, 1, &clip, &error), &error);
        output = logits_tensor(logits + i * CLASSES, 1, CLASSES);
        assert_ok(tsm_run(context, &clip, &output, &error), &error);
    }
    tsm_context_destroy(&context);
    tsm_clips_destroy(&clips);
    return count;
}

/* Runs the mixed list, `rounds` times over; outputs of all items into `all`, whose count is returned. */
static int run_mixed(const tsm_engine *engine, tsm_pipeline_options options, int rounds, float *all)
{
    list *l = options.next_user;
    tsm_pipeline *pipeline = NULL;
    const tsm_result *result;
    tsm_error error;
    int used = 0;

    *l = (list){ .paths = mixed, .count = MIXED * rounds };
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    for (int i = 0; i <= MIXED * rounds; i++) {
        assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
        ck_assert_int_eq(result != NULL, i < MIXED * rounds);
        if (!result) break;
        l->taken++;
        ck_assert_int_eq(result->index, i);
        ck_assert_uint_eq((uintptr_t)result->user, (unsigned)i);
        ck_assert_str_eq(result->path, mixed[i % MIXED]);
        if (result->path == NULL || strcmp(result->path, ABSENT) == 0 || strcmp(result->path, NO_VIDEO) == 0) {
            assert_error(result->status, &result->error,
                         strcmp(result->path, ABSENT) == 0 ? TSM_ERROR_IO : TSM_ERROR_FORMAT, result->path);
            continue;
        }
        ck_assert_msg(result->status == TSM_OK, "%s: %s", result->path, result->error.text);
        ck_assert_int_eq(result->values, CLASSES);
        ck_assert_int_gt(result->info.frames, 0);
        memcpy(all + used, result->outputs, sizeof(float) * (size_t)(result->count * result->values));
        used += result->count * result->values;
    }
    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    ck_assert_ptr_null(result);
    tsm_pipeline_destroy(&pipeline);
    ck_assert_ptr_null(pipeline);
    return used;
}

/* What is planned for one clip does not know of its neighbours: the outputs are those without a pipeline. */
START_TEST(test_results)
{
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    tsm_video_options video = small_video(TSM_SAMPLING_TWICE, 3);
    list l;
    tsm_pipeline_options options = pipeline_of(&l, &video);
    float want[MIXED * MOST_CLIPS * CLASSES], got[MIXED * MOST_CLIPS * CLASSES];
    int used = 0;

    video.full_res = 1;
    for (int i = 0; i < MIXED; i++)
        if (strcmp(mixed[i], ABSENT) != 0 && strcmp(mixed[i], NO_VIDEO) != 0)
            used += CLASSES * plain_outputs(engine, mixed[i], &video, want + used);
    options.workers = 2;
    ck_assert_int_eq(run_mixed(engine, options, 1, got), used);
    ck_assert_mem_eq(got, want, sizeof(float) * (size_t)used);
    ck_assert_int_le(l.most_ahead, 2 * 2 + 1);
    tsm_engine_destroy(&engine);
}
END_TEST

/* Batches reach across videos, and are the same whatever works on them. */
START_TEST(test_bits)
{
    static const int workers[] = { 1, 2, 3, 7 }, batches[] = { 1, 3, 4, 8 };
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    tsm_video_options video = small_video(TSM_SAMPLING_TWICE, 1);
    list l;
    tsm_pipeline_options options = pipeline_of(&l, &video);
    static float first[4 * MIXED * MOST_CLIPS * CLASSES], other[4 * MIXED * MOST_CLIPS * CLASSES];

    options.batch = batches[_i];
    for (int i = 0; i < 4; i++) {
        int used;

        options.workers = workers[i];
        options.queue = i == 2 ? 1 : 0;
        used = run_mixed(engine, options, 4, i ? other : first);
        ck_assert_int_eq(used, 4 * 5 * 2 * CLASSES);
        if (i) ck_assert_mem_eq(other, first, sizeof(float) * (size_t)used);
    }
    tsm_engine_destroy(&engine);
}
END_TEST

/* Frames that the engine scales are those that the video library scales. */
START_TEST(test_resize_on_device)
{
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    tsm_video_options video = small_video(TSM_SAMPLING_UNIFORM, 1);
    list l;
    tsm_pipeline_options options = pipeline_of(&l, &video);
    float want[MIXED * CLASSES], got[MIXED * CLASSES];

    options.batch = 3;
    ck_assert_int_eq(run_mixed(engine, options, 1, want), 5 * CLASSES);
    options.resize_on_device = 1;
    ck_assert_int_eq(run_mixed(engine, options, 1, got), 5 * CLASSES);
    assert_close(got, want, 5 * CLASSES, 1e-5, "resized on the device");
    tsm_engine_destroy(&engine);
}
END_TEST

static tsm_clips *ready_clips;
static const tsm_error prepared = { .code = TSM_ERROR_IO, .text = "it was not there" };

static int next_odd(void *user, tsm_source *source)
{
    int *given = user;

    switch ((*given)++) {
    case 0: source->failure = &prepared; break;
    case 1: source->clips = ready_clips; break;
    case 2: source->descriptor = open(SHORT_GOPS, O_RDONLY); break;
    default: return 0;
    }
    return 1;
}

/* Sources that are no paths: one that failed before, clips that are decoded already, an open file. */
START_TEST(test_sources)
{
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    tsm_video_options video = small_video(TSM_SAMPLING_UNIFORM, 1);
    tsm_pipeline_options options = TSM_PIPELINE_OPTIONS_INIT;
    tsm_pipeline *pipeline;
    const tsm_result *result;
    float want[CLASSES];
    tsm_error error;
    int given = 0;

    plain_outputs(engine, SHORT_GOPS, &video, want);
    assert_ok(tsm_video_load(&ready_clips, SHORT_GOPS, &video, &error), &error);
    options.video = &video;
    options.next = next_odd;
    options.next_user = &given;
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    assert_error(result->status, &result->error, TSM_ERROR_IO, "it was not there");
    for (int i = 0; i < 2; i++) {
        assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
        assert_ok(result->status, &result->error);
        ck_assert_mem_eq(result->outputs, want, sizeof want);
    }
    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    ck_assert_ptr_null(result);
    tsm_pipeline_destroy(&pipeline);
    tsm_engine_destroy(&engine);
}
END_TEST

static void *cancel_soon(void *pipeline)
{
    usleep(20000);
    tsm_pipeline_cancel(pipeline);
    return NULL;
}

/* From another thread, while the caller waits; and without a word, by destroying it. */
START_TEST(test_cancel)
{
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    tsm_video_options video = small_video(TSM_SAMPLING_DENSE, 10);
    list l = { .paths = mixed, .count = 1000000 };
    tsm_pipeline_options options = pipeline_of(&l, &video);
    tsm_pipeline *pipeline;
    const tsm_result *result;
    tsm_status status = TSM_OK;
    tsm_error error;
    pthread_t other;

    options.workers = 3;
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    ck_assert_int_eq(pthread_create(&other, NULL, cancel_soon, pipeline), 0);
    for (int i = 0; i < 1000000 && status == TSM_OK; i++) status = tsm_pipeline_next(pipeline, &result, &error);
    assert_error(status, &error, TSM_ERROR_CANCELLED, "cancelled");
    ck_assert_ptr_null(result);
    status = tsm_pipeline_next(pipeline, &result, &error);
    assert_error(status, &error, TSM_ERROR_CANCELLED, "cancelled");
    pthread_join(other, NULL);
    tsm_pipeline_destroy(&pipeline);

    l = (list){ .paths = mixed, .count = 1000000 };
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    tsm_pipeline_destroy(&pipeline);
    tsm_engine_destroy(&engine);
}
END_TEST

/* What cannot be had is said by the call or by the result that it belongs to, and nothing leaks or hangs. */
START_TEST(test_memory)
{
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    tsm_video_options video = small_video(TSM_SAMPLING_UNIFORM, 1);
    int failures = 0, results = 0;

    for (uint64_t n = 1; n < 4000; n += n < 60 ? 1 : 17) {
        list l = { .paths = mixed, .count = 4 };
        tsm_pipeline_options options = pipeline_of(&l, &video);
        tsm_pipeline *pipeline = NULL;
        const tsm_result *result = NULL;
        tsm_error error;
        tsm_status status;
        bool failed = false;

        options.workers = 1;
        options.batch = 2;
        tsm_alloc_fail_at(n);
        status = tsm_pipeline_create(&pipeline, engine, &options, &error);
        failed = status != TSM_OK;
        for (int i = 0; pipeline && i < 5; i++) {
            status = tsm_pipeline_next(pipeline, &result, &error);
            if (status == TSM_OK && !result) break;
            if (status != TSM_OK || result->status == TSM_ERROR_MEMORY) failed = true;
            if (status != TSM_OK) ck_assert_int_eq(status, TSM_ERROR_MEMORY);
            results += status == TSM_OK && result->status == TSM_OK;
        }
        tsm_pipeline_destroy(&pipeline);
        if (tsm_alloc_fail_at(0) < n) break;
        failures += failed;
    }
    ck_assert_int_gt(failures, 20);
    ck_assert_int_gt(results, 20);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(test_time)
{
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    tsm_video_options video = small_video(TSM_SAMPLING_UNIFORM, 1);
    static const char *const paths[MIXED] = { SHORT_GOPS };
    list l = { .paths = paths, .count = 1 };
    tsm_pipeline_options options = pipeline_of(&l, &video);
    tsm_pipeline *pipeline;
    const tsm_result *result;
    tsm_error error;

    video.max_seconds = 1e-6;
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    assert_error(result->status, &result->error, TSM_ERROR_CANCELLED, SHORT_GOPS);
    tsm_pipeline_destroy(&pipeline);
    tsm_engine_destroy(&engine);
}
END_TEST

/* A run that has begun ends with the time, where the engine asks; the plain C backend takes seconds for this one. */
START_TEST(test_time_of_run)
{
    tsm_engine_options slow = TSM_ENGINE_OPTIONS_INIT;
    tsm_model *model = load_model(GOLDEN("r50"));
    tsm_engine *engine = NULL;
    tsm_video_options video = small_video(TSM_SAMPLING_UNIFORM, 1);
    static const char *const paths[MIXED] = { B_FRAMES };
    list l = { .paths = paths, .count = 1 };
    tsm_pipeline_options options = pipeline_of(&l, &video);
    tsm_pipeline *pipeline;
    const tsm_result *result;
    tsm_error error;
    double begin;

    slow.device = "reference";
    slow.cancel = tsm_pipeline_run_is_over;
    assert_ok(tsm_engine_create(&engine, model, &slow, &error), &error);
    tsm_model_destroy(&model);
    video.input_size = 1024;
    video.max_seconds = 1;
    options.batch = 1;
    begin = tsm_now_ms();
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    assert_error(result->status, &result->error, TSM_ERROR_CANCELLED, "stopped after the 1 seconds");
    ck_assert(tsm_now_ms() - begin > 500);
    tsm_pipeline_destroy(&pipeline);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(test_arguments)
{
    tsm_engine *engine = one_thread_engine(GOLDEN("r18"), 0);
    list l = { .paths = mixed, .count = 1 };
    tsm_video_options video = small_video(TSM_SAMPLING_UNIFORM, 1);
    tsm_pipeline_options options = pipeline_of(&l, &video);
    tsm_pipeline_info info = TSM_PIPELINE_INFO_INIT;
    tsm_pipeline *pipeline = NULL;
    const tsm_result *result;
    tsm_error error;

    assert_error(tsm_pipeline_create(NULL, engine, &options, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    assert_error(tsm_pipeline_create(&pipeline, NULL, &options, &error), &error, TSM_ERROR_ARGUMENT, "engine");
    assert_error(tsm_pipeline_create(&pipeline, engine, NULL, &error), &error, TSM_ERROR_ARGUMENT, "next");
    options.workers = -1;
    assert_error(tsm_pipeline_create(&pipeline, engine, &options, &error), &error, TSM_ERROR_ARGUMENT, "-1 workers");
    options.workers = 2;
    options.contexts = 3;
    assert_error(tsm_pipeline_create(&pipeline, engine, &options, &error), &error, TSM_ERROR_ARGUMENT, "contexts");
    options.contexts = 0;
    options.batch = 257;
    assert_error(tsm_pipeline_create(&pipeline, engine, &options, &error), &error, TSM_ERROR_ARGUMENT, "batch");
    options.batch = 0;
    video.raw = 1;
    assert_error(tsm_pipeline_create(&pipeline, engine, &options, &error), &error, TSM_ERROR_ARGUMENT, "raw");
    video.raw = 0;
    video.segments = 3; /* not those of the model: every source fails */
    assert_ok(tsm_pipeline_create(&pipeline, engine, &options, &error), &error);
    assert_ok(tsm_pipeline_next(pipeline, &result, &error), &error);
    assert_error(result->status, &result->error, TSM_ERROR_ARGUMENT, "3 frames");
    ck_assert_int_eq(tsm_pipeline_get_info(pipeline, &info), TSM_OK);
    ck_assert_int_eq(info.workers, 2);
    ck_assert_int_eq(info.contexts, 2);
    ck_assert_int_eq(info.failed, 1);
    assert_error(tsm_pipeline_next(pipeline, NULL, &error), &error, TSM_ERROR_ARGUMENT, "room");
    tsm_pipeline_destroy(&pipeline);
    tsm_pipeline_destroy(&pipeline);
    tsm_pipeline_destroy(NULL);
    tsm_engine_destroy(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 240);
    tcase_add_test(all, test_results);
    tcase_add_loop_test(all, test_bits, 0, 4);
    tcase_add_test(all, test_resize_on_device);
    tcase_add_test(all, test_sources);
    tcase_add_test(all, test_cancel);
    tcase_add_test(all, test_memory);
    tcase_add_test(all, test_time);
    tcase_add_test(all, test_time_of_run);
    tcase_add_test(all, test_arguments);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
