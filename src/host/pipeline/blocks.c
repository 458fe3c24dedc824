/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks.c - page-locked memory for whole frames, which a GPU copies from fastest: a block for every place in the ring,
 * as page-locking takes milliseconds, grown where a source needs more.
 */
#include "work.h"

#include "core/status.h"

/* All blocks of a pipeline. What they have no room for is scaled on the host: more pages are not for one process to
 * lock. */
#define MAX_LOCKED ((size_t)1 << 30)

static void drop(tsm_block *block)
{
    atomic_fetch_sub(block->locked, block->bytes);
    tsm_engine_release(block->engine, block->data);
    block->data = NULL;
    block->bytes = 0;
}

static void *take(void *user, size_t bytes)
{
    tsm_block *block = user;

    if (block->used) return NULL;
    if (bytes > block->bytes) {
        drop(block);
        if (atomic_fetch_add(block->locked, bytes) > MAX_LOCKED - bytes || bytes > MAX_LOCKED) {
            atomic_fetch_sub(block->locked, bytes);
            return NULL;
        }
        block->bytes = bytes;
        if (tsm_engine_allocate(block->engine, bytes, &block->data, &block->allocator.memory, NULL) != TSM_OK) {
            drop(block);
            return NULL;
        }
    }
    block->used = true;
    return block->data;
}

static void give_back(void *user, void *memory)
{
    (void)memory;
    ((tsm_block *)user)->used = false;
}

/* Which kind of memory the engine gives must be known before the first block is needed. */
static tsm_status ask_kind(const tsm_engine *engine, tsm_memory *memory, tsm_error *error)
{
    void *sample;

    TSM_TRY_RETURN(tsm_engine_allocate(engine, 1, &sample, memory, error));
    tsm_engine_release(engine, sample);
    return TSM_OK;
}

tsm_status tsm_blocks_make(tsm_pipeline *p, tsm_error *error)
{
    tsm_memory memory;

    if (!p->resize_on_device) return TSM_OK;
    TSM_TRY_RETURN(ask_kind(p->engine, &memory, error));
    p->blocks = tsm_alloc_zero((size_t)p->queue, sizeof *p->blocks);
    if (!p->blocks) return tsm_fail_memory(error, (size_t)p->queue * sizeof *p->blocks);
    for (int i = 0; i < p->queue; i++) {
        p->blocks[i].engine = p->engine;
        p->blocks[i].locked = &p->locked;
        p->blocks[i].allocator = (tsm_allocator){ take, give_back, &p->blocks[i], memory };
    }
    return TSM_OK;
}

void tsm_blocks_free(tsm_pipeline *p)
{
    for (int i = 0; p->blocks && i < p->queue; i++) drop(&p->blocks[i]);
    tsm_free(p->blocks);
}
