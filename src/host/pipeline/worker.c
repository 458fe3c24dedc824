/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - what a thread of a pipeline does. The lock is held but for the work itself. */
#include "work.h"

#include "core/status.h"

static void finish(tsm_pipeline *p, tsm_item *item)
{
    item->state = TSM_ITEM_DONE;
    pthread_cond_signal(&p->done);
}

static tsm_lane *free_lane(tsm_pipeline *p)
{
    for (int i = 0; i < p->lane_count; i++)
        if (!p->lanes[i].busy) return &p->lanes[i];
    return NULL;
}

/* The clips of a batch are done, and with them perhaps their items. */
static void note_run(tsm_pipeline *p, const tsm_batch *batch, double ms)
{
    p->info.runs++;
    p->info.clips += batch->clips;
    p->info.network_ms += ms;
    for (int i = 0; i < batch->part_count; i++) {
        tsm_item *item = batch->parts[i].item;

        item->network_ms += ms * batch->parts[i].count / batch->clips;
        item->ran += batch->parts[i].count;
        if (item->ran == item->count) finish(p, item);
    }
}

static bool run_next(tsm_pipeline *p)
{
    tsm_lane *lane = free_lane(p);
    double begin;

    if (!lane || !tsm_batch_take(p, &lane->batch)) return false;
    lane->busy = true;
    pthread_cond_signal(&p->work); /* there may be another batch, and another free lane */
    pthread_mutex_unlock(&p->lock);
    begin = tsm_now_ms();
    tsm_lane_run(p, lane);
    pthread_mutex_lock(&p->lock);
    note_run(p, &lane->batch, tsm_now_ms() - begin);
    lane->busy = false;
    pthread_cond_signal(&p->work);
    return true;
}

/* Items that came with a failure have nothing to load. */
static tsm_item *next_to_load(tsm_pipeline *p)
{
    if (p->load_at < p->head) p->load_at = p->head;
    while (p->load_at < p->tail) {
        tsm_item *item = tsm_pipeline_item(p, p->load_at++);

        if (item->state == TSM_ITEM_WAITING) return item;
    }
    return NULL;
}

static bool load_next(tsm_pipeline *p)
{
    tsm_item *item = next_to_load(p);

    if (!item) return false;
    item->state = TSM_ITEM_LOADING;
    pthread_mutex_unlock(&p->lock);
    tsm_item_load(p, item);
    pthread_mutex_lock(&p->lock);
    p->info.load_ms += item->load_ms;
    if (item->status == TSM_OK)
        item->state = TSM_ITEM_LOADED;
    else
        finish(p, item);
    pthread_cond_signal(&p->work);
    return true;
}

void *tsm_pipeline_work(void *pipeline)
{
    tsm_pipeline *p = pipeline;

    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->stop)) {
        double begin;

        if (run_next(p) || load_next(p)) continue;
        begin = tsm_now_ms();
        pthread_cond_wait(&p->work, &p->lock);
        p->info.idle_ms += tsm_now_ms() - begin;
    }
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}
