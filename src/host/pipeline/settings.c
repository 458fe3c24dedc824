/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - what the caller of a pipeline asks for, and what is done where nothing is said. */
#include "pipeline.h"

#include <string.h>

#include "core/status.h"

enum { DEVICE_BATCH = 8 }; /* clips that keep a GPU busy; a CPU has nothing to gain */

static int is_stopped(void *pipeline)
{
    return atomic_load_explicit(&((tsm_pipeline *)pipeline)->stop, memory_order_relaxed);
}

static tsm_status read_video(tsm_pipeline *p, const tsm_video_options *given, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_options_read(&p->video, sizeof p->video, given, "tsm_video_options", error));
    if (p->video.allocator || p->video.raw || p->video.cancel)
        return tsm_fail(error, TSM_ERROR_ARGUMENT,
                        "pipeline: allocator, raw and cancel of the video options are its own");
    if (p->video.frames && !(p->frames = tsm_strdup(p->video.frames)))
        return tsm_fail_memory(error, strlen(p->video.frames) + 1);
    p->video.frames = p->frames;
    p->video.cancel = is_stopped;
    p->video.cancel_user = p;
    if (!p->video.segments) p->video.segments = p->segments;
    return TSM_OK;
}

static tsm_status read_engine(tsm_pipeline *p, const tsm_engine *engine, tsm_engine_info *info, tsm_error *error)
{
    if (!engine) return tsm_fail(error, TSM_ERROR_ARGUMENT, "pipeline: no engine (NULL)");
    TSM_TRY_RETURN(tsm_engine_get_info(engine, info));
    if (info->per_frame)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "pipeline: the engine gives outputs of frames, not of clips");
    p->engine = engine;
    p->values = info->values;
    p->segments = info->segments;
    return TSM_OK;
}

/* Which runs take the threads' own time. */
static bool is_cpu(const tsm_engine_info *engine)
{
    return strcmp(engine->device, "cpu") == 0 || strcmp(engine->device, "reference") == 0;
}

static tsm_status check_range(const char *what, int value, int most, tsm_error *error)
{
    if (value >= 0 && value <= most) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "pipeline: %d %s, want 0 to %d", value, what, most);
}

static tsm_status read_numbers(tsm_pipeline *p, const tsm_pipeline_options *options, const tsm_engine_info *engine,
                               tsm_error *error)
{
    const bool on_cpu = is_cpu(engine);

    p->pins = !on_cpu;
    TSM_TRY_RETURN(check_range("workers", options->workers, TSM_MAX_THREADS, error));
    p->worker_count = options->workers ? options->workers : tsm_cpu_count();
    TSM_TRY_RETURN(check_range("contexts", options->contexts, p->worker_count, error));
    p->lane_count = options->contexts ? options->contexts : on_cpu && engine->threads == 1 ? p->worker_count : 1;
    TSM_TRY_RETURN(check_range("clips a batch", options->batch, TSM_MAX_BATCH, error));
    p->batch = options->batch ? options->batch : on_cpu ? 1 : DEVICE_BATCH;
    TSM_TRY_RETURN(check_range("sources in the queue", options->queue, 1 << 20, error));
    p->queue = options->queue ? options->queue : 2 * p->worker_count + p->batch;
    if (p->queue < p->batch + 1) p->queue = p->batch + 1;
    return TSM_OK;
}

tsm_status tsm_pipeline_configure(tsm_pipeline *p, const tsm_engine *engine, const tsm_pipeline_options *caller,
                                  tsm_error *error)
{
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;
    tsm_pipeline_options options;

    TSM_TRY_RETURN(tsm_options_read(&options, sizeof options, caller, "tsm_pipeline_options", error));
    if (!options.next)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "pipeline: nothing gives it sources (next is NULL)");
    TSM_TRY_RETURN(read_engine(p, engine, &info, error));
    TSM_TRY_RETURN(read_video(p, options.video, error));
    TSM_TRY_RETURN(read_numbers(p, &options, &info, error));
    p->resize_on_device = options.resize_on_device && p->video.views <= 1 && p->video.mode == TSM_MODE_MIT;
    p->next = options.next;
    p->next_user = options.next_user;
    return TSM_OK;
}
