/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tune_cache.c - the autotuner's cache: what comes back of it, and what is believed of a file that is damaged,
 * of another key, of other versions, or written by several at once.
 */
#include "support.h"

#ifdef TSM_HAS_CUDA
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cuda/conv/conv.h"

static char folder[64];
static tsm_graph *graph;
static const tsm_cuda_device device = {
    .name = "a GPU", .major = 9, .driver = 13000, .cudnn = 91900, .blas = 130000
};

static void make_folder(void)
{
    strcpy(folder, "/tmp/tsm-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TSM_CACHE_DIR", folder, 1);
    graph = tsm_graph_create();
    ck_assert_int_eq(tsm_graph_append(graph, TSM_OP_INPUT, "input"), 0);
}

static void drop_folder(void)
{
    char command[96];

    tsm_graph_destroy(&graph);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static tsm_tune_cache open_cache(tsm_precision precision)
{
    tsm_tune_cache cache;
    tsm_error error;

    assert_ok(tsm_tune_cache_open(&cache, NULL, &device, graph, tsm_cuda_dtype_of(precision), &error), &error);
    return cache;
}

static bool has(tsm_tune_cache *cache, const char *name, const char *want)
{
    char value[TSM_TUNE_VALUE];

    return tsm_tune_cache_get(cache, name, value) && strcmp(value, want) == 0;
}

START_TEST(choices_come_back)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16);
    char value[TSM_TUNE_VALUE];

    tsm_tune_cache_set(&cache, "one", "gemm:1");
    tsm_tune_cache_set(&cache, "two", "cudnn:2");
    tsm_tune_cache_set(&cache, "one", "gemm:3");
    ck_assert(tsm_tune_cache_save(&cache));
    tsm_tune_cache_close(&cache);
    cache = open_cache(TSM_PRECISION_FP16);
    ck_assert(has(&cache, "one", "gemm:3"));
    ck_assert(has(&cache, "two", "cudnn:2"));
    ck_assert(!tsm_tune_cache_get(&cache, "three", value));
    tsm_tune_cache_close(&cache);
    /* Another precision is another key: another file, and the first one's is not taken for it. */
    cache = open_cache(TSM_PRECISION_BF16);
    ck_assert(!tsm_tune_cache_get(&cache, "one", value));
    tsm_tune_cache_close(&cache);
}
END_TEST

/* Whatever of a layer the libraries may see is in the key. */
START_TEST(layers_are_in_the_key)
{
    tsm_tune_cache plain, other;
    tsm_node *node, before;

    ck_assert_int_eq(tsm_graph_append(graph, TSM_OP_ATTENTION, "attend"), 1);
    node = tsm_graph_node(graph, 1);
    before = *node;
    plain = open_cache(TSM_PRECISION_FP16);
    for (int i = 0; i < 7; i++) {
        *node = before;
        if (i == 0) node->inputs[2] = 0;
        if (i == 1) node->shift.fold = 8;
        if (i == 2) node->shift.end = 8;
        if (i == 3) node->shift.step = -1;
        if (i == 4) node->softmax = true;
        if (i == 5) node->kernel_h = 2;
        if (i == 6) node->act = TSM_ACT_SIGMOID;
        other = open_cache(TSM_PRECISION_FP16);
        ck_assert_msg(strcmp(other.subject, plain.subject) != 0, "field %d", i);
        tsm_tune_cache_close(&other);
    }
    *node = before;
    tsm_tune_cache_close(&plain);
}
END_TEST

/* A file with each of its bytes changed in turn, and cut off at each, is never believed. */
START_TEST(damage_is_ignored)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16), fresh;
    char text[2048], path[520];
    size_t length;
    FILE *file;

    tsm_tune_cache_set(&cache, "one", "gemm:1");
    tsm_tune_cache_set_plan(&cache, "two", "cudnn:2", "{\"device\":\"a GPU\"}");
    ck_assert(tsm_tune_cache_save(&cache));
    file = fopen(cache.path, "rb");
    length = fread(text, 1, sizeof text, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/damaged", folder);
    memset(&fresh, 0, sizeof fresh);
    strcpy(fresh.subject, cache.subject);
    strcpy(fresh.versions, cache.versions);
    for (size_t at = 0; at < 2 * length; at++) {
        bool cut = at >= length;
        size_t keep = cut ? at - length : length;

        file = fopen(path, "wb");
        if (!cut) text[at] ^= 4;
        fwrite(text, 1, keep, file);
        if (!cut) text[at] ^= 4;
        fclose(file);
        ck_assert_msg(tsm_tune_cache_load(&fresh, path) == TSM_TUNE_DAMAGED, "%s at byte %zu",
                      cut ? "cut off" : "changed", at % length);
        ck_assert_int_eq(fresh.count, 0);
    }
    fresh.subject[0] ^= 1;
    ck_assert_int_eq(tsm_tune_cache_load(&fresh, cache.path), TSM_TUNE_FOREIGN);
    fresh.subject[0] ^= 1;
    fresh.versions[0] ^= 1;
    ck_assert_int_eq(tsm_tune_cache_load(&fresh, cache.path), TSM_TUNE_FOREIGN);
    fresh.versions[0] ^= 1;
    ck_assert_int_eq(tsm_tune_cache_load(&fresh, cache.path), TSM_TUNE_TAKEN);
    ck_assert_int_eq(fresh.count, 2);
    tsm_tune_cache_close(&fresh);
    tsm_tune_cache_close(&cache);
}
END_TEST

static bool has_plan(tsm_tune_cache *cache, const char *name, const char *want)
{
    char *plan = tsm_tune_cache_get_plan(cache, name);
    bool same = plan && want ? strcmp(plan, want) == 0 : plan == want;

    tsm_free(plan);
    return same;
}

START_TEST(plans_come_back)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16);
    char *long_plan = tsm_alloc_zero(TSM_TUNE_PLAN + 1, 1);

    memset(long_plan, 'x', TSM_TUNE_PLAN);
    ck_assert(tsm_tune_cache_set_plan(&cache, "one", "cudnn:1", "{ 1 }"));
    ck_assert_msg(!tsm_tune_cache_set_plan(&cache, "one", "cudnn:1", "{ 1 }"), "nothing new");
    ck_assert(tsm_tune_cache_set_plan(&cache, "two", "cudnn:2", "{ 2 }"));
    ck_assert(tsm_tune_cache_set_plan(&cache, "two", "cudnn:2", "{ 3 }"));
    ck_assert(tsm_tune_cache_set_plan(&cache, "three", "cudnn:3", "{ 4 }"));
    ck_assert(tsm_tune_cache_set_plan(&cache, "three", "cudnn:4", NULL));
    ck_assert(tsm_tune_cache_set_plan(&cache, "long", "cudnn:5", long_plan));
    ck_assert(tsm_tune_cache_save(&cache));
    tsm_tune_cache_close(&cache);
    cache = open_cache(TSM_PRECISION_FP16);
    ck_assert_int_eq(cache.count, 4);
    ck_assert(has_plan(&cache, "one", "{ 1 }") && has(&cache, "one", "cudnn:1"));
    ck_assert(has_plan(&cache, "two", "{ 3 }") && has(&cache, "two", "cudnn:2"));
    ck_assert(has_plan(&cache, "three", NULL) && has(&cache, "three", "cudnn:4"));
    ck_assert_msg(has_plan(&cache, "long", NULL) && has(&cache, "long", "cudnn:5"), "only its plan is forgotten");
    ck_assert(has_plan(&cache, "four", NULL));
    tsm_tune_cache_close(&cache);
    tsm_free(long_plan);
}
END_TEST

/* More plans than there is room for: all choices are kept, and the file is one that is taken. */
START_TEST(plans_have_an_end)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16), fresh;
    char plan[TSM_TUNE_PLAN / 2] = { 0 };
    int kept = 0;

    memset(plan, 'x', sizeof plan - 1);
    for (int i = 0; i < 1200; i++) {
        char name[32];

        snprintf(name, sizeof name, "conv%d", i);
        tsm_tune_cache_set_plan(&cache, name, "cudnn:0", plan);
    }
    ck_assert(tsm_tune_cache_save(&cache));
    fresh = open_cache(TSM_PRECISION_FP16);
    ck_assert_str_eq(fresh.note, "");
    ck_assert_int_eq(fresh.count, 1200);
    for (int i = 0; i < fresh.count; i++) kept += fresh.entries[i].plan != NULL;
    ck_assert_int_gt(kept, 800);
    ck_assert_int_lt(kept, 1000);
    tsm_tune_cache_close(&fresh);
    tsm_tune_cache_close(&cache);
}
END_TEST

static void overwrite(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void expect_note(const char *reason)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16);
    char want[700];

    snprintf(want, sizeof want, "cache %s: %s, ignored", cache.path, reason);
    ck_assert_str_eq(cache.note, want);
    ck_assert_int_eq(cache.count, 0);
    tsm_tune_cache_close(&cache);
}

/* What is ignored is noted; what is not there, or is taken, is not. */
START_TEST(ignored_files_are_noted)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16), other = open_cache(TSM_PRECISION_BF16);
    char path[512];

    ck_assert_str_eq(cache.note, "");
    strcpy(path, cache.path);
    ck_assert(tsm_tune_cache_save(&other));
    ck_assert_int_eq(rename(other.path, path), 0);
    expect_note("made for something else");
    overwrite(path, "");
    expect_note("damaged");
    overwrite(path, "tsm-tune 1\n");
    expect_note("damaged");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    expect_note("cannot be read");
    ck_assert_int_eq(rmdir(path), 0);
    tsm_tune_cache_set(&cache, "one", "gemm:1");
    ck_assert(tsm_tune_cache_save(&cache));
    tsm_tune_cache_close(&cache);
    cache = open_cache(TSM_PRECISION_FP16);
    ck_assert_str_eq(cache.note, "");
    ck_assert_int_eq(cache.count, 1);
    tsm_tune_cache_close(&cache);
    tsm_tune_cache_close(&other);
}
END_TEST

/* After an update of a library nothing of the old file is of use: that costs a line, and the file stays for who still
 * has the old one. */
START_TEST(other_versions_are_noted)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16), newer;
    tsm_cuda_device updated = device;
    tsm_error error;

    tsm_tune_cache_set(&cache, "one", "gemm:1");
    ck_assert(tsm_tune_cache_save(&cache));
    updated.cudnn = 92000;
    assert_ok(tsm_tune_cache_open(&newer, folder, &updated, graph, tsm_cuda_dtype_of(TSM_PRECISION_FP16), &error),
              &error);
    ck_assert_int_eq(newer.count, 0);
    ck_assert_msg(strstr(newer.note, cache.path) && strstr(newer.note, "cudnn 91900") &&
                      strstr(newer.note, "cudnn 92000"),
                  "\"%s\"", newer.note);
    ck_assert(tsm_tune_cache_save(&newer));
    tsm_tune_cache_close(&newer);
    tsm_tune_cache_close(&cache);
    cache = open_cache(TSM_PRECISION_FP16);
    ck_assert_str_eq(cache.note, "");
    ck_assert(has(&cache, "one", "gemm:1"));
    tsm_tune_cache_close(&cache);
    /* A bf16 engine has another subject: no line. */
    cache = open_cache(TSM_PRECISION_BF16);
    ck_assert_str_eq(cache.note, "");
    tsm_tune_cache_close(&cache);
}
END_TEST

/* The folder is the caller's; "" is none. */
START_TEST(folders_are_asked_for)
{
    char path[128];
    tsm_tune_cache cache;
    tsm_error error;

    snprintf(path, sizeof path, "%s/of/its/own", folder);
    assert_ok(tsm_tune_cache_open(&cache, path, &device, graph, tsm_cuda_dtype_of(TSM_PRECISION_FP16), &error),
              &error);
    ck_assert_int_eq(strncmp(cache.path, path, strlen(path)), 0);
    ck_assert(tsm_tune_cache_save(&cache));
    tsm_tune_cache_close(&cache);
    assert_ok(tsm_tune_cache_open(&cache, "", &device, graph, tsm_cuda_dtype_of(TSM_PRECISION_FP16), &error), &error);
    ck_assert_str_eq(cache.path, "");
    ck_assert(!tsm_tune_cache_save(&cache));
    tsm_tune_cache_close(&cache);
}
END_TEST

/* Processes that write at once: the file is always whole, and the last to save keeps what it saw of the others. */
START_TEST(writers_do_not_corrupt)
{
    pid_t children[4];
    tsm_tune_cache cache;

    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i]) continue;
        cache = open_cache(TSM_PRECISION_FP16);
        for (int k = 0; k < 50; k++) {
            char name[32];

            snprintf(name, sizeof name, "child%d-%d", i, k);
            tsm_tune_cache_set_plan(&cache, name, "cudnn:0", name);
            if (!tsm_tune_cache_save(&cache) || tsm_tune_cache_load(&cache, cache.path) != TSM_TUNE_TAKEN) _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        int status;

        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a file was read while it was not whole");
    }
    cache = open_cache(TSM_PRECISION_FP16);
    ck_assert_int_ge(cache.count, 50);
    for (int i = 0; i < cache.count; i++) ck_assert(has_plan(&cache, cache.entries[i].name, cache.entries[i].name));
    tsm_tune_cache_close(&cache);
}
END_TEST

START_TEST(no_place_is_no_failure)
{
    tsm_tune_cache cache;

    setenv("TSM_CACHE_DIR", "/proc/nowhere", 1);
    cache = open_cache(TSM_PRECISION_FP16);
    tsm_tune_cache_set(&cache, "one", "gemm:1");
    ck_assert(!tsm_tune_cache_save(&cache));
    ck_assert(has(&cache, "one", "gemm:1"));
    tsm_tune_cache_close(&cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tune_cache");
    TCase *tests = tcase_create("cache");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_folder, drop_folder);
    tcase_add_test(tests, choices_come_back);
    tcase_add_test(tests, layers_are_in_the_key);
    tcase_add_test(tests, damage_is_ignored);
    tcase_add_test(tests, plans_come_back);
    tcase_add_test(tests, plans_have_an_end);
    tcase_add_test(tests, ignored_files_are_noted);
    tcase_add_test(tests, other_versions_are_noted);
    tcase_add_test(tests, folders_are_asked_for);
    tcase_add_test(tests, writers_do_not_corrupt);
    tcase_add_test(tests, no_place_is_no_failure);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

#else
int main(void)
{
    printf("skipped: built without CUDA\n");
    return 77;
}
#endif
