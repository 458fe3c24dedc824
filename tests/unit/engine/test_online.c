/* SPDX-License-Identifier: Apache-2.0 */
/* test_online.c - live streams: what they compute, in one batch and alone, and what is promised of them. */
#include <pthread.h>

#include "checkpoint_writer.h"
#include "core/status.h"
#include "streams.h"

/* Families and placements; bottlenecks whose shift two convolutions read; no shift; a fold of no channels. */
static const char *const networks[] = {
    GOLDEN("mbv2_online"),          GOLDEN("mbv2"),      GOLDEN("r18_t16"), GOLDEN("r18_block"), GOLDEN("r50_block"),
    GOLDEN("r50_mmaction2"),        GOLDEN("mobileone"), GOLDEN("pptsm"),   GOLDEN("r18_tsn"),   GOLDEN("r50_fold0"),
    GOLDEN("r50_groups2_block_t16")
};
#define NETWORKS (int)(sizeof networks / sizeof *networks)

/* The reference sums in an order of its own; oneDNN's depends on the number of rows. */
static const double tolerances[DEVICES] = { 0, 2e-5 };

#define FRAMES 5

static void assert_near(const float *got, const float *want, size_t count, int device, const char *what)
{
    if (tolerances[device] > 0)
        assert_close(got, want, count, tolerances[device], what);
    else
        ck_assert_msg(memcmp(got, want, count * sizeof *got) == 0, "%s: other bits", what);
}

/* The logits of every frame of a clip of the stream `seed`. */
static void run_clip(const tsm_engine *engine, uint32_t seed, int frames, float *logits)
{
    tsm_context *context = make_context(engine, &(tsm_shape){ 1, frames, SIDE, SIDE });
    float *clip = poisoned_array((size_t)frames * FRAME_COUNT);
    tsm_tensor input = planes_tensor(clip, 1, frames, 3, SIDE, SIDE);
    tsm_tensor output = {
        .data = logits, .dtype = TSM_FLOAT32, .layout = TSM_NTC, .ndim = 3, .dims = { 1, frames, CLASSES }
    };
    tsm_error error;

    for (int t = 0; t < frames; t++) fill_frame(clip + (size_t)t * FRAME_COUNT, seed, t);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    free(clip);
    tsm_context_destroy(&context);
}

START_TEST(stream_equals_clip)
{
    const char *path = networks[_i / DEVICES];
    tsm_engine *engine = make_stream_engine(path, devices[_i % DEVICES], 1);
    const tsm_online_options options = stream_options(2);
    tsm_online *online = make_online(engine, &options);
    float want[FRAMES * CLASSES], got[FRAMES * CLASSES];
    tsm_error error;

    run_clip(engine, 5, FRAMES, want);
    for (int t = 0; t < FRAMES; t++) assert_ok(push_frame(online, 1, 5, t, got + t * CLASSES, NULL, &error), &error);
    assert_near(got, want, FRAMES * CLASSES, _i % DEVICES, path);
    ck_assert_uint_eq(tsm_online_frames(online, 1), FRAMES);
    ck_assert_uint_eq(tsm_online_frames(online, 0), 0);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

/* A frame of each of the streams in `slots`: stream s begins at frame s and has seed 10 + s. */
static void push_batch(tsm_online *online, const int *slots, int count, const int *ages, float *logits)
{
    float *frames = poisoned_array((size_t)count * FRAME_COUNT);
    tsm_tensor input = frames_tensor(frames, count), output = logits_tensor(logits, count, CLASSES);
    tsm_error error;

    for (int i = 0; i < count; i++)
        fill_frame(frames + (size_t)i * FRAME_COUNT, 10 + (uint32_t)slots[i], ages[slots[i]]);
    assert_ok(tsm_online_push(online, slots, count, &input, &output, NULL, &error), &error);
    free(frames);
}

/* Subsets of seven streams in any order, so that they are of different ages and neighbours change, cut into batches
 * of 4, 2 and 1; each stream gets what it gets alone. */
START_TEST(batches_equal_each_alone)
{
    static const int subsets[][7] = { { 3 }, { 6, 0, 3 }, { 0, 1, 2, 3, 4, 5, 6 }, { 5, 3, 1, 0, 6 }, { 4, 3 } };
    static const int counts[] = { 1, 3, 7, 5, 2 };
    tsm_engine *engine = make_stream_engine(networks[_i / DEVICES], devices[_i % DEVICES], 0);
    tsm_online_options options = stream_options(7), single = stream_options(1);
    tsm_online *together, *alone;
    float logits[5][7 * CLASSES], want[CLASSES];
    int ages[7] = { 0 };
    tsm_error error;

    options.batch = 4;
    together = make_online(engine, &options);
    for (int k = 0; k < 5; k++) {
        push_batch(together, subsets[k], counts[k], ages, logits[k]);
        for (int i = 0; i < counts[k]; i++) ages[subsets[k][i]]++;
    }
    for (int slot = 0; slot < 7; slot++) {
        int t = 0;

        alone = make_online(engine, &single);
        for (int k = 0; k < 5; k++)
            for (int i = 0; i < counts[k]; i++) {
                if (subsets[k][i] != slot) continue;
                assert_ok(push_frame(alone, 0, 10 + (uint32_t)slot, t++, want, NULL, &error), &error);
                assert_near(logits[k] + i * CLASSES, want, CLASSES, _i % DEVICES, "a stream among others");
            }
        ck_assert_int_eq(t, ages[slot]);
        tsm_online_destroy(&alone);
    }
    tsm_online_destroy(&together);
    tsm_engine_destroy(&engine);
}
END_TEST

/* Every way in which a CPU shifts. */
START_TEST(shift_methods_agree)
{
    static const tsm_shift_method methods[] = { TSM_SHIFT_COPY, TSM_SHIFT_INPLACE, TSM_SHIFT_AUTO };
    float first[FRAMES * CLASSES], logits[FRAMES * CLASSES];
    tsm_error error;

    for (int m = 0; m < 3; m++) {
        tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
        const tsm_online_options streams = stream_options(1);
        tsm_engine *engine;
        tsm_online *online;

        options.device = "cpu";
        options.shift_method = methods[m];
        engine = make_past_engine(networks[_i], options);
        online = make_online(engine, &streams);
        for (int t = 0; t < FRAMES; t++)
            assert_ok(push_frame(online, 0, 3, t, logits + t * CLASSES, NULL, &error), &error);
        if (m == 0) memcpy(first, logits, sizeof first);
        assert_close(logits, first, FRAMES * CLASSES, 2e-5, networks[_i]);
        tsm_online_destroy(&online);
        tsm_engine_destroy(&engine);
    }
}
END_TEST

/* Bytes are normalised, and resized where the streams say so, as a context does it. */
START_TEST(takes_bytes_and_resizes)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("r18_tsn"), devices[_i], 0);
    tsm_resize resize = TSM_RESIZE_INIT;
    tsm_online_options options = stream_options(2);
    tsm_context *context = make_context(engine, NULL);
    uint8_t frames[2 * 48 * 40 * 3];
    float got[2 * CLASSES], want[2 * CLASSES];
    tsm_tensor input = bytes_tensor(frames, 2, 1, 48, 40), output = logits_tensor(got, 2, CLASSES);
    tsm_online *online;
    tsm_error error;

    resize.width = 40, resize.height = 48, resize.scaled_width = 36, resize.scaled_height = 44, resize.x = 2;
    resize.y = 3;
    options.resize = &resize;
    for (size_t i = 0; i < sizeof frames; i++) frames[i] = (uint8_t)(127 * (1 + hashed_value((uint32_t)i, 4)));
    online = make_online(engine, &options);
    assert_ok(tsm_online_push(online, (const int[]){ 1, 0 }, 2, &input, &output, NULL, &error), &error);
    assert_ok(tsm_context_plan_resize(context, &(tsm_shape){ 2, 1, SIDE, SIDE }, &resize, &error), &error);
    output.data = want;
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    ck_assert_mem_eq(got, want, sizeof want);
    tsm_context_destroy(&context);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

/* TSM-ResNet50 at 224x224 keeps 702,464 numbers a stream: an eighth of what each of its 16 blocks reads. */
START_TEST(a_resnet50_stream_is_its_caches)
{
    const written_network network = { .arch = "resnet50", .width = 64, .mark = "blockres" };
    tsm_model_options model_options = TSM_MODEL_OPTIONS_INIT;
    tsm_engine_options engine_options = TSM_ENGINE_OPTIONS_INIT;
    tsm_online_options options = stream_options(1);
    tsm_online_info info = TSM_ONLINE_INFO_INIT;
    checkpoint_writer writer = { 0 };
    tsm_model *model = NULL;
    tsm_engine *engine = NULL;
    tsm_online *online;
    tsm_error error;

    writer_add_network(&writer, &network);
    model_options.shift_direction = TSM_UNIDIRECTIONAL;
    model_options.shift_div = 8;
    model_options.segments = 8;
    assert_ok(writer_load(&writer, &model, &model_options, &error), &error);
    writer_clear(&writer);
    engine_options.device = "reference";
    assert_ok(tsm_engine_create(&engine, model, &engine_options, &error), &error);
    tsm_model_destroy(&model);
    options.height = options.width = 224;
    online = make_online(engine, &options);
    tsm_engine_destroy(&engine);
    ck_assert_int_eq(tsm_online_get_info(online, &info), TSM_OK);
    ck_assert_uint_eq(info.cache_bytes, 702464 * sizeof(float));
    tsm_online_destroy(&online);
}
END_TEST

START_TEST(nothing_shifts_nothing_is_kept)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("r18_tsn"), devices[_i], 0);
    tsm_online_options options = stream_options(3);
    tsm_online *online = make_online(engine, &options);
    tsm_online_info info = TSM_ONLINE_INFO_INIT;

    ck_assert_int_eq(tsm_online_get_info(online, &info), TSM_OK);
    ck_assert_uint_eq(info.cache_bytes, 0);
    ck_assert_int_eq(info.slots, 3);
    ck_assert_int_eq(info.batch, 3);
    ck_assert_int_eq(info.classes, CLASSES);
    ck_assert_uint_gt(info.workspace_bytes, 0);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
    ck_assert_int_eq(tsm_online_get_info(NULL, &info), TSM_ERROR_ARGUMENT);
}
END_TEST

START_TEST(pushing_allocates_nothing)
{
    tsm_engine_options engine_options = TSM_ENGINE_OPTIONS_INIT;
    tsm_online_options options = stream_options(5);
    int ages[5] = { 0 };
    float logits[CLASSES], combined[CLASSES];
    tsm_online *online;
    tsm_engine *engine;
    tsm_error error;

    engine_options.device = devices[_i];
    engine_options.threads = 1; /* of several, some are set aside where a neighbour is first met */
    engine = make_past_engine(GOLDEN("mbv2_online"), engine_options);
    options.consensus = TSM_CONSENSUS_WINDOW;
    options.window = 4;
    online = make_online(engine, &options);
    tsm_alloc_fail_at(0);
    assert_ok(push_frame(online, 2, 1, 0, logits, combined, &error), &error);
    assert_ok(push_frame(online, 2, 1, 1, NULL, NULL, &error), &error);
    push_batch(online, (const int[]){ 4, 3, 2, 1, 0 }, 5, ages, (float[5 * CLASSES]){ 0 });
    assert_ok(tsm_online_copy(online, 0, 2, &error), &error);
    assert_ok(tsm_online_reset(online, -1, &error), &error);
    ck_assert_uint_eq(tsm_alloc_fail_at(0), 0);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(fails_with_each_allocation)
{
    tsm_engine_options engine_options = TSM_ENGINE_OPTIONS_INIT;
    tsm_online_options options = stream_options(3);
    tsm_online *online = NULL;
    tsm_engine *engine;
    uint64_t needed;
    tsm_error error;

    engine_options.device = devices[_i];
    engine_options.threads = 1;
    engine = make_past_engine(GOLDEN("r18_t1"), engine_options);
    options.consensus = TSM_CONSENSUS_MEAN;
    options.height = options.width = 16;
    tsm_alloc_fail_at(0);
    online = make_online(engine, &options);
    needed = tsm_alloc_fail_at(0);
    tsm_online_destroy(&online);
    ck_assert_uint_gt(needed, 10);
    for (uint64_t n = 1; n <= needed; n++) {
        tsm_alloc_fail_at(n);
        assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_MEMORY, "memory");
        tsm_alloc_fail_at(0);
        ck_assert_ptr_null(online);
    }
    tsm_engine_destroy(&engine);
}
END_TEST

/* ---- Threads ------------------------------------------------------------------------------------------------ */

typedef struct worker {
    const tsm_engine *engine;
    uint32_t seed;
    float logits[FRAMES * CLASSES];
    tsm_status status;
} worker;

static void *work(void *argument)
{
    worker *w = argument;
    const tsm_online_options options = stream_options(2);
    tsm_online *online = NULL;

    w->status = tsm_online_create(&online, w->engine, &options, NULL);
    for (int t = 0; t < FRAMES && w->status == TSM_OK; t++)
        w->status = push_frame(online, (int)(w->seed & 1), w->seed, t, w->logits + t * CLASSES, NULL, NULL);
    tsm_online_destroy(&online);
    return NULL;
}

START_TEST(threads_have_streams_of_one_engine)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("mbv2_online"), devices[_i], 0);
    worker together[3], alone;
    pthread_t threads[3];

    for (uint32_t k = 0; k < 3; k++) together[k] = (worker){ .engine = engine, .seed = 20 + k };
    for (int k = 0; k < 3; k++) ck_assert_int_eq(pthread_create(&threads[k], NULL, work, &together[k]), 0);
    for (int k = 0; k < 3; k++) ck_assert_int_eq(pthread_join(threads[k], NULL), 0);
    for (int k = 0; k < 3; k++) {
        alone = (worker){ .engine = engine, .seed = together[k].seed };
        work(&alone);
        ck_assert_int_eq(alone.status, TSM_OK);
        ck_assert_int_eq(together[k].status, TSM_OK);
        ck_assert_mem_eq(alone.logits, together[k].logits, sizeof alone.logits);
    }
    tsm_engine_destroy(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("online");
    TCase *logits = tcase_create("logits"), *promises = tcase_create("promises");

    tcase_set_timeout(logits, 0);
    tcase_set_timeout(promises, 0);
    tcase_add_loop_test(logits, stream_equals_clip, 0, NETWORKS * DEVICES);
    tcase_add_loop_test(logits, batches_equal_each_alone, 0, NETWORKS * DEVICES);
    tcase_add_loop_test(logits, shift_methods_agree, 0, NETWORKS);
    tcase_add_loop_test(logits, takes_bytes_and_resizes, 0, DEVICES);
    tcase_add_test(promises, a_resnet50_stream_is_its_caches);
    tcase_add_loop_test(promises, nothing_shifts_nothing_is_kept, 0, DEVICES);
    tcase_add_loop_test(promises, pushing_allocates_nothing, 0, DEVICES);
    tcase_add_loop_test(promises, fails_with_each_allocation, 0, DEVICES);
    tcase_add_loop_test(promises, threads_have_streams_of_one_engine, 0, DEVICES);
    suite_add_tcase(suite, logits);
    suite_add_tcase(suite, promises);
    return run_suite(suite);
}
