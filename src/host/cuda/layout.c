/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - see layout.h. */
#include "layout.h"

#include "gather.h"

#include <stdio.h>

#define VECTOR_BYTES 16 /* what the shift kernel and the matmuls want rows and offsets to be multiples of */

bool tsm_cuda_is_matmul(const tsm_node *node, bool any_stride)
{
    return node->op == TSM_OP_CONV && node->kernel_h == 1 && node->kernel_w == 1 && node->pad == 0 &&
           node->groups == 1 && (any_stride || node->stride == 1);
}

bool tsm_cuda_can_overlap(const tsm_node *node, const tsm_cuda_dtype *dtype)
{
    return tsm_cuda_is_matmul(node, false) && node->shift.end > 0 &&
           node->shift.end * dtype->bytes % VECTOR_BYTES == 0 && node->in_channels * dtype->bytes % VECTOR_BYTES == 0;
}

bool tsm_cuda_same_shift(const tsm_shift *a, const tsm_shift *b)
{
    return a->fold == b->fold && a->end == b->end && a->step == b->step;
}

bool tsm_cuda_is_depthwise(const tsm_node *node)
{
    return node->op == TSM_OP_CONV && node->groups == node->in_channels && node->groups == node->out_channels &&
           node->groups > 1 && node->kernel_h == 3 && node->kernel_w == 3 && node->pad == 1 && node->stride <= 2 &&
           node->inputs[1] < 0;
}

static int64_t padded(int64_t channels)
{
    return (channels + TSM_CUDA_INPUT_PAD - 1) / TSM_CUDA_INPUT_PAD * TSM_CUDA_INPUT_PAD;
}

int64_t tsm_cuda_input_channels(const tsm_graph *graph, const tsm_node *node)
{
    return graph->nodes[node->inputs[0]].op == TSM_OP_INPUT ? padded(node->in_channels) : node->in_channels;
}

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
        if (graph->nodes[i].op == TSM_OP_INPUT) value->pitch = padded(dims->c);
        if (method == TSM_SHIFT_OVERLAP) value->side = find_side(graph, i, dtype);
        value->pitch += value->side.end;
        if (i == graph->output) value->type = TSM_FLOAT32;
        value->bytes = pixels * (uint64_t)value->pitch * tsm_dtype_bytes(value->type);
    }
    if (method == TSM_SHIFT_GATHER) tsm_gather_views(values, graph, shapes, dtype);
}
