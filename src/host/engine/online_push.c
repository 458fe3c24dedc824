/* SPDX-License-Identifier: Apache-2.0 */
/* online_push.c - a frame of each of some streams: checked, cut into batches that are planned, run. */
#include <stdio.h>

#include "streams.h"

/* A call, checked. */
typedef struct push {
    tsm_online *online;
    const int *slots;
    int count;
    const tsm_tensor *frames, *logits, *consensus;
} push;

/* ---- Checks: nothing has changed yet -----------------------------------------------------------------------------
 */

static tsm_status check_slots(tsm_online *online, const int *slots, int count, tsm_error *error)
{
    if (!slots) return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: no slots (NULL)");
    if (count < 1 || count > online->count)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: frames of %d streams, want 1 to %d", count, online->count);
    online->calls++;
    for (int i = 0; i < count; i++) {
        tsm_online_slot *slot;

        TSM_TRY_RETURN(tsm_online_check_slot(online, slots[i], "push", error));
        slot = &online->slots[slots[i]];
        if (slot->torn)
            return tsm_fail(error, TSM_ERROR_ARGUMENT,
                            "push: slot %d is between two frames, as its last push failed; reset or restore it",
                            slots[i]);
        if (slot->call == online->calls)
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: slot %d is given twice", slots[i]);
        slot->call = online->calls;
    }
    return TSM_OK;
}

/* Rows of logits that a caller has room for. */
static tsm_status check_rows(const push *p, const tsm_tensor *rows, const char *name, bool on_host, tsm_error *error)
{
    if (!rows) return TSM_OK;
    if (!rows->data) return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: %s: no data (NULL)", name);
    if (rows->dtype != TSM_FLOAT32 || rows->layout != TSM_NC || rows->ndim != 2 || rows->dims[0] != p->count ||
        rows->dims[1] != p->online->rule.classes)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: %s: must be float32 NC, %dx%d", name, p->count,
                        p->online->rule.classes);
    if (on_host && rows->memory == TSM_MEMORY_DEVICE)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: %s: must be in host memory where there is a consensus",
                        name);
    return TSM_OK;
}

static tsm_status check_frames(const push *p, tsm_error *error)
{
    if (!p->frames) return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: no frames (NULL)");
    if (p->frames->ndim != 5 || p->frames->dims[0] != p->count || p->frames->dims[1] != 1)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: frames: must have 5 dimensions that begin %dx1", p->count);
    return TSM_OK;
}

static tsm_status check(const push *p, tsm_error *error)
{
    const bool combined = p->online->rule.kind != TSM_CONSENSUS_NONE || p->consensus;

    TSM_TRY_RETURN(check_slots(p->online, p->slots, p->count, error));
    TSM_TRY_RETURN(check_frames(p, error));
    TSM_TRY_RETURN(check_rows(p, p->logits, "logits", combined, error));
    return check_rows(p, p->consensus, "consensus", true, error);
}

/* ---- Runs -------------------------------------------------------------------------------------------------------
 */

/* The next batch: the largest that is planned. */
static int next_batch(const tsm_online *online, int left)
{
    int n = 1;

    if (left >= online->batch) return online->batch;
    while (2 * n <= left) n *= 2;
    return n;
}

/* Where the logits of a batch go, as the engine's output. */
static tsm_status output_of(const push *p, int first, int n, tsm_tensor *output, tsm_error *error)
{
    const bool per_frame = p->online->context->engine->graph->per_frame;

    if (p->logits) {
        TSM_TRY_RETURN(tsm_tensor_slice(p->logits, first, n, output, error));
    } else {
        *output = (tsm_tensor){ .data = p->online->logits,
                                .dtype = TSM_FLOAT32,
                                .layout = TSM_NC,
                                .ndim = 2,
                                .dims = { n, p->online->rule.classes } };
    }
    if (!per_frame) return TSM_OK;
    output->layout = TSM_NTC;
    output->ndim = 3;
    output->dims[2] = output->dims[1];
    output->dims[1] = 1;
    return TSM_OK;
}

/* The batch's frames count now, and become part of the consensus. */
static void take_logits(const push *p, int first, int n, const tsm_tensor *output)
{
    const size_t classes = (size_t)p->online->rule.classes;
    float *results = p->consensus ? p->consensus->data : NULL;

    for (int i = 0; i < n; i++) {
        tsm_online_slot *slot = &p->online->slots[p->slots[first + i]];

        if (results || p->online->rule.kind != TSM_CONSENSUS_NONE)
            tsm_consensus_take(&p->online->rule, tsm_online_kept(p->online, p->slots[first + i]), slot->frames,
                               (const float *)output->data + (size_t)i * classes,
                               results ? results + (size_t)(first + i) * classes : NULL);
        slot->frames++;
        slot->torn = false;
    }
}

static tsm_status run_batch(const push *p, int first, int n, tsm_error *error)
{
    tsm_run_arguments arguments = { .slot = p->slots + first };
    tsm_tensor input, output;

    TSM_TRY_RETURN(tsm_tensor_slice(p->frames, first, n, &input, error));
    TSM_TRY_RETURN(output_of(p, first, n, &output, error));
    arguments.input = &input;
    arguments.output = &output;
    TSM_TRY_RETURN(tsm_context_check_run(p->online->context, &arguments, error));
    for (int i = 0; i < n; i++) p->online->slots[p->slots[first + i]].torn = true;
    TSM_TRY_RETURN(tsm_context_run(p->online->context, &arguments, error));
    take_logits(p, first, n, &output);
    return TSM_OK;
}

/* Clips of a batch are rows of the call: the error says which. */
static tsm_status tell_batch(const push *p, int first, int n, tsm_status status, tsm_error *error)
{
    char text[64];

    if (n == 1)
        snprintf(text, sizeof text, "push: slot %d", p->slots[first]);
    else
        snprintf(text, sizeof text, "push: clips of rows %d to %d", first, first + n - 1);
    return tsm_error_prefix(error, status, text);
}

tsm_status tsm_online_push(tsm_online *online, const int *slots, int count, const tsm_tensor *frames,
                           const tsm_tensor *logits, const tsm_tensor *consensus, tsm_error *error)
{
    const push p = { online, slots, count, frames, logits, consensus };

    if (!online) return tsm_fail(error, TSM_ERROR_ARGUMENT, "push: no streams (NULL)");
    TSM_TRY_RETURN(check(&p, error));
    for (int first = 0, n; first < count; first += n) {
        tsm_status status;

        n = next_batch(online, count - first);
        status = run_batch(&p, first, n, error);
        if (status != TSM_OK) return tell_batch(&p, first, n, status, error);
    }
    return TSM_OK;
}
