/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs of a context: the plan that fits the input is found, and the caller's tensors are checked, here once
 * for all backends. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"

static void format_dims(char *text, size_t bytes, const int64_t *dims, int count)
{
    size_t used = 0;

    for (int i = 0; i < count && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%lld", i ? "x" : "", (long long)dims[i]);
}

/* The parts of a tensor that do not depend on what it holds. */
static tsm_status check_data(const tsm_tensor *tensor, const char *name, tsm_error *error)
{
    if (!tensor->data) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no data (NULL)", name);
    if ((unsigned)tensor->memory > TSM_MEMORY_DEVICE)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no kind of memory %d", name, (int)tensor->memory);
    if (tensor->dtype == TSM_FLOAT32 && (uintptr_t)tensor->data % sizeof(float))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: float32 data at an odd address", name);
    return TSM_OK;
}

/* What an input must be whatever is planned. */
static tsm_status check_input_kind(const tsm_graph *graph, const tsm_tensor *input, tsm_error *error)
{
    if (!input) return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: no tensor (NULL)");
    if (input->dtype != TSM_FLOAT32 && input->dtype != TSM_UINT8)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: is neither float32 nor uint8");
    if (input->dtype == TSM_FLOAT32 && input->layout != TSM_NTCHW)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: float32 must be NTCHW");
    if (input->dtype == TSM_UINT8 && input->layout != TSM_NTHWC)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: uint8 must be NTHWC");
    if (input->dtype == TSM_UINT8 && graph->in_channels != 3)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: uint8 frames have 3 channels, this network reads %d",
                        graph->in_channels);
    if (input->ndim != 5) return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: has %d dimensions, not 5", input->ndim);
    return check_data(input, "input", error);
}

/* The dims of an input of that type for a plan. */
static void wanted_dims(const tsm_context *context, const tsm_planned *planned, tsm_dtype dtype, int64_t dims[5])
{
    const tsm_resample_spec *resize = planned->resizes ? &planned->resize.spec : NULL;
    const tsm_dims *d = tsm_planned_input(context, planned);
    const int64_t planes[] = { d->n, d->t, d->c, d->h, d->w };
    const int64_t pixels[] = { d->n, d->t, resize ? resize->in_height : d->h, resize ? resize->in_width : d->w, 3 };

    memcpy(dims, dtype == TSM_FLOAT32 ? planes : pixels, sizeof planes);
}

static tsm_status fail_unplanned(const tsm_context *context, const tsm_tensor *input, tsm_error *error)
{
    char got[128], planned[256] = "";
    int64_t dims[5];
    size_t used = 0;

    for (const tsm_planned *p = context->plans; p && used < sizeof planned - 64; p = p->next) {
        if (used) used += (size_t)snprintf(planned + used, sizeof planned - used, ", ");
        wanted_dims(context, p, input->dtype, dims);
        format_dims(planned + used, sizeof planned - used, dims, 5);
        used += strlen(planned + used);
        if (p->next && used >= sizeof planned - 64) snprintf(planned + used, sizeof planned - used, " and more");
    }
    format_dims(got, sizeof got, input->dims, 5);
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: is %s, planned for is %s", got, planned);
}

const tsm_planned *tsm_context_find_plan(const tsm_context *context, const tsm_tensor *input, tsm_error *error)
{
    int64_t dims[5];

    if (!context->plans) {
        tsm_fail(error, TSM_ERROR_ARGUMENT, "run: the context has no plan");
        return NULL;
    }
    if (check_input_kind(context->engine->graph, input, error) != TSM_OK) return NULL;
    for (const tsm_planned *planned = context->plans; planned; planned = planned->next) {
        wanted_dims(context, planned, input->dtype, dims);
        if (memcmp(dims, input->dims, sizeof dims) == 0) return planned;
    }
    fail_unplanned(context, input, error);
    return NULL;
}

static tsm_status check_output(const tsm_context *context, const tsm_planned *planned, const tsm_tensor *output,
                               tsm_error *error)
{
    const tsm_graph *graph = context->engine->graph;
    const tsm_dims *logits = &planned->shapes[graph->output];
    const int64_t of_clips[] = { logits->n, logits->c }, of_frames[] = { logits->n, logits->t, logits->c };
    const int64_t *dims = graph->per_frame ? of_frames : of_clips;
    const int ndim = graph->per_frame ? 3 : 2;
    char got[128], want[128];

    if (!output) return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: no tensor (NULL)");
    if (output->dtype != TSM_FLOAT32) return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: is not float32");
    if (output->layout != (graph->per_frame ? TSM_NTC : TSM_NC))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: must be %s", graph->per_frame ? "NTC" : "NC");
    TSM_TRY_RETURN(check_data(output, "output", error));
    if (output->ndim != ndim)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: has %d dimensions, not %d", output->ndim, ndim);
    if (memcmp(output->dims, dims, (size_t)ndim * sizeof *dims) == 0) return TSM_OK;
    format_dims(got, sizeof got, output->dims, ndim);
    format_dims(want, sizeof want, dims, ndim);
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: is %s, the plan is for %s", got, want);
}

static tsm_status check_memory(const tsm_backend *backend, const tsm_tensor *tensor, const char *name,
                               tsm_error *error)
{
    if (tensor->memory != TSM_MEMORY_DEVICE || backend->device_memory) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: is not in host memory", name);
}

/* Logits that a backend cannot have looked at before they were on the host. */
static tsm_status check_logits(const tsm_dims *logits, const tsm_tensor *output, tsm_error *error)
{
    const float *values = output->data;
    const int64_t count = tsm_dims_count(logits);

    if (output->memory == TSM_MEMORY_DEVICE) return TSM_OK;
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return tsm_fail_logits(error, logits, i / logits->c);
    return TSM_OK;
}

/* Runs with the frames resized on the host. */
static tsm_status run_resized(tsm_context *context, const tsm_planned *planned, const tsm_run_arguments *arguments,
                              tsm_error *error)
{
    const tsm_profiler *profiler = arguments->profiler;
    const double begin = tsm_now_ms();
    const tsm_tensor frames = tsm_context_resample(context, planned, arguments->input);
    tsm_run_arguments resized = *arguments;

    if (profiler)
        profiler->step(profiler->user, tsm_graph_input(context->engine->graph), "resize on the host",
                       tsm_now_ms() - begin);
    resized.input = &frames;
    return context->engine->backend->run(planned->plan, &resized, error);
}

static tsm_status find_and_check(const tsm_planned **planned, const tsm_context *context,
                                 const tsm_run_arguments *arguments, tsm_error *error)
{
    const tsm_backend *backend = context->engine->backend;

    *planned = tsm_context_find_plan(context, arguments->input, error);
    if (!*planned) return TSM_ERROR_ARGUMENT;
    TSM_TRY_RETURN(check_output(context, *planned, arguments->output, error));
    TSM_TRY_RETURN(check_memory(backend, arguments->input, "input", error));
    return check_memory(backend, arguments->output, "output", error);
}

tsm_status tsm_context_check_run(const tsm_context *context, const tsm_run_arguments *arguments, tsm_error *error)
{
    const tsm_planned *planned;

    return find_and_check(&planned, context, arguments, error);
}

tsm_status tsm_context_run(tsm_context *context, const tsm_run_arguments *arguments, tsm_error *error)
{
    const tsm_backend *backend = context->engine->backend;
    const tsm_planned *planned;

    TSM_TRY_RETURN(find_and_check(&planned, context, arguments, error));
    if (planned->resizes && !backend->resizes && arguments->input->dtype == TSM_UINT8) {
        TSM_TRY_RETURN(run_resized(context, planned, arguments, error));
    } else {
        TSM_TRY_RETURN(backend->run(planned->plan, arguments, error));
    }
    if (arguments->enqueue) return TSM_OK;
    return check_logits(&planned->shapes[context->engine->graph->output], arguments->output, error);
}

tsm_status tsm_run(tsm_context *context, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error)
{
    const tsm_run_arguments arguments = { .input = input, .output = output };

    if (!context) return tsm_fail(error, TSM_ERROR_ARGUMENT, "run: no context (NULL)");
    return tsm_context_run(context, &arguments, error);
}

tsm_status tsm_enqueue(tsm_context *context, const tsm_tensor *input, const tsm_tensor *output, void *stream,
                       tsm_error *error)
{
    const tsm_run_arguments arguments = { .input = input, .output = output, .enqueue = true, .stream = stream };

    if (!context) return tsm_fail(error, TSM_ERROR_ARGUMENT, "enqueue: no context (NULL)");
    if (!context->engine->backend->streams)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "enqueue: %s has no streams", context->engine->device);
    return tsm_context_run(context, &arguments, error);
}
