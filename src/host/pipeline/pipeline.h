/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline.h - the inside of a pipeline: a ring of sources in work, and threads that load them and run their clips.
 *
 * Every thread does whatever comes next: a batch where one can be made and a context is free, otherwise the next
 * source that waits to be loaded. So CPUs are never idle while there is work, whichever of the two is slower, and no
 * more threads want them than there are.
 */
#ifndef TSM_PIPELINE_PIPELINE_H
#define TSM_PIPELINE_PIPELINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <tsm/pipeline.h>

#define TSM_MAX_BATCH 256

typedef enum tsm_item_state { TSM_ITEM_WAITING, TSM_ITEM_LOADING, TSM_ITEM_LOADED, TSM_ITEM_DONE } tsm_item_state;

/* A source on its way to a result. */
typedef struct tsm_item {
    tsm_item_state state;
    int64_t index;
    char *path, *frames;
    int descriptor;
    void *user;
    tsm_status status; /* of all that was done for it; the first failure stays */
    tsm_error error;

    tsm_clips *clips;
    tsm_clips_info info;
    tsm_tensor pixels;
    tsm_resize resize; /* all zero where frames are cut already */
    int count, batched, ran;
    float *outputs; /* (count, values) */
    double load_ms, network_ms;
} tsm_item;

/* Clips of one item in a batch. */
typedef struct tsm_part {
    tsm_item *item;
    int first, count;
} tsm_part;

/* A run: clips of one size, in the order of their items. */
typedef struct tsm_batch {
    tsm_part parts[TSM_MAX_BATCH];
    int part_count, clips;
} tsm_batch;

/* A context, with what it gathers batches of several items in. */
typedef struct tsm_lane {
    tsm_context *context;
    bool busy;
    void *frames; /* of the engine's memory */
    size_t frame_bytes;
    tsm_memory memory;
    float *outputs; /* (batch, values) */
    tsm_batch batch;
} tsm_lane;

/* Memory for the whole frames of one source at a time. */
typedef struct tsm_block {
    const tsm_engine *engine;
    tsm_allocator allocator;
    atomic_size_t *locked; /* bytes of all blocks */
    void *data;
    size_t bytes;
    bool used;
} tsm_block;

struct tsm_pipeline {
    /* Fixed once it is made. */
    const tsm_engine *engine; /* held by the lanes' contexts */
    tsm_video_options video;
    char *frames; /* what video.frames points to */
    int worker_count, lane_count, batch, queue, values, segments;
    bool resize_on_device;
    bool pins; /* clips are gathered in the engine's own memory, from which a GPU copies fastest */
    int (*next)(void *user, tsm_source *source);
    void *next_user;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;  /* for workers: there may be something to do */
    pthread_cond_t done;  /* for the caller: an item is done */
    pthread_t *workers;
    int started;
    tsm_lane *lanes;
    tsm_item *ring;    /* (queue); item i is at i % queue */
    tsm_block *blocks; /* (queue), beside the ring; NULL: frames are scaled on the host */
    atomic_size_t locked;
    int64_t head, tail;        /* the oldest that was not given back, and one behind the newest */
    int64_t load_at, batch_at; /* the next to be loaded, and to go into a batch */
    bool ended, handed;        /* no more sources; the item at head is with the caller */
    tsm_result result;
    tsm_pipeline_info info;
    atomic_int stop;
};

static inline tsm_item *tsm_pipeline_item(const tsm_pipeline *p, int64_t index)
{
    return &p->ring[index % p->queue];
}

/* ---- settings.c: what the options say, checked, with defaults. Errors: ARGUMENT, UNSUPPORTED, MEMORY. */
tsm_status tsm_pipeline_configure(tsm_pipeline *p, const tsm_engine *engine, const tsm_pipeline_options *options,
                                  tsm_error *error);

/* ---- item.c: a source becomes clips. Without the lock. ----------------------------------------------------------
 */

/* Remembers a source; on failure the item is empty, and clips are still the caller's. Errors: MEMORY. */
tsm_status tsm_item_fill(tsm_item *item, const tsm_source *source, tsm_error *error);
void tsm_item_clear(tsm_item *item);

/* Loads the clips, and makes room for their outputs. What fails is in item->status. */
void tsm_item_load(tsm_pipeline *p, tsm_item *item);

/* ---- blocks.c: memory of the engine's for whole frames. Errors: MEMORY, DEVICE. */
tsm_status tsm_blocks_make(tsm_pipeline *p, tsm_error *error);
void tsm_blocks_free(tsm_pipeline *p);

/* ---- batch.c: the clips that go together. With the lock. --------------------------------------------------------
 */

/* The next batch, where one can be made: a full one, or one that nothing more can go into. Which clips go together
 * does not depend on when this is called. Returns whether there is one. */
bool tsm_batch_take(tsm_pipeline *p, tsm_batch *batch);

/* ---- run.c: a batch through a context. Without the lock. --------------------------------------------------------
 */

/* Runs the batch; where that fails, the part of every item alone, so that one cannot spoil another. What fails is in
 * the items' status. */
void tsm_lane_run(tsm_pipeline *p, tsm_lane *lane);
void tsm_lane_clear(tsm_pipeline *p, tsm_lane *lane);

/* ---- worker.c: the threads. --------------------------------------------------------------------------------------
 */
void *tsm_pipeline_work(void *pipeline);

#endif
