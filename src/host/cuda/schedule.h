/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - a graph of one shape as memory and steps, for one way to realise the shift.
 *
 * Layout, then kernels of the convolutions, then memory, then steps: each needs the one before. Afterwards nothing is
 * allocated any more.
 */
#ifndef TSM_CUDA_SCHEDULE_H
#define TSM_CUDA_SCHEDULE_H

#include "graph/memplan.h"
#include "attention.h"
#include "layout.h"
#include "state.h"
#include "steps.h"

/* What a convolution does to its input before it reads it. */
typedef enum tsm_staging {
    TSM_STAGE_NONE,
    TSM_STAGE_SHIFT,    /* a shifted copy of the whole */
    TSM_STAGE_SUBSAMPLE /* 1x1 with a stride over rows with gaps: the pixels it reads, packed */
} tsm_staging;

typedef struct tsm_conv_work {
    int conv; /* index in the schedule's convs; -1: not a convolution of a library */
    tsm_staging staging;
    bool overlap;  /* reads the shifted copy beside its input */
    tsm_act later; /* an activation that no library fuses */
    uint64_t staged_bytes;
} tsm_conv_work;

typedef struct tsm_schedule {
    const tsm_cuda_state *state;
    const tsm_graph *graph;
    tsm_shift_method method; /* COPY or OVERLAP */
    tsm_cuda_value *values;
    tsm_conv_work *work;
    tsm_conv **convs; /* room for one a node; equal specs share one */
    int conv_count;
    tsm_attention *attentions; /* one a node, zeroes where it is none */
    tsm_memplan memory;
    int64_t *scratch; /* per node; staging of the input, staged input and workspace of a convolution, attention */
    char *arena;
    tsm_steps steps; /* from the network's input in device memory to the logits */
} tsm_schedule;

/* Blocking: may run the autotuner. Errors: UNSUPPORTED, MEMORY, DEVICE. */
tsm_status tsm_schedule_make(tsm_schedule *schedule, const tsm_cuda_state *state, const tsm_graph *graph,
                             tsm_shift_method method, tsm_tuner *tuner, tsm_error *error);
void tsm_schedule_clear(tsm_schedule *schedule);

/* Device address of a node's value, and of its scratch (NULL where it has none). */
void *tsm_schedule_value(const tsm_schedule *schedule, int node);
void *tsm_schedule_scratch(const tsm_schedule *schedule, int node);

/* schedule_steps.c: appends the steps of every node. */
tsm_status tsm_schedule_make_steps(tsm_schedule *schedule, tsm_error *error);

#endif
