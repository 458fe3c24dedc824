/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline.h - libtsm-video: many videos through one network, decoded while others run, results in order.
 *
 *   static int next(void *user, tsm_source *source) { ...source->path = ...; return 1; }     0: there are no more
 *
 *   tsm_pipeline *pipeline = NULL;  const tsm_result *result;  tsm_error error;
 *   tsm_pipeline_options options = TSM_PIPELINE_OPTIONS_INIT;
 *   options.next = next;
 *   tsm_pipeline_create(&pipeline, engine, &options, &error);
 *   while (tsm_pipeline_next(pipeline, &result, &error) == TSM_OK && result) ...result->outputs...
 *   tsm_pipeline_destroy(&pipeline);
 *
 * The threads of a pipeline decode, scale and cut videos ahead, and run their clips in batches that reach across
 * views and videos. Results come in the order of the sources and are the same to the bit for any number of threads: a
 * batch depends on the order of the sources alone. What fails, fails alone, at its place. Memory is that of
 * `queue` sources and of the plans of `contexts` contexts, however many sources there are.
 *
 * Rules for every function are those of tsm.h. A pipeline belongs to one thread at a time, but for
 * tsm_pipeline_cancel.
 */
#ifndef TSM_PIPELINE_H
#define TSM_PIPELINE_H

#include <tsm/video.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A video to be worked on. Strings are copied. */
typedef struct tsm_source {
    const char *path; /* as of tsm_video_load; where a descriptor or clips are given, what stands for it in errors */
    const char *frames; /* as tsm_video_options.frames, in its place; NULL: that of the pipeline's options */
    int descriptor;     /* as of tsm_video_load_descriptor, to stay open until the result has been taken; -1: none */
    tsm_clips *clips;   /* decoded already: the pipeline's from here on. NULL: to be loaded */
    const tsm_error *failure; /* copied; the source counts as failed with it and is not looked at. NULL: fine */
    void *user;               /* handed on to the result */
} tsm_source;

typedef struct tsm_pipeline_options {
    size_t struct_size;

    /* Frames and pixels; NULL: the defaults. Segments of 0 are those of the engine's model. `threads` are those of
     * every decoder, 1 by default; `max_seconds` counts for a source's decoding and its runs together. `allocator`,
     * `raw` and `cancel` are the pipeline's own and must be 0. */
    const tsm_video_options *video;

    int workers;  /* threads, 0..TSM_MAX_THREADS; 0: as many as CPUs that the process may use */
    int contexts; /* runs at a time, 0..workers; 0: `workers` on a CPU with an engine of one thread, otherwise 1 */
    int batch;    /* clips a run at most, 0..256; 0: 1 on a CPU, which gains nothing by more, otherwise 8 */
    int queue;    /* sources that are in work, or done and not taken; never fewer than batch + 1; 0: twice the workers
                     beside the batch */
    /* Non-zero: frames are scaled and cut by the engine (tsm_context_plan_resize) where that gives the same pixels:
     * one view, mode mit, all frames of a source of one size. Worth while on a GPU. Results are the same. */
    int resize_on_device;

    /* Gives the next source: returns 1, or 0 where there are no more. `source` comes zeroed, with a descriptor of -1.
     * Called by tsm_pipeline_next, in its thread, up to `queue` sources ahead. Must be set. */
    int (*next)(void *user, tsm_source *source);
    void *next_user;
} tsm_pipeline_options;

#define TSM_PIPELINE_OPTIONS_INIT                                                                                    \
    {                                                                                                                \
        sizeof(tsm_pipeline_options), 0, 0, 0, 0, 0, 0, 0, 0                                                         \
    }

/* The result of a source. It and all it points to live until the next call of tsm_pipeline_next or _destroy. */
typedef struct tsm_result {
    int64_t index; /* of the source, from 0 */
    const char *path;
    void *user;        /* of the source */
    tsm_status status; /* what follows is there where it is TSM_OK, and otherwise: */
    tsm_error error;   /* why not */
    tsm_clips_info info;
    const tsm_clips *clips;
    int count, values;    /* clips, and values a clip: classes, or features */
    const float *outputs; /* (count, values), what tsm_run gives */
    double network_ms;    /* of runs, those shared with other sources by the clips of each */
} tsm_result;

/* What the pipeline has done so far, to tell what it waits for: times are summed over its threads. */
typedef struct tsm_pipeline_info {
    size_t struct_size; /* set by the caller */
    int workers, contexts, batch, queue;
    int64_t sources, failed, clips, runs;
    double load_ms, network_ms; /* decoding, scaling and cutting; runs */
    double idle_ms;             /* of threads that had nothing to do: the caller, or the end of the list, held them */
} tsm_pipeline_info;

#define TSM_PIPELINE_INFO_INIT                                                                                       \
    {                                                                                                                \
        sizeof(tsm_pipeline_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                                   \
    }

typedef struct tsm_pipeline tsm_pipeline;

/* Makes a pipeline, which holds `engine` by its contexts, and starts its threads. The engine gives logits or features
 * of clips. Errors: ARGUMENT, UNSUPPORTED (an engine with per_frame), MEMORY (threads that cannot be had as well). */
TSM_API tsm_status tsm_pipeline_create(tsm_pipeline **pipeline, const tsm_engine *engine,
                                       const tsm_pipeline_options *options, tsm_error *error);

/* Waits for the next result, in the order of the sources; *result is NULL where there are no more. A source that
 * fails is a result like others. Errors: CANCELLED, after tsm_pipeline_cancel; MEMORY, where a source cannot be
 * remembered: it counts as given, and the next call goes on behind it; ARGUMENT. */
TSM_API tsm_status tsm_pipeline_next(tsm_pipeline *pipeline, const tsm_result **result, tsm_error *error);

/* Ends the work: decoding ends soon, a run that has begun is finished first. May be called from any thread, and from
 * signal handlers. */
TSM_API void tsm_pipeline_cancel(tsm_pipeline *pipeline);

/* A function for tsm_engine_options.cancel of a pipeline's engine, with any `cancel_user`. With it tsm_pipeline_cancel, and
 * the end of the time that a source may take (max_seconds), end a run that has begun; without it they end the work
 * before the next run. Returns non-zero where the run of the calling thread is to end, 0 also for runs of no pipeline. */
TSM_API int tsm_pipeline_run_is_over(void *user);

/* Fills `info`. Errors: ARGUMENT. */
TSM_API tsm_status tsm_pipeline_get_info(tsm_pipeline *pipeline, tsm_pipeline_info *info);

/* Ends the work as tsm_pipeline_cancel does, waits for the threads, and frees everything. */
TSM_API void tsm_pipeline_destroy(tsm_pipeline **pipeline);

#ifdef __cplusplus
}
#endif
#endif
