/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - a model made ready on one device. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "passes/passes.h"
#include "model/model.h"

static tsm_status check_options(const tsm_engine_options *options, tsm_error *error)
{
    if ((unsigned)options->precision > TSM_PRECISION_FP8)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: no precision %d", (int)options->precision);
    if ((unsigned)options->shift_method > TSM_SHIFT_GATHER)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: no shift method %d", (int)options->shift_method);
    if (options->threads < 0 || options->threads > TSM_MAX_THREADS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d threads: 1 to %d are possible, 0 for the default",
                        options->threads, TSM_MAX_THREADS);
    return TSM_OK;
}

static tsm_status make_config(tsm_backend_config *config, const tsm_model *model, const tsm_engine_options *options,
                              tsm_error *error)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_status status = tsm_model_get_info(model, &info);

    if (status != TSM_OK) return tsm_fail(error, status, "model: cannot be described");
    memset(config, 0, sizeof *config);
    config->precision = options->precision;
    config->threads = options->threads;
    config->shift_method = options->shift_method;
    memcpy(config->mean, info.mean, sizeof config->mean);
    memcpy(config->std, info.std, sizeof config->std);
    return TSM_OK;
}

static tsm_status prepare_on(tsm_engine *engine, const tsm_backend *backend, const tsm_backend_config *config,
                             tsm_error *error)
{
    memset(&engine->report, 0, sizeof engine->report);
    TSM_TRY_RETURN(backend->prepare(&engine->state, engine->graph, config, &engine->report, error));
    engine->backend = backend;
    snprintf(engine->device, sizeof engine->device, "%s", backend->name);
    return TSM_OK;
}

static tsm_status prepare_on_cuda(tsm_engine *engine, int index, const tsm_backend_config *config, tsm_error *error)
{
    tsm_backend_config with_index = *config;
    const tsm_backend *backend;

    TSM_TRY_RETURN(tsm_device_cuda(&backend, error));
    with_index.device_index = index;
    TSM_TRY_RETURN(prepare_on(engine, backend, &with_index, error));
    snprintf(engine->device, sizeof engine->device, "%s:%d", backend->name, index);
    return TSM_OK;
}

/* The GPU where there is one that can do it, else the CPU. */
static tsm_status prepare_on_any(tsm_engine *engine, const tsm_backend_config *config, tsm_error *error)
{
    tsm_error why_not;
    tsm_status status = prepare_on_cuda(engine, 0, config, &why_not);

    if (status == TSM_ERROR_DEVICE || status == TSM_ERROR_UNSUPPORTED)
        return prepare_on(engine, &tsm_backend_cpu, config, error);
    if (status != TSM_OK && error) *error = why_not;
    return status;
}

static tsm_status prepare(tsm_engine *engine, const tsm_device *device, const tsm_backend_config *config,
                          tsm_error *error)
{
    switch (device->kind) {
    case TSM_DEVICE_AUTO: return prepare_on_any(engine, config, error);
    case TSM_DEVICE_CUDA: return prepare_on_cuda(engine, device->index, config, error);
    case TSM_DEVICE_REFERENCE: return prepare_on(engine, &tsm_backend_reference, config, error);
    case TSM_DEVICE_CPU: break;
    }
    return prepare_on(engine, &tsm_backend_cpu, config, error);
}

/* The model may go once the engine stands: a pointer into it must not be followed by mistake. */
static void forget_weights(tsm_graph *graph)
{
    for (int i = 0; i < graph->count; i++) graph->nodes[i].weight.data = NULL;
}

tsm_status tsm_engine_create(tsm_engine **out, const tsm_model *model, const tsm_engine_options *caller,
                             tsm_error *error)
{
    tsm_engine_options options;
    tsm_backend_config config;
    tsm_engine *engine = NULL;
    tsm_device device;
    tsm_status status;

    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: nowhere to put it (NULL)");
    *out = NULL;
    if (!model) return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: no model (NULL)");
    TSM_TRY(tsm_options_read(&options, sizeof options, caller, "tsm_engine_options", error));
    TSM_TRY(check_options(&options, error));
    TSM_TRY(tsm_device_parse(&device, options.device, error));
    TSM_TRY(make_config(&config, model, &options, error));
    engine = tsm_alloc_zero(1, sizeof *engine);
    if (!engine) return tsm_fail_memory(error, sizeof *engine);
    engine->precision = options.precision;
    TSM_TRY(tsm_model_build_graph(model, options.per_frame != 0, &engine->graph, error));
    TSM_TRY(tsm_graph_optimize(engine->graph, error));
    TSM_TRY(prepare(engine, &device, &config, error));
    forget_weights(engine->graph);
    *out = engine;
    return TSM_OK;
fail:
    tsm_engine_destroy(&engine);
    return status;
}

void tsm_engine_destroy(tsm_engine **engine)
{
    if (!engine || !*engine) return;
    if ((*engine)->backend) (*engine)->backend->release((*engine)->state);
    tsm_graph_destroy(&(*engine)->graph);
    tsm_free(*engine);
    *engine = NULL;
}

tsm_status tsm_engine_get_info(const tsm_engine *engine, tsm_engine_info *caller)
{
    tsm_engine_info info = TSM_ENGINE_INFO_INIT;

    if (!engine || !caller) return TSM_ERROR_ARGUMENT;
    info.device = engine->device;
    info.library = engine->report.library;
    info.precision = engine->precision;
    info.threads = engine->report.threads;
    info.shift_method = engine->report.shift_method;
    info.weight_bytes = engine->report.weight_bytes;
    info.note = engine->backend->note ? engine->backend->note(engine->state) : NULL;
    return tsm_info_write(caller, &info, sizeof info);
}
