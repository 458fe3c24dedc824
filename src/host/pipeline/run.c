/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - a batch through one context, and its outputs to the items. */
#include "pipeline.h"

#include <string.h>

#include "core/status.h"

static size_t clip_bytes(const tsm_item *item)
{
    const int64_t *dims = item->pixels.dims;

    return (size_t)(dims[1] * dims[2] * dims[3] * dims[4]);
}

static tsm_status make_room(tsm_pipeline *p, tsm_lane *lane, size_t bytes, tsm_error *error)
{
    if (bytes <= lane->frame_bytes) return TSM_OK;
    tsm_engine_release(p->engine, lane->frames);
    lane->frames = NULL;
    lane->frame_bytes = 0;
    TSM_TRY_RETURN(tsm_engine_allocate(p->engine, bytes, &lane->frames, &lane->memory, error));
    lane->frame_bytes = bytes;
    return TSM_OK;
}

/* The clips of a batch beside each other; those of one item lie so already. */
static tsm_status gather(tsm_pipeline *p, tsm_lane *lane, const tsm_batch *batch, tsm_tensor *clips, tsm_error *error)
{
    const tsm_part *first = &batch->parts[0];
    const size_t bytes = clip_bytes(first->item);
    uint8_t *to;

    if (batch->part_count == 1)
        return tsm_tensor_slice(&first->item->pixels, first->first, first->count, clips, error);
    TSM_TRY_RETURN(make_room(p, lane, (size_t)batch->clips * bytes, error));
    to = lane->frames;
    for (int i = 0; i < batch->part_count; i++) {
        const tsm_part *part = &batch->parts[i];
        const uint8_t *from = part->item->pixels.data;

        memcpy(to, from + (size_t)part->first * bytes, (size_t)part->count * bytes);
        to += (size_t)part->count * bytes;
    }
    *clips = first->item->pixels;
    clips->data = lane->frames;
    clips->memory = lane->memory;
    clips->dims[0] = batch->clips;
    return TSM_OK;
}

static void scatter(tsm_pipeline *p, const tsm_lane *lane, const tsm_batch *batch)
{
    const size_t values = (size_t)p->values;
    const float *from = lane->outputs;

    for (int i = 0; i < batch->part_count; i++) {
        const tsm_part *part = &batch->parts[i];

        memcpy(part->item->outputs + (size_t)part->first * values, from, (size_t)part->count * values * sizeof *from);
        from += (size_t)part->count * values;
    }
}

static tsm_status run(tsm_pipeline *p, tsm_lane *lane, const tsm_batch *batch, tsm_error *error)
{
    const tsm_item *first = batch->parts[0].item;
    const tsm_shape shape = { batch->clips, p->segments, first->info.crop, first->info.crop };
    tsm_tensor input, output = { .data = lane->outputs, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2 };

    TSM_TRY_RETURN(gather(p, lane, batch, &input, error));
    TSM_TRY_RETURN(
        tsm_context_plan_resize(lane->context, &shape, first->resize.struct_size ? &first->resize : NULL, error));
    output.dims[0] = batch->clips;
    output.dims[1] = p->values;
    TSM_TRY_RETURN(tsm_run(lane->context, &input, &output, error));
    scatter(p, lane, batch);
    return TSM_OK;
}

/* Clips of one item may be in several batches that run at the same time. The item's first failure stays. */
static void fail_part(tsm_pipeline *p, const tsm_part *part, tsm_status status, const tsm_error *error)
{
    pthread_mutex_lock(&p->lock);
    if (part->item->status == TSM_OK) {
        part->item->status = status;
        part->item->error = *error;
    }
    pthread_mutex_unlock(&p->lock);
}

/* One part of a batch as a batch of its own. */
static void run_alone(tsm_pipeline *p, tsm_lane *lane, const tsm_part *part)
{
    tsm_batch alone = { .part_count = 1, .clips = part->count };
    tsm_error error = { .code = TSM_OK };
    tsm_status status;

    alone.parts[0] = *part;
    status = run(p, lane, &alone, &error);
    if (status != TSM_OK) fail_part(p, part, status, &error);
}

/* What an item may take is over. With the lock. */
static void check_time(const tsm_pipeline *p, tsm_item *item)
{
    const double most = p->video.max_seconds;

    if (most <= 0 || item->status != TSM_OK || item->load_ms + item->network_ms <= most * 1e3) return;
    item->status = tsm_fail_file(&item->error, TSM_ERROR_CANCELLED, item->path,
                                 "stopped after the %g seconds that it may take", most);
}

/* Items that have failed meanwhile, or taken too long, need no more runs. */
static bool is_wanted(tsm_pipeline *p, const tsm_batch *batch)
{
    bool wanted = false;

    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < batch->part_count; i++) {
        check_time(p, batch->parts[i].item);
        wanted |= batch->parts[i].item->status == TSM_OK;
    }
    pthread_mutex_unlock(&p->lock);
    return wanted;
}

void tsm_lane_run(tsm_pipeline *p, tsm_lane *lane)
{
    const tsm_batch *batch = &lane->batch;
    tsm_error error = { .code = TSM_OK };
    tsm_status status;

    if (!is_wanted(p, batch)) return;
    status = run(p, lane, batch, &error);
    for (int i = 0; status != TSM_OK && i < batch->part_count; i++) {
        if (batch->part_count == 1)
            fail_part(p, &batch->parts[i], status, &error);
        else
            run_alone(p, lane, &batch->parts[i]);
    }
}

void tsm_lane_clear(tsm_pipeline *p, tsm_lane *lane)
{
    if (lane->frames) tsm_engine_release(p->engine, lane->frames);
    tsm_free(lane->outputs);
    tsm_context_destroy(&lane->context);
    *lane = (tsm_lane){ 0 };
}
