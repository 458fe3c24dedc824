/* SPDX-License-Identifier: Apache-2.0 */
/* consensus.h - what a live stream says as of its latest frame: arithmetic on rows of logits, on the host. */
#ifndef TSM_ENGINE_CONSENSUS_H
#define TSM_ENGINE_CONSENSUS_H

#include <tsm/online.h>

#include "core/status.h"

typedef struct tsm_consensus_rule {
    tsm_consensus kind;
    int window, classes;
    float weight;
} tsm_consensus_rule;

/* Floats that a stream keeps: nothing; the mean; the last `window` rows; the average. */
size_t tsm_consensus_floats(const tsm_consensus_rule *rule);

/* The stream's frame number `frame`, from 0 on, has `logits`: `kept` is brought up to date, and the consensus goes to
 * `out` (NULL: nobody asks). The order of sums depends on the number of frames alone. */
void tsm_consensus_take(const tsm_consensus_rule *rule, float *kept, uint64_t frame, const float *logits, float *out);

#endif
