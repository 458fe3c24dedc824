/* SPDX-License-Identifier: Apache-2.0 */
/* test_online.c - live streams: what they compute, in one batch and alone, and what is refused. */
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
    tsm_engine *engine = make_stream_engine(GOLDEN("mbv2_online"), devices[_i], 0);
    tsm_online_options options = stream_options(5);
    int ages[5] = { 0 };
    float logits[CLASSES], combined[CLASSES];
    tsm_online *online;
    tsm_error error;

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

/* ---- Refusals ---------------------------------------------------------------------------------------------------
 */

START_TEST(refuses_what_looks_ahead)
{
    static const struct {
        const char *path, *why;
    } cases[] = {
        { GOLDEN("r18"), "load the model with the uni-directional shift" },
        { GOLDEN("pptsm"), "load the model with the uni-directional shift" },
        { GOLDEN("r18_tpool"), "" },
        { GOLDEN("r50_nl"), "" },
    };
    const tsm_online_options options = stream_options(1);
    tsm_engine *engine = make_engine(cases[_i].path, "reference");
    tsm_online *online = NULL;
    tsm_error error;

    assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_UNSUPPORTED, cases[_i].why);
    assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_UNSUPPORTED, "online: ");
    ck_assert_ptr_null(online);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(refuses_pools_and_nonlocal_blocks)
{
    static const char *const paths[] = { GOLDEN("r18_tpool"), GOLDEN("r50_nl") };
    static const char *const reasons[] = { "temporal pool", "non-local block" };
    const tsm_online_options options = stream_options(1);
    tsm_engine *engine = make_stream_engine(paths[_i], "reference", 0);
    tsm_online *online = NULL;
    tsm_error error;

    assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_UNSUPPORTED, reasons[_i]);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(refuses_options)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("r18_tsn"), "reference", 0);
    tsm_online *online = NULL;
    tsm_error error;

#define REFUSED(member, value, word)                                                                                 \
    do {                                                                                                             \
        tsm_online_options options = stream_options(4);                                                              \
        options.consensus = TSM_CONSENSUS_NONE;                                                                      \
        options.member = value;                                                                                      \
        assert_error(tsm_online_create(&online, engine, &options, &error), &error, TSM_ERROR_ARGUMENT, word);        \
    } while (0)
    REFUSED(slots, 0, "0 slots");
    REFUSED(slots, TSM_MAX_SLOTS + 1, "slots");
    REFUSED(batch, 5, "batches of 5");
    REFUSED(batch, -1, "batches");
    REFUSED(height, 0, "pixels");
    REFUSED(width, TSM_MAX_SIDE + 1, "pixels");
    REFUSED(consensus, 9, "consensus 9");
    REFUSED(consensus, TSM_CONSENSUS_WINDOW, "window of 0");
    REFUSED(consensus, TSM_CONSENSUS_EXPONENTIAL, "weight of 0");
    REFUSED(struct_size, 1, "tsm_online_options");
    assert_error(tsm_online_create(NULL, engine, NULL, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    assert_error(tsm_online_create(&online, NULL, NULL, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    tsm_online_destroy(NULL);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

/* Nothing that is refused before it runs changes a stream: the frames after it have the logits that they would have.
 */
START_TEST(refuses_pushes_and_goes_on)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("mbv2_online"), devices[_i], 0);
    const tsm_online_options options = stream_options(3);
    tsm_online *online = make_online(engine, &options), *other = make_online(engine, &options);
    float frames[2 * FRAME_COUNT], logits[2 * CLASSES], want[CLASSES];
    tsm_tensor input = frames_tensor(frames, 2), output = logits_tensor(logits, 2, CLASSES), wrong;
    const int pair[] = { 0, 1 }, twice[] = { 1, 1 }, none[] = { 1, 3 };
    tsm_error error;

    for (int i = 0; i < 2; i++) fill_frame(frames + (size_t)i * FRAME_COUNT, 8, 0);
    assert_ok(push_frame(online, 1, 8, 0, logits, NULL, &error), &error);
#define REFUSED_PUSH(o, slots, count, in, out, word)                                                                 \
    assert_error(tsm_online_push(o, slots, count, in, out, NULL, &error), &error, TSM_ERROR_ARGUMENT, word)
    REFUSED_PUSH(NULL, pair, 2, &input, &output, "NULL");
    REFUSED_PUSH(online, NULL, 2, &input, &output, "NULL");
    REFUSED_PUSH(online, pair, 2, NULL, &output, "NULL");
    REFUSED_PUSH(online, pair, 0, &input, &output, "0 streams");
    REFUSED_PUSH(online, pair, 4, &input, &output, "4 streams");
    REFUSED_PUSH(online, twice, 2, &input, &output, "slot 1 is given twice");
    REFUSED_PUSH(online, none, 2, &input, &output, "no slot 3");
    wrong = frames_tensor(frames, 1);
    REFUSED_PUSH(online, pair, 2, &wrong, &output, "frames");
    wrong = planes_tensor(frames, 2, 1, 3, SIDE, SIDE / 2);
    REFUSED_PUSH(online, pair, 2, &wrong, &output, "input");
    wrong = logits_tensor(logits, 1, CLASSES);
    REFUSED_PUSH(online, pair, 2, &input, &wrong, "logits");
    wrong = logits_tensor(logits, 2, CLASSES + 1);
    REFUSED_PUSH(online, pair, 2, &input, &wrong, "logits");
    wrong = logits_tensor(NULL, 2, CLASSES);
    REFUSED_PUSH(online, pair, 2, &input, &wrong, "logits");
    ck_assert_uint_eq(tsm_online_frames(online, 1), 1);
    assert_ok(push_frame(online, 1, 8, 1, logits, NULL, &error), &error);
    for (int t = 0; t < 2; t++) assert_ok(push_frame(other, 0, 8, t, want, NULL, &error), &error);
    ck_assert_mem_eq(logits, want, sizeof want);
    tsm_online_destroy(&online);
    tsm_online_destroy(&other);
    tsm_engine_destroy(&engine);
}
END_TEST

/* ---- What goes wrong while it runs ------------------------------------------------------------------------------
 */

static int asked, stop_at;

static int stop_then(void *user)
{
    (void)user;
    return ++asked == stop_at;
}

/* A push that is stopped between its layers leaves a stream that says so, until it is made whole. */
START_TEST(a_stopped_stream_is_refused_until_whole)
{
    tsm_engine_options engine_options = TSM_ENGINE_OPTIONS_INIT;
    const tsm_online_options options = stream_options(2);
    float logits[CLASSES], want[CLASSES];
    tsm_online *online;
    tsm_engine *engine;
    tsm_error error;

    engine_options.device = devices[_i];
    engine_options.cancel = stop_then;
    stop_at = -1;
    engine = make_past_engine(GOLDEN("mbv2_online"), engine_options);
    online = make_online(engine, &options);
    assert_ok(push_frame(online, 0, 8, 0, want, NULL, &error), &error);
    asked = 0, stop_at = 20;
    assert_error(push_frame(online, 0, 8, 1, logits, NULL, &error), &error, TSM_ERROR_CANCELLED, "slot 0");
    stop_at = -1;
    assert_error(push_frame(online, 0, 8, 1, logits, NULL, &error), &error, TSM_ERROR_ARGUMENT, "between two frames");
    assert_error(tsm_online_copy(online, 1, 0, &error), &error, TSM_ERROR_ARGUMENT, "between two frames");
    assert_ok(push_frame(online, 1, 8, 0, logits, NULL, &error), &error);
    ck_assert_mem_eq(logits, want, sizeof want);
    assert_ok(tsm_online_reset(online, 0, &error), &error);
    assert_ok(push_frame(online, 0, 8, 0, logits, NULL, &error), &error);
    ck_assert_mem_eq(logits, want, sizeof want);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(numbers_that_are_not_finite)
{
    tsm_engine *engine = make_stream_engine(GOLDEN("mbv2_online"), devices[_i], 0);
    const tsm_online_options options = stream_options(2);
    tsm_online *online = make_online(engine, &options);
    float frame[FRAME_COUNT], logits[CLASSES];
    tsm_tensor input = frames_tensor(frame, 1), output = logits_tensor(logits, 1, CLASSES);
    const int slot = 1;
    tsm_error error;

    fill_frame(frame, 8, 0);
    frame[17] = NAN;
    assert_error(tsm_online_push(online, &slot, 1, &input, &output, NULL, &error), &error, TSM_ERROR_ARGUMENT,
                 "not finite");
    assert_error(push_frame(online, 1, 8, 0, logits, NULL, &error), &error, TSM_ERROR_ARGUMENT, "reset or restore");
    assert_ok(tsm_online_copy(online, 1, 0, &error), &error);
    assert_ok(push_frame(online, 1, 8, 0, logits, NULL, &error), &error);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

/* ---- Threads ----------------------------------------------------------------------------------------------------
 */

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
    TCase *logits = tcase_create("logits"), *promises = tcase_create("promises"),
          *refusals = tcase_create("refusals");

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
    tcase_add_loop_test(refusals, refuses_what_looks_ahead, 0, 4);
    tcase_add_loop_test(refusals, refuses_pools_and_nonlocal_blocks, 0, 2);
    tcase_add_test(refusals, refuses_options);
    tcase_add_loop_test(refusals, refuses_pushes_and_goes_on, 0, DEVICES);
    tcase_add_loop_test(refusals, a_stopped_stream_is_refused_until_whole, 0, DEVICES);
    tcase_add_loop_test(refusals, numbers_that_are_not_finite, 0, DEVICES);
    suite_add_tcase(suite, logits);
    suite_add_tcase(suite, promises);
    suite_add_tcase(suite, refusals);
    return run_suite(suite);
}
