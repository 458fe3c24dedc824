/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inverted residuals in one pass against the layers of the reference, over a table of awkward shapes: with and
 * without a residual, both strides, every kind of shift, widths that do not fill a vector, more threads than frames.
 * Outputs are poisoned and guarded; threads do not change a bit.
 */
#include <omp.h>

#include "cpu/inverted.h"
#include "cpu/gather.h"
#include "reference/ops.h"
#include "support.h"

#define SEED      2018u
#define GUARD     64
#define TOLERANCE 2e-6 /* of the largest value */

static const struct {
    tsm_dims in;
    int hidden, n, stride;
    tsm_shift shift;
    bool residual, bias, narrow; /* narrow: without the first of the three layers */
} cases[] = {
    { { 1, 8, 7, 7, 24 }, 144, 24, 1, { 3, 6, 1 }, true, true, false },
    { { 1, 2, 13, 29, 16 }, 96, 24, 2, { 0 }, false, true, false },
    { { 2, 3, 5, 12, 20 }, 48, 17, 1, { 2, 5, -1 }, false, false, false },
    { { 1, 5, 6, 3, 8 }, 16, 8, 1, { 8, 8, -1 }, true, true, false },
    { { 3, 1, 1, 1, 5 }, 32, 40, 2, { 1, 2, 1 }, false, true, false },
    { { 1, 1, 9, 11, 32 }, 192, 64, 2, { 0, 4, 1 }, false, false, false },
    { { 1, 1, 2, 25, 33 }, 80, 33, 1, { 33, 33, 1 }, true, true, false },
    { { 1, 3, 7, 10, 32 }, 32, 16, 1, { 0 }, false, true, true },
    { { 1, 2, 8, 5, 48 }, 48, 48, 2, { 0 }, true, false, true },
};
#define CASES ((int)(sizeof cases / sizeof *cases))

/* The three nodes of a case, and their weights. */
typedef struct parts {
    tsm_node nodes[3];
    float *weights[3], *packed[3];
    tsm_dims dims[3];
} parts;

static size_t count_of(const tsm_dims *dims)
{
    return (size_t)tsm_dims_count(dims);
}

static void assert_guard(const float *values, size_t count)
{
    const unsigned char *guard = (const unsigned char *)(values + count);
    size_t i = 0;

    while (i < GUARD * sizeof *values && guard[i] == 0xff) i++;
    ck_assert_msg(i == GUARD * sizeof *values, "byte %zu past the end was written", i);
}

static tsm_node node_of(int from, int to, int kernel, int stride, int groups, tsm_act act)
{
    return (tsm_node){ .op = TSM_OP_CONV,
                       .in_channels = from,
                       .out_channels = to,
                       .groups = groups,
                       .kernel_h = kernel,
                       .kernel_w = kernel,
                       .stride = stride,
                       .pad = kernel / 2,
                       .act = act };
}

static parts parts_of(int i)
{
    const tsm_dims in = cases[i].in;
    const int hidden = cases[i].hidden, n = cases[i].n, stride = cases[i].stride;
    parts p = { .nodes = { node_of(in.c, hidden, 1, 1, 1, TSM_ACT_RELU6),
                           node_of(hidden, hidden, 3, stride, hidden, TSM_ACT_RELU6),
                           node_of(hidden, n, 1, 1, 1, TSM_ACT_NONE) } };

    p.dims[0] = (tsm_dims){ in.n, in.t, in.h, in.w, hidden };
    p.dims[1] = (tsm_dims){ in.n, in.t, (in.h - 1) / stride + 1, (in.w - 1) / stride + 1, hidden };
    p.dims[2] = (tsm_dims){ in.n, in.t, p.dims[1].h, p.dims[1].w, n };
    for (int k = 0; k < 3; k++) {
        tsm_node *node = &p.nodes[k];
        const size_t taps = (size_t)(node->kernel_h * node->kernel_w * node->in_channels / node->groups);
        const size_t count = taps * (size_t)node->out_channels;
        const size_t packed = tsm_cpu_inverted_packed_count(node, (tsm_cpu_part)(TSM_CPU_EXPAND + k));

        p.weights[k] = hashed_array(count, SEED + (uint32_t)k);
        p.packed[k] = poisoned_array(packed + GUARD);
        if (cases[i].bias) node->bias = hashed_array((size_t)node->out_channels, SEED + 3 + (uint32_t)k);
        tsm_cpu_inverted_pack(node, (tsm_cpu_part)(TSM_CPU_EXPAND + k), p.weights[k], p.packed[k]);
        assert_guard(p.packed[k], packed);
    }
    return p;
}

static void parts_free(parts *p)
{
    for (int k = 0; k < 3; k++) {
        free(p->weights[k]);
        free(p->packed[k]);
        free(p->nodes[k].bias);
    }
}

static float *reference(const parts *p, int i, const float *x, const float *residual)
{
    float *shifted = poisoned_array(count_of(&cases[i].in)), *values[3] = { NULL };
    const float *from = shifted;
    const tsm_dims *dims = &cases[i].in;

    tsm_ref_shift(shifted, x, dims, cases[i].shift);
    for (int k = cases[i].narrow; k < 3; k++) {
        values[k] = poisoned_array(count_of(&p->dims[k]));
        tsm_ref_conv(values[k], from, dims, &p->nodes[k], p->weights[k], k == 2 ? residual : NULL);
        from = values[k];
        dims = &p->dims[k];
    }
    free(shifted);
    free(values[0]);
    free(values[1]);
    return values[2];
}

static float *run(const parts *p, int i, const float *x, const float *residual, int threads)
{
    const size_t count = count_of(&p->dims[2]);
    const int before = omp_get_max_threads();
    tsm_cpu_inverted what = { .x = x,
                              .residual = residual,
                              .packed = { cases[i].narrow ? NULL : p->packed[0], p->packed[1], p->packed[2] },
                              .bias = { p->nodes[0].bias, p->nodes[1].bias, p->nodes[2].bias },
                              .in = cases[i].in,
                              .dims = p->dims[2],
                              .hidden = cases[i].hidden,
                              .stride = cases[i].stride,
                              .threads = threads,
                              .shift = cases[i].shift };
    const size_t scratch = tsm_cpu_inverted_scratch_bytes(&what) / sizeof(float);

    what.scratch = poisoned_array(scratch + GUARD);
    what.out = poisoned_array(count + GUARD);
    omp_set_num_threads(threads);
    tsm_cpu_inverted_run(&what);
    omp_set_num_threads(before);
    assert_guard(what.scratch, scratch);
    assert_guard(what.out, count);
    free(what.scratch);
    return what.out;
}

START_TEST(is_three_layers)
{
    parts p = parts_of(_i);
    const size_t count = count_of(&p.dims[2]);
    float *x = hashed_array(count_of(&cases[_i].in), SEED + 7);
    float *residual = cases[_i].residual ? hashed_array(count, SEED + 8) : NULL;

    if (!tsm_cpu_gather_available()) return;
    float *want = reference(&p, _i, x, residual), *one = run(&p, _i, x, residual, 1);
    assert_close(one, want, count, TOLERANCE, "inverted residual");
    for (int threads = 2; threads <= 5; threads++) {
        float *many = run(&p, _i, x, residual, threads);

        ck_assert_msg(memcmp(one, many, count * sizeof *one) == 0, "%d threads give other bits", threads);
        free(many);
    }
    free(x);
    free(residual);
    free(want);
    free(one);
    parts_free(&p);
}
END_TEST

/* The parts of a graph's nodes, as digits. */
static int parts_in(const tsm_graph *graph, tsm_shift_method method)
{
    int digits = 0;

    for (int i = 0; i < graph->count; i++) digits = 10 * digits + (int)tsm_cpu_part_of(graph, method, i);
    return digits;
}

/* Only neighbours that nobody else reads, with the activations of MobileNetV2, are a block. */
START_TEST(finds_blocks)
{
    parts p = parts_of(0);
    tsm_node nodes[5] = { { .op = TSM_OP_INPUT, .inputs = { -1, -1, -1 } } };
    tsm_graph graph = { .nodes = nodes, .count = 4, .output = 3 };

    if (!tsm_cpu_gather_available()) return;
    for (int k = 0; k < 3; k++) {
        nodes[k + 1] = p.nodes[k];
        for (int i = 0; i < TSM_INPUTS; i++) nodes[k + 1].inputs[i] = i == 0 ? k : -1;
    }
    nodes[3].inputs[1] = 0;
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_GATHER), 123);
    nodes[1].shift = tsm_shift_both(3, 24);
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_GATHER), 123);
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_INPLACE), 23);
    nodes[1].act = TSM_ACT_RELU;
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_GATHER), 23);
    nodes[1].act = TSM_ACT_RELU6;
    nodes[2].act = TSM_ACT_RELU;
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_GATHER), 0);
    nodes[2].act = TSM_ACT_RELU6;
    nodes[3].inputs[1] = 1; /* the residual is the wide value */
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_GATHER), 23);
    nodes[3].inputs[1] = 0;
    graph.output = 2;
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_GATHER), 0);
    nodes[4] = nodes[3];
    nodes[4].inputs[0] = 1;
    graph = (tsm_graph){ .nodes = nodes, .count = 5, .output = 4 };
    ck_assert_int_eq(parts_in(&graph, TSM_SHIFT_GATHER), 230);
    parts_free(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_inverted");
    TCase *blocks = tcase_create("blocks");

    printf("seed %u\n", SEED);
    tcase_add_loop_test(blocks, is_three_layers, 0, CASES);
    tcase_add_test(blocks, finds_blocks);
    suite_add_tcase(suite, blocks);
    return run_suite(suite);
}
