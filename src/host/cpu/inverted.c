/* SPDX-License-Identifier: Apache-2.0 */
/* inverted.c - see inverted.h: which nodes are such a block, and its weights. */
#include "inverted.h"

#include "gather.h"

#define LANES 16
#define PANEL 32

/* Beyond, the wide values are small enough, and the products large enough, that layer by layer is as fast. */
#define MOST_HIDDEN 192

static int readers(const tsm_graph *graph, int value)
{
    int count = graph->output == value;

    for (int i = 0; i < graph->count; i++) count += tsm_node_reads(&graph->nodes[i], value);
    return count;
}

static bool is_conv(const tsm_node *node, int kernel, tsm_act act)
{
    return node->op == TSM_OP_CONV && node->kernel_h == kernel && node->kernel_w == kernel &&
           node->pad == kernel / 2 && node->act == act;
}

/* A 1x1 convolution of stride 1 whose value nobody reads but the node after it. */
static bool is_expand(const tsm_graph *graph, tsm_shift_method method, int index)
{
    const tsm_node *node = &graph->nodes[index];

    return is_conv(node, 1, TSM_ACT_RELU6) && node->stride == 1 && node->groups == 1 && node->inputs[1] < 0 &&
           (node->shift.end == 0 || method == TSM_SHIFT_GATHER) && node[1].inputs[0] == index &&
           readers(graph, index) == 1;
}

/* A depthwise 3x3 convolution, likewise. */
static bool is_depthwise(const tsm_graph *graph, int index)
{
    const tsm_node *node = &graph->nodes[index];

    return is_conv(node, 3, TSM_ACT_RELU6) && node->stride <= 2 && node->groups == node->in_channels &&
           node->out_channels == node->in_channels && node->in_channels % LANES == 0 &&
           node->in_channels <= MOST_HIDDEN && node->inputs[1] < 0 && node->shift.end == 0 &&
           node[1].inputs[0] == index && readers(graph, index) == 1;
}

static bool is_project(const tsm_node *node)
{
    return is_conv(node, 1, TSM_ACT_NONE) && node->stride == 1 && node->groups == 1 && node->shift.end == 0;
}

/* Whether a block ends with a node. */
static bool ends_block(const tsm_graph *graph, int index)
{
    return index >= 2 && index < graph->count && is_project(&graph->nodes[index]) && is_depthwise(graph, index - 1);
}

tsm_cpu_part tsm_cpu_part_of(const tsm_graph *graph, tsm_shift_method method, int node)
{
    if (!tsm_cpu_gather_available()) return TSM_CPU_NO_PART;
    if (ends_block(graph, node)) return TSM_CPU_PROJECT;
    if (ends_block(graph, node + 1)) return TSM_CPU_DEPTHWISE;
    return ends_block(graph, node + 2) && is_expand(graph, method, node) ? TSM_CPU_EXPAND : TSM_CPU_NO_PART;
}

/* ---- Weights -------------------------------------------------------------------------------------------------- */

static int padded(int columns)
{
    return (columns + LANES - 1) / LANES * LANES;
}

uint64_t tsm_cpu_inverted_packed_count(const tsm_node *node, tsm_cpu_part part)
{
    return (uint64_t)padded(node->out_channels) * (part == TSM_CPU_DEPTHWISE ? 9 : (uint64_t)node->in_channels);
}

/* Rows of (n,k) to panels of (k, 32), the last of (k, 16) where that is enough; zeros where there are no columns. */
static void pack_panels(const float *weights, float *packed, int n, int k)
{
    for (int first = 0; first < n; first += PANEL) {
        const int left = padded(n - first), width = left < PANEL ? left : PANEL;

        for (int i = 0; i < k; i++)
            for (int j = 0; j < width; j++) *packed++ = first + j < n ? weights[(int64_t)(first + j) * k + i] : 0.0f;
    }
}

void tsm_cpu_inverted_pack(const tsm_node *node, tsm_cpu_part part, const float *weights, float *packed)
{
    const int n = node->out_channels;

    if (part != TSM_CPU_DEPTHWISE) {
        pack_panels(weights, packed, n, node->in_channels);
        return;
    }
    for (int tap = 0; tap < 9; tap++)
        for (int c = 0; c < n; c++) packed[tap * n + c] = weights[9 * c + tap];
}
