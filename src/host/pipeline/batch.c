/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.c - which clips go together.
 *
 * Items are gone through in their order, each clip once; a batch ends where it is full, behind as many items as it
 * has room for clips (failed ones count), where the next item's frames are of another size, and with the last item.
 * Nothing of that depends on time or on the number of threads, so results do not either. A batch that is not full
 * waits for the item behind it to be loaded: the ring is longer than a batch, so that item comes, or there are no
 * more.
 */
#include "work.h"

/* The next item before `limit`; those that failed are stepped over. NULL where there is none, or it is not known yet.
 */
static tsm_item *next_item(const tsm_pipeline *p, int64_t *at, int64_t limit)
{
    for (; *at < p->tail && *at < limit; ++*at) {
        tsm_item *item = tsm_pipeline_item(p, *at);

        if (item->state == TSM_ITEM_LOADED) return item;
        if (item->state != TSM_ITEM_DONE) return NULL;
    }
    return NULL;
}

/* Member by member: between them are bytes that belong to none. */
static bool same_resize(const tsm_resize *a, const tsm_resize *b)
{
    return a->struct_size == b->struct_size && a->width == b->width && a->height == b->height &&
           a->scaled_width == b->scaled_width && a->scaled_height == b->scaled_height && a->x == b->x &&
           a->y == b->y && a->mirror == b->mirror;
}

static bool fits(const tsm_batch *batch, const tsm_item *item)
{
    const tsm_item *first;

    if (batch->part_count == 0) return true;
    first = batch->parts[0].item;
    return first->pixels.dims[2] == item->pixels.dims[2] && first->pixels.dims[3] == item->pixels.dims[3] &&
           same_resize(&first->resize, &item->resize);
}

/* Fills the batch from item *at on, without marking anything; *at becomes the item to go on from. Returns whether
 * nothing more can go into it. */
static bool gather(const tsm_pipeline *p, tsm_batch *batch, int64_t *at)
{
    int64_t limit = INT64_MAX;
    tsm_item *item;

    batch->part_count = batch->clips = 0;
    while ((item = next_item(p, at, limit)) != NULL) {
        int left = item->count - item->batched, room = p->batch - batch->clips, count = left < room ? left : room;

        if (!fits(batch, item)) return true;
        if (batch->part_count == 0) limit = *at + p->batch;
        batch->parts[batch->part_count++] = (tsm_part){ item, item->batched, count };
        batch->clips += count;
        if (count == left) ++*at;
        if (batch->clips == p->batch) return true;
    }
    return *at == limit || (p->ended && *at == p->tail);
}

bool tsm_batch_take(tsm_pipeline *p, tsm_batch *batch)
{
    /* Items before the head are the caller's already: those that failed do not wait for a batch. */
    int64_t at = p->batch_at > p->head ? p->batch_at : p->head;
    const bool ready = gather(p, batch, &at);

    if (!ready || batch->clips == 0) {
        if (ready) p->batch_at = at;
        return false;
    }
    for (int i = 0; i < batch->part_count; i++) batch->parts[i].item->batched += batch->parts[i].count;
    p->batch_at = at;
    return true;
}
