/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - a batch through one context, and its outputs to the items. */
#include "work.h"

#include <string.h>

#include "core/status.h"

/* The run of this thread; an engine asks its cancel function from there, whoever else it asks it from. */
static _Thread_local struct current_run {
    const tsm_pipeline *pipeline;
    double until_ms; /* 0: any time */
} current;

int tsm_pipeline_run_is_over(void *user)
{
    (void)user;
    if (!current.pipeline) return 0;
    return atomic_load_explicit(&current.pipeline->stop, memory_order_relaxed) ||
           (current.until_ms > 0 && tsm_now_ms() > current.until_ms);
}

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

/* The clips of a batch beside each other; those of one item lie so already, and where a GPU wants them if they are in
 * page-locked memory. */
static tsm_status gather(tsm_pipeline *p, tsm_lane *lane, const tsm_batch *batch, tsm_tensor *clips, tsm_error *error)
{
    const tsm_part *first = &batch->parts[0];
    const size_t bytes = clip_bytes(first->item);
    uint8_t *to;

    if (batch->part_count == 1 && (!p->pins || first->item->pixels.memory == TSM_MEMORY_PINNED))
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

static tsm_status run_batch(tsm_pipeline *p, tsm_lane *lane, const tsm_batch *batch, tsm_error *error)
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

/* What an item may still take; below 0: nothing. With the lock. */
static double time_left(const tsm_pipeline *p, const tsm_item *item)
{
    return p->video.max_seconds * 1e3 - item->load_ms - item->network_ms;
}

static tsm_status fail_late(const tsm_pipeline *p, const tsm_item *item, tsm_error *error)
{
    return tsm_fail_file(error, TSM_ERROR_CANCELLED, item->path, "stopped after the %g seconds that it may take",
                         p->video.max_seconds);
}

/* Until the first of its items may take no more time. */
static tsm_status run(tsm_pipeline *p, tsm_lane *lane, const tsm_batch *batch, tsm_error *error)
{
    const bool limited = p->video.max_seconds > 0;
    double left = limited ? p->video.max_seconds * 1e3 : 0;
    tsm_status status;

    pthread_mutex_lock(&p->lock);
    for (int i = 0; limited && i < batch->part_count; i++) {
        const double of_item = time_left(p, batch->parts[i].item);

        if (of_item < left) left = of_item;
    }
    pthread_mutex_unlock(&p->lock);
    current = (struct current_run){ p, limited ? tsm_now_ms() + left : 0 };
    status = run_batch(p, lane, batch, error);
    current = (struct current_run){ NULL, 0 };
    if (status != TSM_ERROR_CANCELLED || !limited) return status;
    return fail_late(p, batch->parts[0].item, error);
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
    if (p->video.max_seconds > 0 && item->status == TSM_OK && time_left(p, item) < 0)
        item->status = fail_late(p, item, &item->error);
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
