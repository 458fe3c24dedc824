/* SPDX-License-Identifier: Apache-2.0 */
/* steps.h - what a run does, one after another, each step with its buffers. */
#ifndef TSM_CPU_STEPS_H
#define TSM_CPU_STEPS_H

#include "attention.h"
#include "gather.h"
#include "inverted.h"
#include "ops.h"
#include "winograd.h"

typedef struct tsm_cpu_step tsm_cpu_step;

/* A kind of step: what it does, and what a profile calls it (NULL: oneDNN's name of the primitive). */
typedef struct tsm_cpu_step_kind {
    tsm_status (*run)(const tsm_cpu_step *step, tsm_error *error);
    const char *how;
} tsm_cpu_step_kind;

extern const tsm_cpu_step_kind tsm_cpu_step_copy, tsm_cpu_step_shift_copy, tsm_cpu_step_shift, tsm_cpu_step_unshift,
    tsm_cpu_step_renew_copy, tsm_cpu_step_renew, tsm_cpu_step_take_back, tsm_cpu_step_pick, tsm_cpu_step_product,
    tsm_cpu_step_gather, tsm_cpu_step_winograd, tsm_cpu_step_inverted, tsm_cpu_step_attention, tsm_cpu_step_add,
    tsm_cpu_step_act, tsm_cpu_step_scale, tsm_cpu_step_maxpool, tsm_cpu_step_avgpool, tsm_cpu_step_window_mean,
    tsm_cpu_step_tmean, tsm_cpu_step_tpool;

/* Which members count depends on the kind. */
struct tsm_cpu_step {
    const tsm_cpu_step_kind *kind;
    const tsm_node *node;
    int index; /* of the node */
    const float *x, *y;
    float *out, *edges;
    const float *value; /* of the node */
    tsm_dims in, dims;  /* of the node's first operand and of its value */
    tsm_dnnl_bound product;
    tsm_cpu_gather gather;
    tsm_cpu_winograd winograd;
    tsm_cpu_inverted inverted;
    tsm_cpu_caches caches; /* of live streams */
    const int *const *slot;
    tsm_cpu_attention_bound *attention; /* owned */
};

/* A plan in an arena. */
typedef struct tsm_cpu_binding {
    tsm_cpu_step *steps;
    int count;
    float *input;        /* where the network's input goes, (N,T,H,W,C) */
    const float *logits; /* where its output is */
} tsm_cpu_binding;

#define TSM_CPU_HOW_BYTES 80

/* What a profile calls a step; in `text`, or static. */
const char *tsm_cpu_step_how(const tsm_cpu_step *step, char text[TSM_CPU_HOW_BYTES]);

#endif
