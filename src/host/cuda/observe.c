/* SPDX-License-Identifier: Apache-2.0 */
/* observe.c - a run whose steps are timed by events round each, or whose values are shown as they are made. */
#include <stdio.h>
#include <string.h>

#include "transfer.h"

/* A visitor waits for the device after every node, a profiler after the last step. */
typedef struct observed {
    tsm_plan *plan;
    const tsm_run_arguments *arguments;
    cudaStream_t stream;
    cudaEvent_t *events; /* with a profiler: two a step, and two of the input before them */
    int event_count;
    void *raw; /* with a visitor: the largest value as it lies in the arena, and as float32 */
    float *values;
} observed;

static const tsm_schedule *schedule_of(const observed *o)
{
    return &o->plan->schedule;
}

/* ---- Profile ---- */

static tsm_status open_events(observed *o, tsm_error *error)
{
    const int count = 2 * (o->plan->bound.steps.count + 1);

    o->events = tsm_alloc_zero((size_t)count, sizeof *o->events);
    if (!o->events) return tsm_fail_memory(error, (size_t)count * sizeof *o->events);
    for (; o->event_count < count; o->event_count++)
        TSM_CUDA(cudaEventCreateWithFlags(&o->events[o->event_count], cudaEventDefault));
    return TSM_OK;
}

/* Event `at` of a step: 0 before, 1 behind it. */
static tsm_status record(const observed *o, int step, int at, tsm_error *error)
{
    if (o->events) TSM_CUDA(cudaEventRecord(o->events[2 * (step + 1) + at], o->stream));
    return TSM_OK;
}

static void describe_input(const observed *o, char how[TSM_STEP_HOW])
{
    const tsm_tensor *input = o->arguments->input;

    snprintf(how, TSM_STEP_HOW, "%s%s%s kernel", input->memory == TSM_MEMORY_DEVICE ? "" : "copy, ",
             input->dtype == TSM_UINT8 && o->plan->resize.resample ? "resize kernels, " : "",
             input->dtype == TSM_UINT8 ? "bytes" : "planes");
}

static tsm_status tell_times(const observed *o, tsm_error *error)
{
    const tsm_profiler *profiler = o->arguments->profiler;
    const tsm_steps *steps = &o->plan->bound.steps;

    for (int i = -1; i < steps->count; i++) {
        char how[TSM_STEP_HOW];
        float ms;

        TSM_CUDA(cudaEventElapsedTime(&ms, o->events[2 * (i + 1)], o->events[2 * (i + 1) + 1]));
        if (i < 0)
            describe_input(o, how);
        else
            tsm_step_describe(&steps->list[i], how);
        profiler->step(profiler->user, i < 0 ? tsm_graph_input(schedule_of(o)->prepared->graph) : steps->list[i].node,
                       how, (double)ms);
    }
    return TSM_OK;
}

/* ---- Values ---- */

static tsm_status open_values(observed *o, tsm_error *error)
{
    const tsm_schedule *s = schedule_of(o);
    size_t bytes = 0, count = 0;

    for (int i = 0; i < s->prepared->graph->count; i++) {
        if (s->values[i].bytes > bytes) bytes = s->values[i].bytes;
        if ((size_t)tsm_dims_count(&s->shapes[i]) > count) count = (size_t)tsm_dims_count(&s->shapes[i]);
    }
    o->raw = tsm_alloc_aligned(bytes, 1);
    o->values = tsm_alloc_aligned(count, sizeof *o->values);
    return o->raw && o->values ? TSM_OK : tsm_fail_memory(error, bytes + count * sizeof *o->values);
}

/* Rows without what lies between them. */
static void unpack(const observed *o, int node)
{
    const tsm_cuda_value *value = &schedule_of(o)->values[node];
    const tsm_dims *dims = &schedule_of(o)->shapes[node];
    const int64_t rows = tsm_dims_count(dims) / dims->c;

    for (int64_t row = 0; row < rows; row++)
        for (int c = 0; c < dims->c; c++)
            o->values[row * dims->c + c] = tsm_number_at(o->raw, value->type, row * value->pitch + c);
}

static tsm_status show(const observed *o, int node, tsm_error *error)
{
    const tsm_visitor *visitor = o->arguments->visitor;

    if (!visitor) return TSM_OK;
    TSM_TRY_RETURN(tsm_cuda_staging_fetch(&o->plan->worker->staging, o->raw, tsm_binding_value(&o->plan->bound, node),
                                          schedule_of(o)->values[node].bytes, o->stream, error));
    unpack(o, node);
    visitor->value(visitor->user, node, &schedule_of(o)->shapes[node], o->values);
    return TSM_OK;
}

/* ---- The run ---- */

static tsm_status run_input(const observed *o, tsm_error *error)
{
    tsm_cuda_findings *findings = o->plan->worker->findings;

    TSM_CUDA(cudaMemsetAsync(findings, 0xff, sizeof *findings, o->stream));
    TSM_TRY_RETURN(record(o, -1, 0, error));
    TSM_TRY_RETURN(tsm_cuda_enqueue_input(o->plan, &o->plan->bound, o->arguments->input, findings, o->stream, error));
    TSM_TRY_RETURN(record(o, -1, 1, error));
    return show(o, tsm_graph_input(schedule_of(o)->prepared->graph), error);
}

static tsm_status run_step(const observed *o, int at, tsm_error *error)
{
    const tsm_steps *steps = &o->plan->bound.steps;
    const tsm_step *step = &steps->list[at];
    const bool last = at + 1 == steps->count || step[1].node != step->node;

    TSM_TRY_RETURN(tsm_cancel_check(&schedule_of(o)->prepared->cancel, error));
    TSM_TRY_RETURN(record(o, at, 0, error));
    TSM_TRY_RETURN(tsm_step_enqueue(step, &o->plan->worker->libraries, o->stream, error));
    TSM_TRY_RETURN(record(o, at, 1, error));
    return last ? show(o, step->node, error) : TSM_OK;
}

static tsm_status run_steps(const observed *o, tsm_error *error)
{
    TSM_CUDNN(cudnnSetStream(o->plan->worker->libraries.dnn, o->stream));
    TSM_TRY_RETURN(run_input(o, error));
    for (int i = 0; i < o->plan->bound.steps.count; i++) TSM_TRY_RETURN(run_step(o, i, error));
    TSM_TRY_RETURN(
        tsm_cuda_enqueue_output(o->plan, o->arguments->output, o->plan->worker->findings, o->stream, error));
    TSM_CUDA(cudaStreamSynchronize(o->stream));
    return TSM_OK;
}

tsm_status tsm_cuda_observe(tsm_plan *plan, const tsm_run_arguments *arguments, cudaStream_t stream, tsm_error *error)
{
    observed o = { .plan = plan, .arguments = arguments, .stream = stream };
    tsm_status status;

    if (arguments->profiler) TSM_TRY(open_events(&o, error));
    if (arguments->visitor) TSM_TRY(open_values(&o, error));
    TSM_TRY(run_steps(&o, error));
    if (o.events) TSM_TRY(tell_times(&o, error));
fail:
    cudaStreamSynchronize(stream);
    while (o.events && o.event_count) cudaEventDestroy(o.events[--o.event_count]);
    tsm_free(o.events);
    tsm_free(o.raw);
    tsm_free(o.values);
    return status;
}
