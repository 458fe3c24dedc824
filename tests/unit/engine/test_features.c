/* SPDX-License-Identifier: Apache-2.0 */
/* Features in place of logits: the classifier makes the same logits of them, on every backend and of clips as of frames. */
#include "engines.h"

enum { CLIPS = 2, T = 8, SIDE = 32, MOST_CLASSES = 16 };

static const char *const networks[] = { GOLDEN("r18"), GOLDEN("r50"), GOLDEN("mbv2"), GOLDEN("r50_nl"),
                                        GOLDEN("r18_tpool") };

static tsm_engine *engine_of(const tsm_model *model, const char *device, int features, int per_frame)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine;
    tsm_error error;

    options.device = device;
    options.features = features;
    options.per_frame = per_frame;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    return engine;
}

/* Outputs of random clips, to be freed; *values of each row, `rows` a clip. */
static float *outputs_of(const tsm_engine *engine, int rows, int *values)
{
    const tsm_shape shape = { CLIPS, T, SIDE, SIDE };
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;
    tsm_context *context = make_context(engine, &shape);
    static float planes[CLIPS * T * 3 * SIDE * SIDE];
    tsm_tensor input = planes_tensor(planes, CLIPS, T, 3, SIDE, SIDE), output;
    tsm_error error;
    float *data;

    ck_assert_int_eq(tsm_engine_get_info(engine, &info), TSM_OK);
    ck_assert_int_eq(info.segments, T);
    *values = info.values;
    for (size_t i = 0; i < sizeof planes / sizeof *planes; i++) planes[i] = hashed_value((uint32_t)i, 7);
    data = calloc((size_t)(CLIPS * rows * info.values), sizeof *data);
    output = logits_tensor(data, CLIPS, info.values);
    if (info.per_frame) {
        output = (tsm_tensor){
            .data = data, .dtype = TSM_FLOAT32, .layout = TSM_NTC, .ndim = 3, .dims = { CLIPS, rows, info.values }
        };
    }
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    tsm_context_destroy(&context);
    return data;
}

static void check(const tsm_model *model, const char *device, int per_frame)
{
    tsm_engine *plain = engine_of(model, device, 0, per_frame), *pooled = engine_of(model, device, 1, per_frame);
    const int rows = per_frame ? T : 1;
    int classes, values;
    float *want = outputs_of(plain, rows, &classes), *features = outputs_of(pooled, rows, &values);
    float got[CLIPS * T * MOST_CLASSES];
    tsm_error error;

    ck_assert_int_le(classes, MOST_CLASSES);
    assert_ok(tsm_model_classify(model, features, CLIPS * rows, values, got, &error), &error);
    assert_close(got, want, (size_t)(CLIPS * rows * classes), 1e-5, "logits of features");
    assert_error(tsm_model_classify(model, features, 1, values + 1, got, &error), &error, TSM_ERROR_ARGUMENT,
                 "classifier reads");
    free(want);
    free(features);
    tsm_engine_destroy(&plain);
    tsm_engine_destroy(&pooled);
}

START_TEST(test_features)
{
    tsm_model *model = load_model(networks[_i]);

    check(model, "reference", 0);
    check(model, "cpu", 0);
    if (strcmp(networks[_i], GOLDEN("r18_tpool")) != 0) check(model, "cpu", 1);
    tsm_model_destroy(&model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("features");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, test_features, 0, sizeof networks / sizeof *networks);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
