/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "plan.h"

#include <stdio.h>
#include <string.h>

#define METHOD_RUNS 5 /* of the whole network, to compare ways to realise the shift */

static tsm_status enqueue_steps(tsm_cuda_plan *plan, cudaStream_t stream, bool ranges, tsm_error *error)
{
    return tsm_steps_enqueue(&plan->schedule.steps, &plan->libraries, stream, ranges, error);
}

static void drop_schedule(tsm_cuda_plan *plan)
{
    if (plan->exec) cudaGraphExecDestroy(plan->exec);
    plan->exec = NULL;
    tsm_schedule_clear(&plan->schedule);
}

/* Kernels are loaded when they first run, which a capture would not allow. The arena is zeroed, so that the steps run
 * on numbers. */
static tsm_status warm_up(tsm_cuda_plan *plan, tsm_error *error)
{
    TSM_CUDA(cudaMemsetAsync(plan->schedule.arena, 0, plan->schedule.memory.arena_bytes, plan->stream));
    TSM_TRY_RETURN(tsm_cuda_warm_up_input(&plan->schedule, &plan->resize, plan->stream, error));
    TSM_TRY_RETURN(enqueue_steps(plan, plan->stream, false, error));
    TSM_CUDA(cudaStreamSynchronize(plan->stream));
    return TSM_OK;
}

static tsm_status record(tsm_cuda_plan *plan, cudaGraph_t *graph, tsm_error *error)
{
    tsm_status status;

    TSM_CUDA(cudaStreamBeginCapture(plan->stream, cudaStreamCaptureModeThreadLocal));
    status = enqueue_steps(plan, plan->stream, false, error);
    if (status == TSM_OK) {
        TSM_CUDA(cudaStreamEndCapture(plan->stream, graph));
        return TSM_OK;
    }
    cudaStreamEndCapture(plan->stream, graph); /* the stream must leave the mode; why it failed is known */
    cudaGetLastError();
    return status;
}

static tsm_status capture(tsm_cuda_plan *plan, tsm_error *error)
{
    cudaGraph_t graph = NULL;
    tsm_status status;

    TSM_TRY(record(plan, &graph, error));
    TSM_CUDA_TRY(cudaGraphInstantiate(&plan->exec, graph, 0));
    TSM_CUDA_TRY(cudaGraphUpload(plan->exec, plan->stream));
    TSM_CUDA_TRY(cudaStreamSynchronize(plan->stream));
    status = TSM_OK;
fail:
    if (graph) cudaGraphDestroy(graph);
    return status;
}

static tsm_status make_schedule(tsm_cuda_plan *plan, const tsm_graph *graph, tsm_shift_method method,
                                tsm_tuner *tuner, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_schedule_make(&plan->schedule, plan->state, graph, method, tuner, error));
    TSM_TRY_RETURN(warm_up(plan, error));
    return plan->state->settings.graphs ? capture(plan, error) : TSM_OK;
}

static tsm_status enqueue_network(tsm_cuda_plan *plan, cudaStream_t stream, bool capturing, tsm_error *error)
{
    if (!plan->exec || capturing) return enqueue_steps(plan, stream, plan->state->settings.ranges, error);
    TSM_CUDA(cudaGraphLaunch(plan->exec, stream));
    return TSM_OK;
}

static tsm_status time_schedule(tsm_cuda_plan *plan, float *milliseconds, tsm_error *error)
{
    cudaEvent_t begin = NULL, end = NULL;
    tsm_status status;

    TSM_CUDA_TRY(cudaEventCreateWithFlags(&begin, cudaEventDefault));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&end, cudaEventDefault));
    for (int i = 0; i < METHOD_RUNS; i++) {
        float elapsed;

        TSM_CUDA_TRY(cudaEventRecord(begin, plan->stream));
        TSM_TRY(enqueue_network(plan, plan->stream, false, error));
        TSM_CUDA_TRY(cudaEventRecord(end, plan->stream));
        TSM_TRY(tsm_tune_elapsed(&elapsed, begin, end, error));
        if (i == 0 || elapsed < *milliseconds) *milliseconds = elapsed;
    }
    status = TSM_OK;
fail:
    if (begin) cudaEventDestroy(begin);
    if (end) cudaEventDestroy(end);
    return status;
}

static bool has_overlap(const tsm_schedule *schedule)
{
    for (int i = 0; i < schedule->graph->count; i++)
        if (schedule->values[i].side.end) return true;
    return false;
}

static void name_shape(const tsm_graph *graph, char name[TSM_TUNE_NAME])
{
    int i = 0;
    const tsm_dims *d;

    while (graph->nodes[i].op != TSM_OP_INPUT) i++;
    d = &graph->nodes[i].dims;
    snprintf(name, TSM_TUNE_NAME, "shift,%dx%dx%dx%d", d->n, d->t, d->h, d->w);
}

/* Times the network with a full copy and with an overlap; keeps the faster. */
static tsm_status compare_methods(tsm_cuda_plan *plan, const tsm_graph *graph, tsm_tuner *tuner, const char *name,
                                  tsm_error *error)
{
    float overlap = 0, copy = 0;
    bool copy_wins;

    TSM_TRY_RETURN(time_schedule(plan, &overlap, error));
    drop_schedule(plan);
    TSM_TRY_RETURN(make_schedule(plan, graph, TSM_SHIFT_COPY, tuner, error));
    TSM_TRY_RETURN(time_schedule(plan, &copy, error));
    copy_wins = copy < overlap;
    tsm_tune_cache_set(tuner->cache, name, copy_wins ? "copy" : "overlap");
    tuner->found = true;
    if (copy_wins) return TSM_OK;
    drop_schedule(plan);
    return make_schedule(plan, graph, TSM_SHIFT_OVERLAP, tuner, error);
}

static tsm_status make_best(tsm_cuda_plan *plan, const tsm_graph *graph, tsm_tuner *tuner, tsm_error *error)
{
    char name[TSM_TUNE_NAME], value[TSM_TUNE_VALUE];
    bool known;

    if (plan->state->method != TSM_SHIFT_AUTO) return make_schedule(plan, graph, plan->state->method, tuner, error);
    name_shape(graph, name);
    known = tsm_tune_cache_get(tuner->cache, name, value);
    if (known && strcmp(value, "copy") == 0) return make_schedule(plan, graph, TSM_SHIFT_COPY, tuner, error);
    TSM_TRY_RETURN(make_schedule(plan, graph, TSM_SHIFT_OVERLAP, tuner, error));
    if (known || !tuner->timed || !has_overlap(&plan->schedule)) return TSM_OK;
    return compare_methods(plan, graph, tuner, name, error);
}

tsm_status tsm_cuda_plan_make(tsm_cuda_plan **out, tsm_cuda_state *state, const tsm_graph *graph, tsm_error *error)
{
    tsm_cuda_plan *plan = tsm_alloc_zero(1, sizeof *plan);
    tsm_tuner tuner = { 0 };
    tsm_status status;

    *out = NULL;
    if (!plan) return tsm_fail_memory(error, sizeof *plan);
    plan->state = state;
    TSM_CUDA_TRY(cudaStreamCreateWithFlags(&plan->stream, cudaStreamNonBlocking));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&plan->done, cudaEventDisableTiming));
    TSM_TRY(tsm_cuda_libraries_open(&plan->libraries, error));
    TSM_TRY(tsm_cuda_resize_make(&plan->resize, graph->resize, error));
    tuner = (tsm_tuner){
        .libraries = &plan->libraries, .stream = plan->stream, .cache = &state->cache, .timed = state->settings.tune
    };
    TSM_TRY(make_best(plan, graph, &tuner, error));
    if (tuner.found) tsm_tune_cache_save(&state->cache);
    *out = plan;
    return TSM_OK;
fail:
    tsm_cuda_plan_destroy(plan);
    return status;
}

void tsm_cuda_plan_destroy(tsm_cuda_plan *plan)
{
    if (!plan) return;
    if (plan->enqueued) cudaEventSynchronize(plan->done);
    if (plan->stream) cudaStreamSynchronize(plan->stream);
    drop_schedule(plan);
    tsm_cuda_resize_clear(&plan->resize);
    tsm_cuda_libraries_close(&plan->libraries);
    if (plan->done) cudaEventDestroy(plan->done);
    if (plan->stream) cudaStreamDestroy(plan->stream);
    tsm_free(plan);
}

/* The arena is one: work on another stream than the last waits there for it. */
static tsm_status follow_last(tsm_cuda_plan *plan, cudaStream_t stream, tsm_error *error)
{
    if (plan->enqueued && plan->last != stream) TSM_CUDA(cudaStreamWaitEvent(stream, plan->done, 0));
    return TSM_OK;
}

static tsm_status remember_last(tsm_cuda_plan *plan, cudaStream_t stream, tsm_error *error)
{
    TSM_CUDA(cudaEventRecord(plan->done, stream));
    plan->enqueued = true;
    plan->last = stream;
    return TSM_OK;
}

tsm_status tsm_cuda_plan_enqueue(tsm_cuda_plan *plan, const tsm_tensor *input, const tsm_tensor *output,
                                 bool pageable, cudaStream_t stream, tsm_error *error)
{
    const tsm_cuda_device *device = &plan->state->device;
    enum cudaStreamCaptureStatus capture_status = cudaStreamCaptureStatusNone;
    bool capturing;

    TSM_TRY_RETURN(tsm_cuda_check_tensor(input, "input", device, pageable, error));
    TSM_TRY_RETURN(tsm_cuda_check_tensor(output, "output", device, pageable, error));
    TSM_CUDA(cudaStreamIsCapturing(stream, &capture_status));
    /* A captured graph runs when its owner says: it can neither wait for what this plan did last nor mark its end. */
    capturing = capture_status != cudaStreamCaptureStatusNone;
    if (!capturing) TSM_TRY_RETURN(follow_last(plan, stream, error));
    TSM_TRY_RETURN(tsm_cuda_enqueue_input(&plan->schedule, &plan->resize, input, stream, error));
    TSM_TRY_RETURN(enqueue_network(plan, stream, capturing, error));
    TSM_TRY_RETURN(tsm_cuda_enqueue_output(&plan->schedule, output, stream, error));
    return capturing ? TSM_OK : remember_last(plan, stream, error);
}
