/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cuda_host.c - what of the CUDA backend needs no GPU: rounding to 16 bits, which family serves which
 * convolution, and the one line that says why there is no GPU.
 */
#include "support.h"

#ifdef TSM_HAS_CUDA
#include "cuda/conv/conv.h"
#include "graph/backend.h"

const tsm_backend *tsm_cuda_backend(void);

/* ---- Rounding ---- */

START_TEST(too_large_is_told)
{
    const float values[] = { 1, 70000, -3 };
    uint16_t bits[3];

    ck_assert(!tsm_cuda_round(bits, values, 3, TSM_FLOAT16));
    ck_assert(tsm_cuda_round(bits, values, 3, TSM_BFLOAT16));
}
END_TEST

START_TEST(choices_parse)
{
    const tsm_conv conv = { .family = tsm_conv_family_find("cudnn"), .index = 17 };
    const tsm_conv_family *family;
    char text[TSM_TUNE_VALUE];
    int index;

    ck_assert_ptr_nonnull(conv.family);
    tsm_tune_choice_print(&conv, text);
    ck_assert_str_eq(text, "cudnn:17");
    ck_assert(tsm_tune_choice_parse(&family, &index, text));
    ck_assert(family == conv.family && index == conv.index);
    ck_assert(!tsm_tune_choice_parse(&family, &index, "gemm"));
    ck_assert(!tsm_tune_choice_parse(&family, &index, "gemm:x"));
    ck_assert(!tsm_tune_choice_parse(&family, &index, "gemm:1 "));
    ck_assert(!tsm_tune_choice_parse(&family, &index, "glue:1"));
}
END_TEST

/* ---- Families ---- */

static const tsm_conv_spec product = {
    .precision = TSM_PRECISION_FP16,
    .images = 8,
    .h = 7,
    .w = 7,
    .channels = 64,
    .oh = 7,
    .ow = 7,
    .filters = 32,
    .kernel_h = 1,
    .kernel_w = 1,
    .stride = 1,
    .groups = 1,
    .in_pitch = 64,
    .out_pitch = 32,
    .act = TSM_ACT_RELU,
};

/* Who serves what, with a reason either way, without a device. */
START_TEST(families_say_what_they_serve)
{
    const tsm_conv_family *gemm = tsm_conv_family_find("gemm"), *cudnn = tsm_conv_family_find("cudnn");
    tsm_conv_spec spec = product;
    char why[TSM_CONV_WHY];

    ck_assert_int_eq(gemm->serves(&spec, why), TSM_CONV_FIT);
    ck_assert_int_eq(cudnn->serves(&spec, why), TSM_CONV_FIT);
    ck_assert(tsm_conv_serves(&spec, why) && strstr(why, "matrix product"));
    spec.in_pitch = 80; /* rows with gaps */
    ck_assert_int_eq(gemm->serves(&spec, why), TSM_CONV_FIT);
    ck_assert_int_eq(cudnn->serves(&spec, why), TSM_CONV_SPARE);
    spec = product;
    spec.float_out = true;
    ck_assert_int_eq(gemm->serves(&spec, why), TSM_CONV_FIT);
    ck_assert_int_eq(cudnn->serves(&spec, why), TSM_CONV_UNFIT);
    ck_assert_ptr_nonnull(strstr(why, "float32"));
    spec = product;
    spec.act = TSM_ACT_RELU6;
    ck_assert_int_eq(gemm->serves(&spec, why), TSM_CONV_UNFIT);
    ck_assert_ptr_nonnull(strstr(why, "relu6"));
    ck_assert(tsm_conv_serves(&spec, why) && strstr(why, "cuDNN"));
    spec.act = TSM_ACT_SIGMOID;
    ck_assert(!tsm_conv_serves(&spec, why));
    ck_assert_ptr_nonnull(strstr(why, "sigmoid"));
    spec = product;
    spec.stride = 2;
    ck_assert_int_eq(gemm->serves(&spec, why), TSM_CONV_UNFIT);
    ck_assert(tsm_conv_serves(&spec, why) && strstr(why, "cuDNN"));
}
END_TEST

/* ---- No GPU ---- */

START_TEST(says_why_there_is_none)
{
    const tsm_backend *backend = tsm_cuda_backend();
    tsm_backend_report report = { 0 };
    tsm_backend_config config = { 0 };
    tsm_error error = { 0 };
    tsm_prepared *prepared = (tsm_prepared *)(void *)&config;
    tsm_graph *graph = tsm_graph_create();
    int count = 0;

    ck_assert_int_eq(tsm_graph_append(graph, TSM_OP_INPUT, "input"), 0);
    if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0) config.device_index = count;
    assert_error(backend->prepare(&prepared, graph, &config, &report, &error), &error, TSM_ERROR_DEVICE, "cuda:");
    ck_assert_ptr_null(prepared);
    if (count == 0) ck_assert_ptr_nonnull(strstr(error.text, "no "));
    tsm_graph_destroy(&graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cuda_host");
    TCase *tests = tcase_create("host");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, too_large_is_told);
    tcase_add_test(tests, choices_parse);
    tcase_add_test(tests, families_say_what_they_serve);
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
