/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_golden.c - the CUDA plugin on the simulated device against PyTorch in float64: every golden network,
 * every way to realise the shift, every precision, as a graph and kernel by kernel, tuned and not.
 */
#include <dirent.h>
#include <unistd.h>

#include "net_support.h"
/* Behind it: net_support.h says where the data is. */
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

/* Of the largest logit. Each layer rounds its result once; the rounding errors of the layers add up as in a walk. */
static double tolerance_of(tsm_precision precision)
{
    switch (precision) {
    case TSM_PRECISION_TF32:
    case TSM_PRECISION_FP16: return 0.02;
    case TSM_PRECISION_BF16: return 0.12;
    default: return 2e-4;
    }
}

static tsm_engine *golden_engine(const golden *g, tsm_precision precision, tsm_shift_method method)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_error error;

    options.device = "cuda";
    options.precision = precision;
    options.shift_method = method;
    options.per_frame = g->per_frame;
    assert_ok(tsm_engine_create(&engine, g->model, &options, &error), &error);
    return engine;
}

/* Two runs of one plan, the second over the first one's leavings; returns logits to free. */
static float *run_golden(const golden *g, tsm_precision precision, tsm_shift_method method)
{
    const tsm_shape *s = &g->shape;
    size_t count = (size_t)g->rows * g->classes;
    float *logits = poisoned_array(count), *again = poisoned_array(count);
    tsm_tensor input = planes_tensor(g->data, s->n, s->t, g->channels, s->h, s->w);
    tsm_tensor output = golden_output(g, logits), second = golden_output(g, again);
    tsm_engine *engine = golden_engine(g, precision, method);
    tsm_context *context = make_context(engine, s);
    tsm_error error;

    assert_ok(tsm_run(context, &input, &output, &error), &error);
    assert_ok(tsm_run(context, &input, &second, &error), &error);
    assert_bytes(again, logits, count * sizeof *logits, g->name);
    assert_close(logits, g->logits, count, tolerance_of(precision), g->name);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    assert_nothing_left();
    free(again);
    return logits;
}

static const tsm_shift_method methods[] = { TSM_SHIFT_COPY, TSM_SHIFT_OVERLAP };

/* The inputs of a network follow each other in the file: each network is run with both methods. */
START_TEST(logits_equal_pytorch)
{
    golden g = golden_open(json_array_get(cases, (size_t)_i));

    begin_case((unsigned)_i);
    set_mode(_i / 2 % 2 ? "off" : "on", "off");
    free(run_golden(&g, TSM_PRECISION_FP32, methods[_i % 2]));
    golden_close(&g);
}
END_TEST

static const tsm_precision precisions[] = { TSM_PRECISION_TF32, TSM_PRECISION_FP16, TSM_PRECISION_BF16 };
/* Softmax is dear in the simulation: its precisions are test_sim_net_operations.c's. */
static const char *const precise[] = {
    "r18_1x64x64",
    "r50_1x32x32",
    "r18_block_1x43x57",
    "r50_block_1x57x43",
    "r50_nl_dot_product_mmaction2_1x64x64",
    "mobileone_2x57x43",
    "pptsm_2x57x43",
    "r18_past_1x64x64_frames",
};

/* The ways to shift move the same bits; the kernels that follow sum them in one order only where none is packed
 * first. */
START_TEST(precisions_and_methods)
{
    tsm_precision precision = precisions[_i / COUNT_OF(precise)];
    golden g = find_golden(precise[_i % COUNT_OF(precise)]);
    float *logits[2];

    begin_case((unsigned)_i);
    set_mode("on", "off");
    for (int i = 0; i < 2; i++) logits[i] = run_golden(&g, precision, methods[i]);
    assert_close(logits[1], logits[0], (size_t)g.rows * g.classes, tolerance_of(precision), "overlap against copy");
    free(logits[0]);
    free(logits[1]);
    golden_close(&g);
}
END_TEST

static void cut_off(const char *name)
{
    ck_assert_int_eq(truncate(name, 100), 0);
}

static void drop(const char *name)
{
    ck_assert_int_eq(unlink(name), 0);
}

static void for_each_file(const char *path, void (*act)(const char *name))
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char name[600];

    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL) {
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.') act(name);
    }
    closedir(folder);
}

/* What an engine notes has these words; NULL: it notes nothing. */
static void check_note(const tsm_model *model, const char *words)
{
    tsm_engine *engine = make_cuda_engine(model, TSM_PRECISION_FP16, TSM_SHIFT_AUTO);
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;

    ck_assert_int_eq(tsm_engine_get_info(engine, &info), TSM_OK);
    ck_assert_msg(words ? info.note && strstr(info.note, words) : !info.note, "note: %s",
                  info.note ? info.note : "none");
    tsm_engine_destroy(&engine);
}

/* Products and convolutions that a tuned engine ran, in all. */
static uint64_t run_tuned(const golden *g)
{
    const tsm_sim_counters before = tsm_sim_count();
    tsm_sim_counters after;

    free(run_golden(g, TSM_PRECISION_FP16, TSM_SHIFT_OVERLAP)); /* no trials of ours, to which products are dear */
    after = tsm_sim_count();
    return after.matmuls + after.convolutions - before.matmuls - before.convolutions;
}

/* Twice: what the first found is in the cache for the second. */
START_TEST(tuned)
{
    golden g = find_golden("r18_1x64x64");
    char folder[] = "/tmp/tsm_sim_cache_XXXXXX";

    begin_case(1);
    set_mode("on", "on");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TSM_CACHE_DIR", folder, 1);
    const uint64_t first = run_tuned(&g), second = run_tuned(&g);
    ck_assert_msg(first > 10 * second, "%d calls, then %d", (int)first, (int)second);
    check_note(g.model, NULL);
    for_each_file(folder, cut_off);
    check_note(g.model, ".txt: damaged, ignored");
    for_each_file(folder, drop);
    check_note(g.model, NULL);
    ck_assert_int_eq(rmdir(folder), 0);
    golden_close(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("networks on the simulated device");
    TCase *logits = tcase_create("logits");
    int failed;

    cases = golden_list();
    if (!cases) return EXIT_FAILURE;
    tcase_set_timeout(logits, 0);
    tcase_add_loop_test(logits, logits_equal_pytorch, 0, (int)json_array_size(cases));
    tcase_add_loop_test(logits, precisions_and_methods, 0, COUNT_OF(precisions) * COUNT_OF(precise));
    tcase_add_test(logits, tuned);
    suite_add_tcase(suite, logits);
    failed = run_suite(suite);
    json_decref(cases);
    return failed;
}
