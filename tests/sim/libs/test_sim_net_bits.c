/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_bits.c - the shift in the load moves bits and nothing else: whole networks whose convolutions are all
 * ours give the same logits, to the bit, where each shift is a copy of its own and where it is read as it is.
 */
#include "graph_support.h"
#include "net_support.h"

/* A golden network at a shape, so that clips end within tiles, frames within rows of them, and sides are odd. */
typedef struct bits_case {
    const char *file;
    tsm_precision precision;
    tsm_shift_direction direction;
    tsm_shape shape;
    int gathered; /* at least so many convolutions read their shift */
} bits_case;

static const bits_case bits_cases[] = {
    { "r18", TSM_PRECISION_FP16, TSM_BIDIRECTIONAL, { 2, 3, 17, 19 }, 5 },
    { "r18", TSM_PRECISION_TF32, TSM_UNIDIRECTIONAL, { 1, 5, 15, 17 }, 8 },
    { "r18", TSM_PRECISION_BF16, TSM_MIRRORED, { 1, 2, 16, 16 }, 5 },
    { "r18_t1", TSM_PRECISION_TF32, TSM_BIDIRECTIONAL, { 2, 1, 17, 17 }, 5 },
    { "r18_block", TSM_PRECISION_TF32, TSM_BIDIRECTIONAL, { 1, 3, 17, 15 }, 8 },
    { "r18_block", TSM_PRECISION_FP16, TSM_UNIDIRECTIONAL, { 1, 3, 13, 17 }, 6 },
    { "r50", TSM_PRECISION_TF32, TSM_BIDIRECTIONAL, { 1, 3, 17, 17 }, 16 },
    { "r50", TSM_PRECISION_FP16, TSM_MIRRORED, { 1, 1, 15, 19 }, 5 },
    { "r50_block", TSM_PRECISION_TF32, TSM_BIDIRECTIONAL, { 1, 2, 17, 17 }, 16 },
    { "r101", TSM_PRECISION_BF16, TSM_BIDIRECTIONAL, { 1, 2, 17, 17 }, 5 },
    { "mbv2", TSM_PRECISION_TF32, TSM_BIDIRECTIONAL, { 1, 3, 21, 17 }, 3 },
    { "mbv2_online", TSM_PRECISION_FP16, TSM_UNIDIRECTIONAL, { 1, 3, 17, 21 }, 1 },
    { "pptsm", TSM_PRECISION_TF32, TSM_BIDIRECTIONAL, { 1, 3, 17, 17 }, 16 },
};

static tsm_engine *make_engine_of(const bits_case *c, tsm_shift_method method, int *classes)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model_options wanted = TSM_MODEL_OPTIONS_INIT;
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_engine *engine = NULL;
    tsm_model *model = NULL;
    char path[300];
    tsm_error error;

    snprintf(path, sizeof path, "%s/golden/%s.safetensors", TSM_TEST_DATA, c->file);
    wanted.segments = c->shape.t;
    wanted.shift_direction = c->direction;
    assert_ok(tsm_model_load(&model, path, &wanted, &error), &error);
    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    *classes = info.classes;
    options.device = "cuda";
    options.precision = c->precision;
    options.shift_method = method;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    tsm_model_destroy(&model);
    return engine;
}

/* Convolutions that read their shift, and all of ours. */
static void count_rows(tsm_context *context, int *gathered, int *ours)
{
    tsm_profile_row *rows = NULL;
    int count = 0;
    tsm_error error;

    assert_ok(tsm_context_profile(context, NULL, 1, &rows, &count, &error), &error);
    *gathered = *ours = 0;
    for (int i = 0; i < count; i++) {
        *gathered += strncmp(rows[i].how, "our shifting convolution", 24) == 0;
        *ours += strncmp(rows[i].how, "our ", 4) == 0;
    }
    tsm_free(rows);
}

/* Logits, malloc'ed. */
static float *run_case(const bits_case *c, tsm_shift_method method, size_t *count, int *gathered, int *ours)
{
    const size_t values = (size_t)c->shape.n * (size_t)c->shape.t * 3 * (size_t)c->shape.h * (size_t)c->shape.w;
    float *pixels = hashed_array(values, SEED), *logits;
    int classes;
    tsm_engine *engine = make_engine_of(c, method, &classes);
    tsm_context *context = make_context(engine, &c->shape);
    tsm_tensor input = planes_tensor(pixels, c->shape.n, c->shape.t, 3, c->shape.h, c->shape.w), output;
    tsm_error error;

    *count = (size_t)c->shape.n * (size_t)classes;
    logits = poisoned_array(*count);
    output = logits_tensor(logits, c->shape.n, classes);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    count_rows(context, gathered, ours);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    assert_nothing_left();
    free(pixels);
    return logits;
}

/* Every layer that shifts is ours in both; the stem, whose pixels are 8 bytes, the classifier, and whatever else has
 * pixels that are no multiples of 16 bytes, is the libraries' in both. */
START_TEST(networks)
{
    const bits_case *c = &bits_cases[_i];
    int gathered, ours, none, also;
    float *read, *copied;
    size_t count;

    begin_case((unsigned)_i);
    set_mode("on", "off");
    setenv("TSM_CUDA_CONVS", "ours", 1);
    read = run_case(c, TSM_SHIFT_GATHER, &count, &gathered, &ours);
    copied = run_case(c, TSM_SHIFT_COPY, &count, &none, &also);
    unsetenv("TSM_CUDA_CONVS");
    ck_assert_msg(gathered >= c->gathered && none == 0, "%s: %d convolutions gather, then %d", c->file, gathered,
                  none);
    ck_assert_int_eq(ours, also);
    for (size_t i = 0; i < count; i++) ck_assert(isfinite(read[i]));
    assert_bytes(read, copied, count * sizeof *read, c->file);
    free(read);
    free(copied);
}
END_TEST

/* ---- Folds at their true width ---- */

/* The channels of shifted convolutions in R18, R50 and R101, MobileNetV2 and PP-TSM, and what n_div makes of them. */
static const struct {
    int channels, n_div;
} widths[] = { { 64, 8 }, { 128, 8 }, { 256, 8 }, { 512, 8 }, { 1024, 8 }, { 2048, 8 },
               { 32, 8 }, { 96, 8 },  { 160, 8 }, { 256, 4 }, { 64, 3 },   { 256, 16 } };

static int add_fold(network *net, int x, int from, int i)
{
    static const tsm_shift_direction directions[] = { TSM_BIDIRECTIONAL, TSM_UNIDIRECTIONAL, TSM_MIRRORED };
    const int to = widths[i].channels, fold = to / widths[i].n_div;
    tsm_shift shift = tsm_shift_both(fold, to);

    x = network_act(net, "relu", network_conv(net, "to", x, from, to, 1, 1), TSM_ACT_RELU);
    if (directions[i % 3] == TSM_UNIDIRECTIONAL) shift = (tsm_shift){ fold, fold, -1 };
    if (directions[i % 3] == TSM_MIRRORED) shift.step = -shift.step;
    x = network_shift_by(net, "shift", x, shift);
    return network_act(net, "relu", network_conv(net, "shifted", x, to, 32, i % 2 ? 3 : 1, 1), TSM_ACT_RELU);
}

START_TEST(folds)
{
    static const tsm_precision kinds[] = { TSM_PRECISION_FP16, TSM_PRECISION_TF32 };
    const tsm_shape shape = { 1, 3, 3, 5 };
    network net = network_make(SEED, 3);
    int x = network_conv(&net, "stem", 0, 3, 32, 3, 1);
    float *read, *copied;
    size_t count;
    tsm_error error;

    begin_case(100 + (unsigned)_i);
    for (int i = 0; i < COUNT_OF(widths); i++) x = add_fold(&net, x, 32, i);
    network_head(&net, x, 32);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    setenv("TSM_CUDA_CONVS", "ours", 1);
    read = cuda_logits(net.graph, &shape, kinds[_i], TSM_SHIFT_GATHER, &count);
    copied = cuda_logits(net.graph, &shape, kinds[_i], TSM_SHIFT_COPY, &count);
    unsetenv("TSM_CUDA_CONVS");
    assert_bytes(read, copied, count * sizeof *read, "folds");
    free(read);
    free(copied);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the shift in the load, to the bit");
    TCase *tests = tcase_create("bits");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, networks, 0, COUNT_OF(bits_cases));
    tcase_add_loop_test(tests, folds, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
