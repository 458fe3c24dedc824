/* SPDX-License-Identifier: Apache-2.0 */
/* host_slots.c - the states of live streams for backends whose device is the host: one after another. */
#include <string.h>

#include "slots.h"

tsm_status tsm_host_slots_create(tsm_slots **out, tsm_worker *worker, const tsm_slot_layout *layout, int count,
                                 tsm_error *error)
{
    tsm_slots *slots = tsm_alloc_zero(1, sizeof *slots);
    size_t bytes;
    tsm_status status;

    *out = NULL;
    if (!slots) return tsm_fail_memory(error, sizeof *slots);
    TSM_TRY(tsm_slots_size(layout, count, &bytes, error));
    *slots = (tsm_slots){ layout, worker, count, tsm_alloc_aligned(bytes ? bytes : 1, 1) };
    if (!slots->slab) {
        status = tsm_fail_memory(error, bytes);
        goto fail;
    }
    memset(slots->slab, 0, bytes);
    *out = slots;
    return TSM_OK;
fail:
    tsm_free(slots);
    return status;
}

void tsm_host_slots_destroy(tsm_slots *slots)
{
    if (!slots) return;
    tsm_free(slots->slab);
    tsm_free(slots);
}

tsm_status tsm_host_slots_reset(tsm_slots *slots, int slot, tsm_error *error)
{
    const size_t states = slot < 0 ? (size_t)slots->count : 1;

    (void)error;
    memset(tsm_host_slots_state(slots, slot < 0 ? 0 : slot), 0, states * slots->layout->state_bytes);
    return TSM_OK;
}

tsm_status tsm_host_slots_copy(tsm_slots *slots, int to, int from, tsm_error *error)
{
    (void)error;
    memmove(tsm_host_slots_state(slots, to), tsm_host_slots_state(slots, from), slots->layout->state_bytes);
    return TSM_OK;
}

tsm_status tsm_host_slots_read(tsm_slots *slots, int slot, void *state, tsm_error *error)
{
    (void)error;
    memcpy(state, tsm_host_slots_state(slots, slot), slots->layout->state_bytes);
    return TSM_OK;
}

tsm_status tsm_host_slots_write(tsm_slots *slots, int slot, const void *state, tsm_error *error)
{
    (void)error;
    memcpy(tsm_host_slots_state(slots, slot), state, slots->layout->state_bytes);
    return TSM_OK;
}
