/* SPDX-License-Identifier: Apache-2.0 */
/* consensus.c - see consensus.h. Each row is summed anew or averaged in place: nothing drifts, however long a stream
 * is. */
#include "consensus.h"

#include <string.h>

size_t tsm_consensus_floats(const tsm_consensus_rule *rule)
{
    switch (rule->kind) {
    case TSM_CONSENSUS_NONE: return 0;
    case TSM_CONSENSUS_WINDOW: return (size_t)rule->window * (size_t)rule->classes;
    default: return (size_t)rule->classes;
    }
}

/* kept += part * (logits - kept), which is a mean or an average without a sum that grows. */
static void approach(float *kept, const float *logits, int classes, double part)
{
    for (int c = 0; c < classes; c++) kept[c] = (float)(kept[c] + part * ((double)logits[c] - kept[c]));
}

static void average_rows(float *out, const float *rows, int count, int classes)
{
    for (int c = 0; c < classes; c++) {
        double sum = 0;

        for (int row = 0; row < count; row++) sum += rows[(size_t)row * (size_t)classes + (size_t)c];
        out[c] = (float)(sum / count);
    }
}

static void take_into_window(const tsm_consensus_rule *rule, float *kept, uint64_t frame, const float *logits,
                             float *out)
{
    const uint64_t window = (uint64_t)rule->window;

    memcpy(kept + frame % window * (uint64_t)rule->classes, logits, (size_t)rule->classes * sizeof *kept);
    if (out) average_rows(out, kept, frame < window ? (int)frame + 1 : rule->window, rule->classes);
}

void tsm_consensus_take(const tsm_consensus_rule *rule, float *kept, uint64_t frame, const float *logits, float *out)
{
    const float *result = kept;

    switch (rule->kind) {
    case TSM_CONSENSUS_NONE: result = logits; break;
    case TSM_CONSENSUS_MEAN: approach(kept, logits, rule->classes, 1 / ((double)frame + 1)); break;
    case TSM_CONSENSUS_WINDOW: take_into_window(rule, kept, frame, logits, out); return;
    case TSM_CONSENSUS_EXPONENTIAL: approach(kept, logits, rule->classes, frame ? (double)rule->weight : 1); break;
    }
    if (out) memcpy(out, result, (size_t)rule->classes * sizeof *out);
}
