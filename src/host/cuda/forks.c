/* SPDX-License-Identifier: Apache-2.0 */
/* forks.c - see forks.h. */
#include "forks.h"

/* Whether `reader` alone reads the value of `node`, once. */
static bool has_one_reader(const tsm_graph *graph, int node, int reader)
{
    if (graph->output == node) return false;
    for (int i = 0; i < graph->count; i++)
        if (tsm_node_reads(&graph->nodes[i], node) != (i == reader)) return false;
    return true;
}

/* The fork that ends in operand `operand` of node `before`, if it is one. */
static bool find_fork(tsm_fork *fork, const tsm_graph *graph, int before, int operand)
{
    const int index = graph->nodes[before].inputs[operand];
    const tsm_node *node;

    if (index < 0) return false;
    node = &graph->nodes[index];
    if (node->op != TSM_OP_CONV || node->inputs[1] >= 0 || !has_one_reader(graph, index, before)) return false;
    *fork = (tsm_fork){ index, node->inputs[0], before };
    return before - fork->after > 2; /* another node between, or there is nothing to run beside */
}

int tsm_forks_find(tsm_fork *forks, const tsm_graph *graph)
{
    int count = 0;

    for (int i = 0; i < graph->count; i++) {
        const tsm_op op = graph->nodes[i].op;
        const bool joins = op == TSM_OP_ADD || op == TSM_OP_CONV;

        for (int operand = 1; joins && operand >= (op == TSM_OP_ADD ? 0 : 1); operand--) {
            if (!find_fork(&forks[count], graph, i, operand)) continue;
            if (count && forks[count].after < forks[count - 1].before) continue;
            count++;
            break;
        }
    }
    return count;
}

void tsm_forks_stretch(const tsm_fork *forks, int count, tsm_memplan_value *values, const int *last_use)
{
    for (int i = 0; i < count; i++) {
        const tsm_fork *f = &forks[i];

        values[f->node].early = f->node - f->after - 1;
        if (last_use[f->after] < f->before) values[f->after].late = f->before - last_use[f->after];
    }
}
