/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cudnn_plans.c - the real cuDNN, without a driver: for every convolution of R18, R50 with and without non-local
 * blocks, R101, MobileNetV2, MobileOne-S4 and PP-TSM at 8 frames of 224x224, a precompiled engine finalises on
 * described GPUs of four generations.
 *
 * Its text makes the same plan again without the heuristics. Only a described GPU can be asked here: a handle needs a
 * driver.
 *
 * What has none is listed with what serves it instead: cuBLASLt takes every 1x1 convolution of stride 1, and where
 * rows have gaps a strided one is packed first and becomes such a one. A convolution that nothing precompiled serves
 * fails the test, unless it is among the known ones that cuDNN compiles at run time.
 */
#include "support.h"

#ifdef TSM_HAS_CUDA
#include "core/status.h"
#include "described_gpu.h"

#define MAX_SPECS 256
#define FRAMES    8

static struct {
    tsm_conv_spec specs[MAX_SPECS];
    int count;
} layers;

static void add_layer(const tsm_conv_spec *spec)
{
    char have[TSM_CONV_SPEC_TEXT], want[TSM_CONV_SPEC_TEXT];

    tsm_conv_spec_print(spec, want);
    for (int i = 0; i < layers.count; i++) {
        tsm_conv_spec_print(&layers.specs[i], have);
        if (strcmp(have, want) == 0) return;
    }
    ck_assert_int_lt(layers.count, MAX_SPECS);
    layers.specs[layers.count++] = *spec;
}

/* Appends a convolution of size x size pixels with "same" padding; returns the size of its output. */
static int add_conv(int size, int channels, int filters, int kernel, int stride, bool residual, tsm_act act)
{
    int out = (size - 1) / stride + 1;
    tsm_conv_spec spec = {
        .images = FRAMES,
        .h = size,
        .w = size,
        .channels = channels,
        .oh = out,
        .ow = out,
        .filters = filters,
        .kernel_h = kernel,
        .kernel_w = kernel,
        .stride = stride,
        .pad = kernel / 2,
        .groups = 1,
        .in_pitch = channels,
        .out_pitch = filters,
        .residual_pitch = residual ? filters : 0,
        .act = act,
    };

    add_layer(&spec);
    return out;
}

static int add_basic_block(int size, int channels, int filters, int stride)
{
    int out = add_conv(size, channels, filters, 3, stride, false, TSM_ACT_RELU);

    if (stride != 1 || channels != filters) add_conv(size, channels, filters, 1, stride, false, TSM_ACT_NONE);
    return add_conv(out, filters, filters, 3, 1, true, TSM_ACT_RELU);
}

static int add_bottleneck(int size, int channels, int width, int stride)
{
    int out;

    add_conv(size, channels, width, 1, 1, false, TSM_ACT_RELU);
    out = add_conv(size, width, width, 3, stride, false, TSM_ACT_RELU);
    if (stride != 1 || channels != 4 * width) add_conv(size, channels, 4 * width, 1, stride, false, TSM_ACT_NONE);
    return add_conv(out, width, 4 * width, 1, 1, true, TSM_ACT_RELU);
}

static void add_resnet(const int blocks[4], bool bottleneck)
{
    int size = add_conv(224, 4, 64, 7, 2, false, TSM_ACT_RELU), channels = 64;

    size = (size - 1) / 2 + 1; /* max-pool */
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < blocks[stage]; block++) {
            int width = 64 << stage, stride = stage > 0 && block == 0 ? 2 : 1;

            size = bottleneck ? add_bottleneck(size, channels, width, stride)
                              : add_basic_block(size, channels, width, stride);
            channels = bottleneck ? 4 * width : width;
        }
}

/* The depthwise convolutions are a kernel of ours. ReLU6 after a 1x1 is one, too, so there it is no part of the
 * plan. */
static void add_mobilenet(void)
{
    static const struct {
        int expand, filters, blocks, stride;
    } stages[] = { { 1, 16, 1, 1 }, { 6, 24, 2, 2 },  { 6, 32, 3, 2 }, { 6, 64, 4, 2 },
                   { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } };
    int size = add_conv(224, 4, 32, 3, 2, false, TSM_ACT_RELU6), channels = 32;

    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (int block = 0; block < stages[s].blocks; block++) {
            int stride = block == 0 ? stages[s].stride : 1, inner = channels * stages[s].expand;

            if (stages[s].expand != 1) add_conv(size, channels, inner, 1, 1, false, TSM_ACT_NONE);
            size = (size - 1) / stride + 1;
            add_conv(size, inner, stages[s].filters, 1, 1, stride == 1 && channels == stages[s].filters,
                     TSM_ACT_NONE);
            channels = stages[s].filters;
        }
    add_conv(size, channels, 1280, 1, 1, false, TSM_ACT_NONE);
}

/* The convolutions of a non-local block; the last takes the block's input as residual. */
static void add_nonlocal(int size, int channels)
{
    add_conv(size, channels, channels / 2, 1, 1, false, TSM_ACT_NONE);
    add_conv(size, channels / 2, channels, 1, 1, true, TSM_ACT_NONE);
}

/* Depthwise convolutions are a kernel of ours; squeeze and excitation follows the convolution, and ReLU follows
 * that. */
static void add_mobileone(void)
{
    static const struct {
        int width, blocks, squeezed;
    } stages[] = { { 192, 2, 0 }, { 448, 8, 0 }, { 896, 10, 5 }, { 2048, 1, 1 } };
    int size = add_conv(224, 4, 64, 3, 2, false, TSM_ACT_RELU), channels = 64;

    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (int block = 0; block < stages[s].blocks; block++) {
            const bool squeezed = block >= stages[s].blocks - stages[s].squeezed;

            if (block == 0) size = (size - 1) / 2 + 1;
            add_conv(size, channels, stages[s].width, 1, 1, false, squeezed ? TSM_ACT_NONE : TSM_ACT_RELU);
            channels = stages[s].width;
            if (!squeezed) continue;
            add_conv(1, channels, channels / 16, 1, 1, false, TSM_ACT_RELU);
            add_conv(1, channels / 16, channels, 1, 1, false, TSM_ACT_NONE);
        }
}

/* No library leaks: the activations are a kernel of ours. The pools of the shortcuts, too. */
static void add_pptsm(void)
{
    static const int blocks[] = { 3, 4, 6, 3 };
    int size = add_conv(224, 4, 32, 3, 2, false, TSM_ACT_NONE), channels = 64;

    add_conv(size, 32, 32, 3, 1, false, TSM_ACT_NONE);
    add_conv(size, 32, 64, 3, 1, false, TSM_ACT_NONE);
    size = (size - 1) / 2 + 1;
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < blocks[stage]; block++) {
            const int width = 64 << stage;

            add_conv(size, channels, width, 1, 1, false, TSM_ACT_NONE);
            size = add_conv(size, width, width, 3, stage > 0 && block == 0 ? 2 : 1, false, TSM_ACT_NONE);
            if (block == 0) add_conv(size, channels, 4 * width, 1, 1, false, TSM_ACT_NONE);
            channels = 4 * width;
            add_conv(size, width, channels, 1, 1, true, TSM_ACT_NONE);
        }
}

static void add_networks(void)
{
    layers.count = 0;
    add_resnet((const int[]){ 2, 2, 2, 2 }, false); /* R18 */
    add_resnet((const int[]){ 3, 4, 6, 3 }, true);  /* R50 */
    add_resnet((const int[]){ 3, 4, 23, 3 }, true); /* R101 */
    add_mobilenet();
    add_nonlocal(28, 512);
    add_nonlocal(14, 1024);
    add_mobileone();
    add_pptsm();
}

/* Another graph of the same spec, which was never asked for configurations, takes the text; what comes of it has the
 * same workspace and the same text. */
static void reload(cudnnBackendDescriptor_t device, const tsm_conv_spec *spec, const char *text, int64_t workspace)
{
    cudnnBackendDescriptor_t plan;
    tsm_error error = { 0 };
    tsm_dnn_graph graph;
    int64_t again = -1;
    char *second;

    assert_ok(tsm_dnn_graph_make(&graph, NULL, device, spec, &error), &error);
    assert_ok(tsm_dnn_plan_load(&plan, &again, &graph, spec->precision, text, &error), &error);
    ck_assert_int_eq(again, workspace);
    second = tsm_dnn_plan_text(plan, &graph);
    ck_assert_ptr_nonnull(second);
    ck_assert_str_eq(second, text);
    tsm_free(second);
    cudnnBackendDestroyDescriptor(plan);
    tsm_dnn_graph_clear(&graph);
}

/* Whether a precompiled engine serves the spec; then its plan must outlive being a text. */
static bool has_plan(cudnnBackendDescriptor_t device, const tsm_conv_spec *spec)
{
    tsm_dnn_graph graph;
    int64_t workspace;
    cudnnBackendDescriptor_t plan = make_plan(&graph, &workspace, device, spec);

    if (plan) {
        char *text = tsm_dnn_plan_text(plan, &graph);

        ck_assert_msg(text != NULL, "a plan without a text");
        reload(device, spec, text, workspace);
        tsm_free(text);
        cudnnBackendDestroyDescriptor(plan);
    }
    tsm_dnn_graph_clear(&graph);
    return plan != NULL;
}

/* Finalises a plan for every layer at one precision; returns how many layers nothing precompiled serves. */
static int check_layers(const described_gpu *gpu, tsm_precision precision)
{
    cudnnBackendDescriptor_t device = describe_gpu(gpu);
    int plans = 0, matmuls = 0, unserved = 0;

    for (int i = 0; i < layers.count; i++) {
        tsm_conv_spec spec = layers.specs[i];
        char text[TSM_CONV_SPEC_TEXT];

        spec.precision = precision;
        tsm_conv_spec_print(&spec, text);
        if (has_plan(device, &spec)) {
            plans++;
        } else if (tsm_conv_spec_is_product(&spec)) {
            printf("%s: no precompiled engine, served by cuBLASLt: %s\n", gpu->name, text);
            matmuls++;
        } else {
            printf("%s: no precompiled engine, compiled at run time: %s\n", gpu->name, text);
            unserved++;
        }
    }
    printf("%s (sm_%d) %s: %d layers, %d by a precompiled cuDNN engine, %d by cuBLASLt alone, %d compiled\n",
           gpu->name, gpu->version / 10, tsm_cuda_dtype_of(precision)->name, layers.count, plans, matmuls, unserved);
    cudnnBackendDestroyDescriptor(device);
    return unserved;
}

START_TEST(every_layer_has_a_kernel)
{
    const described_gpu *gpu = &gpus[_i / 4];
    tsm_precision precision = (tsm_precision)(_i % 4);

    ck_assert_int_eq(check_layers(gpu, precision), 0);
}
END_TEST

/* A graph whose rows have gaps is still served, by packing them in the workspace: correct, and what we avoid. */
START_TEST(gaps_are_repacked)
{
    cudnnBackendDescriptor_t device = describe_gpu(&gpus[2]);
    tsm_conv_spec spec = {
        .precision = TSM_PRECISION_FP16,
        .images = FRAMES,
        .h = 56,
        .w = 56,
        .channels = 256,
        .oh = 28,
        .ow = 28,
        .filters = 512,
        .kernel_h = 1,
        .kernel_w = 1,
        .stride = 2,
        .groups = 1,
        .in_pitch = 320,
        .out_pitch = 512,
    };

    ck_assert(has_plan(device, &spec));
    spec.in_offset = 33; /* so are rows that begin anywhere */
    ck_assert(has_plan(device, &spec));
    cudnnBackendDestroyDescriptor(device);
}
END_TEST

static const tsm_conv_spec conv3x3 = {
    .precision = TSM_PRECISION_FP16,
    .images = FRAMES,
    .h = 56,
    .w = 56,
    .channels = 64,
    .oh = 56,
    .ow = 56,
    .filters = 64,
    .kernel_h = 3,
    .kernel_w = 3,
    .stride = 1,
    .pad = 1,
    .groups = 1,
    .in_pitch = 64,
    .out_pitch = 64,
    .residual_pitch = 64,
    .act = TSM_ACT_RELU,
};

/* Whether a graph of the spec takes the text. */
static bool loads(cudnnBackendDescriptor_t device, const tsm_conv_spec *spec, const char *text)
{
    cudnnBackendDescriptor_t plan;
    tsm_error error = { 0 };
    tsm_dnn_graph graph;
    int64_t workspace;
    bool loaded;

    assert_ok(tsm_dnn_graph_make(&graph, NULL, device, spec, &error), &error);
    loaded = tsm_dnn_plan_load(&plan, &workspace, &graph, spec->precision, text, &error) == TSM_OK;
    if (loaded)
        cudnnBackendDestroyDescriptor(plan);
    else
        ck_assert_ptr_null(plan);
    tsm_dnn_graph_clear(&graph);
    return loaded;
}

/* A text with any of its bytes changed, or cut off there, is refused or harmless, and never ends the process; one of
 * another convolution or for another GPU is refused. */
START_TEST(foreign_texts_are_refused)
{
    cudnnBackendDescriptor_t device = describe_gpu(&gpus[2]), other = describe_gpu(&gpus[0]), plan;
    tsm_conv_spec spec = conv3x3;
    tsm_dnn_graph graph;
    int64_t workspace;
    char *text, *changed;

    plan = make_plan(&graph, &workspace, device, &spec);
    ck_assert_ptr_nonnull(plan);
    text = tsm_dnn_plan_text(plan, &graph);
    ck_assert_ptr_nonnull(text);
    ck_assert(loads(device, &spec, text));
    for (size_t at = 0; at < strlen(text); at++)
        for (int way = 0; way < 3; way++) {
            changed = tsm_strdup(text);
            changed[at] = (char)(way == 0 ? '\0' : changed[at] ^ (way == 1 ? 1 : 64));
            loads(device, &spec, changed);
            tsm_free(changed);
        }
    ck_assert(!loads(device, &spec, ""));
    ck_assert(!loads(device, &spec, "{}"));
    ck_assert_msg(!loads(other, &spec, text), "on another GPU");
    spec.residual_pitch = 0;
    ck_assert(!loads(device, &spec, text));
    spec = conv3x3;
    spec.images++;
    ck_assert(!loads(device, &spec, text));
    spec = conv3x3;
    spec.precision = TSM_PRECISION_BF16;
    ck_assert(!loads(device, &spec, text));
    tsm_free(text);
    cudnnBackendDestroyDescriptor(plan);
    tsm_dnn_graph_clear(&graph);
    cudnnBackendDestroyDescriptor(other);
    cudnnBackendDestroyDescriptor(device);
}
END_TEST

/* What cuDNN has in no precompiled engine is not asked of it: leaky ReLU would need a compiler at run time. */
START_TEST(activations_are_ours)
{
    cudnnBackendDescriptor_t device = describe_gpu(&gpus[2]);
    tsm_conv_spec spec = conv3x3;
    tsm_dnn_graph graph;

    for (tsm_act act = TSM_ACT_LEAKY_RELU; act < TSM_ACT_COUNT; act++) {
        tsm_error error = { 0 };
        char why[TSM_CONV_WHY];

        spec.act = act;
        ck_assert(!tsm_conv_serves(&spec, why));
        assert_error(tsm_dnn_graph_make(&graph, NULL, device, &spec, &error), &error, TSM_ERROR_INTERNAL,
                     tsm_act_name(act));
    }
    cudnnBackendDestroyDescriptor(device);
}
END_TEST

/* The same tensors: a plan with tensor cores is for tf32, not for fp32. */
START_TEST(precision_is_checked)
{
    cudnnBackendDescriptor_t device = describe_gpu(&gpus[2]), plan;
    tsm_conv_spec spec = conv3x3;
    tsm_dnn_graph graph;
    int64_t workspace;
    char *text;

    spec.precision = TSM_PRECISION_TF32;
    plan = make_plan(&graph, &workspace, device, &spec);
    ck_assert_ptr_nonnull(plan);
    text = tsm_dnn_plan_text(plan, &graph);
    ck_assert_ptr_nonnull(text);
    ck_assert(loads(device, &spec, text));
    spec.precision = TSM_PRECISION_FP32;
    ck_assert(!loads(device, &spec, text));
    tsm_free(text);
    cudnnBackendDestroyDescriptor(plan);
    tsm_dnn_graph_clear(&graph);
    cudnnBackendDestroyDescriptor(device);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cudnn_plans");
    TCase *plans = tcase_create("described GPUs");

    printf("cuDNN %zu\n", cudnnGetVersion());
    tcase_set_timeout(plans, 120);
    tcase_add_checked_fixture(plans, add_networks, NULL);
    tcase_add_loop_test(plans, every_layer_has_a_kernel, 0, 4 * DESCRIBED_GPUS);
    tcase_add_test(plans, gaps_are_repacked);
    tcase_add_test(plans, foreign_texts_are_refused);
    tcase_add_test(plans, activations_are_ours);
    tcase_add_test(plans, precision_is_checked);
    suite_add_tcase(suite, plans);
    return run_suite(suite);
}

#else
int main(void)
{
    printf("skipped: built without CUDA\n");
    return 77;
}
#endif
