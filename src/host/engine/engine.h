/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - the inside of an engine and of a context. */
#ifndef TSM_ENGINE_ENGINE_H
#define TSM_ENGINE_ENGINE_H

#include "pixels/pixels.h"
#include "graph/backend.h"

struct tsm_engine {
    const tsm_backend *backend;
    void *state;
    tsm_graph *graph; /* optimised; its weights are gone once the backend has taken them */
    tsm_backend_report report;
    tsm_precision precision;
    char device[24]; /* "cuda:0" */
};

struct tsm_context {
    const tsm_engine *engine;
    tsm_graph *graph; /* clone with the shapes of the plan; NULL without one */
    void *plan;
    uint64_t bytes;

    tsm_resample resize; /* zero without one; graph->resize points here */
    uint8_t *frames;     /* (n,t,h,w,3), resized, where the backend does not resize; NULL otherwise */
    void *scratch;       /* of one frame */
};

typedef enum tsm_device_kind {
    TSM_DEVICE_AUTO,
    TSM_DEVICE_CPU,
    TSM_DEVICE_CUDA,
    TSM_DEVICE_REFERENCE
} tsm_device_kind;

typedef struct tsm_device {
    tsm_device_kind kind;
    int index; /* of a CUDA device */
} tsm_device;

/* "auto", "cpu", "cuda", "cuda:N" or "reference"; NULL is "auto". Errors: ARGUMENT. */
tsm_status tsm_device_parse(tsm_device *device, const char *text, tsm_error *error);

/* The CUDA backend, out of its plugin, which stays loaded. Errors: DEVICE, saying why it cannot be had. */
tsm_status tsm_device_cuda(const tsm_backend **backend, tsm_error *error);

/* A shape that can be planned: n, h and w at least 1, t at least 0. `shape` may be NULL. Errors: ARGUMENT. */
tsm_status tsm_shape_check(const tsm_shape *shape, tsm_error *error);

/* The shape that a graph is planned for: that of its one input. */
const tsm_dims *tsm_graph_input_dims(const tsm_graph *graph);

/* resize.c: what a context with a resize has besides its plan. The graph's shapes are inferred. Errors: ARGUMENT,
 * MEMORY; what was made until then is for tsm_context_drop_resize. */
tsm_status tsm_context_make_resize(tsm_context *context, const tsm_resize *resize, tsm_error *error);
void tsm_context_drop_resize(tsm_context *context);
uint64_t tsm_context_resize_bytes(const tsm_context *context);

/* The context's own frames, resized from uint8 input. */
tsm_tensor tsm_context_resample(tsm_context *context, const tsm_tensor *input);

#endif
