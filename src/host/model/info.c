/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - see info.h; and what a program can ask a model. */
#include "info.h"

#include <stdio.h>
#include <string.h>

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

/* "53 num_batches_tracked, 106 thop". */
static void list_left_out(tsm_model *model, const tsm_keys *keys)
{
    size_t used = 0;

    for (int kind = TSM_BOOK_NONE + 1; kind < TSM_BOOK_COUNT; kind++)
        if (keys->left_out[kind] > 0 && used < sizeof model->left_out)
            used +=
                (size_t)snprintf(model->left_out + used, sizeof model->left_out - used, "%s%d %s", used ? ", " : "",
                                 keys->left_out[kind], tsm_bookkeeping_name((tsm_bookkeeping)kind));
}

/* The key of the weights that were taken; NULL where the file has no keys. */
static const char *weights_key(const tsm_checkpoint *checkpoint)
{
    return checkpoint->set_count > 0 && *checkpoint->sets[checkpoint->set] ? checkpoint->sets[checkpoint->set] : NULL;
}

tsm_status tsm_model_fill_info(tsm_model *model, tsm_keys *keys, tsm_error *error)
{
    const tsm_model_config *config = &model->config;

    model->prefix = keys->prefix;
    keys->prefix = NULL;
    list_left_out(model, keys);
    model->info = (tsm_model_info){
        .struct_size = sizeof model->info,
        .format = model->checkpoint->container,
        .naming = keys->naming->name, /* every tensor has a name of it */
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
        .weights = weights_key(model->checkpoint),
        .other_weights = model->other_weights,
        .prefix = *model->prefix ? model->prefix : NULL,
        .left_out = *model->left_out ? model->left_out : NULL,
        .groups = config->groups,
        .bottleneck_width = config->inner,
    };
    for (int stage = 0; stage < TSM_STAGES; stage++)
        model->info.nonlocal_blocks += __builtin_popcountll(config->nonlocal_blocks[stage]);
    memcpy(model->info.mean, config->mean, sizeof config->mean);
    memcpy(model->info.std, config->std, sizeof config->std);
    return measure_graph(model, error);
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
