/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_plans.c - cuDNN's plans in the cache: a second engine asks no heuristics and gives the same bits; a
 * plan that is not to be trusted is made anew, from the choice that was kept beside it.
 */
#include <dirent.h>
#include <unistd.h>

#include "net_support.h"

#define MAX_FILE (1 << 20)

static const tsm_shape shape = { .n = 1, .t = 8, .h = 32, .w = 32 };
static char folder[64];
static tsm_model *model;
static float *pixels;
static int classes;

static void open_all(void)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;

    strcpy(folder, "/tmp/tsm_sim_plans_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TSM_CACHE_DIR", folder, 1);
    set_mode("on", "on");
    model = load_model(TSM_TEST_DATA "/golden/r18.safetensors");
    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    classes = info.classes;
    pixels = hashed_array((size_t)shape.t * 3 * shape.h * shape.w, 7);
}

/* The one file of the cache; `path` has room for 600. */
static void find_file(char *path)
{
    DIR *files = opendir(folder);
    struct dirent *entry;
    int count = 0;

    ck_assert_ptr_nonnull(files);
    while ((entry = readdir(files)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(path, 600, "%s/%s", folder, entry->d_name);
            count++;
        }
    closedir(files);
    ck_assert_int_eq(count, 1);
}

static void close_all(void)
{
    char path[600];

    find_file(path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    tsm_model_destroy(&model);
    free(pixels);
}

/* Logits of a new engine, malloc'ed; *queries: how often it asked cuDNN's heuristics. */
static float *run_engine(tsm_precision precision, uint64_t *queries)
{
    const uint64_t before = tsm_sim_count().engine_queries;
    float *logits = poisoned_array((size_t)classes);
    tsm_tensor input = planes_tensor(pixels, shape.n, shape.t, 3, shape.h, shape.w);
    tsm_tensor output = logits_tensor(logits, shape.n, classes);
    tsm_engine *engine = make_cuda_engine(model, precision, TSM_SHIFT_COPY);
    tsm_context *context = make_context(engine, &shape);
    tsm_error error;

    assert_ok(tsm_run(context, &input, &output, &error), &error);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    assert_nothing_left();
    *queries = tsm_sim_count().engine_queries - before;
    return logits;
}

/* Runs another engine, whose logits must be `want`; returns how often it asked. */
static uint64_t run_again(tsm_precision precision, const float *want, const char *what)
{
    uint64_t queries;
    float *logits = run_engine(precision, &queries);

    assert_bytes(logits, want, (size_t)classes * sizeof *want, what);
    free(logits);
    return queries;
}

START_TEST(warm_engines_do_not_ask)
{
    const tsm_precision precision = (tsm_precision)_i;
    uint64_t queries;
    float *logits;

    begin_case((unsigned)_i);
    logits = run_engine(precision, &queries);
    ck_assert_uint_gt(queries, 0);
    ck_assert_uint_eq(run_again(precision, logits, "the second engine"), 0);
    free(logits);
}
END_TEST

/* Lines of the cache that name a plan of cuDNN's, a choice of cuBLASLt's. */
static int count_entries(const char *word)
{
    char path[600], *line = NULL;
    size_t room = 0;
    int count = 0;
    FILE *file;

    find_file(path);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (getline(&line, &room, file) > 0) count += strstr(line, word) != NULL;
    fclose(file);
    free(line);
    return count;
}

/* Heuristics are slow, and say the same each time: both modes are asked once for each convolution that cuDNN could
 * do, which is all but the classifier. */
START_TEST(cold_engines_ask_once)
{
    uint64_t queries;

    begin_case(100);
    free(run_engine(TSM_PRECISION_FP16, &queries));
    ck_assert_int_gt(count_entries(" cudnn:"), 3);
    ck_assert_uint_eq(queries, 2 * (uint64_t)(count_entries(" cudnn:") + count_entries(" gemm:") - 1));
}
END_TEST

/* The byte behind `find` becomes `byte`, wherever that is. */
typedef struct damage {
    const char *name, *find;
    char byte;
} damage;

static const damage damages[] = {
    { "a tensor's name that is no number", "{\"name\":\"", 'x' },
    { "an operand that is no number", "\"X\":\"", 'x' },
    { "an operand that is no tensor", "\"X\":\"", '9' },
    { "other dimensions", "\"dim\":[", '9' },
    { "other strides", ",\"stride\":[", '9' },
    { "a virtual tensor more", "\"isVirtual\":", ' ' },
    { "another padding", "\"pad\":[", '7' },
    { "another version", "\"cudnnVersion\":", '8' },
    { "an engine that is not there", "\"engineId\":", '9' },
    { "an engine that refuses", "\"engineId\":", '1' },
    { "an engine that adds in 16 bits", "\"engineId\":", '4' },
    { "no JSON", " {", '}' },
    { "a control character", " {", '\t' },
};

/* Damages every plan of the file, which ends in the right hash afterwards. Returns how many places it changed. */
static int rewrite(const damage *d)
{
    char *text = calloc(MAX_FILE, 1), *end, path[600];
    uint64_t hash = UINT64_C(14695981039346656037);
    int count = 0;
    FILE *file;

    find_file(path);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_lt(fread(text, 1, MAX_FILE - 1, file), MAX_FILE - 1);
    fclose(file);
    end = strstr(text, "\nend ");
    ck_assert_ptr_nonnull(end);
    end[1] = '\0';
    for (char *at = text; (at = strstr(at, d->find)) != NULL; count++) {
        at += strlen(d->find);
        *at = d->byte;
    }
    for (const char *at = text; *at; at++) hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%send %016llx\n", text, (unsigned long long)hash);
    fclose(file);
    free(text);
    return count;
}

START_TEST(bad_plans_are_made_anew)
{
    const damage *d = &damages[_i];
    uint64_t queries;
    float *logits;

    begin_case((unsigned)_i);
    logits = run_engine(TSM_PRECISION_FP16, &queries);
    ck_assert_msg(rewrite(d) > 0, "%s: not in the file", d->name);
    ck_assert_msg(run_again(TSM_PRECISION_FP16, logits, d->name) > 0, "%s: was believed", d->name);
    ck_assert_msg(run_again(TSM_PRECISION_FP16, logits, d->name) == 0, "%s: was not made anew", d->name);
    free(logits);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plans in the cache");
    TCase *plans = tcase_create("plans");

    tcase_set_timeout(plans, 0);
    tcase_add_checked_fixture(plans, open_all, close_all);
    tcase_add_loop_test(plans, warm_engines_do_not_ask, TSM_PRECISION_FP32, TSM_PRECISION_BF16 + 1);
    tcase_add_test(plans, cold_engines_ask_once);
    tcase_add_loop_test(plans, bad_plans_are_made_anew, 0, COUNT_OF(damages));
    suite_add_tcase(suite, plans);
    return run_suite(suite);
}
