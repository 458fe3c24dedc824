/* SPDX-License-Identifier: Apache-2.0 */
/* random_model.c - see random_model.h. */
#include "random_model.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/model.h"

#define CLASSES  400
#define SEGMENTS 8

/* Expansion, channels out, blocks, stride: table 2 of Sandler et al., 2018. */
static const struct {
    int expansion, out, blocks, stride;
} inverted[] = { { 1, 16, 1, 1 }, { 6, 24, 2, 2 },  { 6, 32, 3, 2 }, { 6, 64, 4, 2 },
                 { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } };

bool bench_random_knows(const char *arch)
{
    const tsm_arch *found = tsm_arch_find(arch);

    return found && !found->vd && found->family != &tsm_family_mobileone;
}

static void set_mobilenet(tsm_model_config *config)
{
    int channels = config->width = 32, index = 0;

    for (size_t stage = 0; stage < sizeof inverted / sizeof *inverted; stage++)
        for (int i = 0; i < inverted[stage].blocks; i++) {
            tsm_inverted *block = &config->inverted[index++];

            block->in = channels;
            block->hidden = channels * inverted[stage].expansion;
            block->out = channels = inverted[stage].out;
            block->stride = i == 0 ? inverted[stage].stride : 1;
            block->expands = inverted[stage].expansion > 1;
            block->residual = block->stride == 1 && block->in == block->out;
        }
    config->last_channels = 1280;
}

static void set_config(tsm_model_config *config, const tsm_arch *arch)
{
    static const float mean[3] = { 0.485f, 0.456f, 0.406f }, std[3] = { 0.229f, 0.224f, 0.225f };

    config->arch = arch;
    config->width = config->inner = 64;
    config->groups = 1;
    config->in_channels = 3;
    config->classes = CLASSES;
    config->segments = SEGMENTS;
    config->shift_div = 8;
    config->shift_place = TSM_PLACE_BLOCKRES;
    config->shift_direction = TSM_BIDIRECTIONAL;
    config->input_size = 224;
    config->scale_size = 256;
    memcpy(config->mean, mean, sizeof mean);
    memcpy(config->std, std, sizeof std);
    if (arch->family == &tsm_family_mobilenet) set_mobilenet(config);
}

/* 0 to 1. */
static float draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 16777216.0f;
}

/* The norm whose value is added to the identity. */
static bool ends_branch(const tsm_model_config *config, const char *name)
{
    const char *last = strrchr(name, '.');

    if (config->arch->family == &tsm_family_mobilenet) return strstr(name, ".conv.7") != NULL;
    return last && strcmp(last, config->arch->bottleneck ? ".bn3" : ".bn2") == 0;
}

static float draw_value(const tsm_model_config *config, const tsm_layer *layer, int which, uint32_t *state)
{
    const float fan_in = (float)(layer->in / layer->groups * layer->kernel * layer->kernel), u = draw(state);
    const int *blocks = config->arch->blocks;
    const float gain =
        ends_branch(config, layer->name) ? 1 / sqrtf((float)(blocks[0] + blocks[1] + blocks[2] + blocks[3])) : 1;

    /* Uniform numbers of variance 1 reach to the root of 3; a ReLU takes half of what comes. */
    if (layer->kind != TSM_LAYER_BATCHNORM && which == TSM_WEIGHT)
        return (2 * u - 1) * sqrtf(3.0f * (layer->kind == TSM_LAYER_CONV ? 2.0f : 1.0f) / fan_in);
    if (which == TSM_WEIGHT) return gain * (0.8f + 0.4f * u);
    if (which == TSM_VARIANCE) return 0.8f + 0.45f * u;
    return 0.2f * u - 0.1f;
}

static tsm_status fill_layers(tsm_model *model, tsm_error *error)
{
    uint32_t state = 1;

    for (int i = 0; i < model->layer_count; i++)
        for (int which = 0; which < TSM_LAYER_TENSORS; which++) {
            tsm_layer *layer = &model->layers[i];
            int64_t dims[TSM_LAYER_DIMS], count = 1;
            float *values;

            if (!tsm_layer_has(layer, which)) continue;
            for (int d = tsm_layer_dims(layer, which, dims); d > 0; d--) count *= dims[d - 1];
            values = tsm_alloc_zero((size_t)count, sizeof *values);
            if (!values) return tsm_fail_memory(error, (size_t)count * sizeof *values);
            for (int64_t k = 0; k < count; k++) values[k] = draw_value(&model->config, layer, which, &state);
            layer->owned[which] = values;
            layer->tensors[which] = (tsm_weight){ values, TSM_FLOAT32, count };
        }
    return TSM_OK;
}

tsm_status bench_random_model(const char *arch, void **data, size_t *bytes, tsm_error *error)
{
    tsm_model *model;
    tsm_status status;

    *data = NULL;
    if (!bench_random_knows(arch)) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no network of that name", arch);
    model = tsm_alloc_zero(1, sizeof *model);
    if (!model) return tsm_fail_memory(error, sizeof *model);
    set_config(&model->config, tsm_arch_find(arch));
    TSM_TRY(tsm_network_list(&model->config, &model->layers, &model->layer_count, error));
    TSM_TRY(fill_layers(model, error));
    TSM_TRY(tsm_model_serialize(model, NULL, data, bytes, error));
fail:
    tsm_layers_destroy(&model->layers, model->layer_count);
    tsm_free(model);
    return status;
}
