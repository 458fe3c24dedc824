/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels compute a convolution, by its kind, the shift method, and the size that the network is made for. */
#include "cpu/gather.h"
#include "cpu/prepared.h"
#include "cpu/winograd.h"
#include "support.h"

/* An input, a pool of stride 16, and the convolution in question, 64 to 64 channels. */
typedef struct three {
    tsm_node nodes[3];
    tsm_graph graph;
} three;

static void fill(three *t, int kernel, int input_size)
{
    *t = (three){ .nodes = { { .op = TSM_OP_INPUT, .inputs = { -1, -1, -1 } },
                             { .op = TSM_OP_MAXPOOL, .inputs = { 0, -1, -1 }, .kernel_h = 16, .stride = 16 },
                             { .op = TSM_OP_CONV,
                               .inputs = { 1, -1, -1 },
                               .in_channels = 64,
                               .out_channels = 64,
                               .groups = 1,
                               .kernel_h = kernel,
                               .kernel_w = kernel,
                               .stride = 1,
                               .pad = kernel / 2,
                               .shift = tsm_shift_both(8, 64) } } };
    t->graph = (tsm_graph){ .nodes = t->nodes, .count = 3, .output = 2, .segments = 8, .input_size = input_size };
}

/* After pools to a sixteenth 7x7 frames are the smallest that pay at 8 frames: 8 * (441 - 144) > 1440, and for 6x6 8
 * * (324 - 144) is not. Sizes below 64 and above 224 count as 224. */
START_TEST(winograd_where_it_pays)
{
    static const struct {
        int input_size;
        bool pays;
    } sizes[] = { { 0, true },   { 224, true }, { 112, true }, { 111, false },
                  { 64, false }, { 63, true },  { 4096, true } };
    three t;

    if (!tsm_cpu_winograd_available()) return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill(&t, 3, sizes[i].input_size);
        ck_assert_int_eq(tsm_cpu_way_of(&t.graph, TSM_SHIFT_GATHER, 2),
                         sizes[i].pays ? TSM_CPU_WINOGRAD : TSM_CPU_DNNL);
        ck_assert_int_eq(tsm_cpu_way_of(&t.graph, TSM_SHIFT_COPY, 2),
                         sizes[i].pays ? TSM_CPU_WINOGRAD : TSM_CPU_DNNL);
        ck_assert(tsm_cpu_shifts_in_load(&t.graph, TSM_SHIFT_GATHER, 2) == sizes[i].pays);
        ck_assert(!tsm_cpu_shifts_in_load(&t.graph, TSM_SHIFT_COPY, 2));
    }
}
END_TEST

START_TEST(gathers_few_channels)
{
    three t;

    if (!tsm_cpu_gather_available()) return;
    fill(&t, 1, 224);
    ck_assert_int_eq(tsm_cpu_way_of(&t.graph, TSM_SHIFT_GATHER, 2), TSM_CPU_GATHER);
    ck_assert_int_eq(tsm_cpu_way_of(&t.graph, TSM_SHIFT_INPLACE, 2), TSM_CPU_DNNL);
    t.nodes[2].in_channels = 1024;
    ck_assert_int_eq(tsm_cpu_way_of(&t.graph, TSM_SHIFT_GATHER, 2), TSM_CPU_DNNL);
    ck_assert(!tsm_cpu_shifts_in_load(&t.graph, TSM_SHIFT_GATHER, 2));
    t.nodes[2].in_channels = 64;
    t.nodes[2].shift = (tsm_shift){ 0 };
    ck_assert_int_eq(tsm_cpu_way_of(&t.graph, TSM_SHIFT_GATHER, 2), TSM_CPU_DNNL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_ways");
    TCase *ways = tcase_create("ways");

    tcase_add_test(ways, winograd_where_it_pays);
    tcase_add_test(ways, gathers_few_channels);
    suite_add_tcase(suite, ways);
    return run_suite(suite);
}
