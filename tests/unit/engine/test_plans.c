/* SPDX-License-Identifier: Apache-2.0 */
/* test_plans.c - plans of a context: several shapes, what fails and what stays, and the order in which things go. */
#include "core/status.h"
#include "engines.h"

/* r18: 7 classes, 8 segments, RGB. */
enum { N = 2, T = 8, H = 32, W = 40, C = 3, CLASSES = 7, PIXELS = N * T * C * H * W };

static const tsm_shape shape = { N, T, H, W };
static const char *const devices[] = { "reference", "cpu" };
#define DEVICES (int)(sizeof devices / sizeof *devices)

static void run(tsm_context *context, const tsm_tensor *input, float *logits, int n)
{
    tsm_tensor output = logits_tensor(logits, n, CLASSES);
    tsm_error error;

    memset(logits, 0xff, (size_t)n * CLASSES * sizeof *logits);
    assert_ok(tsm_run(context, input, &output, &error), &error);
}

/* ---- Plans ---- */

static const struct {
    tsm_shape shape;
    const char *names;
} bad_shapes[] = {
    { { 0, 8, 32, 32 }, "shape: 0 clips" },
    { { -1, 8, 32, 32 }, "shape: -1 clips" },
    { { (1 << 20) + 1, 1, 1, 1 }, "shape: 1048577 clips" },
    { { 1, -8, 32, 32 }, "shape: -8 frames" },
    { { 1, 65537, 1, 1 }, "shape: 65537 frames" },
    { { 1, 8, 0, 32 }, "shape: frames of 32x0 pixels" },
    { { 1, 8, 32, -5 }, "shape: frames of -5x32 pixels" },
    { { 1, 1, 1, 2147483647 }, "shape: frames of 2147483647x1 pixels, want 1 to 16384 a side" },
    { { 1, 1, 1, 536870912 }, "shape: frames of" },
    { { 1, 1, 1, 4194304 }, "shape: frames of" },
    { { 1, 1, 16385, 1 }, "shape: frames of" },
    { { INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX }, "shape: 2147483647 clips" },
    { { 1 << 20, 1 << 16, 16384, 16384 }, "2^40" },
};

START_TEST(refused_shapes_change_nothing)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_context(engine, NULL);
    float *data = hashed_array(PIXELS, 1), logits[N * CLASSES], again[N * CLASSES];
    tsm_tensor input = planes_tensor(data, N, T, C, H, W), output = logits_tensor(logits, N, CLASSES);
    tsm_error error;
    uint64_t bytes;

    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "no plan");
    ck_assert_uint_eq(tsm_context_bytes(context), 0);
    assert_ok(tsm_context_plan(context, &shape, &error), &error);
    bytes = tsm_context_bytes(context);
    ck_assert_uint_gt(bytes, 0);
    run(context, &input, logits, N);
    for (size_t i = 0; i < sizeof bad_shapes / sizeof *bad_shapes; i++) {
        assert_error(tsm_context_plan(context, &bad_shapes[i].shape, &error), &error, TSM_ERROR_ARGUMENT,
                     bad_shapes[i].names);
        ck_assert_uint_eq(tsm_context_bytes(context), bytes);
    }
    assert_error(tsm_context_plan(context, NULL, &error), &error, TSM_ERROR_ARGUMENT, "shape");
    run(context, &input, again, N);
    ck_assert_mem_eq(again, logits, sizeof logits);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(data);
}
END_TEST

/* One clip at a time, and t from the model, give what the batch gives, in whatever order they are planned and run;
 * the context holds as much as its largest plan alone. */
START_TEST(plans_of_several_shapes)
{
    const tsm_shape single = { 1, 0, H, W }, narrow = { 1, T, H, W - 8 };
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_context(engine, &single);
    float *data = hashed_array(PIXELS, 1), batch[N * CLASSES], alone[N * CLASSES], other[CLASSES];
    tsm_tensor input = planes_tensor(data, N, T, C, H, W), output = logits_tensor(alone, N, CLASSES);
    tsm_error error;
    uint64_t bytes;

    assert_ok(tsm_context_plan(context, &shape, &error), &error);
    bytes = tsm_context_bytes(context);
    assert_ok(tsm_context_plan(context, &narrow, &error), &error);
    ck_assert_uint_eq(tsm_context_bytes(context), bytes);
    for (int round = 0; round < 2; round++) {
        input = planes_tensor(data, N, T, C, H, W);
        run(context, &input, batch, N);
        for (int n = 0; n < N; n++) {
            input = planes_tensor(data + n * PIXELS / N, 1, T, C, H, W);
            run(context, &input, alone + n * CLASSES, 1);
        }
        input = planes_tensor(data, 1, T, C, H, W - 8);
        run(context, &input, other, 1);
        assert_close(alone, batch, N * CLASSES, 1e-6, "clips alone");
    }
    input = planes_tensor(data, 1, T, C, H, W - 9);
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT,
                 "input: is 1x8x3x32x31, planned for is 1x8x3x32x32, 2x8x3x32x40, 1x8x3x32x40");
    tsm_context_drop_plans(context);
    ck_assert_uint_eq(tsm_context_bytes(context), 0);
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "no plan");
    assert_ok(tsm_context_plan(context, &shape, &error), &error);
    ck_assert_uint_eq(tsm_context_bytes(context), bytes);
    tsm_context_destroy(&context);
    tsm_context_drop_plans(NULL);
    tsm_engine_destroy(&engine);
    free(data);
}
END_TEST

/* What oneDNN counts in 32 bits. */
START_TEST(sizes_that_onednn_cannot_count)
{
    static const struct {
        tsm_shape shape;
        const char *names;
    } cases[] = {
        { { 1, 1, 16384, 16384 }, "cpu: input: a frame of 16384x16384x3 numbers" },
        { { 1, 1, 16384, 10923 }, "cpu: input: a frame of 16384x10923x3 numbers" },
        { { 1, 65536, 256, 128 }, "cpu: input: 65536 frames of 256x128 pixels" },
        { { 1 << 20, 1024, 2, 1 }, "cpu: input: 1073741824 frames of 2x1 pixels" },
    };
    tsm_engine *engine = make_engine(GOLDEN("r18"), "cpu");
    tsm_context *context = make_context(engine, NULL);
    tsm_error error;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_error(tsm_context_plan(context, &cases[i].shape, &error), &error, TSM_ERROR_ARGUMENT, cases[i].names);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}
END_TEST

/* The caller's own limit, on every device: what fits is planned, what does not allocates nothing. */
START_TEST(bytes_are_limited)
{
    const tsm_shape larger = { N + 1, T, H, W };
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_context(engine, &shape);
    tsm_error error;

    options.device = devices[_i];
    options.max_bytes = tsm_context_bytes(context);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    context = make_context(engine, &shape);
    assert_error(tsm_context_plan(context, &larger, &error), &error, TSM_ERROR_MEMORY, "bytes, the limit is ");
    ck_assert_uint_eq(tsm_context_bytes(context), options.max_bytes);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    tsm_model_destroy(&model);
}
END_TEST

static int asked(void *user)
{
    int *left = user;

    return (*left)-- <= 0;
}

/* Every call that may take long stops where the caller says so, and the next one works. */
START_TEST(cancelled_by_the_caller)
{
    int left = INT32_MAX;
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model *model = load_model(GOLDEN("r18"));
    float *data = hashed_array(PIXELS, 1), logits[N * CLASSES];
    tsm_tensor input = planes_tensor(data, N, T, C, H, W), output = logits_tensor(logits, N, CLASSES);
    tsm_engine *engine = NULL;
    tsm_context *context;
    tsm_error error;

    options.device = devices[_i];
    options.cancel = asked;
    options.cancel_user = &left;
    left = 2;
    assert_error(tsm_engine_create(&engine, model, &options, &error), &error, TSM_ERROR_CANCELLED, "cancelled");
    left = INT32_MAX;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    context = make_context(engine, NULL);
    left = 0;
    assert_error(tsm_context_plan(context, &shape, &error), &error, TSM_ERROR_CANCELLED, "cancelled");
    left = INT32_MAX;
    assert_ok(tsm_context_plan(context, &shape, &error), &error);
    left = 5;
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_CANCELLED, "cancelled");
    left = INT32_MAX;
    run(context, &input, logits, N);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    tsm_model_destroy(&model);
    free(data);
}
END_TEST

/* Many plans: the message that lists them is cut, not overrun. */
START_TEST(many_plans)
{
    tsm_engine *engine = make_engine(GOLDEN("r18_t1"), "cpu");
    tsm_context *context = make_context(engine, NULL);
    float data[3 * 16 * 16] = { 0 }, logits[CLASSES];
    tsm_tensor input = planes_tensor(data, 1, 1, 3, 16, 16), output = logits_tensor(logits, 1, CLASSES);
    tsm_error error;

    for (int i = 0; i < 40; i++)
        assert_ok(tsm_context_plan(context, &(tsm_shape){ 1, 1, 17 + i, 64 }, &error), &error);
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "1x1x3x56x64, ");
    ck_assert_ptr_nonnull(strstr(error.text, " and more"));
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}
END_TEST

/* A plan that is there already allocates nothing but what it is compared by. */
START_TEST(same_plan_again_is_cheap)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), "cpu");
    tsm_context *context = make_context(engine, &shape);
    tsm_error error;

    tsm_alloc_fail_at(0);
    assert_ok(tsm_context_plan(context, &shape, &error), &error);
    ck_assert_uint_le(tsm_alloc_fail_at(0), 2);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}
END_TEST

/* ---- Orders of destruction ---- */

START_TEST(engine_goes_first)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *one = make_context(engine, &shape), *two = make_context(engine, NULL);
    float *data = hashed_array(PIXELS, 1), before[N * CLASSES], after[N * CLASSES];
    tsm_tensor input = planes_tensor(data, N, T, C, H, W);
    tsm_error error;

    run(one, &input, before, N);
    tsm_engine_destroy(&engine);
    ck_assert_ptr_null(engine);
    run(one, &input, after, N);
    ck_assert_mem_eq(after, before, sizeof before);
    tsm_context_destroy(&one);
    assert_ok(tsm_context_plan(two, &shape, &error), &error);
    run(two, &input, after, N);
    ck_assert_mem_eq(after, before, sizeof before);
    tsm_context_destroy(&two);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plans");
    TCase *plans = tcase_create("plans");

    tcase_add_loop_test(plans, refused_shapes_change_nothing, 0, DEVICES);
    tcase_add_loop_test(plans, plans_of_several_shapes, 0, DEVICES);
    tcase_add_test(plans, sizes_that_onednn_cannot_count);
    tcase_add_loop_test(plans, bytes_are_limited, 0, DEVICES);
    tcase_add_loop_test(plans, cancelled_by_the_caller, 0, DEVICES);
    tcase_add_test(plans, many_plans);
    tcase_add_test(plans, same_plan_again_is_cheap);
    tcase_add_loop_test(plans, engine_goes_first, 0, DEVICES);
    suite_add_tcase(suite, plans);
    return run_suite(suite);
}
