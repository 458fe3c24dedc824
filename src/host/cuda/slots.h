/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.h - the states of live streams on the device: in one slab, layer after layer, each layer's caches of all
 * slots side by side, as tsm_kernel_shift_online reads and writes them.
 */
#ifndef TSM_CUDA_SLOTS_H
#define TSM_CUDA_SLOTS_H

#include "graph/backend.h"

/* Device address of a node's cache of one slot; those of the next slots follow. */
void *tsm_cuda_slots_cache(const tsm_slots *slots, int node, int slot);

/* As in backend.h; each makes the device current, and waits. */
tsm_status tsm_cuda_slots_create(tsm_slots **slots, tsm_worker *worker, const tsm_slot_layout *layout, int count,
                                 tsm_error *error);
void tsm_cuda_slots_destroy(tsm_slots *slots);
tsm_status tsm_cuda_slots_reset(tsm_slots *slots, int slot, tsm_error *error);
tsm_status tsm_cuda_slots_copy(tsm_slots *slots, int to, int from, tsm_error *error);
tsm_status tsm_cuda_slots_read(tsm_slots *slots, int slot, void *state, tsm_error *error);
tsm_status tsm_cuda_slots_write(tsm_slots *slots, int slot, const void *state, tsm_error *error);

#endif
