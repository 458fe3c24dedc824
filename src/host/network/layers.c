/* SPDX-License-Identifier: Apache-2.0 */
/* layers.c - see layers.h. */
#include "layers.h"

#include <stdio.h>

const char *const tsm_layer_suffixes[TSM_LAYER_TENSORS] = { "weight", "bias", "running_mean", "running_var" };

static tsm_layer make_layer(tsm_layer_kind kind, const char *block, const char *name, int in, int out)
{
    tsm_layer layer = { .kind = kind, .in = in, .out = out, .kernel = 1, .stride = 1, .groups = 1 };

    snprintf(layer.name, sizeof layer.name, "%s%s", name[0] == '.' ? block : "", name);
    return layer;
}

tsm_layer tsm_layer_conv(const char *block, const char *name, int in, int out, int kernel, int stride)
{
    tsm_layer layer = make_layer(TSM_LAYER_CONV, block, name, in, out);

    layer.kernel = kernel;
    layer.stride = stride;
    layer.pad = kernel / 2;
    return layer;
}

tsm_layer tsm_layer_norm(const char *block, const char *name, int channels)
{
    return make_layer(TSM_LAYER_BATCHNORM, block, name, channels, channels);
}

tsm_layer tsm_layer_fc(const char *name, int in, int out)
{
    return make_layer(TSM_LAYER_FC, "", name, in, out);
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
