/* SPDX-License-Identifier: Apache-2.0 */
/* convolution.c - see convolution.h. */
#include "convolution.h"

#include <string.h>

#include "gather.h"
#include "join.h"
#include "node_spec.h"
#include "nodes.h"

/* How the input gets to it, and the pitch and the channels that it then reads. */
static void choose_staging(tsm_convolution *c, const tsm_node *node, const tsm_cuda_value *in,
                           const tsm_cuda_dtype *dtype)
{
    tsm_conv_spec *spec = &c->spec;
    const uint64_t row = (uint64_t)spec->channels * (uint64_t)dtype->bytes;

    if (node->shift.end && tsm_cuda_same_shift(&in->side, &node->shift) && tsm_cuda_can_overlap(node, dtype)) {
        c->overlap = true;
        spec->in_offset = in->side.end;
    } else if (node->shift.end) {
        c->staging = TSM_STAGE_SHIFT;
        c->staged_bytes = (uint64_t)(spec->images * spec->h * spec->w) * row;
        spec->in_pitch = spec->channels;
    } else if (in->pitch != spec->channels && node->stride > 1 && tsm_cuda_is_matmul(node, true)) {
        c->staging = TSM_STAGE_SUBSAMPLE;
        c->staged_bytes = (uint64_t)(spec->images * spec->oh * spec->ow) * row;
        spec->in_pitch = spec->channels;
        spec->h = spec->oh;
        spec->w = spec->ow;
        spec->stride = 1;
    }
}

/* cuBLASLt has no activation of ours but ReLU; cuDNN has ReLU6 in some of its precompiled kernels, and others in
 * none. A kernel of ours after a product beats the few engines of cuDNN that do. */
static bool library_has(tsm_act act, const tsm_node *node)
{
    return act == TSM_ACT_NONE || act == TSM_ACT_RELU || (act == TSM_ACT_RELU6 && !tsm_cuda_is_matmul(node, false));
}

static void choose_activation(tsm_convolution *c, const tsm_node *node)
{
    if (c->depthwise || library_has(c->spec.act, node)) return;
    c->later = c->spec.act;
    c->spec.act = TSM_ACT_NONE;
}

/* A kernel of ours has every activation, where a library's product is written, read and written once more for some:
 * those are ours wherever they may be. Others are for a trial to decide, with the same filters. */
static void choose_whose(tsm_convolution *c, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype,
                         tsm_conv_whose whose)
{
    const tsm_node *node = &graph->nodes[index];
    tsm_conv_spec fused = c->spec;
    tsm_conv_kernel_spec ours;
    const char *why;

    fused.act = node->act;
    fused.whose = TSM_CONV_OURS;
    if (whose == TSM_CONV_LIBRARIES || !tsm_ours_may(&ours, graph, index, dtype)) return;
    if (!tsm_conv_ours_spec(&ours, &fused, &why)) return;
    if (whose == TSM_CONV_OURS || c->later != TSM_ACT_NONE) {
        c->spec = fused;
        c->later = TSM_ACT_NONE;
        c->packed = true;
    } else if (tsm_conv_spec_weight_count(&fused) == tsm_conv_spec_weight_count(&c->spec)) {
        c->spec.whose = TSM_CONV_ANY;
    }
}

void tsm_convolution_make(tsm_convolution *c, const tsm_graph *graph, const tsm_dims *shapes,
                          const tsm_cuda_value *values, int index, const tsm_cuda_dtype *dtype,
                          const tsm_cuda_way *way)
{
    const tsm_node *node = &graph->nodes[index];

    memset(c, 0, sizeof *c);
    c->depthwise = tsm_cuda_is_depthwise(node);
    c->gather = way->shift == TSM_SHIFT_GATHER && tsm_gather_spec(&c->spec, graph, shapes, values, index, dtype);
    c->packed = c->gather;
    if (c->gather) return;
    if (way->whose != TSM_CONV_LIBRARIES) {
        c->joined = tsm_join_spec(&c->spec, graph, shapes, values, index, dtype);
        c->part = tsm_join_takes(graph, shapes, values, index, dtype);
        c->packed = c->joined > 0;
        if (c->joined || c->part) return;
    }
    c->spec = tsm_node_spec(graph, shapes, values, index, dtype);
    choose_staging(c, node, &values[node->inputs[0]], dtype);
    choose_activation(c, node);
    choose_whose(c, graph, index, dtype, way->whose);
}

void tsm_convolution_sketch(tsm_convolution *c, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];

    memset(c, 0, sizeof *c);
    c->depthwise = tsm_cuda_is_depthwise(node);
    c->spec = tsm_node_spec_sketch(graph, index, dtype);
    choose_activation(c, node);
}
