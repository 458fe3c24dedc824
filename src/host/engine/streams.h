/* SPDX-License-Identifier: Apache-2.0 */
/* streams.h - the inside of a tsm_online: a context whose plans carry the states of live streams. */
#ifndef TSM_ENGINE_STREAMS_H
#define TSM_ENGINE_STREAMS_H

#include <tsm/online.h>

#include "consensus.h"
#include "engine.h"

/* Of a stream, what is not in its caches. */
typedef struct tsm_online_slot {
    uint64_t frames;
    bool torn;     /* a push failed halfway: the caches are of two frames */
    uint64_t call; /* the last push that it was part of */
} tsm_online_slot;

struct tsm_online {
    tsm_context *context; /* with plans of 1, 2, 4, ..., batch frames */
    tsm_slot_layout layout;
    int count, batch; /* slots; frames of the largest plan */
    int height, width;
    tsm_consensus_rule rule;
    tsm_online_slot *slots;
    float *kept;   /* of the consensus, slot after slot */
    float *logits; /* (batch, classes), where the caller has no place for them or they lie elsewhere */
    uint64_t calls;
};

/* ARGUMENT where there is no such slot. `online` may be NULL. */
tsm_status tsm_online_check_slot(const tsm_online *online, int slot, const char *what, tsm_error *error);

/* What the consensus keeps of a slot. */
static inline float *tsm_online_kept(const tsm_online *online, int slot)
{
    return online->kept + (size_t)slot * tsm_consensus_floats(&online->rule);
}

/* Bytes that tsm_online_save writes. */
size_t tsm_online_saved_bytes(const tsm_online *online);

#endif
