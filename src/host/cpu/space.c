/* SPDX-License-Identifier: Apache-2.0 */
/* space.c - what a convolution needs besides its operands: for its kernel, for its shift, for the pixels that a
 * stride picks.
 */
#include "plan.h"
#include "winograd.h"

static uint64_t value_bytes(const tsm_dims *dims)
{
    return (uint64_t)tsm_dims_count(dims) * sizeof(float);
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + TSM_ALIGNMENT - 1) / TSM_ALIGNMENT * TSM_ALIGNMENT;
}

bool tsm_cpu_picks(const tsm_node *node)
{
    return node->op == TSM_OP_CONV && tsm_cpu_is_matmul(node) && node->stride > 1;
}

bool tsm_cpu_loads_shifted(const tsm_plan *plan, int index)
{
    const tsm_prepared *prepared = plan->worker->prepared;

    return !plan->slots && tsm_cpu_shifts_in_load(plan->graph, prepared->shift_method, index);
}

bool tsm_cpu_restores(const tsm_plan *plan, int index)
{
    return plan->last_use[plan->graph->nodes[index].inputs[0]] != index;
}

tsm_cpu_inverted tsm_cpu_inverted_of(const tsm_plan *plan, int index)
{
    const tsm_node *nodes = plan->graph->nodes, *depthwise = &nodes[index - 1];
    const bool expands = tsm_cpu_expands(plan->worker->prepared, index);
    const tsm_node *first = &nodes[expands ? index - 2 : index - 1];

    return (tsm_cpu_inverted){ .bias = { expands ? first->bias : NULL, depthwise->bias, nodes[index].bias },
                               .in = plan->shapes[first->inputs[0]],
                               .dims = plan->shapes[index],
                               .hidden = depthwise->out_channels,
                               .stride = depthwise->stride,
                               .threads = plan->worker->prepared->threads,
                               .shift = expands && !plan->slots ? first->shift : (tsm_shift){ 0 } };
}

tsm_cpu_inverted_space tsm_cpu_inverted_space_of(const tsm_plan *plan, int index)
{
    const tsm_cpu_inverted block = tsm_cpu_inverted_of(plan, index);
    const bool expands = tsm_cpu_expands(plan->worker->prepared, index);
    const bool copies = plan->slots && expands && plan->graph->nodes[index - 2].shift.end > 0;

    return (tsm_cpu_inverted_space){ padded(tsm_cpu_inverted_scratch_bytes(&block)),
                                     copies ? padded(value_bytes(&block.in)) : 0 };
}

tsm_cpu_conv_space tsm_cpu_conv_space_of(const tsm_plan *plan, int index)
{
    const tsm_node *node = &plan->graph->nodes[index];
    const tsm_prepared *prepared = plan->worker->prepared;
    const tsm_dims *in = &plan->shapes[node->inputs[0]], *out = &plan->shapes[index];
    const bool moved = node->shift.end > 0 && !tsm_cpu_loads_shifted(plan, index);
    tsm_cpu_conv_space space = { padded(plan->ops[index].scratch_bytes), 0, 0 };

    if (tsm_cpu_way_of(plan->graph, prepared->shift_method, index) == TSM_CPU_WINOGRAD)
        space.op = padded(tsm_cpu_winograd_scratch_bytes(in, node->out_channels, prepared->threads));
    if (moved && prepared->shift_method == TSM_SHIFT_COPY) {
        space.shift = padded(value_bytes(in));
    } else if (moved && !plan->slots && tsm_cpu_restores(plan, index)) {
        space.shift = padded(tsm_cpu_shift_edge_count(in, node->shift) * sizeof(float));
    }
    if (tsm_cpu_picks(node)) {
        const tsm_dims few = { in->n, in->t, out->h, out->w, in->c };
        space.pick = padded(value_bytes(&few));
    }
    return space;
}
