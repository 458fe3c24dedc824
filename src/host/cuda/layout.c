/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - see layout.h. */
#include "layout.h"

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
static tsm_status check_input_readers(const tsm_graph *graph, int index, tsm_error *error)
{
    for (int i = index + 1; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (tsm_node_reads(node, index) == 0) continue;
        if (node->op == TSM_OP_CONV && node->groups == 1 && node->inputs[1] != index) continue;
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: %s: %s on the network's input", node->name,
                        tsm_op_name(node->op));
    }
    return TSM_OK;
}

/* Logits are float32, which not every operation can make of 16 bits. */
static tsm_status check_output(const tsm_graph *graph, const tsm_cuda_dtype *dtype, tsm_error *error)
{
    const tsm_node *node = &graph->nodes[graph->output];

    if (dtype->type == TSM_FLOAT32 || node->op == TSM_OP_FC || node->op == TSM_OP_TMEAN ||
        (node->op == TSM_OP_AVGPOOL && !has_windows(node)))
        return TSM_OK;
    return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: %s: %s makes the logits", node->name, tsm_op_name(node->op));
}

tsm_status tsm_cuda_layout_make(tsm_cuda_value *values, const tsm_graph *graph, const tsm_cuda_dtype *dtype,
                                tsm_shift_method method, tsm_error *error)
{
    TSM_TRY_RETURN(check_output(graph, dtype, error));
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];
        tsm_cuda_value *value = &values[i];
        uint64_t pixels = (uint64_t)(tsm_dims_count(&node->dims) / node->dims.c);

        *value = (tsm_cuda_value){ .pitch = node->dims.c, .type = dtype->type };
        if (node->op == TSM_OP_INPUT) {
            TSM_TRY_RETURN(check_input_readers(graph, i, error));
            value->pitch = padded(node->dims.c);
        }
        if (method == TSM_SHIFT_OVERLAP) value->side = find_side(graph, i, dtype);
        value->pitch += value->side.end;
        if (i == graph->output) value->type = TSM_FLOAT32;
        value->bytes = pixels * (uint64_t)value->pitch * (value->type == TSM_FLOAT32 ? 4u : (unsigned)dtype->bytes);
    }
    return TSM_OK;
}
