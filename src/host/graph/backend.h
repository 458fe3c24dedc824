/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h - what a device must offer: one table of functions. The engine knows backends only through it, and a
 * plugin links nothing of libtsm but this folder and core.
 *
 *   prepare      the weights of an optimised graph, ready for the device: immutable, shared by threads
 *   worker       what one thread works with: stream, library handles, and one arena in which all its plans lie
 *   plan         everything that runs of one shape need
 *   run          allocates nothing, and fails for nothing but the device
 *
 * They are released in the opposite order. A backend defines the incomplete types for itself.
 */
#ifndef TSM_GRAPH_BACKEND_H
#define TSM_GRAPH_BACKEND_H

#include "graph.h"
#include "memplan.h"
#include "slots.h"

typedef struct tsm_prepared tsm_prepared;
typedef struct tsm_plan tsm_plan;

/* Rises with every change of this header or of what it includes that a plugin built before would not survive. */
#define TSM_BACKEND_ABI 3

typedef struct tsm_backend_config {
    int device_index;
    tsm_precision precision;
    int threads; /* 0: as many as the process may run on */
    tsm_shift_method shift_method;
    bool graphs;        /* a CUDA graph a plan; otherwise kernel by kernel */
    bool tune;          /* time the candidates of a convolution; otherwise a fixed order */
    bool ranges;        /* mark layers for profilers */
    bool wgmma;         /* gathering convolutions on sm_90's own instructions are candidates, too */
    uint64_t max_bytes; /* that a worker may hold; 0: no limit. A plan that needs more is refused with MEMORY, before
                           it allocates, naming both numbers */
    tsm_cancel cancel;  /* heeded in prepare, between what it compiles or tunes; in plan; in run, between layers where
                           the backend launches them one by one. Copied by prepare */
    const char *cache_dir; /* where tuning results are kept, for the call of prepare; NULL: the backend's default; "":
                              nowhere */
} tsm_backend_config;

/* What prepare reports of its choices. `library` is static or lives as long as what was prepared. */
typedef struct tsm_backend_report {
    const char *library;
    int threads;
    tsm_shift_method shift_method;
    uint64_t weight_bytes;
} tsm_backend_report;

/* What a plan is made for. Both are borrowed, and live longer than the plan. */
typedef struct tsm_plan_arguments {
    const tsm_dims *shapes;            /* of every node's value, by tsm_graph_infer */
    const struct tsm_resample *resize; /* how uint8 frames come to the size of the input; NULL: they have it. Only
                                        * where the backend `resizes` */
    tsm_slots *slots; /* live streams: clips of one frame, each after the last one of its slot, whose state the run
                         reads and renews; NULL: whole clips. Of the same worker */
} tsm_plan_arguments;

/* Sees values of a run as they are made: float32 (N,T,H,W,C), valid during the call. For calibration and debugging:
 * the run is slower, and waits for the device. Values that a fused step never makes are not shown. */
typedef struct tsm_visitor {
    void (*value)(void *user, int node, const tsm_dims *dims, const float *values);
    void *user;
} tsm_visitor;

/* Collects what each step of a run took. `layer` and `how` are valid during the call. */
typedef struct tsm_profiler {
    void (*step)(void *user, int node, const char *how, double ms);
    void *user;
} tsm_profiler;

/* The engine has checked the tensors against the plan. */
typedef struct tsm_run_arguments {
    const tsm_tensor *input, *output;
    bool enqueue; /* on `stream`, without waiting for it */
    void *stream;
    const tsm_visitor *visitor;   /* NULL: none. Not with enqueue */
    const tsm_profiler *profiler; /* NULL: none. Not with enqueue */
    const int *slot;              /* of a plan with slots: that of each clip, all different */
} tsm_run_arguments;

#define TSM_SUPPORT_TEXT 160

typedef struct tsm_backend {
    uint32_t abi;             /* TSM_BACKEND_ABI as the backend was compiled; the first member for ever */
    uint32_t struct_bytes[5]; /* TSM_BACKEND_STRUCTS: finds a change for which the number was not raised */
    const char *name;         /* "cpu" */

    /* Required. Whether a node of an optimised graph can run with `config`, before anything is made: true with how
     * ("1x1 as a matrix product, shift gathered"), false with why not, in `text`. Touches no device. */
    bool (*supports)(const tsm_backend_config *config, const tsm_graph *graph, int node, char text[TSM_SUPPORT_TEXT]);

    /* Required. Makes the weights of an optimised graph ready. `graph` stays alive, unchanged, until release, but its
     * weight.data pointers are dead once prepare returns: take them here. Errors: UNSUPPORTED, DEVICE, MEMORY. */
    tsm_status (*prepare)(tsm_prepared **prepared, const tsm_graph *graph, const tsm_backend_config *config,
                          tsm_backend_report *report, tsm_error *error);
    void (*release)(tsm_prepared *prepared); /* required; NULL is fine */

    /* Optional. One line on what was there but ignored, such as a damaged cache; NULL: nothing. Does not change, and
     * lives as long as what was prepared. */
    const char *(*note)(const tsm_prepared *prepared);

    /* Required. A worker belongs to one thread at a time. Errors: MEMORY, DEVICE. */
    tsm_status (*worker_create)(tsm_worker **worker, tsm_prepared *prepared, tsm_error *error);
    void (*worker_destroy)(tsm_worker *worker);         /* required, after its plans; NULL is fine */
    uint64_t (*worker_bytes)(const tsm_worker *worker); /* required: arena and all that its plans hold besides */

    /* Required. Adds a plan. The arena becomes as large as the largest plan needs; where it has to grow, the other
     * plans of the worker move with it, and on failure everything is as it was. */
    tsm_status (*plan)(tsm_plan **plan, tsm_worker *worker, const tsm_plan_arguments *arguments, tsm_error *error);
    void (*plan_release)(tsm_plan *plan); /* required; NULL is fine. The arena keeps its size */

    /* Required. With `enqueue` only where the backend has streams. Without it, float32 input that is not finite fails
     * by tsm_fail_input, found in the pass that reads it, and so do logits that are not finite by tsm_fail_logits
     * where they are in device memory; in host memory the engine looks at them. */
    tsm_status (*run)(tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error);

    /* Optional, all or none: the states of `count` live streams, as `layout` (borrowed; it lives
     * longer) says. Made before the plans that use them, and zero once these are made and slots_reset was called, as
     * a plan may be tried on them; destroyed after the plans and before the worker. A slot is within count; `state`
     * is host memory of layout->state_bytes. Errors: MEMORY, DEVICE. */
    tsm_status (*slots_create)(tsm_slots **slots, tsm_worker *worker, const tsm_slot_layout *layout, int count,
                               tsm_error *error);
    void (*slots_destroy)(tsm_slots *slots);                                 /* NULL is fine */
    tsm_status (*slots_reset)(tsm_slots *slots, int slot, tsm_error *error); /* as before the first frame; -1: all */
    tsm_status (*slots_copy)(tsm_slots *slots, int to, int from, tsm_error *error);
    tsm_status (*slots_read)(tsm_slots *slots, int slot, void *state, tsm_error *error);
    tsm_status (*slots_write)(tsm_slots *slots, int slot, const void *state, tsm_error *error);

    /* Optional, both or neither: host memory from which the device reads fastest (page-locked), for callers' tensors;
     * *memory is NULL on failure. Thread-safe. Errors: MEMORY, DEVICE. */
    tsm_status (*host_allocate)(tsm_prepared *prepared, size_t bytes, void **memory, tsm_error *error);
    void (*host_release)(tsm_prepared *prepared, void *memory);

    bool streams;       /* run can enqueue */
    bool device_memory; /* tensors may lie in the device's memory; which device is for `run` to check */
    bool resizes; /* plans take a resize; otherwise the engine resizes on the host. Required where it has streams */
} tsm_backend;

#define TSM_BACKEND_STRUCTS                                                                                          \
    {                                                                                                                \
        sizeof(tsm_backend), sizeof(tsm_backend_config), sizeof(tsm_node), sizeof(tsm_graph),                        \
            sizeof(tsm_run_arguments)                                                                                \
    }

/* ARGUMENT, naming clip and frame: a value of frame `frame` of all n * t of the input, in `dims`, is not finite; the
 * logits of row `row` are not. */
tsm_status tsm_fail_input(tsm_error *error, const tsm_dims *dims, int64_t frame);
tsm_status tsm_fail_logits(tsm_error *error, const tsm_dims *logits, int64_t row);

/* What a worker would hold against config->max_bytes. Errors: MEMORY. */
tsm_status tsm_check_bytes(uint64_t bytes, uint64_t max_bytes, tsm_error *error);

/* What a plugin exports, under the name tsm_<device>_backend. */
typedef const tsm_backend *tsm_backend_entry(void);

/* Plain C, one node at a time, the oracle of every test; runs graphs before and after passes. */
extern const tsm_backend tsm_backend_reference;

/* oneDNN. */
extern const tsm_backend tsm_backend_cpu;

#endif
