/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ways.c - which kernels compute a convolution. Weights are packed for them when an engine is made, so the choice
 * knows the size of frames that a network is made for, and not that of a plan.
 */
#include "prepared.h"
#include "winograd.h"

/* Of a graph that does not say what size it is made for, and the smallest that makes another choice: every network
 * can be planned for it. */
#define USUAL_SIDE 224
#define LEAST_SIDE 64

/* Up to here moving channels costs more than the kernel of gather.h loses to oneDNN's, and both sum in the same
 * order: beyond, oneDNN sums in several parts. */
#define GATHER_MOST_CHANNELS 512

int tsm_cpu_usual_side(const tsm_graph *graph)
{
    return graph->input_size >= LEAST_SIDE && graph->input_size < USUAL_SIDE ? graph->input_size : USUAL_SIDE;
}

/* Pixels a side of a node's value, of frames of the usual size. */
static int side_of(const tsm_graph *graph, int index)
{
    const tsm_node *node = &graph->nodes[index];
    int side;

    if (node->op == TSM_OP_INPUT) return tsm_cpu_usual_side(graph);
    side = side_of(graph, node->inputs[0]);
    if (node->stride == 0 || node->kernel_h == 0) return node->op == TSM_OP_AVGPOOL ? 1 : side;
    return (side + 2 * node->pad - node->kernel_h) / node->stride + 1;
}

/*
 * Per pair of channels and clip, in multiplications of a core: a direct convolution does 9 a pixel. Winograd's does
 * 36 a tile of 16 pixels, and reads 144 bytes of weights, which at some 10 GB/s take as long as 1440 multiplications:
 * the last layers of small networks, of few pixels, would wait for them.
 */
static bool winograd_pays(const tsm_graph *graph, int index)
{
    const int64_t side = side_of(graph, index), tiles = ((side + 3) / 4) * ((side + 3) / 4);

    return graph->segments * (9 * side * side - 36 * tiles) > 1440;
}

static bool gathers(tsm_shift_method method, const tsm_node *node)
{
    return method == TSM_SHIFT_GATHER && node->op == TSM_OP_CONV && node->shift.end > 0 && tsm_cpu_is_matmul(node) &&
           node->stride == 1 && node->inputs[1] < 0 && node->in_channels <= GATHER_MOST_CHANNELS;
}

tsm_cpu_way tsm_cpu_way_of(const tsm_graph *graph, tsm_shift_method method, int index)
{
    const tsm_node *node = &graph->nodes[index];

    if (tsm_cpu_winograd_available() && tsm_cpu_winograd_suits(node) && winograd_pays(graph, index))
        return TSM_CPU_WINOGRAD;
    return gathers(method, node) ? TSM_CPU_GATHER : TSM_CPU_DNNL;
}

bool tsm_cpu_shifts_in_load(const tsm_graph *graph, tsm_shift_method method, int index)
{
    return method == TSM_SHIFT_GATHER && graph->nodes[index].shift.end > 0 &&
           tsm_cpu_way_of(graph, method, index) != TSM_CPU_DNNL;
}
