/* SPDX-License-Identifier: Apache-2.0 */
/* online_slots.c - beginning a stream anew, copying one, and how far it is. */
#include <string.h>

#include "streams.h"

tsm_status tsm_online_check_slot(const tsm_online *online, int slot, const char *what, tsm_error *error)
{
    if (!online) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no streams (NULL)", what);
    if (slot >= 0 && slot < online->count) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: there is no slot %d, only 0 to %d", what, slot,
                    online->count - 1);
}

/* Slots first to end - 1 are new, once the device says so of `slot`. */
static tsm_status begin_anew(tsm_online *online, int slot, int first, int end, tsm_error *error)
{
    const tsm_context *context = online->context;

    for (int i = first; i < end; i++) online->slots[i].torn = true;
    TSM_TRY_RETURN(context->engine->backend->slots_reset(context->slots, slot, error));
    for (int i = first; i < end; i++) {
        online->slots[i].torn = false;
        online->slots[i].frames = 0;
    }
    memset(tsm_online_kept(online, first), 0,
           (size_t)(end - first) * tsm_consensus_floats(&online->rule) * sizeof(float));
    return TSM_OK;
}

tsm_status tsm_online_reset(tsm_online *online, int slot, tsm_error *error)
{
    if (online && slot == -1) return begin_anew(online, -1, 0, online->count, error);
    TSM_TRY_RETURN(tsm_online_check_slot(online, slot, "reset", error));
    return begin_anew(online, slot, slot, slot + 1, error);
}

tsm_status tsm_online_copy(tsm_online *online, int to, int from, tsm_error *error)
{
    const tsm_context *context;

    TSM_TRY_RETURN(tsm_online_check_slot(online, to, "copy", error));
    TSM_TRY_RETURN(tsm_online_check_slot(online, from, "copy", error));
    if (online->slots[from].torn)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "copy: slot %d is between two frames, as its last push failed",
                        from);
    if (to == from) return TSM_OK;
    context = online->context;
    online->slots[to].torn = true;
    TSM_TRY_RETURN(context->engine->backend->slots_copy(context->slots, to, from, error));
    online->slots[to].torn = false;
    online->slots[to].frames = online->slots[from].frames;
    memcpy(tsm_online_kept(online, to), tsm_online_kept(online, from),
           tsm_consensus_floats(&online->rule) * sizeof(float));
    return TSM_OK;
}

uint64_t tsm_online_frames(const tsm_online *online, int slot)
{
    return online && slot >= 0 && slot < online->count ? online->slots[slot].frames : 0;
}
