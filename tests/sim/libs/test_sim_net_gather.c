/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_gather.c - networks with the shift method `gather` on the simulated device: logits against PyTorch in
 * float64, which steps are left, and what cannot be gathered.
 */
#include <dirent.h>
#include <unistd.h>

#include "graph_support.h"
#include "net_support.h"
/* Behind them: net_support.h says where the data is. */
#include "golden.h"

static json_t *cases;

static golden find_golden(const char *name)
{
    size_t i = 0;

    while (i < json_array_size(cases) &&
           strcmp(json_string_value(json_object_get(json_array_get(cases, i), "name")), name))
        i++;
    ck_assert_msg(i < json_array_size(cases), "no golden network %s", name);
    return golden_open(json_array_get(cases, i));
}

/* Of a network at a precision: its steps that copy a shift, and its convolutions that shift as they read. The golden
 * networks are an eighth as wide as the real ones: the folds of their first layers are no multiples of 4 bytes in 16
 * bits, and with placement `block` few residuals have folds of 16 bytes. Where all are served, no copy is left; where
 * n_div is 3 (pptsm_t3), none is. */
typedef struct expectation {
    const char *name;
    tsm_precision precision;
    double tolerance; /* of the largest logit, as in test_sim_net_golden.c; MobileNetV2 has more layers */
    int copies, gathered, on_wgmma;
} expectation;

static const expectation expectations[] = {
    { "r18_1x64x64", TSM_PRECISION_FP16, 0.02, 3, 5, 0 },
    { "r50_1x32x32", TSM_PRECISION_TF32, 0.02, 0, 16, 0 },
    { "r18_block_1x43x57", TSM_PRECISION_FP16, 0.02, 6, 6, 0 },
    { "r50_block_1x57x43", TSM_PRECISION_TF32, 0.02, 0, 32, 0 },
    { "mbv2_1x64x64", TSM_PRECISION_FP16, 0.05, 7, 3, 0 },
    { "pptsm_t3_1x43x57", TSM_PRECISION_FP16, 0.02, 16, 0, 0 },
    { "r18_past_1x64x64_frames", TSM_PRECISION_BF16, 0.12, 3, 5, 0 },
};

static void check_steps(tsm_context *context, const expectation *e)
{
    int count = 0, copies = 0, gathered = 0, on_wgmma = 0;
    tsm_profile_row *rows = NULL;
    tsm_error error;

    assert_ok(tsm_context_profile(context, NULL, 1, &rows, &count, &error), &error);
    for (int i = 0; i < count; i++) {
        copies += strcmp(rows[i].how, "shift kernel") == 0;
        gathered += strncmp(rows[i].how, "our shifting convolution", 24) == 0;
        on_wgmma += strncmp(rows[i].how, "our shifting convolution on wgmma", 33) == 0;
    }
    tsm_free(rows);
    ck_assert_msg(copies == e->copies && gathered == e->gathered && on_wgmma == e->on_wgmma,
                  "%s: %d shifts copied, %d gathered, %d of them on wgmma", e->name, copies, gathered, on_wgmma);
}

static void check_network(const expectation *e)
{
    golden g = find_golden(e->name);
    const size_t count = (size_t)g.rows * g.classes;
    float *logits = poisoned_array(count);
    tsm_tensor input = planes_tensor(g.data, g.shape.n, g.shape.t, g.channels, g.shape.h, g.shape.w);
    tsm_tensor output = golden_output(&g, logits);
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_context *context;
    tsm_error error;

    begin_case(1);
    set_mode("on", "off");
    options.device = "cuda";
    options.precision = e->precision;
    options.shift_method = TSM_SHIFT_GATHER;
    options.per_frame = g.per_frame;
    assert_ok(tsm_engine_create(&engine, g.model, &options, &error), &error);
    context = make_context(engine, &g.shape);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    assert_close(logits, g.logits, count, e->tolerance, g.name);
    check_steps(context, e);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    assert_nothing_left();
    free(logits);
    golden_close(&g);
}

START_TEST(logits_and_steps)
{
    check_network(&expectations[_i]);
}
END_TEST

/* On sm_90, where the environment asks for them: kernels on wgmma, for all that they serve. */
START_TEST(on_wgmma)
{
    static const expectation few[] = {
        { "r18_1x64x64", TSM_PRECISION_FP16, 0.02, 3, 5, 1 },
        { "r18_past_1x64x64_frames", TSM_PRECISION_BF16, 0.12, 3, 5, 1 },
        { "r50_1x32x32", TSM_PRECISION_TF32, 0.02, 0, 16, 0 },
    };

    setenv("TSM_CUDA_WGMMA", "on", 1);
    check_network(&few[_i]);
    unsetenv("TSM_CUDA_WGMMA");
}
END_TEST

/* What tensor cores do not multiply is refused, by name. */
START_TEST(fp32_is_refused)
{
    golden g = find_golden("r18_1x64x64");
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_error error;

    options.device = "cuda";
    options.shift_method = TSM_SHIFT_GATHER;
    assert_error(tsm_engine_create(&engine, g.model, &options, &error), &error, TSM_ERROR_UNSUPPORTED, "shift");
    golden_close(&g);
}
END_TEST

/* The tuner tries every tile, and parts of K, against the host's sums. */
START_TEST(tuned)
{
    const tsm_precision precision = precisions[1].precision;
    const tsm_shape shape = { .n = 1, .t = 3, .h = 4, .w = 3 };
    network net = network_make(SEED, 3);
    tsm_backend_config config = cuda_config(precision, TSM_SHIFT_GATHER);
    int x = network_conv(&net, "stem", 0, 3, 32, 1, 1);
    tsm_plan *plan = NULL;
    float *want, *got;
    tsm_dims *shapes;
    tsm_error error;

    begin_case(40);
    x = network_shift_by(&net, "shift", x, tsm_shift_both(4, 32));
    network_head(&net, network_act(&net, "relu", network_conv_norm(&net, "wide", x, 32, 32, 3, 1), TSM_ACT_RELU), 32);
    want = network_logits(net.graph, &shape, SEED);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    shapes = network_shapes(net.graph, &shape);
    config.tune = true;
    cuda_session s = cuda_open(net.graph, &config);
    assert_ok(s.backend->plan(&plan, s.worker, &(tsm_plan_arguments){ .shapes = shapes }, &error), &error);
    got = cuda_run(&s, plan, shapes);
    assert_close(got, want, (size_t)tsm_dims_count(&shapes[net.graph->output]), precisions[1].tolerance, "tuned");
    s.backend->plan_release(plan);
    cuda_close(&s);
    free(want);
    free(got);
    free(shapes);
    network_free(&net);
}
END_TEST

/* The value of the one entry "shift,..." in the one file of the folder, which both go. */
static void take_choice(const char *folder, char choice[32])
{
    struct dirent *entry;
    DIR *files = opendir(folder);
    char path[600], line[400];

    ck_assert_ptr_nonnull(files);
    choice[0] = '\0';
    while ((entry = readdir(files)) != NULL) {
        FILE *file;

        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof line, file))
            if (sscanf(line, "shift,%*s %31s", choice) == 1) break;
        fclose(file);
        ck_assert_int_eq(unlink(path), 0);
    }
    closedir(files);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Where nothing is said the network is timed in all ways. On the simulated device a launch is all that takes time, so
 * the fewest launches win: those that copy nothing; at fp32 there are none. */
START_TEST(the_fastest_way_is_kept)
{
    const tsm_precision precision = _i ? TSM_PRECISION_FP16 : TSM_PRECISION_FP32;
    const tsm_shape shape = { .n = 1, .t = 2, .h = 4, .w = 3 };
    network net = network_make(SEED, 3);
    tsm_backend_config config = cuda_config(precision, TSM_SHIFT_AUTO);
    char folder[] = "/tmp/tsm_sim_ways_XXXXXX", choice[32];
    int x = network_conv(&net, "stem", 0, 3, 32, 1, 1);
    tsm_plan *plan = NULL;
    tsm_dims *shapes;
    tsm_error error;

    begin_case(50 + (unsigned)_i);
    for (int i = 0; i < 2; i++) {
        x = network_shift_by(&net, "shift", x, tsm_shift_both(4, 32));
        x = network_act(&net, "relu", network_conv_norm(&net, "wide", x, 32, 32, 3, 1), TSM_ACT_RELU);
    }
    network_head(&net, x, 32);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    shapes = network_shapes(net.graph, &shape);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    config.tune = true;
    config.graphs = false;
    config.cache_dir = folder;
    cuda_session s = cuda_open(net.graph, &config);
    assert_ok(s.backend->plan(&plan, s.worker, &(tsm_plan_arguments){ .shapes = shapes }, &error), &error);
    free(cuda_run(&s, plan, shapes));
    s.backend->plan_release(plan);
    cuda_close(&s);
    take_choice(folder, choice);
    if (_i)
        ck_assert_msg(strcmp(choice, "gather") == 0 || strcmp(choice, "mixed") == 0, "%s is kept", choice);
    else
        ck_assert_msg(strcmp(choice, "overlap") == 0 || strcmp(choice, "copy") == 0, "%s is kept", choice);
    free(shapes);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("networks whose shifts are gathered");
    TCase *tests = tcase_create("gather");
    int failed;

    cases = golden_list();
    if (!cases) return EXIT_FAILURE;
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, logits_and_steps, 0, COUNT_OF(expectations));
    tcase_add_loop_test(tests, on_wgmma, 0, 3);
    tcase_add_test(tests, fp32_is_refused);
    tcase_add_test(tests, tuned);
    tcase_add_loop_test(tests, the_fastest_way_is_kept, 0, 2);
    suite_add_tcase(suite, tests);
    failed = run_suite(suite);
    json_decref(cases);
    return failed;
}
