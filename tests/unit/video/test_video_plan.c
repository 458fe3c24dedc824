/* SPDX-License-Identifier: Apache-2.0 */
/* test_video_plan.c - plans whose frames come at another size: equal, bit for bit, to frames that libtsm-video
 * resized; and what is refused. */
#include "core/status.h"
#include "resizes.h"

static const char *const devices[] = { "reference", "cpu" };
#define DEVICES (int)(sizeof devices / sizeof *devices)
#define RESIZES (int)(sizeof resizes / sizeof *resizes)

START_TEST(equals_resized_frames)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i % DEVICES]);

    check_resize(engine, &resizes[_i / DEVICES]);
    tsm_engine_destroy(&engine);
}
END_TEST

/* float32 input has the shape of the plan all the same; and a run allocates nothing. */
START_TEST(floats_are_not_resized)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *plain = make_context(engine, &resize_shape), *context = make_resize_context(engine, &resizes[0]);
    float *data = hashed_array(RESIZE_IMAGES * RESIZE_H * RESIZE_W * 3, 1), want[RESIZE_LOGITS], got[RESIZE_LOGITS];
    uint8_t *frames = resize_frames(&resizes[0], 3);
    tsm_tensor input = planes_tensor(data, RESIZE_N, RESIZE_T, 3, RESIZE_H, RESIZE_W);
    tsm_tensor bytes = resize_tensor(frames, &resizes[0]), output = logits_tensor(want, RESIZE_N, RESIZE_LOGITS);
    tsm_error error;

    ck_assert_uint_ge(tsm_context_bytes(context), tsm_context_bytes(plain) + RESIZE_IMAGES * RESIZE_H * RESIZE_W * 3);
    assert_ok(tsm_run(plain, &input, &output, &error), &error);
    output.data = got;
    tsm_alloc_fail_at(1); /* the next one would fail */
    assert_ok(tsm_run(context, &bytes, &output, &error), &error);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    ck_assert_uint_eq(tsm_alloc_fail_at(0), 0);
    ck_assert_mem_eq(got, want, sizeof want);
    tsm_context_destroy(&context);
    tsm_context_destroy(&plain);
    tsm_engine_destroy(&engine);
    free(frames);
    free(data);
}
END_TEST

static const struct {
    tsm_resize resize;
    const char *names;
} bad_resizes[] = {
    { RESIZE(0, 64, 60, 40, 0, 0, 0), "frames of 0x64" },
    { RESIZE(96, -1, 60, 40, 0, 0, 0), "frames of 96x-1" },
    { RESIZE(16385, 64, 60, 40, 0, 0, 0), "frames of 16385x64" },
    { RESIZE(96, 64, 0, 40, 0, 0, 0), "scaled to 0x40" },
    { RESIZE(96, 64, 60, INT32_MAX, 0, 0, 0), "scaled to 60x2147483647" },
    { RESIZE(96, 64, 60, 40, 21, 0, 0), "crop of 40x32 at (21, 0) leaves the frame of 60x40" },
    { RESIZE(96, 64, 60, 40, 0, 9, 0), "crop" },
    { RESIZE(96, 64, 60, 40, -1, 0, 0), "crop" },
    { RESIZE(96, 64, 60, 40, INT32_MAX, INT32_MAX, 0), "crop" },
    { RESIZE(96, 64, 60, 40, INT32_MIN, 0, 0), "crop" },
    { RESIZE(30, 20, 0, 0, 0, 0, 0), "crop of 40x32 at (0, 0) leaves the frame of 30x20" },
    { { 0, 96, 64, 60, 40, 0, 0, 0 }, "struct_size is 0" },
};

START_TEST(refused)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), "reference"),
               *flow = make_engine(GOLDEN("r18_flow"), "reference");
    tsm_context *context = make_context(engine, NULL), *of_flow = make_context(flow, NULL);
    uint8_t *frames = resize_frames(&resizes[0], 3);
    float logits[RESIZE_LOGITS];
    tsm_tensor input = resize_tensor(frames, &resizes[0]), output = logits_tensor(logits, RESIZE_N, RESIZE_LOGITS);
    tsm_error error;

    for (size_t i = 0; i < sizeof bad_resizes / sizeof *bad_resizes; i++) {
        assert_error(tsm_context_plan_resize(context, &resize_shape, &bad_resizes[i].resize, &error), &error,
                     TSM_ERROR_ARGUMENT, bad_resizes[i].names);
        ck_assert_uint_eq(tsm_context_bytes(context), 0);
        assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "no plan");
    }
    assert_error(tsm_context_plan_resize(context, &(tsm_shape){ 1 << 12, 8, 32, 40 },
                                         &(tsm_resize)RESIZE(16384, 16384, 40, 32, 0, 0, 0), &error),
                 &error, TSM_ERROR_ARGUMENT, "too many");
    assert_error(tsm_context_plan_resize(of_flow, &resize_shape, &resizes[0], &error), &error, TSM_ERROR_ARGUMENT,
                 "this network reads 10");
    ck_assert_int_eq(tsm_context_plan_resize(NULL, &resize_shape, &resizes[0], NULL), TSM_ERROR_ARGUMENT);
    assert_ok(tsm_context_plan_resize(context, &resize_shape, &resizes[0], &error), &error);
    input.dims[2]--;
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT,
                 "input: is 1x8x63x96x3, planned for is 1x8x64x96x3");
    /* A plan without a resize stands beside it. */
    assert_ok(tsm_context_plan_resize(context, &resize_shape, NULL, &error), &error);
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT,
                 "planned for is 1x8x32x40x3, 1x8x64x96x3");
    tsm_context_destroy(&context);
    tsm_context_destroy(&of_flow);
    tsm_engine_destroy(&engine);
    tsm_engine_destroy(&flow);
    free(frames);
}
END_TEST

/* A plan of the same shape for frames of the same size takes the place of the one before, whatever the crop. */
START_TEST(another_crop_replaces)
{
    const tsm_resize crops[] = { RESIZE(96, 64, 60, 40, 10, 4, 0), RESIZE(96, 64, 60, 40, 2, 3, 1) };
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_resize_context(engine, &crops[0]);
    uint8_t *frames = resize_frames(&crops[0], 9);
    float want[RESIZE_LOGITS], got[RESIZE_LOGITS];
    tsm_tensor input = resize_tensor(frames, &crops[0]), output = logits_tensor(got, RESIZE_N, RESIZE_LOGITS);
    const uint64_t bytes = tsm_context_bytes(context);
    tsm_error error;

    for (int k = 1; k < 4; k++) {
        assert_ok(tsm_context_plan_resize(context, &resize_shape, &crops[k % 2], &error), &error);
        ck_assert_uint_le(tsm_context_bytes(context), bytes + 4096); /* tables of another crop */
        resize_logits(engine, &crops[k % 2], frames, want);
        assert_ok(tsm_run(context, &input, &output, &error), &error);
        ck_assert_mem_eq(got, want, sizeof want);
    }
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(frames);
}
END_TEST

/* Every allocation of a plan fails in turn. */
START_TEST(memory_runs_out)
{
    tsm_engine *engine = make_engine(GOLDEN("r18_t1"), "reference");
    tsm_context *context = make_context(engine, NULL);
    const tsm_shape small = { 1, 1, 16, 16 };
    tsm_status status = TSM_ERROR_MEMORY;
    tsm_error error;
    uint64_t n = 0;

    while (status != TSM_OK) {
        tsm_alloc_fail_at(++n);
        status = tsm_context_plan_resize(context, &small, &resizes[0], &error);
        tsm_alloc_fail_at(0);
        if (status != TSM_OK) assert_error(status, &error, TSM_ERROR_MEMORY, "memory");
    }
    ck_assert_uint_gt(n, 9); /* six tables, frames, scratch, a plan */
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plans with a resize");
    TCase *tests = tcase_create("resize");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, equals_resized_frames, 0, DEVICES * RESIZES);
    tcase_add_loop_test(tests, floats_are_not_resized, 0, DEVICES);
    tcase_add_loop_test(tests, another_crop_replaces, 0, DEVICES);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, memory_runs_out);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
