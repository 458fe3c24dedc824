/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_dnn_codes.c - malformed descriptors get the codes that cuDNN 9.19 gave for the same calls. */
#include "dnn_support.h"

START_TEST(codes_of_attributes)
{
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const int64_t one = 1, many[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    int64_t found = 0, id = 0;
    desc open = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR), final = tensor(1, 1, 8, 4, 4, 8, type, false), none = NULL;

    ck_assert_int_eq(cudnnBackendCreateDescriptor((cudnnBackendDescriptorType_t)9999, &none), 4003);
    ck_assert_int_eq(cudnnBackendFinalize(open), 2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &type),
                     2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_INT64, 1, &one), 2010);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 2, many),
                     2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, NULL),
                     2000);
    ck_assert_int_eq(cudnnBackendSetAttribute(open, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 9, many), 0);
    ck_assert_int_eq(cudnnBackendSetAttribute(final, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &one), 2000);
    ck_assert_int_eq(cudnnBackendFinalize(final), 2000);
    ck_assert_int_eq(cudnnBackendGetAttribute(open, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &found, &id),
                     1001);
    ck_assert_int_eq(cudnnBackendGetAttribute(final, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &found, &id),
                     0);
    ck_assert(found == 1 && id == 1);
    ck_assert_int_eq(cudnnBackendGetAttribute(final, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1, &found, &id),
                     2010);
    ck_assert_int_eq(
        cudnnBackendGetAttribute(final, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &found, &id), 2000);
    for (int i = 0; i < 20; i++) {
        if (cudnnBackendCreateDescriptor((cudnnBackendDescriptorType_t)i, &none) != CUDNN_STATUS_SUCCESS) continue;
        /* Alone of all, a pointwise descriptor has a default for everything. */
        ck_assert_int_eq(cudnnBackendFinalize(none), i == CUDNN_BACKEND_POINTWISE_DESCRIPTOR ? 0 : 2000);
        ck_assert_int_eq(cudnnBackendDestroyDescriptor(none), 0);
    }
    destroy_all();
}
END_TEST

START_TEST(codes_of_operations)
{
    const cudnnDataType_t f = CUDNN_DATA_FLOAT;
    const cudnnStatus_t good = CUDNN_STATUS_SUCCESS, bad = CUDNN_STATUS_BAD_PARAM;
    desc x = tensor(1, 1, 8, 6, 6, 8, f, false), w = tensor(2, 16, 8, 3, 3, 8, f, false),
         y = tensor(3, 1, 16, 6, 6, 16, f, true);
    desc shape = fill_convolution(1, 1), z = tensor(4, 1, 16, 6, 6, 16, f, false),
         out = tensor(5, 1, 16, 6, 6, 16, f, false);
    desc conv, add, relu;

    ck_assert_int_eq(cudnnBackendFinalize(fill_convolution(1, -1)), bad);
    DNN_OK(cudnnBackendFinalize(shape));
    conv = conv_operation(x, w, y, shape, good);
    conv_operation(x, tensor(2, 16, 4, 3, 3, 4, f, false), y, shape, good);
    conv_operation(x, w, tensor(3, 1, 16, 5, 6, 16, f, true), shape, bad);
    conv_operation(x, tensor(2, 16, 3, 3, 3, 3, f, false), y, shape, bad);
    conv_operation(fill_tensor(&(tensor_spec){ 1, 1, 8, 6, 6, 8, f, false }), w, y, shape, bad);
    add = pointwise_operation(CUDNN_POINTWISE_ADD, 0, y, z, out, good);
    pointwise_operation(CUDNN_POINTWISE_ADD, 0, y, NULL, out, bad);
    relu = pointwise_operation(CUDNN_POINTWISE_RELU_FWD, 0, y, NULL, out, good);
    graph_of(NULL, 2, (desc[]){ conv, add }, good);
    graph_of(NULL, 2, (desc[]){ add, conv }, good);
    graph_of(NULL, 1, (desc[]){ conv }, good);
    graph_of(NULL, 3, (desc[]){ conv, add, relu }, bad);
    graph_of(NULL, 2, (desc[]){ conv, conv }, bad);
    add = pointwise_operation(CUDNN_POINTWISE_ADD, 0, y, z, tensor(1, 1, 16, 6, 6, 16, f, false), good);
    graph_of(NULL, 2, (desc[]){ conv, add }, bad);
    desc open = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR),
         graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    ck_assert_int_eq(
        cudnnBackendSetAttribute(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &open),
        2004);
    destroy_all();
}
END_TEST

/* A graph that no engine takes has no heuristics. */
START_TEST(unsupported_graphs)
{
    const cudnnDataType_t f = CUDNN_DATA_FLOAT;
    const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    desc x = tensor(1, 1, 8, 6, 6, 8, f, false), out = tensor(5, 1, 8, 6, 6, 8, f, false);
    desc lone = pointwise_operation(CUDNN_POINTWISE_RELU_FWD, 0, x, NULL, out, CUDNN_STATUS_SUCCESS);
    desc heuristics = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);

    set_part(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_of(NULL, 1, &lone, CUDNN_STATUS_SUCCESS));
    set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    ck_assert_int_eq(cudnnBackendFinalize(heuristics), CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
    destroy_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codes of the simulated cuDNN");
    TCase *tests = tcase_create("graphs");

    tcase_add_test(tests, codes_of_attributes);
    tcase_add_test(tests, codes_of_operations);
    tcase_add_test(tests, unsupported_graphs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
