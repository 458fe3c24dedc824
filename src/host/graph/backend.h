/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h - what a device must offer: one struct of functions. The engine knows backends only through it.
 *
 * prepare -> plan -> run -> plan_release -> release. All failure, apart from the device's own, is before run.
 */
#ifndef TSM_GRAPH_BACKEND_H
#define TSM_GRAPH_BACKEND_H

#include "graph.h"

typedef struct tsm_backend_config {
    int device_index;
    tsm_precision precision;
    int threads; /* 0: as many as the process may run on */
    tsm_shift_method shift_method;
    float mean[3], std[3]; /* for uint8 input, in units of 0..1 */
} tsm_backend_config;

/* What prepare reports of its choices. `library` is static or lives as long as the state. */
typedef struct tsm_backend_report {
    const char *library;
    int threads;
    tsm_shift_method shift_method;
    uint64_t weight_bytes;
} tsm_backend_report;

typedef struct tsm_backend {
    const char *name; /* "cpu" */

    /* Required. Makes the weights of an optimised graph ready. `graph` stays alive, unchanged, until release, but its
     * weight.data pointers are dead once prepare returns: take them here. Errors: UNSUPPORTED, DEVICE, MEMORY. */
    tsm_status (*prepare)(void **state, const tsm_graph *graph, const tsm_backend_config *config,
                          tsm_backend_report *report, tsm_error *error);
    void (*release)(void *state); /* required; NULL is fine */

    /* Optional. One line on what a state came without although it was to be had, such as a damaged cache; NULL:
     * nothing. Does not change, and lives as long as the state. */
    const char *(*note)(const void *state);

    /* Required. Everything that runs of one shape need; `graph` is a clone whose dims are inferred for that shape,
     * alive until plan_release. *bytes: activations and workspace. Thread-safe on one state. */
    tsm_status (*plan)(void **plan, void *state, const tsm_graph *graph, uint64_t *bytes, tsm_error *error);
    void (*plan_release)(void *plan); /* required; NULL is fine */

    /* Required. Tensors were checked against the plan by the engine. Allocates nothing. */
    tsm_status (*run)(void *plan, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error);

    /* Optional: NULL where nothing can be enqueued. As run, but on the caller's stream and without waiting for it. */
    tsm_status (*enqueue)(void *plan, const tsm_tensor *input, const tsm_tensor *output, void *stream,
                          tsm_error *error);

    /* Tensors may lie in the memory of the backend's device; which device is the backend's to check. */
    bool device_memory;

    /* Plans of a graph with a resize take uint8 frames at its input size; otherwise the engine resizes them on the
     * host, before `run`. Required where `enqueue` is offered. */
    bool resizes;

    /* Optional, both or neither: host memory from which the device reads fastest (page-locked), for callers' tensors;
     * *memory is NULL on failure. Thread-safe on one state. Errors: MEMORY, DEVICE. */
    tsm_status (*host_allocate)(void *state, size_t bytes, void **memory, tsm_error *error);
    void (*host_release)(void *state, void *memory);
} tsm_backend;

/* What libtsm_cuda.so exports, under this name: cuDNN, cuBLASLt and our kernels. */
typedef const tsm_backend *tsm_backend_entry(void);

/* Plain C, one node at a time, the oracle of every test; runs graphs before and after passes. */
extern const tsm_backend tsm_backend_reference;

/* oneDNN. */
extern const tsm_backend tsm_backend_cpu;

#endif
