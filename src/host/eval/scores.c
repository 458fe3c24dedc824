/* SPDX-License-Identifier: Apache-2.0 */
/* scores.c - see scores.h. */
#include "scores.h"

#include "failure.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Adds weight * softmax(logits) to `sum`, shifted by the largest so that nothing overflows. */
static void add_softmax(const double *logits, int classes, double weight, double *sum)
{
    double largest = logits[0], total = 0;

    for (int i = 1; i < classes; i++) largest = fmax(largest, logits[i]);
    for (int i = 0; i < classes; i++) total += exp(logits[i] - largest);
    for (int i = 0; i < classes; i++) sum[i] += weight * exp(logits[i] - largest) / total;
}

static tsm_status check_logits(const float *logits, int clips, int classes, tsm_error *error)
{
    for (size_t i = 0; i < (size_t)clips * (size_t)classes; i++)
        if (!isfinite(logits[i]))
            return eval_fail(error, TSM_ERROR_FORMAT, "the network's score of class %zu is not a number",
                             i % (size_t)classes);
    return TSM_OK;
}

static void average(const float *logits, int clips, int classes, double *means)
{
    for (int i = 0; i < classes; i++) {
        means[i] = 0;
        for (int clip = 0; clip < clips; clip++) means[i] += logits[(size_t)clip * (size_t)classes + (size_t)i];
        means[i] /= clips;
    }
}

tsm_status scores_combine(tsm_video_mode mode, const float *logits, int clips, int classes, double *scores,
                          double *means, tsm_error *error)
{
    tsm_status status = check_logits(logits, clips, classes, error);

    if (status != TSM_OK) return status;
    memset(scores, 0, (size_t)classes * sizeof *scores);
    for (int clip = 0; clip < clips && mode == TSM_MODE_MMACTION2; clip++) {
        for (int i = 0; i < classes; i++) means[i] = logits[(size_t)clip * (size_t)classes + (size_t)i];
        add_softmax(means, classes, 1.0 / clips, scores);
    }
    average(logits, clips, classes, means);
    if (mode != TSM_MODE_MMACTION2) add_softmax(means, classes, 1, scores);
    return TSM_OK;
}

tsm_status scores_combine_multi(tsm_video_mode mode, const float *logits, int clips, int classes, double *scores,
                                double *means, tsm_error *error)
{
    tsm_status status = check_logits(logits, clips, classes, error);

    if (status != TSM_OK) return status;
    average(logits, clips, classes, means);
    for (int i = 0; i < classes; i++) {
        scores[i] = mode == TSM_MODE_MMACTION2 ? 0 : 1 / (1 + exp(-means[i]));
        for (int clip = 0; clip < clips && mode == TSM_MODE_MMACTION2; clip++)
            scores[i] += 1 / (1 + exp(-(double)logits[(size_t)clip * (size_t)classes + (size_t)i])) / clips;
    }
    return TSM_OK;
}

static bool better(const double *scores, const double *means, int a, int b)
{
    if (scores[a] != scores[b]) return scores[a] > scores[b];
    if (means[a] != means[b]) return means[a] > means[b];
    return a < b;
}

void scores_top(const double *scores, const double *means, int classes, int count, int *top)
{
    int found = 0;

    for (int i = 0; i < classes; i++) {
        int at = found < count ? found : count;

        while (at > 0 && better(scores, means, i, top[at - 1])) at--;
        if (at == count) continue;
        if (found < count) found++;
        memmove(top + at + 1, top + at, (size_t)(found - at - 1) * sizeof *top);
        top[at] = i;
    }
}
