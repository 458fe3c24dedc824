/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what the reference backend makes of a graph, of a thread and of a shape. */
#ifndef TSM_REFERENCE_PLAN_H
#define TSM_REFERENCE_PLAN_H

#include "graph/backend.h"

struct tsm_prepared {
    const tsm_graph *graph;
    float **weights; /* per node, NULL where it has none */
    uint64_t max_bytes;
    tsm_cancel cancel;
};

struct tsm_worker {
    const tsm_prepared *prepared;
    char *arena; /* of all plans: only one runs at a time */
    uint64_t arena_bytes;
};

struct tsm_plan {
    const tsm_worker *worker;
    tsm_slots *slots; /* NULL: whole clips */
    const tsm_graph *graph;
    const tsm_dims *shapes;
    tsm_memplan memory;
    int64_t *scratch; /* where a node's scratch lies in the arena, -1: it has none */
};

/* run.c */
tsm_status tsm_reference_run(tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error);

#endif
