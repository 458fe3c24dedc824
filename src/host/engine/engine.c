/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - a model made ready on one device. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "passes/passes.h"
#include "model/model.h"

static tsm_status prepare_on(tsm_engine *engine, const tsm_device *device, const tsm_backend_config *config,
                             tsm_error *error)
{
    const tsm_backend *backend;

    TSM_TRY_RETURN(tsm_device_backend(&backend, device->kind, error));
    memset(&engine->report, 0, sizeof engine->report);
    TSM_TRY_RETURN(backend->prepare(&engine->prepared, engine->graph, config, &engine->report, error));
    engine->backend = backend;
    snprintf(engine->device, sizeof engine->device, device->kind->indexed ? "%s:%d" : "%s", backend->name,
             device->index);
    return TSM_OK;
}

/* The first kind that is there and can do it; what the last of them says where none can. */
static tsm_status prepare_on_any(tsm_engine *engine, const tsm_backend_config *config, tsm_error *error)
{
    tsm_status status = TSM_ERROR_DEVICE;
    tsm_error why_not;

    for (const tsm_device_kind *kind = tsm_device_kinds; kind->name; kind++) {
        const tsm_device device = { kind, 0 };

        if (!kind->automatic) continue;
        status = prepare_on(engine, &device, config, &why_not);
        if (status != TSM_ERROR_DEVICE && status != TSM_ERROR_UNSUPPORTED) break;
    }
    if (status != TSM_OK && error) *error = why_not;
    return status;
}

/* What tells two networks apart whose caches must not be mixed up: layers, and the bytes of all weights. */
static uint64_t identify(const tsm_graph *graph)
{
    uint64_t hash = TSM_HASH_START;

    for (int i = 0; i < graph->count; i++) {
        const tsm_node *n = &graph->nodes[i];
        const int fields[] = { (int)n->op,    n->inputs[0], n->inputs[1],   n->inputs[2],    (int)n->act,
                               n->shift.fold, n->shift.end, n->in_channels, n->out_channels, n->groups,
                               n->kernel_h,   n->kernel_w,  n->stride,      n->pad,          n->over_time };
        const size_t channels = (size_t)n->out_channels * sizeof(float);

        hash = tsm_hash(hash, fields, sizeof fields);
        hash = tsm_hash(hash, n->input_mean, sizeof n->input_mean);
        hash = tsm_hash(hash, n->input_std, sizeof n->input_std);
        if (n->scale) hash = tsm_hash(hash, n->scale, channels);
        if (n->bias) hash = tsm_hash(hash, n->bias, channels);
        if (n->weight.data)
            hash = tsm_hash(hash, n->weight.data, (size_t)n->weight.count * tsm_dtype_bytes(n->weight.dtype));
    }
    return hash;
}

/* The model may go once the engine stands: a pointer into it must not be followed by mistake. */
static void forget_weights(tsm_graph *graph)
{
    for (int i = 0; i < graph->count; i++) graph->nodes[i].weight.data = NULL;
}

/* With the graph of a model, as the paper draws it, or with one that is there. */
static tsm_status fill_engine(tsm_engine *engine, const tsm_model *model, const tsm_engine_options *caller,
                              tsm_error *error)
{
    tsm_engine_options options;
    tsm_backend_config config;
    tsm_device device;

    TSM_TRY_RETURN(tsm_engine_options_check(&options, &config, &device, caller, error));
    engine->precision = options.precision;
    engine->max_bytes = options.max_bytes;
    TSM_TRY_RETURN(tsm_cancel_check(&config.cancel, error));
    if (model) TSM_TRY_RETURN(tsm_model_build_graph(model, options.per_frame != 0, &engine->graph, error));
    TSM_TRY_RETURN(tsm_graph_optimize(engine->graph, error));
    if (options.features) TSM_TRY_RETURN(tsm_graph_end_at_features(engine->graph, error));
    if (tsm_graph_check_past_only(engine->graph, NULL) == TSM_OK) engine->identity = identify(engine->graph);
    if (device.kind) {
        TSM_TRY_RETURN(prepare_on(engine, &device, &config, error));
    } else {
        TSM_TRY_RETURN(prepare_on_any(engine, &config, error));
    }
    forget_weights(engine->graph);
    return TSM_OK;
}

/* Takes the graph, where it is not NULL. */
static tsm_status create(tsm_engine **out, const tsm_model *model, tsm_graph *graph, const tsm_engine_options *caller,
                         tsm_error *error)
{
    tsm_engine *engine = tsm_alloc_zero(1, sizeof *engine);
    tsm_status status;

    if (!engine) {
        tsm_graph_destroy(&graph);
        return tsm_fail_memory(error, sizeof *engine);
    }
    engine->holders = 1;
    engine->graph = graph;
    TSM_TRY(fill_engine(engine, model, caller, error));
    *out = engine;
    return TSM_OK;
fail:
    tsm_engine_destroy(&engine);
    return status;
}

tsm_status tsm_engine_create(tsm_engine **out, const tsm_model *model, const tsm_engine_options *caller,
                             tsm_error *error)
{
    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: nowhere to put it (NULL)");
    *out = NULL;
    if (!model) return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: no model (NULL)");
    return create(out, model, NULL, caller, error);
}

tsm_status tsm_engine_create_of_graph(tsm_engine **out, tsm_graph **graph, const tsm_engine_options *caller,
                                      tsm_error *error)
{
    tsm_graph *taken = *graph;

    *out = NULL;
    *graph = NULL;
    return create(out, NULL, taken, caller, error);
}

void tsm_engine_hold(tsm_engine *engine)
{
    __atomic_add_fetch(&engine->holders, 1, __ATOMIC_RELAXED);
}

void tsm_engine_let_go(tsm_engine *engine)
{
    if (__atomic_sub_fetch(&engine->holders, 1, __ATOMIC_ACQ_REL) > 0) return;
    if (engine->backend) engine->backend->release(engine->prepared);
    tsm_graph_destroy(&engine->graph);
    tsm_free(engine);
}

void tsm_engine_destroy(tsm_engine **engine)
{
    if (!engine || !*engine) return;
    tsm_engine_let_go(*engine);
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
    info.segments = engine->graph->segments;
    info.values = engine->graph->classes;
    info.per_frame = engine->graph->per_frame;
    info.note = engine->backend->note ? engine->backend->note(engine->prepared) : NULL;
    return tsm_info_write(caller, &info, sizeof info);
}
