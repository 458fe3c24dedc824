/*
 * test_cuda_host.c - what of the CUDA backend needs no GPU: rounding to 16 bits, the cache of choices against damage
 * and concurrent writers, and the one line that says why there is no GPU.
 */
#include "support.h"

#ifdef TSM_HAS_CUDA
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cuda/conv.h"
#include "cuda/tune.h"
#include "graph/backend.h"

const tsm_backend *tsm_cuda_backend(void);

/* ---- Rounding ---- */

static uint16_t half_of(float value)
{
    uint16_t bits = 0;

    tsm_cuda_convert(&bits, &value, 1, TSM_FLOAT16);
    return bits;
}

static uint16_t bfloat_of(float value)
{
    uint16_t bits = 0;

    tsm_cuda_convert(&bits, &value, 1, TSM_BFLOAT16);
    return bits;
}

/* Every half comes back; what lies halfway to the next goes to the even one, a hair beside it to the nearer. */
START_TEST(halves_round_to_nearest)
{
    for (uint32_t bits = 0; bits < 0x7bff; bits++) {
        float low = tsm_half_to_float((uint16_t)bits), high = tsm_half_to_float((uint16_t)(bits + 1));
        float middle = low + (high - low) / 2; /* exact in float */
        uint32_t even = bits & 1 ? bits + 1 : bits;

        ck_assert_uint_eq(half_of(low), bits);
        ck_assert_uint_eq(half_of(-low), bits | 0x8000);
        ck_assert_uint_eq(half_of(middle), even);
        ck_assert_uint_eq(half_of(nextafterf(middle, 0)), bits);
        ck_assert_uint_eq(half_of(nextafterf(middle, INFINITY)), bits + 1);
    }
    ck_assert_uint_eq(half_of(65519.996f), 0x7bff);
    ck_assert_uint_eq(half_of(65520), 0x7c00);
}
END_TEST

START_TEST(bfloats_round_to_nearest)
{
    ck_assert_uint_eq(bfloat_of(1), 0x3f80);
    ck_assert_uint_eq(bfloat_of(1 + 0x1p-8f), 0x3f80);     /* halfway, to even */
    ck_assert_uint_eq(bfloat_of(1 + 3 * 0x1p-8f), 0x3f82); /* halfway, to even */
    ck_assert_uint_eq(bfloat_of(1 + 0x1p-8f + 0x1p-20f), 0x3f81);
    ck_assert_uint_eq(bfloat_of(-0.0f), 0x8000);
}
END_TEST

START_TEST(too_large_is_told)
{
    const float values[] = { 1, 70000, -3 };
    uint16_t bits[3];

    ck_assert(!tsm_cuda_convert(bits, values, 3, TSM_FLOAT16));
    ck_assert(tsm_cuda_convert(bits, values, 3, TSM_BFLOAT16));
}
END_TEST

/* ---- The cache ---- */

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

    assert_ok(tsm_tune_cache_open(&cache, &device, graph, tsm_cuda_dtype_of(precision), &error), &error);
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

/* A file with each of its bytes changed in turn, and cut off at each, is never believed. */
START_TEST(damage_is_ignored)
{
    tsm_tune_cache cache = open_cache(TSM_PRECISION_FP16), fresh;
    char text[2048], path[520];
    size_t length;
    FILE *file;

    tsm_tune_cache_set(&cache, "one", "gemm:1");
    ck_assert(tsm_tune_cache_save(&cache));
    file = fopen(cache.path, "rb");
    length = fread(text, 1, sizeof text, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/damaged", folder);
    memset(&fresh, 0, sizeof fresh);
    strcpy(fresh.key, cache.key);
    for (size_t at = 0; at < 2 * length; at++) {
        bool cut = at >= length;
        size_t keep = cut ? at - length : length;

        file = fopen(path, "wb");
        if (!cut) text[at] ^= 4;
        fwrite(text, 1, keep, file);
        if (!cut) text[at] ^= 4;
        fclose(file);
        ck_assert_msg(!tsm_tune_cache_load(&fresh, path), "%s at byte %zu", cut ? "cut off" : "changed", at % length);
        ck_assert_int_eq(fresh.count, 0);
    }
    fresh.key[0] = '?';
    ck_assert_msg(!tsm_tune_cache_load(&fresh, cache.path), "made for another key");
    strcpy(fresh.key, cache.key);
    ck_assert(tsm_tune_cache_load(&fresh, cache.path));
    tsm_free(fresh.entries);
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
            tsm_tune_cache_set(&cache, name, "gemm:0");
            if (!tsm_tune_cache_save(&cache) || !tsm_tune_cache_load(&cache, cache.path)) _exit(1);
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

START_TEST(choices_parse)
{
    const tsm_conv_choice choice = { TSM_CONV_DNN, 17 };
    tsm_conv_choice back;
    char text[TSM_TUNE_VALUE];

    tsm_conv_choice_print(choice, text);
    ck_assert(tsm_conv_choice_parse(&back, text));
    ck_assert(back.library == choice.library && back.index == choice.index);
    ck_assert(!tsm_conv_choice_parse(&back, "gemm"));
    ck_assert(!tsm_conv_choice_parse(&back, "gemm:x"));
    ck_assert(!tsm_conv_choice_parse(&back, "gemm:1 "));
    ck_assert(!tsm_conv_choice_parse(&back, "glue:1"));
}
END_TEST

/* ---- No GPU ---- */

START_TEST(says_why_there_is_none)
{
    const tsm_backend *backend = tsm_cuda_backend();
    tsm_backend_report report = { 0 };
    tsm_backend_config config = { 0 };
    tsm_error error = { 0 };
    void *state = &config;
    int count = 0;

    if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0) config.device_index = count;
    assert_error(backend->prepare(&state, graph, &config, &report, &error), &error, TSM_ERROR_DEVICE, "cuda:");
    ck_assert_ptr_null(state);
    if (count == 0) ck_assert_ptr_nonnull(strstr(error.text, "no "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cuda_host");
    TCase *tests = tcase_create("host");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_folder, drop_folder);
    tcase_add_test(tests, halves_round_to_nearest);
    tcase_add_test(tests, bfloats_round_to_nearest);
    tcase_add_test(tests, too_large_is_told);
    tcase_add_test(tests, choices_come_back);
    tcase_add_test(tests, damage_is_ignored);
    tcase_add_test(tests, writers_do_not_corrupt);
    tcase_add_test(tests, no_place_is_no_failure);
    tcase_add_test(tests, choices_parse);
    tcase_add_test(tests, says_why_there_is_none);
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
