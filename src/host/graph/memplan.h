/* SPDX-License-Identifier: Apache-2.0 */
/* memplan.h - places values in one arena by their lifetimes. */
#ifndef TSM_GRAPH_MEMPLAN_H
#define TSM_GRAPH_MEMPLAN_H

#include "graph.h"

typedef struct tsm_memplan {
    int64_t *offsets;     /* bytes from the start of the arena, per node; -1: the value has no bytes there */
    uint64_t arena_bytes; /* multiple of TSM_ALIGNMENT */
} tsm_memplan;

/* What a backend knows of a value: its size, whether it may take the place of one of its inputs, and for how long it
 * has its place where nodes run beside each other instead of in turn. */
typedef struct tsm_memplan_value {
    uint64_t bytes; /* 0: not in the arena */
    int in_place;   /* -1, or an input node whose storage this node overwrites if it is the last to read it */
    int early;      /* so many nodes before its own it may be written already; only where nothing is in place */
    int late;       /* so many nodes after the last that reads it, it may still be read */
} tsm_memplan_value;

/* Greedy by size over lifetimes [made - early, last read + late]: no two values that live at the same time overlap,
 * except in-place pairs, which share their offset. A node's workspace can be given as `scratch` bytes per node (NULL:
 * none), live during the node alone, placed in scratch_offsets (same length; -1 where 0 bytes). Errors: MEMORY. */
tsm_status tsm_memplan_make(tsm_memplan *plan, const tsm_graph *graph, const tsm_memplan_value *values,
                            const uint64_t *scratch, int64_t *scratch_offsets, tsm_error *error);
void tsm_memplan_clear(tsm_memplan *plan);

/* True when the value of `node` was placed upon its in_place input. */
bool tsm_memplan_shares(const tsm_memplan *plan, const tsm_memplan_value *values, int node);

#endif
