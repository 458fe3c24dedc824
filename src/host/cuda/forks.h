/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks.h - convolutions that may run beside others: the one in a shortcut needs no more than the block's input, and
 * nobody needs it before the block's end.
 *
 * At small batches a kernel does not fill a GPU, so that two at once are as fast as one. Only a captured graph runs
 * them so; the arena is planned for it in any case.
 */
#ifndef TSM_CUDA_FORKS_H
#define TSM_CUDA_FORKS_H

#include "graph/backend.h"

typedef struct tsm_fork {
    int node;   /* runs on its own */
    int after;  /* the node whose value it reads */
    int before; /* the node that reads its own value */
} tsm_fork;

/* In the order of the graph, one after the other; forks[] has room for one a node. Returns how many there are. */
int tsm_forks_find(tsm_fork *forks, const tsm_graph *graph);

/* Gives the values of a fork's nodes their places for as long as they need them. */
void tsm_forks_stretch(const tsm_fork *forks, int count, tsm_memplan_value *values, const int *last_use);

#endif
