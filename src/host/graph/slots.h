/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.h - the state of a live stream: for every shift that looks back, the channels of the frame before.
 *
 * A network that looks at no frame to come runs frame by frame. Each of its shifts then needs the first `fold`
 * channels of its input as they were a frame ago: its cache, (h, w, fold), dense. A state is the caches one after
 * another, in the order of their nodes. It is the same on every device; how a backend keeps the states of its streams
 * is its own.
 */
#ifndef TSM_GRAPH_SLOTS_H
#define TSM_GRAPH_SLOTS_H

#include "graph.h"

/* The cache of one node. */
typedef struct tsm_slot_cache {
    int64_t first;  /* number of the state at which it begins */
    int64_t pixels; /* h * w */
    int fold;       /* 0: the node has no cache */
} tsm_slot_cache;

typedef struct tsm_slot_layout {
    tsm_slot_cache *caches; /* a node each */
    int nodes;
    int64_t numbers;    /* of a state */
    tsm_number number;  /* FP32, FP16 or BF16: how they are stored */
    size_t state_bytes; /* of them all */
} tsm_slot_layout;

/* Fails where a node of an optimised graph needs frames to come: UNSUPPORTED, naming it, and what to do. */
tsm_status tsm_graph_check_past_only(const tsm_graph *graph, tsm_error *error);

/* The caches of such a graph for frames of these shapes, whose n does not matter. Errors: UNSUPPORTED as above,
 * MEMORY. */
tsm_status tsm_slot_layout_make(tsm_slot_layout *layout, const tsm_graph *graph, const tsm_dims *shapes,
                                tsm_number number, tsm_error *error);
void tsm_slot_layout_clear(tsm_slot_layout *layout);

/* The states of `count` streams, in memory of the device. A backend whose device is the host keeps them one after
 * another and has the functions below for its table; others arrange them as their kernels read them. */
typedef struct tsm_worker tsm_worker;
typedef struct tsm_slots {
    const tsm_slot_layout *layout;
    tsm_worker *worker;
    int count;
    void *slab;
} tsm_slots;

/* slots_create and so on of backend.h, for numbers in FP32. */
tsm_status tsm_host_slots_create(tsm_slots **slots, tsm_worker *worker, const tsm_slot_layout *layout, int count,
                                 tsm_error *error);
void tsm_host_slots_destroy(tsm_slots *slots);
tsm_status tsm_host_slots_reset(tsm_slots *slots, int slot, tsm_error *error);
tsm_status tsm_host_slots_copy(tsm_slots *slots, int to, int from, tsm_error *error);
tsm_status tsm_host_slots_read(tsm_slots *slots, int slot, void *state, tsm_error *error);
tsm_status tsm_host_slots_write(tsm_slots *slots, int slot, const void *state, tsm_error *error);

#define TSM_HOST_SLOTS                                                                                               \
    .slots_create = tsm_host_slots_create, .slots_destroy = tsm_host_slots_destroy,                                  \
    .slots_reset = tsm_host_slots_reset, .slots_copy = tsm_host_slots_copy, .slots_read = tsm_host_slots_read,       \
    .slots_write = tsm_host_slots_write

/* The state of a slot among those that tsm_host_slots_create made. */
static inline float *tsm_host_slots_state(const tsm_slots *slots, int slot)
{
    return (float *)slots->slab + slot * slots->layout->numbers;
}

/* Bytes that `count` states take. Errors: MEMORY where no memory is that large. */
tsm_status tsm_slots_size(const tsm_slot_layout *layout, int count, size_t *bytes, tsm_error *error);

/* Bytes of one number: 4 or 2. */
static inline size_t tsm_slot_number_bytes(const tsm_slot_layout *layout)
{
    return layout->number == TSM_NUMBER_FP32 ? 4 : 2;
}

#endif
