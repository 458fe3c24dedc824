/* SPDX-License-Identifier: Apache-2.0 */
/* item.c - a source, from its path to clips that can go into batches. */
#include "work.h"

#include <string.h>

#include "core/status.h"

tsm_status tsm_item_fill(tsm_item *item, const tsm_source *source, tsm_error *error)
{
    const char *path = source->path ? source->path : "video";

    *item = (tsm_item){ .descriptor = source->descriptor, .user = source->user };
    item->path = tsm_strdup(path);
    item->frames = tsm_strdup(source->frames);
    if (!item->path || (source->frames && !item->frames)) {
        tsm_item_clear(item);
        return tsm_fail_memory(error, strlen(path) + 1);
    }
    item->clips = source->clips;
    if (source->failure) {
        item->error = *source->failure;
        item->status = source->failure->code != TSM_OK ? source->failure->code : TSM_ERROR_ARGUMENT;
        item->state = TSM_ITEM_DONE;
    }
    return TSM_OK;
}

void tsm_item_clear(tsm_item *item)
{
    tsm_free(item->path);
    tsm_free(item->frames);
    tsm_free(item->outputs);
    tsm_clips_destroy(&item->clips);
    *item = (tsm_item){ .descriptor = -1 };
}

static tsm_status load_clips(tsm_item *item, const tsm_video_options *options, tsm_error *error)
{
    if (item->descriptor < 0) return tsm_video_load(&item->clips, item->path, options, error);
    return tsm_video_load_descriptor(&item->clips, item->descriptor, item->path, options, error);
}

/* Whole frames, for the engine to scale and cut. */
static tsm_status load_unscaled(tsm_pipeline *p, tsm_item *item, tsm_video_options options, tsm_error *error)
{
    tsm_status status;

    options.raw = 1;
    options.allocator = &p->blocks[item - p->ring].allocator;
    TSM_TRY(load_clips(item, &options, error));
    item->resize.struct_size = sizeof item->resize;
    TSM_TRY(tsm_clips_get_resize(item->clips, 0, &item->resize, error));
    return TSM_OK;
fail:
    tsm_clips_destroy(&item->clips);
    item->resize = (tsm_resize){ 0 };
    return status;
}

static tsm_status load(tsm_pipeline *p, tsm_item *item, tsm_error *error)
{
    tsm_video_options options = p->video;
    tsm_status status = TSM_ERROR_UNSUPPORTED;

    if (item->clips) return TSM_OK;
    if (item->frames) options.frames = item->frames;
    if (p->resize_on_device) status = load_unscaled(p, item, options, error);
    /* Frames of several sizes, or too many bytes of whole ones: they are scaled here. */
    if (status == TSM_ERROR_UNSUPPORTED || status == TSM_ERROR_MEMORY) status = load_clips(item, &options, error);
    return status;
}

static tsm_status prepare(tsm_pipeline *p, tsm_item *item, tsm_error *error)
{
    size_t values;

    TSM_TRY_RETURN(load(p, item, error));
    item->info.struct_size = sizeof item->info;
    TSM_TRY_RETURN(tsm_clips_get_info(item->clips, &item->info));
    item->pixels = tsm_clips_tensor(item->clips);
    if (item->pixels.dims[1] != p->segments)
        return tsm_fail_file(error, TSM_ERROR_ARGUMENT, item->path, "clips of %lld frames, the network takes %d",
                             (long long)item->pixels.dims[1], p->segments);
    item->count = (int)item->pixels.dims[0];
    values = (size_t)item->count * (size_t)p->values;
    item->outputs = tsm_alloc_zero(values, sizeof *item->outputs);
    return item->outputs ? TSM_OK : tsm_fail_memory(error, values * sizeof *item->outputs);
}

void tsm_item_load(tsm_pipeline *p, tsm_item *item)
{
    const double begin = tsm_now_ms();

    item->status = prepare(p, item, &item->error);
    item->load_ms = tsm_now_ms() - begin;
}
