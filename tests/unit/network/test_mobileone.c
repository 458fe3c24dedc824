/* SPDX-License-Identifier: Apache-2.0 */
/* test_mobileone.c - MobileOne: branches merged to what they compute one by one, blocks and shifts as they are wired,
 * and what is made of them. */
#include "core/status.h"
#include "passes/passes.h"
#include "mobileone_writer.h"

static const written_mobileone *const networks[] = { &small, &like_s0 };

static tsm_error error;

static void assert_same_weight(const tsm_weight *a, const tsm_weight *b)
{
    ck_assert_int_eq(a->dtype, TSM_FLOAT32);
    ck_assert_int_eq(b->dtype, TSM_FLOAT32);
    ck_assert_int_eq(a->count, b->count);
    ck_assert_mem_eq(a->data, b->data, (size_t)a->count * sizeof(float));
}

static void assert_same_kernels(const tsm_model *a, const tsm_model *b)
{
    ck_assert_int_eq(a->layer_count, b->layer_count);
    for (int i = 0; i < a->layer_count; i++) {
        ck_assert_str_eq(a->layers[i].name, b->layers[i].name);
        if (strstr(a->layers[i].name, "branch_reparam") == NULL) continue;
        assert_same_weight(&a->layers[i].tensors[TSM_WEIGHT], &b->layers[i].tensors[TSM_WEIGHT]);
        assert_same_weight(&a->layers[i].tensors[TSM_BIAS], &b->layers[i].tensors[TSM_BIAS]);
    }
}

/* ---- Branches and their sum -------------------------------------------------------------------------------- */

#define SIDE 5 /* of the picture that blocks read */

static int side_out(const mobileone_block *b)
{
    return (SIDE - 1) / b->stride + 1;
}

/* A convolution of `b` at one place, with a kernel of any size. */
static double convolve(const mobileone_block *b, const float *picture, const float *weights, int kernel, int y, int x,
                       int out)
{
    const int inputs = b->in / b->groups, first = out / (b->out / b->groups) * inputs;
    double sum = 0;

    for (int i = 0; i < inputs; i++)
        for (int ky = 0; ky < kernel; ky++)
            for (int kx = 0; kx < kernel; kx++) {
                const int row = y * b->stride + ky - kernel / 2, column = x * b->stride + kx - kernel / 2;

                if (row < 0 || row >= SIDE || column < 0 || column >= SIDE) continue;
                sum += (double)picture[(row * SIDE + column) * b->in + first + i] *
                       weights[((out * inputs + i) * kernel + ky) * kernel + kx];
            }
    return sum;
}

static const float *values_of(checkpoint_writer *writer, const char *module, const char *tensor)
{
    char name[128];

    written_name(name, "%s.%s", module, tensor);
    return writer_find(writer, name)->values;
}

/* Adds what one branch makes of the picture to `sums`; a batch norm alone where `kernel` is 0. */
static void add_values(checkpoint_writer *writer, const mobileone_block *b, const float *picture, const char *branch,
                       int kernel, double *sums)
{
    const float *weights = NULL, *gamma, *beta, *mean, *variance;
    char module[128];

    written_name(module, "%s.%s%s", b->name, branch, kernel ? ".conv" : "");
    if (kernel) weights = values_of(writer, module, "weight");
    if (kernel) written_name(module, "%s.%s.norm", b->name, branch);
    gamma = values_of(writer, module, "weight");
    beta = values_of(writer, module, "bias");
    mean = values_of(writer, module, "running_mean");
    variance = values_of(writer, module, "running_var");
    for (int at = 0; at < side_out(b) * side_out(b); at++)
        for (int out = 0; out < b->out; out++) {
            const double value = weights
                                     ? convolve(b, picture, weights, kernel, at / side_out(b), at % side_out(b), out)
                                     : picture[at * b->in + out];

            *sums++ += (value - mean[out]) / sqrt(variance[out] + 1e-5) * gamma[out] + beta[out];
        }
}

/* What the block makes before squeeze-and-excitation, branch by branch. */
static void add_branches(checkpoint_writer *writer, const written_mobileone *net, const mobileone_block *b,
                         const float *picture, double *sums)
{
    char name[32];

    if (b->in == b->out && b->stride == 1) add_values(writer, b, picture, "branch_norm", 0, sums);
    if (b->kernel == 3) add_values(writer, b, picture, "branch_scale", 1, sums);
    for (int i = 0; i < net->branches; i++) {
        snprintf(name, sizeof name, "branch_conv_list.%d", i);
        add_values(writer, b, picture, name, b->kernel, sums);
    }
}

static void check_merged(checkpoint_writer *writer, const written_mobileone *net, const mobileone_block *b,
                         const tsm_layer *merged)
{
    const float *weights = merged->tensors[TSM_WEIGHT].data, *bias = merged->tensors[TSM_BIAS].data;
    const int places = side_out(b) * side_out(b), count = places * b->out;
    float *picture = hashed_array((size_t)SIDE * SIDE * b->in, 99), *got = poisoned_array((size_t)count);
    float *want = poisoned_array((size_t)count);
    double *sums = calloc((size_t)count, sizeof *sums);

    ck_assert_ptr_nonnull(merged->merged);
    ck_assert_int_eq(merged->tensors[TSM_WEIGHT].count, b->out * (b->in / b->groups) * b->kernel * b->kernel);
    ck_assert_int_eq(merged->tensors[TSM_BIAS].count, b->out);
    add_branches(writer, net, b, picture, sums);
    for (int i = 0; i < count; i++) {
        const int at = i / b->out, out = i % b->out;

        want[i] = (float)sums[i];
        got[i] =
            (float)(convolve(b, picture, weights, b->kernel, at / side_out(b), at % side_out(b), out) + bias[out]);
    }
    assert_close(got, want, (size_t)count, 3e-7, b->name);
    free(picture);
    free(got);
    free(want);
    free(sums);
}

START_TEST(merged_is_the_sum_of_branches)
{
    const written_mobileone *net = networks[_i];
    checkpoint_writer writer = write_trained(net);
    tsm_model *model = load(&writer, NULL);
    mobileone_block blocks[MOBILEONE_BLOCKS];

    list_blocks(net, blocks);
    for (int i = 0; i < MOBILEONE_BLOCKS; i++)
        check_merged(&writer, net, &blocks[i], find_layer(model, blocks[i].layer, "branch_reparam"));
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

/* The same kernels from every stored type, and from data at any address. */
START_TEST(types_and_alignment)
{
    static const char *const types[] = { "F32", "BF16", "F64", "F16" };
    checkpoint_writer writer = write_trained(&like_s0);
    tsm_model *first;

    for (int i = 0; i < writer.count; i++)
        for (int64_t k = 0; k < written_count(&writer.tensors[i]); k++)
            writer.tensors[i].values[k] = roundf(writer.tensors[i].values[k] * 16) / 16 + .0625f;
    first = load(&writer, NULL);
    for (int type = 0; type < 5; type++) {
        tsm_model *model = NULL;
        size_t bytes;
        uint8_t *file;

        for (int i = 0; i < writer.count; i++)
            if (strcmp(writer.tensors[i].dtype, "I64") != 0)
                writer.tensors[i].dtype = types[type < 4 ? type : i % 4]; /* at last a mixture */
        file = writer_bytes(&writer, (size_t)type, &bytes);
        assert_ok(tsm_model_load_memory(&model, file, bytes, "x", NULL, &error), &error);
        free(file);
        assert_same_kernels(first, model);
        tsm_model_destroy(&model);
    }
    tsm_model_destroy(&first);
    writer_clear(&writer);
}
END_TEST

/* ---- Merged checkpoints ------------------------------------------------------------------------------------ */

START_TEST(deployed_is_the_same)
{
    const written_mobileone *net = networks[_i];
    tsm_model *trained = load_network(net), *deployed;
    checkpoint_writer writer = write_merged(net, trained);
    tsm_model_info a = TSM_MODEL_INFO_INIT, b = TSM_MODEL_INFO_INIT;

    deployed = load(&writer, NULL);
    assert_same_kernels(trained, deployed);
    for (int i = 0; i < deployed->layer_count; i++) ck_assert_ptr_null(deployed->layers[i].merged);
    ck_assert_int_eq(tsm_model_get_info(trained, &a), TSM_OK);
    ck_assert_int_eq(tsm_model_get_info(deployed, &b), TSM_OK);
    ck_assert_str_eq(b.arch, "mobileone");
    ck_assert_str_eq(b.naming, "mmaction2");
    ck_assert_uint_eq(a.parameters, b.parameters);
    ck_assert_uint_eq(a.macs, b.macs);
    tsm_model_destroy(&trained);
    tsm_model_destroy(&deployed);
    writer_clear(&writer);
}
END_TEST

START_TEST(serialised_is_the_same)
{
    tsm_model *trained = load_network(&small), *again = NULL;
    void *data;
    size_t bytes;

    assert_ok(tsm_model_serialize(trained, NULL, &data, &bytes, &error), &error);
    assert_ok(tsm_model_load_memory(&again, data, bytes, "serialised", NULL, &error), &error);
    ck_assert_ptr_nonnull(memmem(data, bytes, "\"base_model.stage0.net.branch_reparam.bias\"", 43));
    ck_assert_ptr_nonnull(memmem(data, bytes, "\"base_model.stage4.1.net.se.conv1.conv.weight\"", 46));
    ck_assert_ptr_null(memmem(data, bytes, "branch_norm", 11));
    assert_same_kernels(trained, again);
    assert_same_weight(&find_layer(trained, "base_model.stage4.1.se.conv2", "conv")->tensors[TSM_BIAS],
                       &find_layer(again, "base_model.stage4.1.se.conv2", "conv")->tensors[TSM_BIAS]);
    tsm_free(data);
    tsm_model_destroy(&trained);
    tsm_model_destroy(&again);
}
END_TEST

/* ---- Wiring ------------------------------------------------------------------------------------------------ */

static int count_ops(const tsm_graph *graph, tsm_op op)
{
    int count = 0;

    for (int i = 0; i < graph->count; i++) count += graph->nodes[i].op == op;
    return count;
}

/* The node of this name within a block, which must be of a kind and read the node before it or the one that is
 * named. */
static const tsm_node *expect(const tsm_graph *graph, const mobileone_block *b, const char *name, tsm_op op,
                              const char *reads)
{
    char full[128], input[128];
    int index = 0;

    written_name(full, "%s.%s", b->layer, name);
    while (index < graph->count && strcmp(graph->nodes[index].name, full) != 0) index++;
    ck_assert_msg(index < graph->count, "the graph has no node %s", full);
    ck_assert_msg(graph->nodes[index].op == op, "%s is of kind %s", full, tsm_op_name(graph->nodes[index].op));
    if (reads) {
        written_name(input, "%s.%s", b->layer, reads);
        ck_assert_str_eq(graph->nodes[graph->nodes[index].inputs[0]].name, input);
    }
    return &graph->nodes[index];
}

static void check_block(const tsm_graph *graph, const mobileone_block *b, bool shifted)
{
    const tsm_node *node;

    if (shifted) {
        node = expect(graph, b, "shift", TSM_OP_SHIFT, NULL);
        ck_assert_int_eq(node->shift.fold, b->in / 4);
        ck_assert_int_eq(node->shift.end, b->in / 4 * 2);
    }
    node = expect(graph, b, "branch_reparam", TSM_OP_CONV, shifted ? "shift" : NULL);
    ck_assert(node->kernel_h == b->kernel && node->stride == b->stride && node->pad == b->kernel / 2);
    ck_assert(node->groups == b->groups && node->in_channels == b->in && node->out_channels == b->out);
    ck_assert_ptr_nonnull(node->bias);
    node = expect(graph, b, "relu", TSM_OP_ACT, b->squeezes ? "se.scale" : "branch_reparam");
    ck_assert_int_eq(node->act, TSM_ACT_RELU);
    if (!b->squeezes) return;
    expect(graph, b, "se.pool", TSM_OP_AVGPOOL, "branch_reparam");
    ck_assert_int_eq(expect(graph, b, "se.conv1.conv", TSM_OP_CONV, "se.pool")->out_channels, b->out / 4 + 1);
    ck_assert_int_eq(expect(graph, b, "se.relu", TSM_OP_ACT, "se.conv1.conv")->act, TSM_ACT_RELU);
    expect(graph, b, "se.conv2.conv", TSM_OP_CONV, "se.relu");
    ck_assert_int_eq(expect(graph, b, "se.sigmoid", TSM_OP_ACT, "se.conv2.conv")->act, TSM_ACT_SIGMOID);
    node = expect(graph, b, "se.scale", TSM_OP_SCALE, "branch_reparam");
    ck_assert_str_eq(graph->nodes[node->inputs[1]].name + strlen(b->layer), ".se.sigmoid");
}

START_TEST(blocks_are_wired)
{
    const written_mobileone *net = networks[_i];
    tsm_model *model = load_network(net);
    tsm_graph *graph;
    mobileone_block blocks[MOBILEONE_BLOCKS];

    list_blocks(net, blocks);
    assert_ok(tsm_model_build_graph(model, false, &graph, &error), &error);
    /* A quarter of stage0's three channels is none. */
    for (int i = 0; i < MOBILEONE_BLOCKS; i++) check_block(graph, &blocks[i], i > 0);
    ck_assert_int_eq(count_ops(graph, TSM_OP_SHIFT), MOBILEONE_BLOCKS - 1);
    ck_assert_int_eq(count_ops(graph, TSM_OP_SCALE), net->squeezing ? 12 : 0);

    assert_ok(tsm_graph_optimize(graph, &error), &error);
    ck_assert_int_eq(count_ops(graph, TSM_OP_SHIFT), 0);
    ck_assert_int_eq(count_ops(graph, TSM_OP_ACT), 0);
    for (int i = 0; i < graph->count; i++)
        if (graph->nodes[i].op == TSM_OP_SCALE) ck_assert_int_eq(graph->nodes[i].act, TSM_ACT_RELU);
    tsm_graph_destroy(&graph);
    tsm_model_destroy(&model);
}
END_TEST

static const struct shifting {
    int shift_div, no_shift;
    bool plain;
    const char *metadata;
    int shifts, div;
} shifting[] = {
    { 0, 0, false, "\"shift_div\":\"4\"", 42, 4 },
    { 3, 0, false, "\"shift_div\":\"4\"", 43, 3 },
    { 0, 1, false, "\"shift_div\":\"4\"", 0, 0 },
    { 6, 0, false, "", 40, 6 },
    { 0, 0, true, "", 0, 0 },
    { 0, 0, true, "\"shift_div\":\"3\"", 43, 3 },
};

START_TEST(shifts_are_counted)
{
    const struct shifting *s = &shifting[_i];
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    written_mobileone net = small;
    checkpoint_writer writer;
    tsm_model *model = NULL;

    net.plain = s->plain;
    writer = write_trained(&net);
    strcpy(writer.metadata, s->metadata);
    options.shift_div = s->shift_div;
    options.no_shift = s->no_shift;
    assert_ok(writer_load(&writer, &model, &options, &error), &error);
    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    ck_assert_int_eq(info.shifts, s->shifts);
    ck_assert_int_eq(info.shift_div, s->div);
    ck_assert_int_eq(info.shift_place, TSM_PLACE_BLOCK);
    ck_assert_int_eq(info.width, 5);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

/* Of some thousand allocations every seventh; those of the branches are all alike. */
START_TEST(loading_survives_want_of_memory)
{
    checkpoint_writer writer = write_trained(&small);
    size_t bytes;
    uint8_t *file = writer_bytes(&writer, 0, &bytes);
    tsm_model *model = NULL;
    uint64_t needed;

    tsm_alloc_fail_at(0);
    assert_ok(tsm_model_load_memory(&model, file, bytes, "x", NULL, &error), &error);
    needed = tsm_alloc_fail_at(0);
    tsm_model_destroy(&model);
    for (uint64_t n = 1; n <= needed; n += 7) {
        tsm_alloc_fail_at(n);
        assert_error(tsm_model_load_memory(&model, file, bytes, "x", NULL, &error), &error, TSM_ERROR_MEMORY, "x: ");
        tsm_alloc_fail_at(0);
        ck_assert_ptr_null(model);
    }
    free(file);
    writer_clear(&writer);
}
END_TEST

#define COUNT(array) (int)(sizeof array / sizeof *array)

int main(void)
{
    Suite *suite = suite_create("mobileone");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, merged_is_the_sum_of_branches, 0, COUNT(networks));
    tcase_add_test(tests, types_and_alignment);
    tcase_add_loop_test(tests, deployed_is_the_same, 0, COUNT(networks));
    tcase_add_test(tests, serialised_is_the_same);
    tcase_add_loop_test(tests, blocks_are_wired, 0, COUNT(networks));
    tcase_add_loop_test(tests, shifts_are_counted, 0, COUNT(shifting));
    tcase_add_test(tests, loading_survives_want_of_memory);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
