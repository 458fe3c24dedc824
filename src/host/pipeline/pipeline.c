/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c - the caller's side of a pipeline: sources go in, results come out. */
#include "work.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/status.h"

enum { CANCEL_POLL_MS = 50 }; /* a signal handler may set a flag, but wake nobody */

/* ---- Making and ending it ----------------------------------------------------------------------------------- */

static tsm_status make_lanes(tsm_pipeline *p, tsm_error *error)
{
    const size_t outputs = (size_t)p->batch * (size_t)p->values;

    p->lanes = tsm_alloc_zero((size_t)p->lane_count, sizeof *p->lanes);
    if (!p->lanes) return tsm_fail_memory(error, (size_t)p->lane_count * sizeof *p->lanes);
    for (int i = 0; i < p->lane_count; i++) {
        TSM_TRY_RETURN(tsm_context_create(&p->lanes[i].context, p->engine, error));
        p->lanes[i].outputs = tsm_alloc_zero(outputs, sizeof(float));
        if (!p->lanes[i].outputs) return tsm_fail_memory(error, outputs * sizeof(float));
    }
    return TSM_OK;
}

static tsm_status make_ring(tsm_pipeline *p, tsm_error *error)
{
    p->ring = tsm_alloc_zero((size_t)p->queue, sizeof *p->ring);
    if (!p->ring) return tsm_fail_memory(error, (size_t)p->queue * sizeof *p->ring);
    for (int i = 0; i < p->queue; i++) p->ring[i].descriptor = -1;
    return TSM_OK;
}

/* Signals are for the program's own threads. */
static tsm_status start_workers(tsm_pipeline *p, tsm_error *error)
{
    sigset_t all, before;
    int failed = 0;

    p->workers = tsm_alloc_zero((size_t)p->worker_count, sizeof *p->workers);
    if (!p->workers) return tsm_fail_memory(error, (size_t)p->worker_count * sizeof *p->workers);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->started < p->worker_count && !failed) {
        failed = pthread_create(&p->workers[p->started], NULL, tsm_pipeline_work, p);
        if (!failed) p->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_MEMORY, "pipeline: no thread %d: %s", p->started + 1, strerror(failed));
}

static void init_lock(tsm_pipeline *p)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

tsm_status tsm_pipeline_create(tsm_pipeline **out, const tsm_engine *engine, const tsm_pipeline_options *options,
                               tsm_error *error)
{
    tsm_pipeline *p;
    tsm_status status;

    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "pipeline: nowhere to put it (NULL)");
    *out = NULL;
    p = tsm_alloc_zero(1, sizeof *p);
    if (!p) return tsm_fail_memory(error, sizeof *p);
    init_lock(p);
    TSM_TRY(tsm_pipeline_configure(p, engine, options, error));
    TSM_TRY(make_ring(p, error));
    TSM_TRY(make_lanes(p, error));
    TSM_TRY(tsm_blocks_make(p, error));
    TSM_TRY(start_workers(p, error));
    *out = p;
    return TSM_OK;
fail:
    tsm_pipeline_destroy(&p);
    return status;
}

void tsm_pipeline_cancel(tsm_pipeline *p)
{
    if (p) atomic_store(&p->stop, 1);
}

static void join_workers(tsm_pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, 1);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++) pthread_join(p->workers[i], NULL);
}

void tsm_pipeline_destroy(tsm_pipeline **pipeline)
{
    tsm_pipeline *p = pipeline ? *pipeline : NULL;

    if (!p) return;
    join_workers(p);
    for (int i = 0; p->ring && i < p->queue; i++) tsm_item_clear(&p->ring[i]);
    tsm_blocks_free(p);
    for (int i = 0; p->lanes && i < p->lane_count; i++) tsm_lane_clear(p, &p->lanes[i]);
    tsm_free(p->ring);
    tsm_free(p->lanes);
    tsm_free(p->workers);
    tsm_free(p->frames);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    tsm_free(p);
    *pipeline = NULL;
}

/* ---- Sources and results ------------------------------------------------------------------------------------ */

/* The result that the caller had makes room for a source. */
static void drop_handed(tsm_pipeline *p)
{
    tsm_item *item;

    if (!p->handed) return;
    p->handed = false;
    item = tsm_pipeline_item(p, p->head);
    pthread_mutex_lock(&p->lock);
    tsm_item_clear(item);
    p->head++;
    pthread_mutex_unlock(&p->lock);
}

/* Places beyond the tail are the caller's alone. */
static tsm_status add_source(tsm_pipeline *p, const tsm_source *source, tsm_error *error)
{
    tsm_item *item = tsm_pipeline_item(p, p->tail);
    tsm_status status = tsm_item_fill(item, source, error);

    if (status != TSM_OK) {
        tsm_clips *clips = source->clips;

        tsm_clips_destroy(&clips);
        return status;
    }
    item->index = p->info.sources;
    pthread_mutex_lock(&p->lock);
    p->tail++;
    p->info.sources++;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    return TSM_OK;
}

static tsm_status fill_ring(tsm_pipeline *p, tsm_error *error)
{
    while (!p->ended && p->tail - p->head < p->queue && !atomic_load(&p->stop)) {
        tsm_source source = { .descriptor = -1 };

        if (p->next(p->next_user, &source)) {
            TSM_TRY_RETURN(add_source(p, &source, error));
            continue;
        }
        pthread_mutex_lock(&p->lock);
        p->ended = true;
        pthread_cond_broadcast(&p->work); /* the last batch need not be full */
        pthread_mutex_unlock(&p->lock);
    }
    return TSM_OK;
}

/* False where it was cancelled. */
static bool wait_for(tsm_pipeline *p, const tsm_item *item)
{
    struct timespec until;

    pthread_mutex_lock(&p->lock);
    while (item->state != TSM_ITEM_DONE && !atomic_load(&p->stop)) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += CANCEL_POLL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&p->done, &p->lock, &until);
    }
    pthread_mutex_unlock(&p->lock);
    return !atomic_load(&p->stop);
}

/* What the caller sees of a finished item, which is his from here on. */
static void hand_over(tsm_pipeline *p, tsm_item *item)
{
    p->handed = true;
    p->result = (tsm_result){ .index = item->index, .path = item->path, .user = item->user, .status = item->status };
    if (item->status != TSM_OK) {
        p->result.error = item->error;
        p->info.failed++;
        tsm_clips_destroy(&item->clips);
        return;
    }
    p->result.info = item->info;
    p->result.clips = item->clips;
    p->result.count = item->count;
    p->result.values = p->values;
    p->result.outputs = item->outputs;
    p->result.network_ms = item->network_ms;
}

tsm_status tsm_pipeline_next(tsm_pipeline *p, const tsm_result **result, tsm_error *error)
{
    tsm_item *item;

    if (!p || !result) return tsm_fail(error, TSM_ERROR_ARGUMENT, "pipeline: it, and room for a result, are needed");
    *result = NULL;
    drop_handed(p);
    TSM_TRY_RETURN(fill_ring(p, error));
    if (p->head == p->tail && !atomic_load(&p->stop)) return TSM_OK;
    item = tsm_pipeline_item(p, p->head);
    if (!wait_for(p, item)) return tsm_fail(error, TSM_ERROR_CANCELLED, "pipeline: cancelled");
    hand_over(p, item);
    *result = &p->result;
    return TSM_OK;
}

tsm_status tsm_pipeline_get_info(tsm_pipeline *p, tsm_pipeline_info *info)
{
    tsm_pipeline_info now;

    if (!p || !info) return TSM_ERROR_ARGUMENT;
    pthread_mutex_lock(&p->lock);
    now = p->info;
    pthread_mutex_unlock(&p->lock);
    now.workers = p->worker_count;
    now.contexts = p->lane_count;
    now.batch = p->batch;
    now.queue = p->queue;
    return tsm_info_write(info, &now, sizeof now);
}
