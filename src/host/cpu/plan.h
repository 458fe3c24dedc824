/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - a plan of the CPU backend: the list of steps that a run takes, with every buffer in its place. */
#ifndef TSM_CPU_PLAN_H
#define TSM_CPU_PLAN_H

#include "graph/memplan.h"
#include "attention.h"
#include "gather.h"
#include "ops.h"
#include "state.h"

typedef struct tsm_cpu_step tsm_cpu_step;

/* One thing to do, with all that it needs. Which members count depends on `run`. */
struct tsm_cpu_step {
    tsm_status (*run)(const tsm_cpu_step *step, tsm_error *error);
    const tsm_node *node;
    const float *x, *y;
    float *out, *edges;
    tsm_dims in;
    int64_t count; /* elements of the node's value */
    tsm_dnnl_bound bound;
    tsm_cpu_gather gather;
    const tsm_cpu_attention *attention;
};

typedef struct tsm_cpu_plan {
    tsm_cpu_state *state;
    const tsm_graph *graph;
    dnnl_stream_t stream;
    tsm_dnnl_op *ops;               /* per node; of CONV and FC where oneDNN computes them */
    tsm_cpu_attention **attentions; /* per node; of ATTENTION */
    tsm_memplan memory;
    float *arena;
    tsm_cpu_step *steps;
    int count;
    float *input;        /* where the network's input goes, (N,T,H,W,C) */
    const float *logits; /* where its output is */
    tsm_dims input_dims, logits_dims;
} tsm_cpu_plan;

/* Makes a plan for a graph whose dims are inferred; the graph must outlive it. To be called with the OpenMP settings
 * that runs will have. */
tsm_status tsm_cpu_plan_create(tsm_cpu_plan **plan, tsm_cpu_state *state, const tsm_graph *graph, uint64_t *bytes,
                               tsm_error *error);
void tsm_cpu_plan_destroy(tsm_cpu_plan *plan);

#endif
