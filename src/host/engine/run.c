/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs of a planned context; the caller's tensors are checked here, once for all backends. */
#include <stdio.h>

#include "engine.h"

static void format_dims(char *text, size_t bytes, const int64_t *dims, int count)
{
    size_t used = 0;

    for (int i = 0; i < count && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%lld", i ? "x" : "", (long long)dims[i]);
}

/* The parts of a tensor that do not depend on what it holds. */
static tsm_status check_view(const tsm_tensor *tensor, const char *name, const int64_t *dims, int ndim,
                             tsm_error *error)
{
    char got[128], want[128];
    bool same = tensor->ndim == ndim;

    if (!tensor->data) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no data (NULL)", name);
    if ((unsigned)tensor->memory > TSM_MEMORY_DEVICE)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no kind of memory %d", name, (int)tensor->memory);
    if (tensor->dtype == TSM_FLOAT32 && (uintptr_t)tensor->data % sizeof(float))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: float32 data at an odd address", name);
    if (!same) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: has %d dimensions, not %d", name, tensor->ndim, ndim);
    for (int i = 0; i < ndim; i++) same = same && tensor->dims[i] == dims[i];
    if (same) return TSM_OK;
    format_dims(got, sizeof got, tensor->dims, ndim);
    format_dims(want, sizeof want, dims, ndim);
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: is %s, the plan is for %s", name, got, want);
}

static tsm_status check_input(const tsm_graph *graph, const tsm_dims *d, const tsm_tensor *input, tsm_error *error)
{
    const tsm_resample_spec *resize = graph->resize ? &graph->resize->spec : NULL;
    const int64_t planes[] = { d->n, d->t, d->c, d->h, d->w };
    const int64_t pixels[] = { d->n, d->t, resize ? resize->in_height : d->h, resize ? resize->in_width : d->w, 3 };

    if (!input) return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: no tensor (NULL)");
    if (input->dtype == TSM_FLOAT32) {
        if (input->layout != TSM_NTCHW) return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: float32 must be NTCHW");
        return check_view(input, "input", planes, 5, error);
    }
    if (input->dtype != TSM_UINT8) return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: is neither float32 nor uint8");
    if (input->layout != TSM_NTHWC) return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: uint8 must be NTHWC");
    if (graph->in_channels != 3)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "input: uint8 frames have 3 channels, this network reads %d",
                        graph->in_channels);
    return check_view(input, "input", pixels, 5, error);
}

static tsm_status check_output(const tsm_graph *graph, const tsm_tensor *output, tsm_error *error)
{
    const tsm_dims *logits = &graph->nodes[graph->output].dims;
    const int64_t of_clips[] = { logits->n, logits->c }, of_frames[] = { logits->n, logits->t, logits->c };

    if (!output) return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: no tensor (NULL)");
    if (output->dtype != TSM_FLOAT32) return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: is not float32");
    if (output->layout != (graph->per_frame ? TSM_NTC : TSM_NC))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "output: must be %s", graph->per_frame ? "NTC" : "NC");
    return graph->per_frame ? check_view(output, "output", of_frames, 3, error)
                            : check_view(output, "output", of_clips, 2, error);
}

const tsm_dims *tsm_graph_input_dims(const tsm_graph *graph)
{
    int i = 0;

    while (graph->nodes[i].op != TSM_OP_INPUT) i++;
    return &graph->nodes[i].dims;
}

static tsm_status check_memory(const tsm_backend *backend, const tsm_tensor *tensor, const char *name,
                               tsm_error *error)
{
    if (tensor->memory != TSM_MEMORY_DEVICE || backend->device_memory) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: is not in host memory", name);
}

static tsm_status check_tensors(const tsm_context *context, const tsm_tensor *input, const tsm_tensor *output,
                                tsm_error *error)
{
    const tsm_backend *backend = context->engine->backend;

    if (!context->plan) return tsm_fail(error, TSM_ERROR_ARGUMENT, "run: the context has no plan");
    TSM_TRY_RETURN(check_input(context->graph, tsm_graph_input_dims(context->graph), input, error));
    TSM_TRY_RETURN(check_output(context->graph, output, error));
    TSM_TRY_RETURN(check_memory(backend, input, "input", error));
    return check_memory(backend, output, "output", error);
}

tsm_status tsm_run(tsm_context *context, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error)
{
    if (!context) return tsm_fail(error, TSM_ERROR_ARGUMENT, "run: no context (NULL)");
    TSM_TRY_RETURN(check_tensors(context, input, output, error));
    if (context->frames && input->dtype == TSM_UINT8) {
        const tsm_tensor frames = tsm_context_resample(context, input);

        return context->engine->backend->run(context->plan, &frames, output, error);
    }
    return context->engine->backend->run(context->plan, input, output, error);
}

tsm_status tsm_enqueue(tsm_context *context, const tsm_tensor *input, const tsm_tensor *output, void *stream,
                       tsm_error *error)
{
    if (!context) return tsm_fail(error, TSM_ERROR_ARGUMENT, "enqueue: no context (NULL)");
    if (!context->engine->backend->enqueue)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "enqueue: %s has no streams", context->engine->device);
    TSM_TRY_RETURN(check_tensors(context, input, output, error));
    return context->engine->backend->enqueue(context->plan, input, output, stream, error);
}
