/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.c - see nodes.h. */
#include "nodes.h"

#define INPUT_PAD    4  /* channels of the input are padded with zeros to a multiple of this */
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

int64_t tsm_cuda_padded(int64_t channels)
{
    return (channels + INPUT_PAD - 1) / INPUT_PAD * INPUT_PAD;
}

int64_t tsm_cuda_input_channels(const tsm_graph *graph, const tsm_node *node)
{
    return graph->nodes[node->inputs[0]].op == TSM_OP_INPUT ? tsm_cuda_padded(node->in_channels) : node->in_channels;
}
