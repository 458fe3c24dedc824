/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - see layout.h. */
#include "layout.h"

#include <stdio.h>

#include "gather.h"
#include "nodes.h"

/* Whether a pool slides over pixels, each on its own address. */
static bool has_windows(const tsm_node *node)
{
    return node->op == TSM_OP_MAXPOOL || (node->op == TSM_OP_AVGPOOL && node->kernel_h > 0);
}

/* Whether a reader that does not want the shifted copy can step over it. */
static bool reader_takes_pitch(const tsm_node *node, int value)
{
    if (node->op == TSM_OP_ADD || node->op == TSM_OP_ACT || node->op == TSM_OP_SCALE || has_windows(node))
        return true;
    if (node->op != TSM_OP_CONV) return false;
    if (node->inputs[1] == value && !tsm_cuda_is_matmul(node, false)) return false;
    return node->inputs[0] != value || (tsm_cuda_is_matmul(node, true) && node->shift.end == 0);
}

static bool writer_makes_pitch(const tsm_node *node)
{
    return node->op == TSM_OP_ADD || node->op == TSM_OP_ACT || node->op == TSM_OP_SCALE || has_windows(node) ||
           tsm_cuda_is_matmul(node, false);
}

/* The shift whose columns value `index` needs beside its rows so that every shift on it is an overlap; none where one
 * cannot be. */
static tsm_shift find_side(const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype)
{
    const tsm_shift none = { 0 };
    tsm_shift side = none;

    if (graph->output == index || !writer_makes_pitch(&graph->nodes[index])) return none;
    for (int i = index + 1; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (tsm_node_reads(node, index) == 0) continue;
        if (node->inputs[0] == index && tsm_cuda_can_overlap(node, dtype)) {
            if (node->inputs[1] == index || (side.end && !tsm_cuda_same_shift(&side, &node->shift))) return none;
            side = node->shift;
        } else if (!reader_takes_pitch(node, index)) {
            return none;
        }
    }
    return side;
}

/* The padding of the input is only known to be zero, and only convolutions can make use of that. */
static bool reads_padding(const tsm_graph *graph, const tsm_node *node)
{
    for (int k = 0; k < TSM_INPUTS; k++) {
        const int from = node->inputs[k];

        if (from < 0 || graph->nodes[from].op != TSM_OP_INPUT) continue;
        if (node->op != TSM_OP_CONV || node->groups != 1 || k != 0) return true;
    }
    return false;
}

/* Logits are float32, which not every operation can make of 16 bits. */
static bool makes_float(const tsm_node *node)
{
    return node->op == TSM_OP_FC || node->op == TSM_OP_TMEAN || (node->op == TSM_OP_AVGPOOL && !has_windows(node));
}

bool tsm_cuda_layout_serves(const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype,
                            char why[TSM_SUPPORT_TEXT])
{
    const tsm_node *node = &graph->nodes[index];

    if (reads_padding(graph, node)) {
        snprintf(why, TSM_SUPPORT_TEXT, "%s on the network's input", tsm_op_name(node->op));
        return false;
    }
    if (index == graph->output && dtype->type != TSM_FLOAT32 && !makes_float(node)) {
        snprintf(why, TSM_SUPPORT_TEXT, "%s makes the logits", tsm_op_name(node->op));
        return false;
    }
    return true;
}

void tsm_cuda_layout_make(tsm_cuda_value *values, const tsm_graph *graph, const tsm_dims *shapes,
                          const tsm_cuda_dtype *dtype, tsm_shift_method method)
{
    for (int i = 0; i < graph->count; i++) {
        const tsm_dims *dims = &shapes[i];
        tsm_cuda_value *value = &values[i];
        const uint64_t pixels = (uint64_t)(tsm_dims_count(dims) / dims->c);

        *value = (tsm_cuda_value){ .pitch = dims->c, .type = dtype->type };
        if (graph->nodes[i].op == TSM_OP_INPUT) value->pitch = tsm_cuda_padded(dims->c);
        if (method == TSM_SHIFT_OVERLAP) value->side = find_side(graph, i, dtype);
        value->pitch += value->side.end;
        if (i == graph->output) value->type = TSM_FLOAT32;
        value->bytes = pixels * (uint64_t)value->pitch * tsm_dtype_bytes(value->type);
    }
    if (method == TSM_SHIFT_GATHER) tsm_gather_views(values, graph, shapes, dtype);
}
