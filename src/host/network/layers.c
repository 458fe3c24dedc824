/* SPDX-License-Identifier: Apache-2.0 */
/* layers.c - see layers.h. */
#include "layers.h"

#include <stdio.h>
#include <string.h>

/* Of a block: four convolutions, four batch norms, and the five layers of a non-local block. */
#define MAX_LAYERS_PER_BLOCK 13
#define MAX_OTHER_LAYERS     8 /* a stem of three convolutions and batch norms, the classifier */

const char *const tsm_layer_suffixes[TSM_LAYER_TENSORS] = { "weight", "bias", "running_mean", "running_var" };

static tsm_layer *add_layer(tsm_layer_list *list, tsm_layer_kind kind, const char *name, int in, int out)
{
    tsm_layer *layer = &list->layers[list->count++];

    layer->kind = kind;
    snprintf(layer->name, sizeof layer->name, "%s%s", list->prefix, name);
    layer->in = in;
    layer->out = out;
    layer->kernel = 1;
    layer->groups = 1;
    layer->stride = 1;
    return layer;
}

tsm_layer *tsm_layers_add_conv(tsm_layer_list *list, const char *name, int in, int out, int kernel, int stride)
{
    tsm_layer *layer = add_layer(list, TSM_LAYER_CONV, name, in, out);

    layer->kernel = kernel;
    layer->stride = stride;
    layer->pad = kernel / 2;
    return layer;
}

void tsm_layers_add_norm(tsm_layer_list *list, const char *name, int channels)
{
    add_layer(list, TSM_LAYER_BATCHNORM, name, channels, channels);
}

tsm_status tsm_layers_make(const tsm_model_config *config, tsm_layer **layers, int *count, tsm_error *error)
{
    tsm_layer_list list = { .prefix = "base_model." };
    size_t room = MAX_OTHER_LAYERS;
    int channels;

    for (int stage = 0; stage < TSM_STAGES; stage++)
        room += (size_t)config->arch->blocks[stage] * MAX_LAYERS_PER_BLOCK;
    list.layers = tsm_alloc_zero(room, sizeof *list.layers);
    if (!list.layers) return tsm_fail_memory(error, room * sizeof *list.layers);
    channels = config->arch->family->list(&list, config);
    list.prefix[0] = '\0';
    add_layer(&list, TSM_LAYER_FC, "new_fc", channels, config->classes);
    *layers = list.layers;
    *count = list.count;
    return TSM_OK;
}

void tsm_layers_destroy(tsm_layer **layers, int count)
{
    if (!*layers) return;
    for (int i = 0; i < count; i++)
        for (int which = 0; which < TSM_LAYER_TENSORS; which++) tsm_free((*layers)[i].owned[which]);
    tsm_free(*layers);
    *layers = NULL;
}

bool tsm_layer_has(const tsm_layer *layer, int which)
{
    switch (layer->kind) {
    case TSM_LAYER_CONV: return which == TSM_WEIGHT || (which == TSM_BIAS && layer->biased);
    case TSM_LAYER_FC: return which == TSM_WEIGHT || which == TSM_BIAS;
    case TSM_LAYER_BATCHNORM: return true;
    }
    return false;
}

int tsm_layer_dims(const tsm_layer *layer, int which, int64_t dims[TSM_LAYER_DIMS])
{
    dims[0] = layer->out;
    dims[1] = layer->in / layer->groups;
    dims[2] = dims[3] = dims[4] = layer->kernel;
    if (which != TSM_WEIGHT || layer->kind == TSM_LAYER_BATCHNORM) return 1;
    if (layer->kind == TSM_LAYER_FC) return 2;
    return layer->volume ? 5 : 4;
}
