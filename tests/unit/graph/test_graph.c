/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph.c - building, shape inference and its errors, multiply-adds, weights, and lifetimes. */
#include "operations/networks.h"
#include "support.h"

/* input 3 -> conv 7x7/2 -> relu -> maxpool -> shift -> conv 3x3 + relu -> head */
static network small(void)
{
    network net = network_make(1, 3);
    int x = network_conv_norm(&net, "stem", 0, 3, 8, 7, 2);

    x = network_maxpool(&net, "maxpool", network_act(&net, "relu", x, TSM_ACT_RELU));
    x = network_conv(&net, "body", network_shift(&net, "shift", x, 2), 8, 6, 3, 1);
    network_head(&net, x, 6);
    return net;
}

static void assert_dims(const tsm_dims *d, int n, int t, int h, int w, int c)
{
    ck_assert_msg(d->n == n && d->t == t && d->h == h && d->w == w && d->c == c, "%dx%dx%dx%dx%d", d->n, d->t, d->h,
                  d->w, d->c);
}

START_TEST(shapes)
{
    network net = small();
    tsm_dims *s = network_shapes(net.graph, &(tsm_shape){ 2, 8, 57, 44 });

    ck_assert_int_eq(tsm_graph_input(net.graph), 0);
    assert_dims(&s[0], 2, 8, 57, 44, 3); /* input */
    assert_dims(&s[1], 2, 8, 29, 22, 8); /* stem: (57+6-7)/2+1, (44+6-7)/2+1 */
    assert_dims(&s[3], 2, 8, 29, 22, 8); /* relu */
    assert_dims(&s[4], 2, 8, 15, 11, 8); /* maxpool */
    assert_dims(&s[5], 2, 8, 15, 11, 8); /* shift */
    assert_dims(&s[6], 2, 8, 15, 11, 6); /* body */
    assert_dims(&s[7], 2, 8, 1, 1, 6);   /* avgpool */
    assert_dims(&s[8], 2, 8, 1, 1, 5);   /* fc */
    assert_dims(&s[9], 2, 1, 1, 1, 5);   /* consensus */
    ck_assert_uint_eq(tsm_node_macs(net.graph, s, 1), 16 * (uint64_t)29 * 22 * 8 * 3 * 49);
    ck_assert_uint_eq(tsm_node_macs(net.graph, s, 4), 0);
    ck_assert_uint_eq(tsm_graph_macs(net.graph, s),
                      16 * ((uint64_t)29 * 22 * 8 * 3 * 49 + 15 * 11 * 6 * 8 * 9 + 5 * 6));
    free(s);
    tsm_graph_node(net.graph, 7)->over_time = true;
    s = network_shapes(net.graph, &(tsm_shape){ 3, 0, 1, 1 });
    assert_dims(&s[0], 3, 4, 1, 1, 3); /* t 0: the graph's segments */
    assert_dims(&s[7], 3, 1, 1, 1, 6);
    free(s);
    network_free(&net);
}
END_TEST

/* One thing wrong with small() a row, and the words that the error must have. */
typedef struct broken {
    const char *what;
    void (*break_it)(tsm_graph *graph);
    tsm_status code;
} broken;

static void no_padding(tsm_graph *g)
{
    g->nodes[1].pad = 0;
}
static void wrong_channels(tsm_graph *g)
{
    g->nodes[6].in_channels = 7;
}
static void wrong_norm(tsm_graph *g)
{
    g->nodes[2].in_channels = 7;
}
static void wrong_count(tsm_graph *g)
{
    g->nodes[6].weight.count--;
}
static void wrong_fc_count(tsm_graph *g)
{
    g->nodes[8].weight.count++;
}
static void wrong_groups(tsm_graph *g)
{
    g->nodes[6].groups = 4;
}
static void no_groups(tsm_graph *g)
{
    g->nodes[6].groups = 0;
}
static void no_stride(tsm_graph *g)
{
    g->nodes[6].stride = 0;
}
static void wide_padding(tsm_graph *g)
{
    g->nodes[4].pad = 2;
}
static void wide_shift(tsm_graph *g)
{
    g->nodes[5].shift = (tsm_shift){ 4, 9, 1 };
}
static void negative_fused_shift(tsm_graph *g)
{
    g->nodes[6].shift = (tsm_shift){ -1, 1, 1 };
}
static void still_shift(tsm_graph *g)
{
    g->nodes[5].shift.step = 0;
}
static void wrong_residual(tsm_graph *g)
{
    g->nodes[6].inputs[1] = 4;
}
static void many_channels(tsm_graph *g)
{
    g->in_channels = 4;
}
static void no_channels(tsm_graph *g)
{
    g->in_channels = 0;
}
static void huge_padding(tsm_graph *g)
{
    g->nodes[1].pad = INT32_MAX;
}
static void fc_of_pixels(tsm_graph *g)
{
    g->nodes[8].inputs[0] = 6;
}
static void wrong_sum(tsm_graph *g)
{
    g->nodes[3].op = TSM_OP_ADD, g->nodes[3].inputs[1] = 0;
}
static void forward_edge(tsm_graph *g)
{
    g->nodes[3].inputs[0] = 4;
}
static void no_edge(tsm_graph *g)
{
    g->nodes[3].inputs[0] = -1;
}
static void half_sum(tsm_graph *g)
{
    g->nodes[3].op = TSM_OP_ADD;
}
static void no_op(tsm_graph *g)
{
    g->nodes[3].op = TSM_OP_COUNT;
}
static void no_output(tsm_graph *g)
{
    g->output = -1;
}
static void wrong_output(tsm_graph *g)
{
    g->output = 6;
}

static const broken breaks[] = {
    { "stem: no pixels left: 6x6 under a kernel of 7x7", no_padding, TSM_ERROR_ARGUMENT },
    { "body: reads 8 channels, but its weights are for 7", wrong_channels, TSM_ERROR_ARGUMENT },
    { "norm: reads 8 channels", wrong_norm, TSM_ERROR_ARGUMENT },
    { "body: 431 weights", wrong_count, TSM_ERROR_ARGUMENT },
    { "fc: 31 weights", wrong_fc_count, TSM_ERROR_ARGUMENT },
    { "body: 8 to 6 channels in 4 groups", wrong_groups, TSM_ERROR_ARGUMENT },
    { "body: 8 to 6 channels in 0 groups", no_groups, TSM_ERROR_ARGUMENT },
    { "body: kernel 3x3, stride 0", no_stride, TSM_ERROR_ARGUMENT },
    { "maxpool: padding 2", wide_padding, TSM_ERROR_ARGUMENT },
    { "shift: cannot shift 4 and 5 of 8", wide_shift, TSM_ERROR_ARGUMENT },
    { "shift: cannot shift 2 and 2 of 8 channels by 0", still_shift, TSM_ERROR_ARGUMENT },
    { "body: cannot shift -1 and 2 of 8", negative_fused_shift, TSM_ERROR_ARGUMENT },
    { "body: operands differ: 1x4x2x2x6 and 1x4x2x2x8", wrong_residual, TSM_ERROR_ARGUMENT },
    { "stem: reads 4 channels", many_channels, TSM_ERROR_ARGUMENT },
    { "input: an empty shape", no_channels, TSM_ERROR_ARGUMENT },
    { "stem: more than 2^40 elements", huge_padding, TSM_ERROR_ARGUMENT },
    { "fc: reads 2x2 pixels", fc_of_pixels, TSM_ERROR_ARGUMENT },
    { "relu: operands differ", wrong_sum, TSM_ERROR_ARGUMENT },
    { "relu: operand 0 is node 4", forward_edge, TSM_ERROR_INTERNAL },
    { "relu: operand 0 is node -1", no_edge, TSM_ERROR_INTERNAL },
    { "relu: operand 1 is node -1", half_sum, TSM_ERROR_INTERNAL },
    { "relu: no such operation", no_op, TSM_ERROR_INTERNAL },
    { "no output", no_output, TSM_ERROR_INTERNAL },
    { "body: the output is 1x4x2x2x6", wrong_output, TSM_ERROR_INTERNAL },
};

START_TEST(what_does_not_fit_is_named)
{
    tsm_dims room[16];
    network net = small();
    tsm_error error;
    tsm_status status;

    breaks[_i].break_it(net.graph);
    status = tsm_graph_infer(net.graph, &(tsm_shape){ 1, 4, 6, 6 }, room, &error);
    assert_error(status, &error, breaks[_i].code, breaks[_i].what);
    network_free(&net);
}
END_TEST

START_TEST(temporal_pool_halves_t)
{
    tsm_dims room[16];
    network net = network_make(4, 3);
    int stem = network_conv(&net, "stem", 0, 3, 8, 3, 1);
    int pool = network_node(&net, TSM_OP_TPOOL, "pool", stem);
    tsm_error error;
    tsm_status status;

    network_head(&net, pool, 8);
    net.graph->output = net.graph->count - 1;
    assert_ok(tsm_graph_infer(net.graph, &(tsm_shape){ 2, 6, 5, 4 }, room, &error), &error);
    assert_dims(&room[pool], 2, 3, 5, 4, 8);
    assert_dims(&room[net.graph->output], 2, 1, 1, 1, NETWORK_CLASSES);
    status = tsm_graph_infer(net.graph, &(tsm_shape){ 1, 7, 5, 4 }, room, &error);
    assert_error(status, &error, TSM_ERROR_ARGUMENT, "pool: pools frames in pairs, but has 7");
    network_free(&net);
}
END_TEST

START_TEST(too_many_elements)
{
    network net = small();
    tsm_dims room[16];
    tsm_error error;
    const tsm_shape huge = { INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX };
    tsm_status status = tsm_graph_infer(net.graph, &huge, room, &error);

    assert_error(status, &error, TSM_ERROR_ARGUMENT, "input: more than 2^40 elements");
    /* 2^38 pixels: the input with 3 channels fits, and so does the stem, a quarter of the pixels with 8. */
    assert_ok(tsm_graph_infer(net.graph, &(tsm_shape){ 1 << 10, 1 << 10, 1 << 9, 1 << 9 }, room, &error), &error);
    status = tsm_graph_infer(net.graph, &(tsm_shape){ 1 << 10, 1 << 10, 1 << 10, 1 << 10 }, room, &error);
    assert_error(status, &error, TSM_ERROR_ARGUMENT, "input: more than 2^40 elements");
    network_free(&net);
}
END_TEST

/* What a graph owns, scales of quantised weights included, goes with it: AddressSanitizer sees to that. */
START_TEST(destroy_takes_what_nodes_own)
{
    network net = small();
    tsm_node *conv = tsm_graph_node(net.graph, 1);

    conv->scale = network_random(&net, 8, 0.5, 1);
    conv->bias = network_random(&net, 8, 0.5, 1);
    conv->output_scales = network_random(&net, 8, 0.5, 1);
    tsm_node_clear(conv);
    ck_assert_ptr_null(conv->output_scales);
    conv->output_scales = network_random(&net, 8, 0.5, 1);
    network_free(&net);
    ck_assert_ptr_null(net.graph);
    tsm_graph_destroy(&net.graph);
    tsm_graph_destroy(NULL);
}
END_TEST

START_TEST(append_grows_and_cuts_names)
{
    tsm_graph *graph = tsm_graph_create();
    char name[200];

    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < 200; i++) ck_assert_int_eq(tsm_graph_append(graph, TSM_OP_ACT, name), i);
    ck_assert_uint_eq(strlen(graph->nodes[199].name), sizeof graph->nodes->name - 1);
    ck_assert_int_eq(graph->nodes[64].inputs[0], -1);
    tsm_graph_destroy(&graph);
}
END_TEST

START_TEST(last_uses)
{
    network net = network_make(2, 3);
    int a = network_conv(&net, "a", 0, 3, 4, 1, 1), b = network_act(&net, "b", a, TSM_ACT_RELU), last_use[8];

    network_act(&net, "unread", b, TSM_ACT_RELU);
    network_add(&net, "sum", b, a);
    net.graph->output = 4;
    tsm_graph_last_uses(net.graph, last_use);
    ck_assert_int_eq(last_use[0], 1);
    ck_assert_int_eq(last_use[1], 4);
    ck_assert_int_eq(last_use[2], 4);
    ck_assert_int_eq(last_use[3], 3);
    ck_assert_int_eq(last_use[4], net.graph->count);
    network_free(&net);
}
END_TEST

/* 2 outputs, 2 inputs, 1x3 taps; stored (O,I,kh,kw), wanted (O,kh,kw,I), the second output scaled. */
START_TEST(weights_reorder_and_scale)
{
    static const float values[] = { 1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6 };
    static const uint16_t halves[] = { 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600,
                                       0xbc00, 0xc000, 0xc200, 0xc400, 0xc500, 0xc600 };
    static const uint16_t bfloats[] = { 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0,
                                        0xbf80, 0xc000, 0xc040, 0xc080, 0xc0a0, 0xc0c0 };
    static const float want[] = { 1, 4, 2, 5, 3, 6, -0.5f, -2, -1, -2.5f, -1.5f, -3 };
    static const void *const data[] = { values, halves, bfloats };
    static const size_t sizes[] = { 4, 2, 2 };
    char odd[sizeof values + 1];
    float scale[] = { 1, 0.5f }, out[12];
    tsm_node node = { .op = TSM_OP_CONV,
                      .in_channels = 2,
                      .out_channels = 2,
                      .groups = 1,
                      .kernel_h = 1,
                      .kernel_w = 3,
                      .scale = scale,
                      .weight = { odd + 1, (tsm_dtype)_i, 12 } };

    memcpy(odd + 1, data[_i], 12 * sizes[_i]); /* a file may hold them at an odd address */
    tsm_node_weights(&node, out);
    ck_assert_mem_eq(out, want, sizeof want);
    tsm_node_filters(&node, 1, 1, out);
    ck_assert_mem_eq(out, want + 6, 6 * sizeof *want);
}
END_TEST

START_TEST(fc_weights_keep_their_order)
{
    static const float values[] = { 1, 2, 3, 4, 5, 6 };
    tsm_node node = { .op = TSM_OP_FC,
                      .in_channels = 3,
                      .out_channels = 2,
                      .kernel_h = 1,
                      .kernel_w = 1,
                      .weight = { values, TSM_FLOAT32, 6 } };
    float out[6];

    tsm_node_weights(&node, out);
    ck_assert_mem_eq(out, values, sizeof values);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    TCase *graph = tcase_create("graph"), *infer = tcase_create("infer"), *weights = tcase_create("weights");

    tcase_add_test(graph, destroy_takes_what_nodes_own);
    tcase_add_test(graph, append_grows_and_cuts_names);
    tcase_add_test(graph, last_uses);
    tcase_add_test(infer, shapes);
    tcase_add_loop_test(infer, what_does_not_fit_is_named, 0, (int)(sizeof breaks / sizeof *breaks));
    tcase_add_test(infer, temporal_pool_halves_t);
    tcase_add_test(infer, too_many_elements);
    tcase_add_loop_test(weights, weights_reorder_and_scale, 0, 3);
    tcase_add_test(weights, fc_weights_keep_their_order);
    suite_add_tcase(suite, graph);
    suite_add_tcase(suite, infer);
    suite_add_tcase(suite, weights);
    return run_suite(suite);
}
