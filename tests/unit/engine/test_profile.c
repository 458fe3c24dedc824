/* SPDX-License-Identifier: Apache-2.0 */
/* test_profile.c - what a profile says of each step, and what a visitor of an engine's run sees. */
#include "engine/engine.h"
#include "engines.h"

enum { N = 2, T = 8, H = 32, W = 40, CLASSES = 7 };

static const tsm_shape shape = { N, T, H, W };
static const char *const devices[] = { "reference", "cpu" };

static const tsm_profile_row *find_row(const tsm_profile_row *rows, int count, const char *layer)
{
    const tsm_profile_row *found = NULL;

    for (int i = 0; i < count; i++)
        if (strcmp(rows[i].layer, layer) == 0 && (!found || rows[i].macs > found->macs)) found = &rows[i];
    ck_assert_msg(found != NULL, "no row of %s", layer);
    return found;
}

/* Sums over all rows are those of the graph; the first convolution's are reckoned by hand. */
START_TEST(rows_add_up)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_context(engine, &shape);
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = load_model(GOLDEN("r18"));
    const tsm_profile_row *conv1;
    tsm_profile_row *rows;
    uint64_t macs = 0, width, pixels = (uint64_t)N * T * (H / 2) * (W / 2);
    tsm_error error;
    int count;

    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    width = (uint64_t)info.width;
    assert_ok(tsm_context_profile(context, NULL, 3, &rows, &count, &error), &error);
    ck_assert_int_ge(count, 24); /* a step a layer at least */
    for (int i = 0; i < count; i++) {
        ck_assert(*rows[i].layer && *rows[i].how && rows[i].ms >= 0);
        macs += rows[i].macs;
    }
    ck_assert_str_eq(rows[0].layer, "input");
    ck_assert_uint_eq(rows[0].macs, 0);
    conv1 = find_row(rows, count, "base_model.conv1");
    ck_assert_uint_eq(conv1->macs, pixels * width * 3 * 49);
    ck_assert_uint_eq(conv1->bytes,
                      4 * ((uint64_t)N * T * H * W * 3 + pixels * width + width * 3 * 49 + width)); /* and the bias */
    if (_i) ck_assert_int_eq(strncmp(conv1->how, "oneDNN ", 7), 0);
    tsm_free(rows);

    char *text;
    assert_ok(tsm_model_graph_text(model, &shape, 1, &text, &error), &error);
    char want[64];
    snprintf(want, sizeof want, " %llu multiply-adds", (unsigned long long)macs);
    ck_assert_msg(strstr(text, want) != NULL, "not%s", want);
    tsm_free(text);
    tsm_model_destroy(&model);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}
END_TEST

/* Frames that the engine resizes are a step too; the caller's own tensor is profiled. */
START_TEST(resize_is_a_step)
{
    const tsm_resize resize = { sizeof resize, 60, 50, 48, 40, 2, 3, 0 };
    tsm_engine *engine = make_engine(GOLDEN("r18"), "cpu");
    tsm_context *context = make_context(engine, NULL);
    uint8_t *frames = calloc((size_t)N * T * 50 * 60, 3);
    tsm_tensor input = bytes_tensor(frames, N, T, 50, 60);
    tsm_profile_row *rows;
    tsm_error error;
    int count;

    assert_ok(tsm_context_plan_resize(context, &shape, &resize, &error), &error);
    assert_ok(tsm_context_profile(context, &input, 2, &rows, &count, &error), &error);
    ck_assert_str_eq(rows[0].how, "resize on the host");
    ck_assert_str_eq(rows[1].layer, "input");
    tsm_free(rows);
    free(frames);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(refusals)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), "cpu");
    tsm_context *context = make_context(engine, NULL);
    float data[3] = { 0 };
    tsm_tensor input = planes_tensor(data, 1, 1, 3, 1, 1);
    tsm_profile_row *rows;
    tsm_error error;
    int count;

    assert_error(tsm_context_profile(context, NULL, 1, &rows, &count, &error), &error, TSM_ERROR_ARGUMENT, "no plan");
    ck_assert_ptr_null(rows);
    assert_ok(tsm_context_plan(context, &shape, &error), &error);
    assert_error(tsm_context_profile(context, &input, 1, &rows, &count, &error), &error, TSM_ERROR_ARGUMENT,
                 "planned for is 2x8x3x32x40");
    assert_error(tsm_context_profile(context, NULL, 0, &rows, &count, &error), &error, TSM_ERROR_ARGUMENT, "0 runs");
    assert_error(tsm_context_profile(NULL, NULL, 1, &rows, &count, &error), &error, TSM_ERROR_ARGUMENT, "no context");
    ck_assert_int_eq(tsm_context_profile(context, NULL, 1, NULL, &count, NULL), TSM_ERROR_ARGUMENT);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
}
END_TEST

/* The largest value of every node. */
typedef struct ranges {
    float largest[64];
    int shown;
} ranges;

static void see(void *user, int node, const tsm_dims *dims, const float *values)
{
    ranges *r = user;

    ck_assert_int_lt(node, 64);
    for (int64_t i = 0; i < tsm_dims_count(dims); i++) r->largest[node] = fmaxf(r->largest[node], fabsf(values[i]));
    r->shown++;
}

/* Every value of a run through an engine, alike on both backends. */
START_TEST(visits)
{
    static ranges seen[2];
    float *data = hashed_array((size_t)N * T * 3 * H * W, 1), logits[N * CLASSES];
    const tsm_tensor input = planes_tensor(data, N, T, 3, H, W), output = logits_tensor(logits, N, CLASSES);
    tsm_error error;

    for (int d = 0; d < 2; d++) {
        const tsm_visitor visitor = { see, &seen[d] };
        const tsm_run_arguments arguments = { .input = &input, .output = &output, .visitor = &visitor };
        tsm_engine *engine = make_engine(GOLDEN("r18"), devices[d]);
        tsm_context *context = make_context(engine, &shape);

        assert_ok(tsm_context_run(context, &arguments, &error), &error);
        ck_assert_int_eq(seen[d].shown, engine->graph->count);
        tsm_context_destroy(&context);
        tsm_engine_destroy(&engine);
    }
    for (int i = 0; i < 64; i++)
        ck_assert_float_le(fabsf(seen[0].largest[i] - seen[1].largest[i]), 1e-4f * seen[0].largest[i]);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("profile");
    TCase *rows = tcase_create("rows");

    tcase_add_loop_test(rows, rows_add_up, 0, 2);
    tcase_add_test(rows, resize_is_a_step);
    tcase_add_test(rows, refusals);
    tcase_add_test(rows, visits);
    suite_add_tcase(suite, rows);
    return run_suite(suite);
}
