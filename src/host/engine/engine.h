/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - the inside of an engine and of a context. */
#ifndef TSM_ENGINE_ENGINE_H
#define TSM_ENGINE_ENGINE_H

#include "devices.h"
#include "graph/backend.h"
#include "pixels/pixels.h"

/* ---- engine.c: a model made ready on one device ---------------------------------------------------------------- */

struct tsm_engine {
    unsigned holders; /* the caller's handle and every context; atomic */
    const tsm_backend *backend;
    tsm_prepared *prepared;
    tsm_graph *graph; /* optimised; its weights are gone once the backend has taken them */
    tsm_backend_report report;
    tsm_precision precision;
    uint64_t max_bytes; /* of a context; 0: no limit */
    uint64_t identity;  /* of the network and its weights, where live streams can use it */
    char device[24];    /* "cuda:0" */
};

/* As tsm_engine_create, of a graph as a model draws it, no pass run: for networks that no checkpoint holds. *graph is
 * taken, also on failure, and set to NULL; what its weights lie in must live during the call. */
tsm_status tsm_engine_create_of_graph(tsm_engine **engine, tsm_graph **graph, const tsm_engine_options *options,
                                      tsm_error *error);

/* One holder more, or one less: the last one ends the engine. */
void tsm_engine_hold(tsm_engine *engine);
void tsm_engine_let_go(tsm_engine *engine);

/* The caller's options, checked, and with what they do not say from the environment; and the device that they name.
 * Errors: ARGUMENT. */
tsm_status tsm_engine_options_check(tsm_engine_options *options, tsm_backend_config *config, tsm_device *device,
                                    const tsm_engine_options *caller, tsm_error *error);

/* ---- context.c: the plans of one thread ------------------------------------------------------------------------ */

/* A plan of a context. */
typedef struct tsm_planned tsm_planned;
struct tsm_planned {
    tsm_dims *shapes; /* of every node of the engine's graph */
    tsm_plan *plan;
    bool resizes; /* frames come at another size, in `resize` */
    tsm_resample resize;
    tsm_planned *next;
};

struct tsm_context {
    tsm_engine *engine; /* held */
    tsm_worker *worker; /* made with the first plan */
    tsm_slots *slots;   /* live streams, which every plan is for; NULL: none */
    tsm_planned *plans; /* the latest first */
    void *frames;       /* where the backend does not resize: (n,t,h,w,3) of the largest plan that does */
    void *scratch;      /* of one frame; likewise */
    size_t frame_bytes, scratch_bytes;
};

/* Makes the worker, where there is none yet. Errors: MEMORY, DEVICE. */
tsm_status tsm_context_make_worker(tsm_context *context, tsm_error *error);

/* The shape that a plan is made for: that of the graph's one input. */
static inline const tsm_dims *tsm_planned_input(const tsm_context *context, const tsm_planned *planned)
{
    return &planned->shapes[tsm_graph_input(context->engine->graph)];
}

/* A shape within the limits of tsm_shape. `shape` may be NULL. Errors: ARGUMENT. */
tsm_status tsm_shape_check(const tsm_shape *shape, tsm_error *error);

/* The shape of every node's value, for the caller to free. Errors: ARGUMENT, MEMORY. */
tsm_status tsm_graph_shapes(tsm_dims **shapes, const tsm_graph *graph, const tsm_shape *shape, tsm_error *error);

/* ---- resize.c: frames that come at another size ---------------------------------------------------------------- */

/* What the caller asks for as a resample to the size of `input`. Errors: ARGUMENT. */
tsm_status tsm_resize_read(tsm_resample_spec *spec, const tsm_resize *resize, const tsm_dims *input,
                           tsm_error *error);

/* Room for a plan's frames where it is for the engine to resample them. Errors: MEMORY, and then there is as much
 * room as before. */
tsm_status tsm_context_make_room(tsm_context *context, const tsm_planned *planned, tsm_error *error);
void tsm_context_free_room(tsm_context *context);

/* The context's own frames, resized from uint8 input. */
tsm_tensor tsm_context_resample(tsm_context *context, const tsm_planned *planned, const tsm_tensor *input);

/* ---- run.c ------------------------------------------------------------------------------------------------------
 */

/* Checks the tensors, finds the plan that the input fits, and runs it, with who listens in `arguments`. Errors: as
 * tsm_run. */
tsm_status tsm_context_run(tsm_context *context, const tsm_run_arguments *arguments, tsm_error *error);

/* Whether that would be refused before anything runs. Errors: ARGUMENT. */
tsm_status tsm_context_check_run(const tsm_context *context, const tsm_run_arguments *arguments, tsm_error *error);

/* The plan that runs of `input` take, or NULL and an error that names its shape and those that are planned. */
const tsm_planned *tsm_context_find_plan(const tsm_context *context, const tsm_tensor *input, tsm_error *error);

#endif
