/* SPDX-License-Identifier: Apache-2.0 */
/* test_model_build.c - the graph that a model is wired to: how many nodes of which kind, who reads whom, which
 * shapes. */
#include "checkpoint_writer.h"
#include "model/model.h"

typedef struct built {
    tsm_model *model;
    tsm_graph *graph;
} built;

static built build(const written_network *network, const char *metadata, const tsm_model_options *options)
{
    checkpoint_writer writer = { 0 };
    tsm_error error;
    built b;

    writer_add_network(&writer, network);
    strcpy(writer.metadata, metadata);
    assert_ok(writer_load(&writer, &b.model, options, &error), &error);
    assert_ok(tsm_model_build_graph(b.model, false, &b.graph, &error), &error);
    writer_clear(&writer);
    return b;
}

static void release(built *b)
{
    tsm_graph_destroy(&b->graph);
    tsm_model_destroy(&b->model);
}

static int count_ops(const tsm_graph *graph, tsm_op op)
{
    int count = 0;

    for (int i = 0; i < graph->count; i++) count += graph->nodes[i].op == op;
    return count;
}

static int find_node(const tsm_graph *graph, const char *name)
{
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0) return i;
    ck_abort_msg("the graph has no node %s", name);
    return -1;
}

static int count_readers(const tsm_graph *graph, int value)
{
    int count = 0;

    for (int i = 0; i < graph->count; i++) count += tsm_node_reads(&graph->nodes[i], value);
    return count;
}

static const struct structure {
    const char *arch, *mark;
    int convs, shifts, adds, downsamples, features;
} structures[] = {
    { "resnet18", NULL, 17 + 3, 0, 8, 3, 64 },         { "resnet18", "blockres", 17 + 3, 8, 8, 3, 64 },
    { "resnet34", "blockres", 33 + 3, 16, 16, 3, 64 }, { "resnet50", "blockres", 49 + 4, 16, 16, 4, 256 },
    { "resnet50", "block", 49 + 4, 16, 16, 4, 256 },   { "resnet101", "blockres", 100 + 4, 18, 33, 4, 256 },
    { "resnet101", "block", 100 + 4, 33, 33, 4, 256 }, { "resnet152", "blockres", 151 + 4, 26, 50, 4, 256 },
};

START_TEST(test_node_counts)
{
    const struct structure *want = &structures[_i];
    built b = build(&(written_network){ .arch = want->arch, .mark = want->mark, .classes = 7 }, "", NULL);
    const tsm_graph *graph = b.graph;
    const tsm_shape shape = { 2, 4, 65, 33 };
    tsm_dims *shapes = malloc((size_t)graph->count * sizeof *shapes), *dims;
    tsm_error error;

    ck_assert_int_eq(count_ops(graph, TSM_OP_CONV), want->convs);
    ck_assert_int_eq(count_ops(graph, TSM_OP_BATCHNORM), want->convs);
    ck_assert_int_eq(count_ops(graph, TSM_OP_ACT), want->convs - want->downsamples);
    ck_assert_int_eq(count_ops(graph, TSM_OP_SHIFT), want->shifts);
    ck_assert_int_eq(count_ops(graph, TSM_OP_ADD), want->adds);
    ck_assert_int_eq(count_ops(graph, TSM_OP_MAXPOOL), 1);
    /* input, maxpool, avgpool, fc, mean over t */
    ck_assert_int_eq(graph->count, 3 * want->convs - want->downsamples + want->shifts + want->adds + 5);
    ck_assert_int_eq(graph->segments, 8);
    ck_assert_int_eq(graph->classes, 7);

    assert_ok(tsm_graph_infer(b.graph, &shape, shapes, &error), &error);
    dims = &shapes[find_node(graph, "base_model.maxpool")];
    ck_assert(dims->n == 2 && dims->t == 4 && dims->h == 17 && dims->w == 9 && dims->c == 8);
    dims = &shapes[find_node(graph, "base_model.layer4.1.relu")];
    ck_assert(dims->h == 3 && dims->w == 2 && dims->c == want->features);
    dims = &shapes[graph->output];
    ck_assert(dims->n == 2 && dims->t == 1 && dims->c == 7);
    free(shapes);
    release(&b);
}
END_TEST

/* Every shift moves C / n_div channels, and who reads it depends on the placement. */
START_TEST(test_shift_edges)
{
    const char *mark = _i ? "block" : "blockres";
    built b = build(&(written_network){ .arch = "resnet50", .mark = mark }, "", NULL);
    const tsm_graph *graph = b.graph;
    const tsm_shape shape = { 1, 8, 64, 64 };
    tsm_dims *shapes = malloc((size_t)graph->count * sizeof *shapes);
    int seen = 0;
    tsm_error error;

    assert_ok(tsm_graph_infer(b.graph, &shape, shapes, &error), &error);
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (node->op != TSM_OP_SHIFT) continue;
        seen++;
        ck_assert_int_eq(node->shift.fold, shapes[i].c / 8);
        ck_assert_int_gt(node->shift.fold, 0);
        ck_assert_int_eq(count_readers(graph, i), _i ? 2 : 1);
        ck_assert_int_eq(count_readers(graph, node->inputs[0]), _i ? 1 : 2);
    }
    free(shapes);
    ck_assert_int_eq(seen, 16);
    seen = find_node(graph, _i ? "base_model.layer2.1.shift" : "base_model.layer2.1.conv1.shift");
    ck_assert_int_eq(graph->nodes[find_node(graph, "base_model.layer2.1.conv1")].inputs[0], seen);
    ck_assert_int_eq(graph->nodes[seen].inputs[0], find_node(graph, "base_model.layer2.0.relu"));
    ck_assert_int_eq(graph->nodes[find_node(graph, "base_model.layer2.1.add")].inputs[1],
                     _i ? seen : find_node(graph, "base_model.layer2.0.relu"));
    seen = find_node(graph, "base_model.layer2.0.downsample.0");
    ck_assert_int_eq(graph->nodes[seen].inputs[0],
                     find_node(graph, _i ? "base_model.layer2.0.shift" : "base_model.layer1.2.relu"));
    release(&b);
}
END_TEST

/* The convolution that ends a block comes after the identity it is added to, so that it can take it as its
 * residual. */
START_TEST(test_block_wiring)
{
    static const char *const archs[] = { "resnet18", "resnet50" };
    built b = build(&(written_network){ .arch = archs[_i] }, "", NULL);
    const tsm_graph *graph = b.graph;
    const tsm_node *conv;

    for (int i = 0; i < graph->count; i++)
        if (graph->nodes[i].op == TSM_OP_ADD) ck_assert_int_gt(graph->nodes[i].inputs[0], graph->nodes[i].inputs[1]);
    /* The stride of a bottleneck is on its 3x3. */
    conv = &graph->nodes[find_node(graph, "base_model.layer3.0.conv1")];
    ck_assert_int_eq(conv->stride, _i ? 1 : 2);
    ck_assert_int_eq(conv->kernel_h, _i ? 1 : 3);
    ck_assert_int_eq(conv->pad, _i ? 0 : 1);
    conv = &graph->nodes[find_node(graph, "base_model.layer3.0.conv2")];
    ck_assert_int_eq(conv->stride, _i ? 2 : 1);
    ck_assert_int_eq(conv->kernel_w, 3);
    conv = &graph->nodes[find_node(graph, "base_model.layer3.0.downsample.0")];
    ck_assert_int_eq(conv->stride, 2);
    ck_assert_int_eq(conv->groups, 1);
    ck_assert_int_eq(conv->in_channels, _i ? 64 : 16);
    ck_assert_int_eq(conv->out_channels, _i ? 128 : 32);
    conv = &graph->nodes[find_node(graph, "base_model.conv1")];
    ck_assert(conv->kernel_h == 7 && conv->stride == 2 && conv->pad == 3 && conv->in_channels == 3);
    ck_assert_ptr_nonnull(graph->nodes[find_node(graph, "base_model.layer1.1.bn2")].variance);
    conv = &graph->nodes[find_node(graph, "new_fc")];
    ck_assert_ptr_nonnull(conv->bias);
    ck_assert_int_eq(conv->inputs[0], find_node(graph, "base_model.avgpool"));
    ck_assert_int_eq(graph->output, find_node(graph, "consensus"));
    release(&b);
}
END_TEST

/* Batch norm reaches the graph as float32, each part at its place. */
START_TEST(test_batchnorm_values)
{
    checkpoint_writer writer = { 0 };
    tsm_error error;
    tsm_model *model;
    tsm_graph *graph;
    const tsm_node *node;

    writer_add_network(&writer, &(written_network){ .mark = "block" });
    assert_ok(writer_load(&writer, &model, NULL, &error), &error);
    assert_ok(tsm_model_build_graph(model, false, &graph, &error), &error);
    node = &graph->nodes[find_node(graph, "base_model.layer2.1.bn1")];
    for (int c = 0; c < 16; c++) {
        ck_assert(node->gamma[c] == writer_find(&writer, "base_model.layer2.1.net.bn1.weight")->values[c]);
        ck_assert(node->beta[c] == writer_find(&writer, "base_model.layer2.1.net.bn1.bias")->values[c]);
        ck_assert(node->mean[c] == writer_find(&writer, "base_model.layer2.1.net.bn1.running_mean")->values[c]);
        ck_assert(node->variance[c] == writer_find(&writer, "base_model.layer2.1.net.bn1.running_var")->values[c]);
    }
    node = &graph->nodes[find_node(graph, "new_fc")];
    for (int c = 0; c < 5; c++) ck_assert(node->bias[c] == writer_find(&writer, "new_fc.bias")->values[c]);
    tsm_graph_destroy(&graph);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

/* n_div larger than a layer's channels leaves that layer unshifted, as in the release; layers with more still
 * shift. */
START_TEST(test_folds_of_nothing)
{
    built b = build(&(written_network){ .mark = "blockres", .width = 8 }, "\"shift_div\":\"16\"", NULL);
    int shift = find_node(b.graph, "base_model.layer2.1.conv1.shift");

    ck_assert_int_eq(count_ops(b.graph, TSM_OP_SHIFT), 5); /* layer1.0, 1.1 and 2.0 read 8 channels */
    ck_assert_int_eq(b.graph->nodes[shift].shift.fold, 1);
    release(&b);
}
END_TEST

START_TEST(test_out_of_memory)
{
    built b = build(&(written_network){ .mark = "blockres" }, "", NULL);
    tsm_status status;
    tsm_error error;
    int failures = -1;

    tsm_graph_destroy(&b.graph);
    do {
        tsm_alloc_fail_at((uint64_t)++failures + 1);
        status = tsm_model_build_graph(b.model, false, &b.graph, &error);
        ck_assert(status == TSM_OK || (status == TSM_ERROR_MEMORY && !b.graph));
    } while (status != TSM_OK);
    tsm_alloc_fail_at(0);
    ck_assert_int_gt(failures, 80); /* 4 arrays for each of 20 batch norms, nodes, the graph */
    release(&b);
}
END_TEST

/* Layers of a network of other channels, and too few of them, are not wired. */
START_TEST(test_layers_of_another_network)
{
    built b = build(&(written_network){ .mark = "blockres" }, "", NULL);
    tsm_model_config other = b.model->config;
    tsm_error error;

    tsm_graph_destroy(&b.graph);
    other.width *= 2;
    assert_error(tsm_network_build(&other, b.model->layers, b.model->layer_count, false, &b.graph, &error), &error,
                 TSM_ERROR_INTERNAL, "layers");
    ck_assert_ptr_null(b.graph);
    assert_error(
        tsm_network_build(&b.model->config, b.model->layers, b.model->layer_count - 1, false, &b.graph, &error),
        &error, TSM_ERROR_INTERNAL, "layers");
    release(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_build");
    TCase *tests = tcase_create("graph");

    tcase_add_loop_test(tests, test_node_counts, 0, sizeof structures / sizeof *structures);
    tcase_add_loop_test(tests, test_shift_edges, 0, 2);
    tcase_add_loop_test(tests, test_block_wiring, 0, 2);
    tcase_add_test(tests, test_batchnorm_values);
    tcase_add_test(tests, test_folds_of_nothing);
    tcase_add_test(tests, test_layers_of_another_network);
    tcase_add_test(tests, test_out_of_memory);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
