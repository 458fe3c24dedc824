/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - a graph of one shape, for one way to realise the shift: how its values lie, which kernels run, and
 * where in an arena everything goes. It knows no address; binding.h gives it an arena.
 */
#ifndef TSM_CUDA_SCHEDULE_H
#define TSM_CUDA_SCHEDULE_H

#include "pixels/pixels.h"
#include "attention.h"
#include "convolution.h"
#include "forks.h"
#include "layout.h"
#include "prepared.h"

typedef struct tsm_schedule {
    const tsm_prepared *prepared;
    const tsm_dims *shapes;     /* borrowed, of every node */
    const tsm_resample *resize; /* borrowed; NULL: frames come at the size of the input */
    const tsm_slots *slots;     /* borrowed; NULL: whole clips */
    const int32_t *indices;     /* of slots: in device memory, the slot of each clip; the plan's */
    tsm_cuda_way way;
    tsm_cuda_value *values;
    tsm_convolution *convolutions; /* one a node, zeroes where it is none */
    tsm_conv **convs;              /* room for one a node; equal specs share one */
    int conv_count;
    const tsm_conv **conv_of;  /* of each node; NULL: no convolution of a library */
    tsm_attention *attentions; /* one a node, zeroes where it is none */
    tsm_fork *forks;           /* room for one a node */
    int fork_count;
    tsm_memplan memory;
    int64_t *scratch; /* per node, -1: none; staging of the input, staged input and workspace of a convolution, of
                         attention */
} tsm_schedule;

/* Blocking: may run the autotuner. Errors: UNSUPPORTED, MEMORY, DEVICE, CANCELLED. */
tsm_status tsm_schedule_make(tsm_schedule *schedule, const tsm_prepared *prepared,
                             const tsm_plan_arguments *arguments, const tsm_cuda_way *way, tsm_tuner *tuner,
                             tsm_error *error);
void tsm_schedule_clear(tsm_schedule *schedule);

/* Whether two of the same graph and shapes launch the same, whatever their ways are called. */
bool tsm_schedule_same(const tsm_schedule *a, const tsm_schedule *b);

static inline const tsm_node *tsm_schedule_node(const tsm_schedule *schedule, int node)
{
    return &schedule->prepared->graph->nodes[node];
}

#endif
