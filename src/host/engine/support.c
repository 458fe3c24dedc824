/* SPDX-License-Identifier: Apache-2.0 */
/* support.c - which layers of a model run how on a device, before anything is made ready. */
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "model/model.h"
#include "passes/passes.h"

/* The rows and the text that they point to are one block. */
static tsm_status make_rows(tsm_support_row **out, const tsm_graph *graph, const tsm_backend *backend,
                            const tsm_backend_config *config, const char *device, tsm_error *error)
{
    struct text {
        char device[24], layer[sizeof graph->nodes->name], how[TSM_SUPPORT_TEXT];
    } * texts;
    const size_t count = (size_t)graph->count;
    tsm_support_row *rows = tsm_alloc_zero(count, sizeof *rows + sizeof *texts);

    if (!rows) return tsm_fail_memory(error, count * (sizeof *rows + sizeof *texts));
    texts = (void *)(rows + count);
    for (size_t i = 0; i < count; i++) {
        const bool supported = backend->supports(config, graph, (int)i, texts[i].how);

        snprintf(texts[i].device, sizeof texts[i].device, "%s", device);
        memcpy(texts[i].layer, graph->nodes[i].name, sizeof texts[i].layer);
        rows[i] = (tsm_support_row){ texts[i].device, texts[i].layer, tsm_op_name(graph->nodes[i].op), supported,
                                     texts[i].how };
    }
    *out = rows;
    return TSM_OK;
}

static bool supports_all(const tsm_backend *backend, const tsm_backend_config *config, const tsm_graph *graph)
{
    char text[TSM_SUPPORT_TEXT];

    for (int i = 0; i < graph->count; i++)
        if (!backend->supports(config, graph, i, text)) return false;
    return true;
}

/* "auto": the first that is there and supports everything, else the last that is there. */
static tsm_status choose(tsm_device *device, const tsm_backend **backend, const tsm_backend_config *config,
                         const tsm_graph *graph, tsm_error *error)
{
    if (device->kind) return tsm_device_backend(backend, device->kind, error);
    for (const tsm_device_kind *kind = tsm_device_kinds; kind->name; kind++) {
        const tsm_backend *found;

        if (!kind->automatic || tsm_device_backend(&found, kind, NULL) != TSM_OK) continue;
        device->kind = kind;
        *backend = found;
        if (supports_all(found, config, graph)) break;
    }
    return TSM_OK;
}

tsm_status tsm_model_support(const tsm_model *model, const tsm_engine_options *caller, tsm_support_row **rows,
                             int *count, tsm_error *error)
{
    const tsm_backend *backend = NULL;
    tsm_engine_options options;
    tsm_backend_config config;
    tsm_graph *graph = NULL;
    tsm_device device;
    char name[24];
    tsm_status status;

    if (!rows || !count) return tsm_fail(error, TSM_ERROR_ARGUMENT, "support: nowhere to put it (NULL)");
    *rows = NULL;
    *count = 0;
    if (!model) return tsm_fail(error, TSM_ERROR_ARGUMENT, "support: no model (NULL)");
    TSM_TRY_RETURN(tsm_engine_options_check(&options, &config, &device, caller, error));
    TSM_TRY(tsm_model_build_graph(model, options.per_frame != 0, &graph, error));
    TSM_TRY(tsm_graph_optimize(graph, error));
    TSM_TRY(choose(&device, &backend, &config, graph, error));
    snprintf(name, sizeof name, device.kind->indexed ? "%s:%d" : "%s", device.kind->name, device.index);
    TSM_TRY(make_rows(rows, graph, backend, &config, name, error));
    *count = graph->count;
fail:
    tsm_graph_destroy(&graph);
    return status;
}
