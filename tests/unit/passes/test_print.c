/* SPDX-License-Identifier: Apache-2.0 */
/* test_print.c - the text of a graph. */
#include "operations/networks.h"
#include "support.h"
#include "passes/passes.h"

static const char printed[] =
    "#  name       op       shape n,t,h,w,c  kernel  shift  fused                    offset  bytes\n"
    "0  input      input    1x4x8x8x3        -       -      -                             0   3072\n"
    "1  stem       conv     1x4x4x4x8        7x7/2   -      -                            64   2048\n"
    "2  norm       bnorm    1x4x4x4x8        -       -      -                           128   2048\n"
    "3  relu       act      1x4x4x4x8        -       -      relu                          -      -\n"
    "4  maxpool    maxpool  1x4x2x2x8        3x3/2   -      -                           256    512\n"
    "5  shift      shift    1x4x2x2x8        -       +2 -2  -                           320    512\n"
    "6  body       conv     1x4x2x2x8        3x3/1   +2 -2  +residual(shift) +relu6     384    512\n"
    "7  avgpool    avgpool  1x1x1x1x8        -       -      over t                      448     32\n"
    "8  fc         fc       1x1x1x1x5        -       -      +bias                       512     20\n"
    "9  consensus  tmean    1x1x1x1x5        -       -      -                           576     20\n"
    "10 nodes, 84520 multiply-adds, arena of 4096 bytes\n";

START_TEST(print_aligns_columns)
{
    network net = network_make(1, 3);
    int x = network_conv_norm(&net, "stem", 0, 3, 8, 7, 2), shift;
    int64_t offsets[] = { 0, 64, 128, -1, 256, 320, 384, 448, 512, 576 };
    tsm_dims *shapes;
    tsm_error error;
    char *text;

    x = network_maxpool(&net, "maxpool", network_act(&net, "relu", x, TSM_ACT_RELU));
    shift = network_shift(&net, "shift", x, 2);
    x = network_conv(&net, "body", shift, 8, 8, 3, 1);
    network_head(&net, x, 8);
    net.graph->nodes[x].shift = (tsm_shift){ 2, 4, 1 };
    net.graph->nodes[x].inputs[1] = shift;
    net.graph->nodes[x].act = TSM_ACT_RELU6;
    net.graph->nodes[x + 1].over_time = true;
    shapes = network_shapes(net.graph, &(tsm_shape){ 1, 4, 8, 8 });
    assert_ok(tsm_graph_print(net.graph, shapes, offsets, 4096, &text, &error), &error);
    ck_assert_str_eq(text, printed);
    tsm_free(text);
    assert_ok(tsm_graph_print(net.graph, shapes, NULL, 0, &text, &error), &error);
    ck_assert_ptr_null(strstr(text, "offset"));
    ck_assert_ptr_null(strstr(text, "arena"));
    ck_assert_ptr_nonnull(strstr(text, "\n9  consensus  tmean    1x1x1x1x5        -       -      -\n10 nodes"));
    tsm_free(text);
    free(shapes);
    network_free(&net);
}
END_TEST

/* How numbers are stored is a column of its own, once a node says so. */
START_TEST(numbers_are_shown_where_they_are_set)
{
    network net = network_make(2, 3);
    int x = network_conv(&net, "body", 0, 3, 8, 3, 1);
    tsm_dims *shapes;
    tsm_error error;
    char *text;

    network_head(&net, x, 8);
    shapes = network_shapes(net.graph, &(tsm_shape){ 1, 4, 8, 8 });
    assert_ok(tsm_graph_print(net.graph, shapes, NULL, 0, &text, &error), &error);
    ck_assert_ptr_null(strstr(text, "numbers"));
    tsm_free(text);
    net.graph->nodes[x].number = TSM_NUMBER_INT8;
    net.graph->nodes[x].input_scale = 0.0625f;
    net.graph->nodes[x].output_scales = network_random(&net, 8, 0.5, 1);
    net.graph->nodes[x + 1].number = TSM_NUMBER_FP16;
    assert_ok(tsm_graph_print(net.graph, shapes, NULL, 0, &text, &error), &error);
    ck_assert_ptr_nonnull(strstr(text, "  numbers\n"));
    ck_assert_ptr_nonnull(strstr(text, "  int8, input 0.0625, a scale a channel\n"));
    ck_assert_ptr_nonnull(strstr(text, "  fp16\n"));
    tsm_free(text);
    free(shapes);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("print");
    TCase *text = tcase_create("text");

    tcase_add_test(text, print_aligns_columns);
    tcase_add_test(text, numbers_are_shown_where_they_are_set);
    suite_add_tcase(suite, text);
    return run_suite(suite);
}
