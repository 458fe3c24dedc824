/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c - the door of the plugin: the functions of backend.h over an engine's state and its plans. */
#include <stdlib.h>
#include <string.h>

#include "pinned.h"
#include "plan.h"

static void read_settings(tsm_cuda_settings *settings)
{
    const char *graphs = getenv("TSM_CUDA_GRAPH"), *tune = getenv("TSM_CUDA_TUNE"), *ranges = getenv("TSM_CUDA_NVTX");

    settings->graphs = !graphs || strcmp(graphs, "off") != 0;
    settings->tune = !tune || strcmp(tune, "off") != 0;
    settings->ranges = ranges && strcmp(ranges, "on") == 0;
}

static tsm_status check_config(const tsm_backend_config *config, tsm_error *error)
{
    if (!tsm_cuda_dtype_of(config->precision))
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: precision other than fp32, tf32, fp16 and bf16");
    if (config->shift_method > TSM_SHIFT_OVERLAP)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: shift method other than auto, copy and overlap");
    return TSM_OK;
}

static void release(void *opaque)
{
    tsm_cuda_state *state = opaque;
    int previous;
    bool entered;

    if (!state) return;
    /* Where the device does not answer any more, what is on the host must go all the same. */
    entered = tsm_cuda_enter(&state->device, &previous, NULL) == TSM_OK;
    tsm_cuda_weights_clear(&state->weights);
    if (entered) tsm_cuda_leave(previous);
    tsm_tune_cache_close(&state->cache);
    tsm_free(state);
}

static tsm_status make_weights(tsm_cuda_state *state, tsm_error *error)
{
    int previous;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cuda_enter(&state->device, &previous, error));
    status =
        tsm_cuda_weights_make(&state->weights, state->graph, state->dtype, state->method != TSM_SHIFT_COPY, error);
    tsm_cuda_leave(previous);
    return status;
}

static void describe(const tsm_cuda_state *state, tsm_backend_report *report)
{
    report->library = state->device.library;
    report->threads = 1;
    report->shift_method = state->method;
    report->weight_bytes = state->weights.bytes;
}

static tsm_status prepare(void **out, const tsm_graph *graph, const tsm_backend_config *config,
                          tsm_backend_report *report, tsm_error *error)
{
    tsm_cuda_state *state;
    tsm_status status;

    *out = NULL;
    TSM_TRY_RETURN(check_config(config, error));
    state = tsm_alloc_zero(1, sizeof *state);
    if (!state) return tsm_fail_memory(error, sizeof *state);
    state->graph = graph;
    state->precision = config->precision;
    state->dtype = tsm_cuda_dtype_of(config->precision);
    state->method = config->shift_method;
    memcpy(state->mean, config->mean, sizeof state->mean);
    memcpy(state->std, config->std, sizeof state->std);
    read_settings(&state->settings);
    TSM_TRY(tsm_cuda_device_open(&state->device, config->device_index, error));
    TSM_TRY(tsm_tune_cache_open(&state->cache, &state->device, graph, state->dtype, error));
    TSM_TRY(make_weights(state, error));
    describe(state, report);
    *out = state;
    return TSM_OK;
fail:
    release(state);
    return status;
}

static const char *note(const void *opaque)
{
    const tsm_cuda_state *state = opaque;

    return state->cache.note[0] ? state->cache.note : NULL;
}

static tsm_status make_plan(void **out, void *opaque, const tsm_graph *graph, uint64_t *bytes, tsm_error *error)
{
    tsm_cuda_state *state = opaque;
    tsm_cuda_plan *plan = NULL;
    int previous;
    tsm_status status;

    *out = NULL;
    TSM_TRY_RETURN(tsm_cuda_enter(&state->device, &previous, error));
    status = tsm_cuda_plan_make(&plan, state, graph, error);
    tsm_cuda_leave(previous);
    TSM_TRY_RETURN(status);
    *bytes = plan->schedule.memory.arena_bytes + plan->resize.bytes;
    *out = plan;
    return TSM_OK;
}

static void plan_release(void *opaque)
{
    tsm_cuda_plan *plan = opaque;
    int previous;
    bool entered;

    if (!plan) return;
    entered = tsm_cuda_enter(&plan->state->device, &previous, NULL) == TSM_OK;
    tsm_cuda_plan_destroy(plan);
    if (entered) tsm_cuda_leave(previous);
}

static tsm_status enqueue(void *opaque, const tsm_tensor *input, const tsm_tensor *output, void *stream,
                          tsm_error *error)
{
    tsm_cuda_plan *plan = opaque;
    int previous;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cuda_enter(&plan->state->device, &previous, error));
    status = tsm_cuda_plan_enqueue(plan, input, output, false, stream, error);
    tsm_cuda_leave(previous);
    return status;
}

static tsm_status enqueue_and_wait(tsm_cuda_plan *plan, const tsm_tensor *input, const tsm_tensor *output,
                                   tsm_error *error)
{
    tsm_status status = tsm_cuda_plan_enqueue(plan, input, output, true, plan->stream, error);

    /* Waits also after a failure: the caller's memory must not be in use when this returns. */
    if (status == TSM_OK)
        TSM_CUDA(cudaStreamSynchronize(plan->stream));
    else
        cudaStreamSynchronize(plan->stream);
    return status;
}

static tsm_status run(void *opaque, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error)
{
    tsm_cuda_plan *plan = opaque;
    int previous;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cuda_enter(&plan->state->device, &previous, error));
    status = enqueue_and_wait(plan, input, output, error);
    tsm_cuda_leave(previous);
    return status;
}

/* The one symbol that the plugin exports. */
TSM_API const tsm_backend *tsm_cuda_backend(void);

const tsm_backend *tsm_cuda_backend(void)
{
    static const tsm_backend backend = {
        .name = "cuda",
        .prepare = prepare,
        .release = release,
        .note = note,
        .plan = make_plan,
        .plan_release = plan_release,
        .run = run,
        .enqueue = enqueue,
        .device_memory = true,
        .resizes = true,
        .host_allocate = tsm_cuda_host_allocate,
        .host_release = tsm_cuda_host_release,
    };

    return &backend;
}
