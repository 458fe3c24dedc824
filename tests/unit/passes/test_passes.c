/* SPDX-License-Identifier: Apache-2.0 */
/* test_passes.c - every pass leaves the logits as they are, fuses what it should, and nothing else. */
#include <float.h>

#include "passes/passes.h"
#include "operations/networks.h"
#include "operations/session.h"
#include "support.h"

/* A pass rounds folded weights and moves a sum once or twice; the networks here have come to 1.2 eps. */
#define TOLERANCE (4 * FLT_EPSILON)

static const tsm_shape shape = { .n = 2, .t = 4, .h = 13, .w = 11 };

static int stem(network *net, int channels)
{
    int x = network_conv_norm(net, "conv1", 0, 3, channels, 7, 2);

    return network_maxpool(net, "maxpool", network_act(net, "relu", x, TSM_ACT_RELU));
}

/* ResNet's bottleneck; `shifted` feeds conv1, `x` the identity. */
static int bottleneck(network *net, int x, int shifted, int from, int mid, int to, int stride)
{
    int y = network_act(net, "relu1", network_conv_norm(net, "conv1", shifted, from, mid, 1, 1), TSM_ACT_RELU);

    y = network_act(net, "relu2", network_conv_norm(net, "conv2", y, mid, mid, 3, stride), TSM_ACT_RELU);
    y = network_conv_norm(net, "conv3", y, mid, to, 1, 1);
    if (from != to || stride != 1) x = network_conv_norm(net, "downsample", x, from, to, 1, stride);
    return network_act(net, "relu3", network_add(net, "add", y, x), TSM_ACT_RELU);
}

static int basic(network *net, int x, int shifted, int from, int to, int stride)
{
    int y = network_act(net, "relu1", network_conv_norm(net, "conv1", shifted, from, to, 3, stride), TSM_ACT_RELU);

    /* Here the identity comes first, so that conv2 is the one to take it as its residual. */
    if (from != to || stride != 1) x = network_conv_norm(net, "downsample", x, from, to, 1, stride);
    y = network_conv_norm(net, "conv2", y, to, to, 3, 1);
    return network_act(net, "relu2", network_add(net, "add", y, x), TSM_ACT_RELU);
}

static network bottlenecks(void)
{
    network net = network_make(100, 3);
    int x = stem(&net, 8);

    x = bottleneck(&net, x, network_shift(&net, "shift", x, 1), 8, 4, 16, 2);
    x = bottleneck(&net, x, network_shift(&net, "shift", x, 2), 16, 4, 16, 1);
    network_head(&net, x, 16);
    return net;
}

static network basics(void)
{
    network net = network_make(200, 3);
    int x = stem(&net, 8);

    x = basic(&net, x, network_shift(&net, "shift", x, 1), 8, 8, 1);
    x = basic(&net, x, network_shift(&net, "shift", x, 1), 8, 12, 2);
    network_head(&net, x, 12);
    return net;
}

/* Placement `block`: the identity is shifted too. Where it is convolved, two convolutions read one shift. */
static network blocks_shifted(void)
{
    network net = network_make(300, 3);
    int x = stem(&net, 8), shifted = network_shift(&net, "shift1", x, 1);

    x = basic(&net, shifted, shifted, 8, 12, 2);
    shifted = network_shift(&net, "shift2", x, 3);
    x = basic(&net, shifted, shifted, 12, 12, 1);
    network_head(&net, x, 12);
    return net;
}

/* Values with several readers, an ADD of a value to itself, and one whose later operand is no convolution. */
static network tangled(void)
{
    network net = network_make(400, 3);
    int a = network_conv(&net, "a", 0, 3, 6, 3, 2), normed = network_norm(&net, "a.norm", a, 6);
    int b = network_act(&net, "b", a, TSM_ACT_RELU6), twice = network_add(&net, "twice", a, a);
    int c = network_conv(&net, "c", normed, 6, 6, 3, 1);
    int d = network_add(&net, "d", c, network_act(&net, "d.act", twice, TSM_ACT_RELU));
    int e = network_conv(&net, "e", d, 6, 6, 1, 1), left = network_act(&net, "left", e, TSM_ACT_RELU);
    int sum = network_add(&net, "sum", left, network_add(&net, "sum.e", e, b));

    tsm_graph_node(net.graph, c)->groups = 3;
    tsm_graph_node(net.graph, c)->weight.count = 6 * 2 * 9;
    network_head(&net, sum, 6);
    return net;
}

/* One after the other what a convolution can take but once: a shift, a residual, an activation; and a pool with a
 * second reader, which needs it frame by frame. */
static network layered(void)
{
    network net = network_make(500, 3);
    int a = network_conv(&net, "a", 0, 3, 6, 3, 2), b = network_conv(&net, "b", 0, 3, 6, 3, 2);
    int c = network_conv(&net, "c", network_shift(&net, "outer", network_shift(&net, "inner", a, 2), 1), 6, 6, 3, 1);
    int sum = network_add(&net, "sum2", network_add(&net, "sum1", c, b), a), pool, side;
    int x = network_act(&net, "second", network_act(&net, "first", sum, TSM_ACT_RELU6), TSM_ACT_RELU);

    x = network_conv(&net, "d", x, 6, 6, 1, 1);
    tsm_graph_node(net.graph, x)->bias = network_random(&net, 6, 4, 9); /* so that the limit of 6 shows */
    x = network_act(&net, "d.second", network_act(&net, "d.first", x, TSM_ACT_RELU6), TSM_ACT_RELU);
    x = network_add(&net, "e.sum", x,
                    network_act(&net, "e.act", network_conv(&net, "e", x, 6, 6, 1, 1), TSM_ACT_RELU));
    network_head(&net, x, 6);
    x = net.graph->output;
    pool = net.graph->nodes[x - 1].inputs[0];
    side = network_act(&net, "side.act", network_conv(&net, "side", pool, 6, NETWORK_CLASSES, 1, 1), TSM_ACT_RELU);
    network_add(&net, "logits", x, network_node(&net, TSM_OP_TMEAN, "side.mean", side));
    return net;
}

static network (*const makers[])(void) = { bottlenecks, basics, blocks_shifted, tangled, layered };
#define MAKERS (int)(sizeof makers / sizeof *makers)

static int count_ops(const tsm_graph *graph, tsm_op op)
{
    int count = 0;

    for (int i = 0; i < graph->count; i++) count += graph->nodes[i].op == op;
    return count;
}

/* The last node of that name. */
static const tsm_node *find_node(const tsm_graph *graph, const char *name)
{
    const tsm_node *found = NULL;

    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0) found = &graph->nodes[i];
    ck_assert_msg(found != NULL, "no node %s", name);
    return found;
}

static void assert_same_logits(const tsm_graph *graph, const float *want, double tolerance, const char *what)
{
    float *got = network_logits(graph, &shape, 7);

    assert_close(got, want, (size_t)shape.n * NETWORK_CLASSES, tolerance, what);
    free(got);
}

START_TEST(passes_in_order_keep_logits)
{
    network net = makers[_i]();
    float *want = network_logits(net.graph, &shape, 7);
    tsm_error error;

    for (int round = 0; round < 2; round++)
        for (const tsm_pass *pass = tsm_passes; pass->run; pass++) {
            assert_ok(pass->run(net.graph, &error), &error);
            assert_same_logits(net.graph, want, TOLERANCE, pass->name);
        }
    free(want);
    network_free(&net);
}
END_TEST

START_TEST(each_pass_alone_keeps_logits)
{
    for (const tsm_pass *pass = tsm_passes; pass->run; pass++) {
        network net = makers[_i]();
        float *want = network_logits(net.graph, &shape, 7);
        tsm_error error;

        assert_ok(pass->run(net.graph, &error), &error);
        assert_same_logits(net.graph, want, TOLERANCE, pass->name);
        free(want);
        network_free(&net);
    }
}
END_TEST

/* A shift moves bits: attached or not, logits are the same to the bit. A second round of passes finds nothing. */
START_TEST(attached_shift_is_exact_and_passes_settle)
{
    network net = makers[_i]();
    float *want = network_logits(net.graph, &shape, 7);
    tsm_error error;
    int count;

    assert_ok(tsm_pass_attach_shift(net.graph, &error), &error);
    assert_same_logits(net.graph, want, 0, "attach_shift");
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    count = net.graph->count;
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_int_eq(net.graph->count, count);
    free(want);
    network_free(&net);
}
END_TEST

START_TEST(bottleneck_is_fully_fused)
{
    network net = bottlenecks();
    tsm_graph *graph = net.graph;
    tsm_error error;

    assert_ok(tsm_graph_optimize(graph, &error), &error);
    /* input, stem, maxpool, 4 convolutions, 3 convolutions, pool, fc */
    ck_assert_int_eq(graph->count, 12);
    ck_assert_int_eq(count_ops(graph, TSM_OP_CONV), 8);
    ck_assert_int_eq(graph->output, graph->count - 1);
    ck_assert_int_eq(find_node(graph, "conv1")->shift.fold, 2);
    ck_assert_int_eq(find_node(graph, "conv1")->act, TSM_ACT_RELU);
    ck_assert_ptr_nonnull(find_node(graph, "conv1")->bias);
    ck_assert(find_node(graph, "avgpool")->over_time);
    /* The first block's downsample comes after its conv3, so it is the one to add. */
    ck_assert_str_eq(graph->nodes[find_node(graph, "downsample")->inputs[1]].name, "conv3");
    ck_assert_int_eq(find_node(graph, "downsample")->act, TSM_ACT_RELU);
    /* The second block's conv3 adds the output of the first block. */
    ck_assert_str_eq(graph->nodes[find_node(graph, "conv3")->inputs[1]].name, "downsample");
    network_free(&net);
}
END_TEST

START_TEST(identity_comes_first)
{
    network net = basics();
    tsm_error error;

    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_str_eq(net.graph->nodes[find_node(net.graph, "conv2")->inputs[1]].name, "downsample");
    ck_assert_int_eq(find_node(net.graph, "downsample")->act, TSM_ACT_NONE);
    network_free(&net);
}
END_TEST

START_TEST(shift_of_an_identity_stays)
{
    network net = blocks_shifted();
    tsm_error error;

    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_int_eq(count_ops(net.graph, TSM_OP_SHIFT), 1); /* shift2, which the identity reads too */
    ck_assert_int_eq(find_node(net.graph, "shift2")->shift.fold, 3);
    ck_assert_int_eq(find_node(net.graph, "downsample")->shift.fold, 1);
    ck_assert_int_eq(find_node(net.graph, "conv1")->shift.fold, 0);
    network_free(&net);
}
END_TEST

START_TEST(shared_values_stay)
{
    network net = tangled();
    tsm_error error;

    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_int_eq(find_node(net.graph, "a")->act, TSM_ACT_NONE);
    ck_assert_ptr_null(find_node(net.graph, "a")->scale);
    ck_assert_int_eq(find_node(net.graph, "a.norm")->op, TSM_OP_BATCHNORM);
    ck_assert_int_eq(find_node(net.graph, "b")->op, TSM_OP_ACT);
    ck_assert_int_eq(find_node(net.graph, "twice")->op, TSM_OP_ADD);
    ck_assert_int_eq(find_node(net.graph, "d")->op, TSM_OP_ADD);
    ck_assert_int_eq(find_node(net.graph, "left")->op, TSM_OP_ACT);
    network_free(&net);
}
END_TEST

START_TEST(dead_nodes_go)
{
    network net = network_make(700, 3);
    int unused = network_conv(&net, "unused", 0, 3, 4, 1, 1), used;
    tsm_graph *graph = net.graph;
    float *want;

    used = network_conv_norm(&net, "used", 0, 3, 4, 1, 1);
    network_act(&net, "unused.act", network_norm(&net, "unused.norm", unused, 4), TSM_ACT_RELU);
    network_head(&net, used, 4);
    want = network_logits(graph, &shape, 7);
    tsm_pass_remove_dead(graph);
    ck_assert_int_eq(graph->count, 6); /* input, used, norm, avgpool, fc, consensus */
    ck_assert_str_eq(graph->nodes[1].name, "used");
    ck_assert_int_eq(graph->output, 5);
    assert_same_logits(graph, want, 0, "remove_dead");
    free(want);
    network_free(&net);
}
END_TEST

/* Two batch norms after one convolution both go into it; after a residual none may. */
START_TEST(norms_chain_but_not_past_a_residual)
{
    network net = network_make(600, 3);
    int x = network_conv(&net, "x", 0, 3, 4, 3, 1);
    int y = network_norm(&net, "second", network_conv_norm(&net, "y", x, 4, 4, 1, 1), 4);
    float *want;
    tsm_error error;

    network_head(&net, network_norm(&net, "after", network_add(&net, "add", y, x), 4), 4);
    want = network_logits(net.graph, &shape, 7);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_int_eq(count_ops(net.graph, TSM_OP_BATCHNORM), 1);
    assert_same_logits(net.graph, want, TOLERANCE, "two norms");
    free(want);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("passes");
    TCase *logits = tcase_create("logits"), *structure = tcase_create("structure");

    tcase_add_loop_test(logits, passes_in_order_keep_logits, 0, MAKERS);
    tcase_add_loop_test(logits, each_pass_alone_keeps_logits, 0, MAKERS);
    tcase_add_loop_test(logits, attached_shift_is_exact_and_passes_settle, 0, MAKERS);
    tcase_add_test(structure, bottleneck_is_fully_fused);
    tcase_add_test(structure, identity_comes_first);
    tcase_add_test(structure, shift_of_an_identity_stays);
    tcase_add_test(structure, shared_values_stay);
    tcase_add_test(structure, dead_nodes_go);
    tcase_add_test(structure, norms_chain_but_not_past_a_residual);
    suite_add_tcase(suite, logits);
    suite_add_tcase(suite, structure);
    return run_suite(suite);
}
