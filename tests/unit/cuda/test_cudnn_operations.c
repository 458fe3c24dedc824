/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cudnn_operations.c - the real cuDNN, without a driver, on the table of operations: every convolution that the
 * suites of a GPU ask a library for, odd shapes included, has a precompiled engine on described GPUs of four
 * generations, or is a product, which cuBLASLt takes. What has neither would be compiled at run time, for seconds
 * each.
 */
#include "support.h"

#ifdef TSM_HAS_CUDA
#include "cuda/convolution.h"
#include "described_gpu.h"
#include "operations/operations.h"

#define MAX_SPECS 512

typedef struct spec_list {
    tsm_conv_spec specs[MAX_SPECS];
    char texts[MAX_SPECS][TSM_CONV_SPEC_TEXT];
    int count;
} spec_list;

static void add_spec(spec_list *list, const tsm_conv_spec *spec)
{
    char text[TSM_CONV_SPEC_TEXT];

    tsm_conv_spec_print(spec, text);
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->texts[i], text) == 0) return;
    ck_assert_int_lt(list->count, MAX_SPECS);
    strcpy(list->texts[list->count], text);
    list->specs[list->count++] = *spec;
}

/* What a row asks of cuDNN: no products, and nothing that a kernel of ours does. */
static void add_operation(spec_list *list, const operation *op, const tsm_cuda_dtype *dtype, tsm_shift_method method)
{
    const tsm_graph *graph = op->net.graph;
    tsm_cuda_value *values = must(calloc((size_t)graph->count, sizeof *values));

    tsm_cuda_layout_make(values, graph, op->shapes, dtype, method);
    for (int i = 0; i < graph->count; i++) {
        tsm_convolution c;

        if (graph->nodes[i].op != TSM_OP_CONV && graph->nodes[i].op != TSM_OP_FC) continue;
        tsm_convolution_make(&c, graph, op->shapes, values, i, dtype, tsm_cuda_way_of(method));
        if (!c.depthwise && !c.gather && !tsm_conv_spec_is_product(&c.spec)) add_spec(list, &c.spec);
    }
    free(values);
}

#define PRECISIONS 4

static void add_table(spec_list lists[PRECISIONS])
{
    for (int i = 0; i < operation_count(); i++) {
        operation op;

        if (operation_size_at(i) == OPERATION_HUGE) continue; /* 1x1 all of them */
        operation_open(&op, i, OPERATION_OPTIMIZED);
        for (int p = 0; p < PRECISIONS; p++)
            for (int method = TSM_SHIFT_COPY; method <= TSM_SHIFT_OVERLAP; method++)
                add_operation(&lists[p], &op, tsm_cuda_dtype_of((tsm_precision)p), (tsm_shift_method)method);
        operation_close(&op);
    }
}

static bool has_plan(cudnnBackendDescriptor_t device, const tsm_conv_spec *spec)
{
    tsm_dnn_graph graph;
    int64_t workspace;
    cudnnBackendDescriptor_t plan = make_plan(&graph, &workspace, device, spec);

    if (plan) cudnnBackendDestroyDescriptor(plan);
    tsm_dnn_graph_clear(&graph);
    return plan != NULL;
}

static int count_unserved(const spec_list *list, const described_gpu *gpu, tsm_precision precision)
{
    cudnnBackendDescriptor_t device = describe_gpu(gpu);
    int unserved = 0;

    for (int i = 0; i < list->count; i++) {
        if (has_plan(device, &list->specs[i])) continue;
        printf("%s: compiled at run time: %s\n", gpu->name, list->texts[i]);
        unserved++;
    }
    printf("%s %s: %d convolutions, %d compiled\n", gpu->name, tsm_cuda_dtype_of(precision)->name, list->count,
           unserved);
    cudnnBackendDestroyDescriptor(device);
    return unserved;
}

START_TEST(every_operation_has_a_kernel)
{
    spec_list *lists = must(calloc(PRECISIONS, sizeof *lists));

    add_table(lists);
    for (int p = 0; p < PRECISIONS; p++)
        for (int g = 0; g < DESCRIBED_GPUS; g++)
            ck_assert_int_eq(count_unserved(&lists[p], &gpus[g], (tsm_precision)p), 0);
    free(lists);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cudnn_operations");
    TCase *plans = tcase_create("described GPUs");

    tcase_set_timeout(plans, 0);
    tcase_add_test(plans, every_operation_has_a_kernel);
    suite_add_tcase(suite, plans);
    return run_suite(suite);
}
#else
int main(void)
{
    return 77;
}
#endif
