/* SPDX-License-Identifier: Apache-2.0 */
/* networks.c - the published architectures with random weights, see check.h. */
#include "check.h"

#include <math.h>

#include "network/arch.h"
#include "passes/passes.h"

/* Ranges that keep activations near one: He for filters, and norms that halve what a block adds. */
static void fill_tensor(network *net, tsm_layer *layer, int which)
{
    int64_t dims[TSM_LAYER_DIMS], count = 1;
    int rank = tsm_layer_dims(layer, which, dims);
    bool norm = layer->kind == TSM_LAYER_BATCHNORM;
    float range, low, high;

    for (int i = 0; i < rank; i++) count *= dims[i];
    range = sqrtf(6.0f / ((float)layer->in * (float)layer->kernel * (float)layer->kernel));
    low = norm ? -0.2f : -range;
    high = norm ? 0.2f : range;
    if (norm && which == TSM_WEIGHT) low = 0.3f, high = 0.7f;
    if (norm && which == TSM_VARIANCE) low = 0.8f, high = 1.2f;
    layer->tensors[which] = (tsm_weight){ network_array(net, (int)count, low, high), TSM_FLOAT32, count };
}

static tsm_model_config config_of(const network_spec *spec)
{
    tsm_model_config config = {
        .arch = spec->arch ? must((void *)(uintptr_t)tsm_arch_find(spec->arch)) : NULL,
        .width = spec->width,
        .inner = spec->width,
        .groups = 1,
        .stem_channels = spec->width / 2,
        .in_channels = 3,
        .classes = spec->classes,
        .segments = 8,
        .shift_div = spec->shift_div,
        .shift_place = spec->place,
        .shift_direction = spec->direction,
        .nonlocal = spec->nonlocal,
        .nonlocal_bias = true,
        .mean = { 0.485f, 0.456f, 0.406f },
        .std = { 0.229f, 0.224f, 0.225f },
    };

    if (spec->nonlocal) { /* where the releases have them */
        config.nonlocal_blocks[1] = 1 | 1 << 2;
        config.nonlocal_blocks[2] = 1 | 1 << 2 | 1 << 4;
    }
    return config;
}

network network_of_arch(const network_spec *spec)
{
    const tsm_model_config config = config_of(spec);
    tsm_layer *layers = NULL;
    network net = { .seed = 1 };
    tsm_error error;
    int count = 0;

    if (tsm_network_list(&config, &layers, &count, &error) != TSM_OK) must(NULL);
    for (int i = 0; i < count; i++)
        for (int which = 0; which < TSM_LAYER_TENSORS; which++)
            if (tsm_layer_has(&layers[i], which)) fill_tensor(&net, &layers[i], which);
    if (tsm_network_build(&config, layers, count, spec->per_frame, &net.graph, &error) != TSM_OK) must(NULL);
    if (tsm_graph_optimize(net.graph, &error) != TSM_OK) must(NULL);
    tsm_free(layers);
    return net;
}
