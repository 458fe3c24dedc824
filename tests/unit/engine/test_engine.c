/* SPDX-License-Identifier: Apache-2.0 */
/* test_engine.c - making an engine: devices, options of any version, what it says of itself; and the text of a
 * graph. */
#include "engine/engine.h"
#include "engines.h"

static const tsm_shape shape = { 2, 8, 32, 40 };

static tsm_status try_create(const tsm_engine_options *options, tsm_error *error)
{
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine *engine = (tsm_engine *)model; /* must be set to NULL on failure */
    tsm_status status = tsm_engine_create(&engine, model, options, error);

    ck_assert((engine != NULL) == (status == TSM_OK));
    tsm_engine_destroy(&engine);
    ck_assert_ptr_null(engine);
    tsm_model_destroy(&model);
    return status;
}

static const struct {
    const char *device;
    tsm_status want;
} device_names[] = {
    { "", TSM_ERROR_ARGUMENT },
    { "gpu", TSM_ERROR_ARGUMENT },
    { "CPU", TSM_ERROR_ARGUMENT },
    { "cuda:", TSM_ERROR_ARGUMENT },
    { "cuda:x", TSM_ERROR_ARGUMENT },
    { "cuda:-1", TSM_ERROR_ARGUMENT },
    { "cuda:0 ", TSM_ERROR_ARGUMENT },
    { "cuda:4096", TSM_ERROR_ARGUMENT },
    { "cuda:99999999999999999999", TSM_ERROR_ARGUMENT },
    { "cuda:4095", TSM_ERROR_DEVICE }, /* no machine has so many */
};

START_TEST(refused_devices)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    const char *names = device_names[_i].want == TSM_ERROR_DEVICE ? "cuda: " : "device \"";
    tsm_error error;

    options.device = device_names[_i].device;
    assert_error(try_create(&options, &error), &error, device_names[_i].want, names);
}
END_TEST

START_TEST(auto_finds_a_device)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), _i ? "auto" : NULL);
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;

    ck_assert_int_eq(tsm_engine_get_info(engine, &info), TSM_OK);
    ck_assert_msg(strcmp(info.device, "cpu") == 0 || strncmp(info.device, "cuda:", 5) == 0, "%s", info.device);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(refused_options)
{
    const size_t size = sizeof(tsm_engine_options);
    const struct {
        tsm_engine_options options;
        tsm_status want;
        const char *names;
    } cases[] = {
        { { .struct_size = size, .precision = (tsm_precision)6 }, TSM_ERROR_ARGUMENT, "precision 6" },
        { { .struct_size = size, .threads = -1 }, TSM_ERROR_ARGUMENT, "threads" },
        { { .struct_size = size, .threads = 5000 }, TSM_ERROR_ARGUMENT, "threads" },
        { { .struct_size = size, .shift_method = (tsm_shift_method)9 }, TSM_ERROR_ARGUMENT, "shift" },
        { { .struct_size = size, .cuda_graphs = (tsm_toggle)3 }, TSM_ERROR_ARGUMENT, "toggle 3" },
        { { .struct_size = size, .cuda_ranges = (tsm_toggle)-1 }, TSM_ERROR_ARGUMENT, "toggle -1" },
        { { .struct_size = size, .device = "cpu", .precision = TSM_PRECISION_FP16 }, TSM_ERROR_UNSUPPORTED, "cpu" },
        { { .struct_size = size, .device = "reference", .precision = TSM_PRECISION_INT8 },
          TSM_ERROR_UNSUPPORTED,
          "reference" },
        { { .struct_size = size, .device = "reference", .shift_method = TSM_SHIFT_GATHER },
          TSM_ERROR_UNSUPPORTED,
          "reference" },
        { { .struct_size = 0 }, TSM_ERROR_ARGUMENT, "struct_size is 0" },
        { { .struct_size = 1 << 20 }, TSM_ERROR_ARGUMENT, "struct_size" },
    };
    tsm_error error;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_error(try_create(&cases[i].options, &error), &error, cases[i].want, cases[i].names);
}
END_TEST

/* ---- What the environment says ---- */

/* Each toggle: the option decides, else the variable, else what is usual. */
START_TEST(toggles_and_the_environment)
{
    static const struct {
        tsm_toggle option;
        const char *variable;
        bool graphs, ranges;
    } cases[] = {
        { TSM_TOGGLE_DEFAULT, NULL, true, false }, { TSM_TOGGLE_DEFAULT, "off", false, false },
        { TSM_TOGGLE_DEFAULT, "on", true, true },  { TSM_TOGGLE_DEFAULT, "perhaps", true, false },
        { TSM_TOGGLE_ON, "off", true, true },      { TSM_TOGGLE_OFF, "on", false, false },
    };
    tsm_engine_options caller = TSM_ENGINE_OPTIONS_INIT, options;
    tsm_backend_config config;
    tsm_device device;
    tsm_error error;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char *const names[] = { "TSM_CUDA_GRAPH", "TSM_CUDA_TUNE", "TSM_CUDA_NVTX" };

        for (int k = 0; k < 3; k++) {
            unsetenv(names[k]);
            if (cases[i].variable) setenv(names[k], cases[i].variable, 1);
        }
        caller.cuda_graphs = caller.cuda_tuning = caller.cuda_ranges = cases[i].option;
        assert_ok(tsm_engine_options_check(&options, &config, &device, &caller, &error), &error);
        ck_assert_int_eq(config.graphs, cases[i].graphs);
        ck_assert_int_eq(config.tune, cases[i].graphs);
        ck_assert_int_eq(config.ranges, cases[i].ranges);
        ck_assert(!config.wgmma);
        for (int k = 0; k < 3; k++) unsetenv(names[k]);
    }
}
END_TEST

/* What only the environment switches. */
START_TEST(wgmma)
{
    tsm_engine_options caller = TSM_ENGINE_OPTIONS_INIT, options;
    tsm_backend_config config;
    tsm_device device;
    tsm_error error;

    setenv("TSM_CUDA_WGMMA", "on", 1);
    assert_ok(tsm_engine_options_check(&options, &config, &device, &caller, &error), &error);
    ck_assert(config.wgmma);
    unsetenv("TSM_CUDA_WGMMA");
}
END_TEST

START_TEST(cache_directory)
{
    tsm_engine_options caller = TSM_ENGINE_OPTIONS_INIT, options;
    tsm_backend_config config;
    tsm_device device;
    tsm_error error;

    unsetenv("TSM_CACHE_DIR");
    assert_ok(tsm_engine_options_check(&options, &config, &device, &caller, &error), &error);
    ck_assert_ptr_null(config.cache_dir);
    setenv("TSM_CACHE_DIR", "/there", 1);
    assert_ok(tsm_engine_options_check(&options, &config, &device, &caller, &error), &error);
    ck_assert_str_eq(config.cache_dir, "/there");
    caller.cache_dir = "";
    assert_ok(tsm_engine_options_check(&options, &config, &device, &caller, &error), &error);
    ck_assert_str_eq(config.cache_dir, "");
    unsetenv("TSM_CACHE_DIR");
}
END_TEST

/* A caller of an older or a newer version of the header. */
START_TEST(struct_sizes)
{
    struct {
        tsm_engine_options known;
        int more[4];
    } newer = { TSM_ENGINE_OPTIONS_INIT, { 0 } };
    struct {
        size_t struct_size;
        const char *device;
    } older = { sizeof older, "reference" };
    tsm_error error;

    newer.known.struct_size = sizeof newer;
    newer.known.device = "reference";
    assert_ok(try_create((const tsm_engine_options *)(const void *)&older, &error), &error);
    assert_ok(try_create(&newer.known, &error), &error);
    newer.more[3] = 1;
    assert_error(try_create(&newer.known, &error), &error, TSM_ERROR_ARGUMENT, "tsm_engine_options");
}
END_TEST

START_TEST(info_structs)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), "reference");
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;
    struct {
        tsm_engine_info known;
        int more[4];
    } newer;
    struct {
        size_t struct_size;
        const char *device;
        char beyond;
    } older = { offsetof(tsm_engine_info, library), NULL, 77 };

    ck_assert_int_eq(tsm_engine_get_info(engine, &info), TSM_OK);
    ck_assert_str_eq(info.device, "reference");
    ck_assert_str_eq(info.library, "plain C");
    ck_assert_int_eq(info.precision, TSM_PRECISION_FP32);
    ck_assert_int_eq(info.shift_method, TSM_SHIFT_COPY);
    ck_assert_uint_gt(info.weight_bytes, 100000);
    ck_assert_ptr_null(info.note);
    memset(&newer, 0xff, sizeof newer);
    newer.known.struct_size = sizeof newer;
    ck_assert_int_eq(tsm_engine_get_info(engine, &newer.known), TSM_OK);
    ck_assert_uint_eq(newer.known.struct_size, sizeof newer);
    ck_assert_int_eq(newer.known.threads, 1);
    ck_assert_int_eq(newer.more[3], 0);
    ck_assert_int_eq(tsm_engine_get_info(engine, (tsm_engine_info *)(void *)&older), TSM_OK);
    ck_assert_str_eq(older.device, "reference");
    ck_assert_int_eq(older.beyond, 77);
    info.struct_size = 3;
    ck_assert_int_eq(tsm_engine_get_info(engine, &info), TSM_ERROR_ARGUMENT);
    ck_assert_int_eq(tsm_engine_get_info(engine, NULL), TSM_ERROR_ARGUMENT);
    ck_assert_int_eq(tsm_engine_get_info(NULL, &info), TSM_ERROR_ARGUMENT);
    tsm_engine_destroy(&engine);
}
END_TEST

START_TEST(null_handles)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), "reference"), *none = engine;
    tsm_context *context = (tsm_context *)engine;
    tsm_error error;

    assert_error(tsm_engine_create(&none, NULL, NULL, &error), &error, TSM_ERROR_ARGUMENT, "no model");
    ck_assert_ptr_null(none);
    ck_assert_int_eq(tsm_engine_create(NULL, NULL, NULL, NULL), TSM_ERROR_ARGUMENT);
    assert_error(tsm_context_create(&context, NULL, &error), &error, TSM_ERROR_ARGUMENT, "no engine");
    ck_assert_ptr_null(context);
    ck_assert_int_eq(tsm_context_create(NULL, engine, NULL), TSM_ERROR_ARGUMENT);
    assert_error(tsm_context_plan(NULL, &shape, &error), &error, TSM_ERROR_ARGUMENT, "no context");
    assert_error(tsm_run(NULL, NULL, NULL, &error), &error, TSM_ERROR_ARGUMENT, "no context");
    ck_assert_uint_eq(tsm_context_bytes(NULL), 0);
    tsm_engine_destroy(NULL);
    tsm_context_destroy(NULL);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    tsm_engine_destroy(&engine);
}
END_TEST

static int count_lines(const char *text)
{
    int lines = 0;

    for (; *text; text++) lines += *text == '\n';
    return lines;
}

START_TEST(graph_text)
{
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_error error;
    char *before, *after;

    assert_ok(tsm_model_graph_text(model, &shape, 0, &before, &error), &error);
    assert_ok(tsm_model_graph_text(model, &shape, 1, &after, &error), &error);
    ck_assert_ptr_nonnull(strstr(before, "bnorm"));
    ck_assert_ptr_null(strstr(after, "bnorm"));
    ck_assert_ptr_nonnull(strstr(after, "+residual("));
    ck_assert_ptr_nonnull(strstr(after, "2x8x32x40x3"));
    ck_assert_int_eq(count_lines(after), 26); /* heading, input, 20 convolutions, 2 pools, fc, totals */
    tsm_free(before);
    tsm_free(after);
    assert_error(tsm_model_graph_text(model, NULL, 1, &after, &error), &error, TSM_ERROR_ARGUMENT, "shape");
    ck_assert_ptr_null(after);
    assert_error(tsm_model_graph_text(NULL, &shape, 1, &after, &error), &error, TSM_ERROR_ARGUMENT, "no model");
    ck_assert_int_eq(tsm_model_graph_text(model, &shape, 1, NULL, NULL), TSM_ERROR_ARGUMENT);
    tsm_model_destroy(&model);
}
END_TEST

/* ---- What a device supports ---- */

START_TEST(support_of_every_layer)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_support_row *rows;
    tsm_error error;
    int count;

    options.device = "cpu";
    assert_ok(tsm_model_support(model, &options, &rows, &count, &error), &error);
    ck_assert_int_eq(count, 24); /* input, 20 convolutions, 2 pools, fc */
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].supported, 1);
        ck_assert_str_eq(rows[i].device, "cpu");
        ck_assert(*rows[i].layer && *rows[i].op && *rows[i].how);
    }
    ck_assert_str_eq(rows[0].op, "input");
    ck_assert_str_eq(rows[1].layer, "base_model.conv1");
    ck_assert_str_eq(rows[1].how, "oneDNN convolution");
    tsm_free(rows);
    options.precision = TSM_PRECISION_BF16;
    assert_ok(tsm_model_support(model, &options, &rows, &count, &error), &error);
    ck_assert_int_eq(rows[1].supported, 0);
    ck_assert_str_eq(rows[1].how, "precision bf16 is not available, only fp32");
    tsm_free(rows);
    options = (tsm_engine_options)TSM_ENGINE_OPTIONS_INIT;
    assert_ok(tsm_model_support(model, &options, &rows, &count, &error), &error); /* "auto": the CPU at least */
    ck_assert_int_eq(rows[1].supported, 1);
    tsm_free(rows);
    options.device = "nowhere";
    assert_error(tsm_model_support(model, &options, &rows, &count, &error), &error, TSM_ERROR_ARGUMENT, "nowhere");
    ck_assert_ptr_null(rows);
    assert_error(tsm_model_support(NULL, NULL, &rows, &count, &error), &error, TSM_ERROR_ARGUMENT, "no model");
    ck_assert_int_eq(tsm_model_support(model, NULL, NULL, &count, NULL), TSM_ERROR_ARGUMENT);
    tsm_model_destroy(&model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *options = tcase_create("options");

    tcase_add_loop_test(options, refused_devices, 0, (int)(sizeof device_names / sizeof *device_names));
    tcase_add_loop_test(options, auto_finds_a_device, 0, 2);
    tcase_add_test(options, refused_options);
    tcase_add_test(options, struct_sizes);
    tcase_add_test(options, info_structs);
    tcase_add_test(options, null_handles);
    tcase_add_test(options, graph_text);
    tcase_add_test(options, toggles_and_the_environment);
    tcase_add_test(options, wgmma);
    tcase_add_test(options, cache_directory);
    tcase_add_test(options, support_of_every_layer);
    suite_add_tcase(suite, options);
    return run_suite(suite);
}
