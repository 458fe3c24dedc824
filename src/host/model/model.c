/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - loading a checkpoint into a model, and what one can ask it. */
#include <string.h>

#include "core/status.h"
#include "config.h"
#include "object.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/torch_file.h"

/* The type of the stored weights, "mixed" where they differ. */
static const char *weights_type(const tsm_keys *keys)
{
    for (int i = 1; i < keys->count; i++)
        if (keys->items[i].tensor->type != keys->items[0].tensor->type) return "mixed";
    return tsm_stored_name(keys->items[0].tensor->type);
}

static uint64_t count_parameters(const tsm_model *model)
{
    uint64_t count = 0;

    for (int i = 0; i < model->layer_count; i++)
        count +=
            (uint64_t)model->layers[i].tensors[TSM_WEIGHT].count + (uint64_t)model->layers[i].tensors[TSM_BIAS].count;
    return count;
}

/* What only the graph tells: it must fit together at the model's own size. */
static tsm_status measure_graph(tsm_model *model, tsm_error *error)
{
    const tsm_shape shape = { 1, model->config.segments, model->config.input_size, model->config.input_size };
    tsm_dims *shapes = NULL;
    tsm_graph *graph;
    tsm_status status;

    TSM_TRY_RETURN(tsm_model_build_graph(model, false, &graph, error));
    shapes = tsm_alloc_zero((size_t)graph->count, sizeof *shapes);
    if (!shapes) {
        status = tsm_fail_memory(error, (size_t)graph->count * sizeof *shapes);
        goto fail;
    }
    TSM_TRY(tsm_graph_infer(graph, &shape, shapes, error));
    model->info.macs = tsm_graph_macs(graph, shapes);
    for (int i = 0; i < graph->count; i++) model->info.shifts += tsm_graph_node(graph, i)->op == TSM_OP_SHIFT;
fail:
    tsm_free(shapes);
    tsm_graph_destroy(&graph);
    return status;
}

static tsm_status fill_info(tsm_model *model, const tsm_keys *keys, tsm_error *error)
{
    const tsm_model_config *config = &model->config;

    model->info = (tsm_model_info){
        .struct_size = sizeof model->info,
        .format = model->checkpoint->container,
        .layout = keys->naming->name, /* every tensor has a name of it */
        .arch = config->arch->name,
        .width = config->width,
        .segments = config->segments,
        .classes = config->classes,
        .shift_div = config->shift_div,
        .shift_place = config->shift_place,
        .in_channels = config->in_channels,
        .input_size = config->input_size,
        .scale_size = config->scale_size,
        .dtype = weights_type(keys),
        .parameters = count_parameters(model),
        .has_labels = model->labels.count > 0,
        .temporal_pool = config->temporal_pool,
        .shift_direction = config->shift_direction,
        .nonlocal = config->nonlocal,
        .doubts = config->doubts[0] ? config->doubts : NULL,
    };
    for (int stage = 0; stage < TSM_STAGES; stage++)
        model->info.nonlocal_blocks += __builtin_popcountll(config->nonlocal_blocks[stage]);
    memcpy(model->info.mean, config->mean, sizeof config->mean);
    memcpy(model->info.std, config->std, sizeof config->std);
    return measure_graph(model, error);
}

static tsm_status read_labels(tsm_model *model, const tsm_model_options *options, tsm_error *error)
{
    const char *text = options->labels ? options->labels : tsm_checkpoint_metadata(model->checkpoint, "labels");

    return text ? tsm_labels_parse(&model->labels, text, model->config.classes, error) : TSM_OK;
}

/* From a checkpoint to a network whose every layer has its weights. */
static tsm_status understand(tsm_model *model, const char *name, const tsm_model_options *options, tsm_error *error)
{
    const tsm_filename said = tsm_filename_parse(name);
    tsm_keys keys = { 0 };
    tsm_status status;

    TSM_TRY(tsm_keys_make(&keys, model->checkpoint, error));
    TSM_TRY(tsm_config_derive(&model->config, &keys, model->checkpoint, &said, options, error));
    TSM_TRY(tsm_layers_make(&model->config, &model->layers, &model->layer_count, error));
    TSM_TRY(tsm_layers_bind(model->layers, model->layer_count, &keys, error));
    TSM_TRY(read_labels(model, options, error));
    TSM_TRY(fill_info(model, &keys, error));
fail:
    tsm_keys_clear(&keys);
    return status;
}

static tsm_status read_checkpoint(tsm_checkpoint **checkpoint, const tsm_source *source, tsm_error *error)
{
    uint8_t head[16];
    size_t got = source->size < sizeof head ? (size_t)source->size : sizeof head;

    TSM_TRY_RETURN(tsm_source_read(source, 0, head, got, error));
    if (tsm_torch_recognise(head, got)) return tsm_torch_read(checkpoint, source, error);
    return tsm_safetensors_read(checkpoint, source, error);
}

static tsm_status load(tsm_model **model, const tsm_source *source, const char *name,
                       const tsm_model_options *options, tsm_error *error)
{
    tsm_model *made = tsm_alloc_zero(1, sizeof *made);
    tsm_status status;

    if (!made) return tsm_fail_memory(error, sizeof *made);
    TSM_TRY(read_checkpoint(&made->checkpoint, source, error));
    TSM_TRY(understand(made, name, options, error));
    *model = made;
    return TSM_OK;
fail:
    tsm_model_destroy(&made);
    return status;
}

tsm_status tsm_model_load(tsm_model **model, const char *path, const tsm_model_options *options, tsm_error *error)
{
    tsm_model_options own;
    tsm_source source;
    tsm_status status;

    if (!model || !path)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "tsm_model_load: %s is NULL", model ? "path" : "model");
    *model = NULL;
    TSM_TRY_RETURN(tsm_options_read(&own, sizeof own, options, "tsm_model_options", error));
    status = tsm_source_open(&source, path, error);
    if (status == TSM_OK) status = load(model, &source, path, &own, error);
    tsm_source_close(&source);
    return status == TSM_OK ? TSM_OK : tsm_error_prefix(error, status, path);
}

tsm_status tsm_model_load_memory(tsm_model **model, const void *data, size_t bytes, const char *name,
                                 const tsm_model_options *options, tsm_error *error)
{
    const tsm_source source = { .fd = -1, .bytes = data, .size = bytes };
    tsm_model_options own;
    tsm_status status;

    if (!model || (!data && bytes))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "tsm_model_load_memory: %s is NULL", model ? "data" : "model");
    *model = NULL;
    TSM_TRY_RETURN(tsm_options_read(&own, sizeof own, options, "tsm_model_options", error));
    if (!name) name = "model in memory";
    status = load(model, &source, name, &own, error);
    return status == TSM_OK ? TSM_OK : tsm_error_prefix(error, status, name);
}

void tsm_model_destroy(tsm_model **model)
{
    tsm_model *m = model ? *model : NULL;

    if (!m) return;
    tsm_layers_destroy(&m->layers, m->layer_count);
    tsm_labels_clear(&m->labels);
    tsm_checkpoint_destroy(&m->checkpoint);
    tsm_free(m);
    *model = NULL;
}

tsm_status tsm_model_get_info(const tsm_model *model, tsm_model_info *info)
{
    if (!model || !info) return TSM_ERROR_ARGUMENT;
    return tsm_info_write(info, &model->info, sizeof model->info);
}

const char *tsm_model_label(const tsm_model *model, int index)
{
    return model && index >= 0 && index < model->labels.count ? model->labels.names[index] : NULL;
}
