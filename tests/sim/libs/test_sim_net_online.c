/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_online.c - live streams on the CUDA plugin on the simulated device: the states in one slab, slots as
 * device data, one graph a batch size.
 */
#include "net_support.h"

#include "engine/streams.h"

#define FRAMES 3

/* Overlaps and copies; shifts that stay nodes; folds that are no multiple of 16 bytes. */
static const char *const networks[] = { GOLDEN("mbv2_online"), GOLDEN("r50_block"), GOLDEN("r18_t16"),
                                        GOLDEN("r50_mmaction2") };
#define NETWORKS (int)(sizeof networks / sizeof *networks)

static const tsm_shift_method methods[] = { TSM_SHIFT_AUTO, TSM_SHIFT_COPY, TSM_SHIFT_OVERLAP };

static tsm_engine *make_cuda(const char *path, tsm_precision precision, tsm_shift_method method, int per_frame)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;

    options.device = "cuda";
    options.precision = precision;
    options.shift_method = method;
    options.per_frame = per_frame;
    return make_past_engine(path, options);
}

/* What the plain C makes of frames 0 to `frames` - 1 of the stream `seed`. */
static void reference_stream(const char *path, uint32_t seed, int frames, float *logits)
{
    tsm_engine *engine = make_stream_engine(path, "reference", 0);
    const tsm_online_options options = stream_options(1);
    tsm_online *online = make_online(engine, &options);
    tsm_error error;

    for (int t = 0; t < frames; t++)
        assert_ok(push_frame(online, 0, seed, t, logits + t * CLASSES, NULL, &error), &error);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}

START_TEST(streams_equal_plain_c)
{
    const char *path = networks[_i % NETWORKS];
    tsm_engine *engine;
    const tsm_online_options options = stream_options(2);
    float want[FRAMES * CLASSES], got[FRAMES * CLASSES];
    tsm_online *online;
    tsm_error error;

    set_mode(_i / NETWORKS % 2 ? "on" : "off", "off");
    engine = make_cuda(path, TSM_PRECISION_FP32, methods[_i / NETWORKS % 3], 0);
    online = make_online(engine, &options);
    reference_stream(path, 5, FRAMES, want);
    for (int t = 0; t < FRAMES; t++) assert_ok(push_frame(online, 1, 5, t, got + t * CLASSES, NULL, &error), &error);
    assert_close(got, want, FRAMES * CLASSES, 2e-5, path);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
    assert_no_failure();
}
END_TEST

/* A stream is what the network makes of the clip, at every precision. */
START_TEST(streams_equal_clips)
{
    static const tsm_precision precisions[] = { TSM_PRECISION_FP16, TSM_PRECISION_BF16, TSM_PRECISION_TF32 };
    const tsm_online_options options = stream_options(1);
    float want[FRAMES * CLASSES], got[FRAMES * CLASSES], clip[FRAMES * FRAME_COUNT];
    tsm_tensor input = planes_tensor(clip, 1, FRAMES, 3, SIDE, SIDE);
    tsm_tensor output = {
        .data = want, .dtype = TSM_FLOAT32, .layout = TSM_NTC, .ndim = 3, .dims = { 1, FRAMES, CLASSES }
    };
    tsm_engine *engine;
    tsm_context *context;
    tsm_online *online;
    tsm_error error;

    set_mode("on", "off");
    engine = make_cuda(GOLDEN("r50_block"), precisions[_i], TSM_SHIFT_AUTO, 1);
    context = make_context(engine, &(tsm_shape){ 1, FRAMES, SIDE, SIDE });
    online = make_online(engine, &options);
    for (int t = 0; t < FRAMES; t++) fill_frame(clip + (size_t)t * FRAME_COUNT, 5, t);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    for (int t = 0; t < FRAMES; t++) assert_ok(push_frame(online, 0, 5, t, got + t * CLASSES, NULL, &error), &error);
    assert_close(got, want, FRAMES * CLASSES, 1e-6, "a stream and a clip");
    tsm_context_destroy(&context);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
    assert_no_failure();
}
END_TEST

/* Three streams of different ages, in slots far from those that the graphs were captured with; saved, and continued
 * by plain C; no memory is asked for. */
START_TEST(batches_slots_and_bytes)
{
    static const int slots[] = { 4, 0, 3 };
    tsm_engine *engine;
    tsm_online_options options = stream_options(5);
    tsm_online *online, *plain;
    tsm_online_info info = TSM_ONLINE_INFO_INIT;
    float frames[3 * FRAME_COUNT], logits[3 * CLASSES], want[3][FRAMES * CLASSES], next[CLASSES];
    tsm_tensor input = frames_tensor(frames, 3), output = logits_tensor(logits, 3, CLASSES);
    tsm_engine *plain_engine = make_stream_engine(GOLDEN("mbv2_online"), "reference", 0);
    unsigned char *data;
    tsm_error error;

    set_mode("on", "off");
    engine = make_cuda(GOLDEN("mbv2_online"), TSM_PRECISION_FP32, TSM_SHIFT_AUTO, 0);
    online = make_online(engine, &options);
    plain = make_online(plain_engine, &options);
    ck_assert_int_eq(tsm_online_get_info(online, &info), TSM_OK);
    for (int i = 0; i < 3; i++) reference_stream(GOLDEN("mbv2_online"), 30 + (uint32_t)i, FRAMES, want[i]);
    assert_ok(push_frame(online, slots[1], 31, 0, NULL, NULL, &error), &error); /* the second is a frame older */
    host_allocations();
    for (int t = 0; t < 2; t++) {
        for (int i = 0; i < 3; i++) fill_frame(frames + (size_t)i * FRAME_COUNT, 30 + (uint32_t)i, t + (i == 1));
        assert_ok(tsm_online_push(online, slots, 3, &input, &output, NULL, &error), &error);
        for (int i = 0; i < 3; i++)
            assert_close(logits + i * CLASSES, want[i] + (t + (i == 1)) * CLASSES, CLASSES, 2e-5, "in a batch");
    }
    ck_assert_uint_eq(host_allocations(), 0);
    data = must(malloc(info.saved_bytes));
    assert_ok(tsm_online_save(online, 4, data, info.saved_bytes, &error), &error);
    assert_ok(tsm_online_copy(online, 1, 4, &error), &error);
    assert_ok(tsm_online_restore(online, 2, data, info.saved_bytes, &error), &error);
    assert_ok(tsm_online_restore(plain, 1, data, info.saved_bytes, &error), &error);
    for (int i = 0; i < 3; i++) {
        assert_ok(push_frame(i == 2 ? plain : online, i == 0 ? 2 : 1, 30, 2, next, NULL, &error), &error);
        assert_close(next, want[0] + 2 * CLASSES, CLASSES, 2e-5, "restored or copied");
    }
    assert_ok(tsm_online_reset(online, 4, &error), &error);
    assert_ok(push_frame(online, 4, 30, 0, next, NULL, &error), &error);
    assert_close(next, want[0], CLASSES, 2e-5, "begun anew");
    free(data);
    tsm_online_destroy(&online);
    tsm_online_destroy(&plain);
    tsm_engine_destroy(&engine);
    tsm_engine_destroy(&plain_engine);
    assert_no_failure();
}
END_TEST

/* Each of the plugin's own allocations fails once; nothing is left behind. */
START_TEST(fails_with_each_allocation)
{
    tsm_online_options options = stream_options(2);
    tsm_online *online = NULL;
    tsm_engine *engine;
    tsm_status status = TSM_ERROR_MEMORY;
    tsm_error error;
    int n = 0;

    set_mode("on", "off");
    engine = make_cuda(GOLDEN("r18_t1"), TSM_PRECISION_FP32, TSM_SHIFT_COPY, 0);
    options.height = options.width = 16;
    while (status != TSM_OK) {
        fail_host_allocation(++n);
        status = tsm_online_create(&online, engine, &options, &error);
        fail_host_allocation(0);
        if (status != TSM_OK) assert_error(status, &error, TSM_ERROR_MEMORY, "memory");
    }
    ck_assert_int_gt(n, 10);
    tsm_online_destroy(&online);
    tsm_engine_destroy(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim_net_online");
    TCase *logits = tcase_create("logits");

    tcase_set_timeout(logits, 0);
    tcase_add_loop_test(logits, streams_equal_plain_c, 0, 3 * NETWORKS);
    tcase_add_loop_test(logits, streams_equal_clips, 0, 3);
    tcase_add_test(logits, batches_slots_and_bytes);
    tcase_add_test(logits, fails_with_each_allocation);
    suite_add_tcase(suite, logits);
    return run_suite(suite);
}
