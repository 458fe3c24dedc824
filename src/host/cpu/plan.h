/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - plans of the CPU backend, and the worker whose arena they lie in.
 *
 * A plan is compiled for a shape first (plan.c): primitives, and offsets of values and scratch. Then it is bound to
 * an arena (bind.c): a list of steps with every buffer in its place (steps.h). Where the arena of a worker has to
 * grow, every plan is bound to the new one before any lets go of the old one (worker.c).
 */
#ifndef TSM_CPU_PLAN_H
#define TSM_CPU_PLAN_H

#include "prepared.h"
#include "steps.h"
#include "waiting.h"

struct tsm_plan {
    tsm_worker *worker;
    const tsm_graph *graph;
    const tsm_dims *shapes;
    tsm_slots *slots;               /* NULL: whole clips */
    const int *slot;                /* of a run */
    tsm_dnnl_op *ops;               /* per node; of CONV and FC where oneDNN computes them */
    tsm_cpu_attention **attentions; /* per node; of ATTENTION */
    int *last_use;
    tsm_memplan_value *values;
    uint64_t *scratch;
    int64_t *scratch_offsets;
    tsm_memplan memory;
    tsm_cpu_binding bound, moved; /* moved: to an arena that is not the worker's yet */
    tsm_plan *next;               /* of the worker */
};

struct tsm_worker {
    tsm_prepared *prepared;
    dnnl_stream_t *streams; /* a thread */
    float *arena;           /* of all plans: only one runs at a time */
    uint64_t arena_bytes;
    tsm_plan *plans;
    tsm_cpu_waiting waiting;
};

/* ---- plan.c ---------------------------------------------------------------------------------------------------- */

/* Compiles a plan that is bound to nothing yet. To be called with the OpenMP settings that runs will have. Errors:
 * MEMORY, DEVICE, UNSUPPORTED, CANCELLED. */
tsm_status tsm_cpu_plan_create(tsm_plan **plan, tsm_worker *worker, const tsm_plan_arguments *arguments,
                               tsm_error *error);
void tsm_cpu_plan_destroy(tsm_plan *plan);

/* ---- space.c --------------------------------------------------------------------------------------------------- */

/* Bytes of the three parts of a CONV's scratch, which lie in this order: for the kernel, for the shift, for the
 * pixels that a stride picks. */
typedef struct tsm_cpu_conv_space {
    uint64_t op, shift, pick;
} tsm_cpu_conv_space;

tsm_cpu_conv_space tsm_cpu_conv_space_of(const tsm_plan *plan, int node);

/* 1x1 with a stride: the pixels that count are brought together first. */
bool tsm_cpu_picks(const tsm_node *node);

/* The block that ends with a PROJECT node, without its buffers. */
tsm_cpu_inverted tsm_cpu_inverted_of(const tsm_plan *plan, int node);

/* Bytes of its scratch: for the kernel, then for a frame of live streams, shifted, as the residual is read as it was. */
typedef struct tsm_cpu_inverted_space {
    uint64_t op, shift;
} tsm_cpu_inverted_space;

tsm_cpu_inverted_space tsm_cpu_inverted_space_of(const tsm_plan *plan, int node);

/* The kernel itself reads shifted frames. Of live streams it gets a frame that is shifted already. */
bool tsm_cpu_loads_shifted(const tsm_plan *plan, int node);

/* A shift in place must be undone where somebody still needs the value as it was. */
bool tsm_cpu_restores(const tsm_plan *plan, int node);

/* ---- bind.c ---------------------------------------------------------------------------------------------------- */

/* Fills `bound`, which is zero, with the steps of a plan in `arena`. Errors as above. */
tsm_status tsm_cpu_bind(tsm_cpu_binding *bound, const tsm_plan *plan, float *arena, tsm_error *error);
void tsm_cpu_unbind(tsm_cpu_binding *bound);

/* ---- worker.c -------------------------------------------------------------------------------------------------- */

tsm_status tsm_cpu_worker_create(tsm_worker **worker, tsm_prepared *prepared, tsm_error *error);
void tsm_cpu_worker_destroy(tsm_worker *worker);

/* Binds a compiled plan to the worker's arena, which grows where it has to, and adds it to the worker's. On failure
 * neither has changed. Errors: MEMORY, DEVICE. */
tsm_status tsm_cpu_worker_add(tsm_worker *worker, tsm_plan *plan, tsm_error *error);

/* Takes it out again and destroys it. */
void tsm_cpu_worker_remove(tsm_worker *worker, tsm_plan *plan);

/* ---- run.c ----------------------------------------------------------------------------------------------------- */

tsm_status tsm_cpu_run(tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error);

#endif
