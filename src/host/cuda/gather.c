/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c - see gather.h. */
#include "gather.h"

#include "node_spec.h"
#include "nodes.h"

#define SKETCH_SIDE 16 /* of an image that every window fits into */

static bool is_convolution(const tsm_node *node)
{
    return node->op == TSM_OP_CONV && !tsm_cuda_is_depthwise(node);
}

static int count_reads(const tsm_graph *graph, int value)
{
    int count = graph->output == value;

    for (int i = value + 1; i < graph->count; i++) count += tsm_node_reads(&graph->nodes[i], value);
    return count;
}

/* As far as the graph alone can tell. What is shifted must have no other reader: its memory is then the view's. */
static bool can_be_view(const tsm_graph *graph, int index)
{
    const tsm_node *shift = &graph->nodes[index];
    const int from = shift->inputs[0];

    if (shift->op != TSM_OP_SHIFT || graph->output == index || count_reads(graph, from) != 1) return false;
    if (graph->nodes[from].op == TSM_OP_INPUT || graph->nodes[from].op == TSM_OP_SHIFT) return false;
    for (int i = index + 1; i < graph->count; i++)
        if (tsm_node_reads(&graph->nodes[i], index) &&
            (!is_convolution(&graph->nodes[i]) || graph->nodes[i].shift.end))
            return false;
    return count_reads(graph, index) > 0;
}

static bool readers_serve(const tsm_cuda_value *values, const tsm_graph *graph, const tsm_dims *shapes, int index,
                          const tsm_cuda_dtype *dtype)
{
    tsm_conv_spec spec;

    for (int i = index + 1; i < graph->count; i++)
        if (tsm_node_reads(&graph->nodes[i], index) && !tsm_gather_spec(&spec, graph, shapes, values, i, dtype))
            return false;
    return true;
}

void tsm_gather_views(tsm_cuda_value *values, const tsm_graph *graph, const tsm_dims *shapes,
                      const tsm_cuda_dtype *dtype)
{
    bool settled = false;

    for (int i = 0; i < graph->count; i++) values[i].view = can_be_view(graph, i);
    while (!settled) { /* a view less may be what another reader needs */
        settled = true;
        for (int i = 0; i < graph->count; i++) {
            if (!values[i].view || readers_serve(values, graph, shapes, i, dtype)) continue;
            values[i].view = false;
            settled = false;
        }
    }
}

bool tsm_gather_spec(tsm_conv_spec *spec, const tsm_graph *graph, const tsm_dims *shapes,
                     const tsm_cuda_value *values, int index, const tsm_cuda_dtype *dtype)
{
    const tsm_node *node = &graph->nodes[index];
    const int from = node->inputs[0], residual = node->inputs[1];
    tsm_conv_kernel_spec ours;
    const char *why;

    if (!is_convolution(node)) return false;
    *spec = tsm_node_spec(graph, shapes, values, index, dtype);
    spec->frames = shapes[from].t;
    spec->shift = values[from].view ? graph->nodes[from].shift : node->shift;
    if (residual >= 0 && values[residual].view) spec->residual_shift = graph->nodes[residual].shift;
    return tsm_conv_spec_gathers(spec) && tsm_conv_ours_spec(&ours, spec, &why);
}

bool tsm_ours_may(tsm_conv_kernel_spec *ours, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype)
{
    tsm_conv_spec sketch;
    const char *why;

    if (!is_convolution(&graph->nodes[index])) return false;
    sketch = tsm_node_spec_sketch(graph, index, dtype);
    sketch.h = sketch.w = SKETCH_SIDE;
    return tsm_conv_ours_spec(ours, &sketch, &why);
}

bool tsm_gather_may(tsm_conv_kernel_spec *ours, const tsm_graph *graph, int index, const tsm_cuda_dtype *dtype,
                    const char **why)
{
    const tsm_node *node = &graph->nodes[index];
    const int from = node->inputs[0], residual = node->inputs[1];
    tsm_conv_spec sketch;

    *why = NULL;
    if (!is_convolution(node)) return false;
    sketch = tsm_node_spec_sketch(graph, index, dtype);
    sketch.h = sketch.w = SKETCH_SIDE;
    sketch.frames = 1;
    sketch.shift = node->shift;
    if (graph->nodes[from].op == TSM_OP_SHIFT) sketch.shift = graph->nodes[from].shift;
    if (residual >= 0 && graph->nodes[residual].op == TSM_OP_SHIFT)
        sketch.residual_shift = graph->nodes[residual].shift;
    return tsm_conv_spec_gathers(&sketch) && tsm_conv_ours_spec(ours, &sketch, why);
}
