/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resnet.c - ResNets with temporal shifts, from 18 to 152 layers, plain and "vd".
 *
 * A vd network (PP-TSM's) has three 3x3 convolutions for a stem, leaky activations, and in the shortcuts that halve
 * the picture an average pool and a 1x1 convolution of stride 1. Its convolutions are named as in PyTorch's common
 * implementations of it: conv1.0, conv1.3 and conv1.6, downsample.1.
 */
#include <stdio.h>

#include "model/config.h"
#include "nonlocal.h"
#include "wiring.h"

static int out_channels(const tsm_arch *arch, int width, int stage)
{
    return (width << stage) * (arch->bottleneck ? 4 : 1);
}

static tsm_status derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error)
{
    const bool vd = config->arch->vd;
    const char *first = vd ? "base_model.conv1.0.weight" : "base_model.conv1.weight";
    const char *last = vd ? "base_model.conv1.6.weight" : first;

    TSM_TRY_RETURN(tsm_keys_size(keys, last, 4, 0, "output channels", TSM_MAX_WIDTH, &config->width, error));
    TSM_TRY_RETURN(tsm_keys_size(keys, first, 4, 1, "input channels", TSM_MAX_CHANNELS, &config->in_channels, error));
    TSM_TRY_RETURN(tsm_keys_size(keys, first, 4, 0, "output channels", TSM_MAX_WIDTH, &config->stem_channels, error));
    return tsm_nonlocal_derive(config, keys, error);
}

/* Networks of 23 and more blocks in layer3 shift every second block, unless whole blocks are shifted; PP-TSM shifts
 * them all. */
static bool shifts(const tsm_model_config *config, tsm_shift_place place, int stage, int block)
{
    const tsm_arch *arch = config->arch;
    const int round = place == TSM_PLACE_BLOCKRES && arch->blocks[2] >= 23 && !arch->vd ? 2 : 1;

    return stage >= 0 && stage < TSM_STAGES && block % round == 0;
}

/* ---- Layers ------------------------------------------------------------------------------------------------ */

static void list_conv(tsm_layer_list *l, const char *conv, const char *norm, int in, int out, int kernel, int stride)
{
    tsm_layers_add_conv(l, conv, in, out, kernel, stride);
    tsm_layers_add_norm(l, norm, out);
}

static void list_stem(tsm_layer_list *l, const tsm_model_config *config)
{
    if (!config->arch->vd) {
        list_conv(l, "conv1", "bn1", config->in_channels, config->width, 7, 2);
        return;
    }
    list_conv(l, "conv1.0", "conv1.1", config->in_channels, config->stem_channels, 3, 2);
    list_conv(l, "conv1.3", "conv1.4", config->stem_channels, config->stem_channels, 3, 1);
    list_conv(l, "conv1.6", "bn1", config->stem_channels, config->width, 3, 1);
}

/* The downsample stands before the last convolution: that one can then take the identity as its residual, while the
 * block's input has not been kept for longer than needed. */
static void list_block(tsm_layer_list *l, const tsm_arch *arch, int in, int width, int stride)
{
    const bool bottleneck = arch->bottleneck, vd = arch->vd;
    const int out = bottleneck ? width * 4 : width;

    list_conv(l, "conv1", "bn1", in, width, bottleneck ? 1 : 3, bottleneck ? 1 : stride);
    if (bottleneck) list_conv(l, "conv2", "bn2", width, width, 3, stride);
    if (stride != 1 || in != out) {
        list_conv(l, vd ? "downsample.1" : "downsample.0", vd ? "downsample.2" : "downsample.1", in, out, 1,
                  vd ? 1 : stride);
        l->layers[l->count - 2].identity = l->layers[l->count - 1].identity = true;
    }
    list_conv(l, bottleneck ? "conv3" : "conv2", bottleneck ? "bn3" : "bn2", width, out, bottleneck ? 1 : 3, 1);
}

static int list(tsm_layer_list *l, const tsm_model_config *config)
{
    const tsm_arch *arch = config->arch;
    int channels = config->width;

    list_stem(l, config);
    for (int stage = 0; stage < TSM_STAGES; stage++)
        for (int index = 0; index < arch->blocks[stage]; index++) {
            snprintf(l->prefix, sizeof l->prefix, "base_model.layer%d.%d.", stage + 1, index);
            list_block(l, arch, channels, config->width << stage, stage > 0 && index == 0 ? 2 : 1);
            channels = out_channels(arch, config->width, stage);
            if (tsm_config_is_nonlocal(config, stage, index)) tsm_nonlocal_list(l, config, channels);
        }
    return channels;
}

/* ---- Graph ------------------------------------------------------------------------------------------------- */

static int wire_stem(tsm_wiring *w, int value)
{
    if (w->model->config.arch->vd) {
        value = tsm_wire_act(w, "base_model.conv1.2", tsm_wire_conv(w, value));
        value = tsm_wire_act(w, "base_model.conv1.5", tsm_wire_conv(w, value));
    }
    value = tsm_wire_act(w, "base_model.relu", tsm_wire_conv(w, value));
    return tsm_wire_pool(w, TSM_OP_MAXPOOL, "base_model.maxpool", value, 3, 2, 1);
}

/* `halves`: the block halves the picture, which in a vd network a pool does for the shortcut. */
static int wire_identity(tsm_wiring *w, int value, bool halves)
{
    if (!w->model->layers[w->next].identity) return value;
    if (halves && w->model->config.arch->vd)
        value = tsm_wire_pool(w, TSM_OP_AVGPOOL, ".downsample.0", value, 2, 2, 0);
    return tsm_wire_conv(w, value);
}

static int wire_block(tsm_wiring *w, int input, int channels, bool shifts_here, bool halves)
{
    const tsm_model_config *config = &w->model->config;
    const bool whole = config->shift_place == TSM_PLACE_BLOCK;
    int identity, path;

    if (shifts_here && whole) input = tsm_wire_shift(w, ".shift", input, channels);
    path = shifts_here && !whole ? tsm_wire_shift(w, ".conv1.shift", input, channels) : input;
    path = tsm_wire_act(w, ".relu1", tsm_wire_conv(w, path));
    if (config->arch->bottleneck) path = tsm_wire_act(w, ".relu2", tsm_wire_conv(w, path));
    identity = wire_identity(w, input, halves);
    path = tsm_wire_conv(w, path);
    return tsm_wire_act(w, ".relu", tsm_wire_pair(w, TSM_OP_ADD, ".add", path, identity));
}

static int build(tsm_wiring *w, int value)
{
    const tsm_model_config *config = &w->model->config;
    int channels = config->width;

    w->act = config->arch->vd ? TSM_ACT_LEAKY_RELU : TSM_ACT_RELU;
    value = wire_stem(w, value);
    for (int stage = 0; stage < TSM_STAGES; stage++) {
        if (stage == 1 && config->temporal_pool) value = tsm_wire(w, TSM_OP_TPOOL, "base_model.layer2.tpool", value);
        for (int index = 0; index < config->arch->blocks[stage]; index++) {
            snprintf(w->block, sizeof w->block, "base_model.layer%d.%d", stage + 1, index);
            value = wire_block(w, value, channels, shifts(config, config->shift_place, stage, index),
                               stage > 0 && index == 0);
            if (tsm_config_is_nonlocal(config, stage, index)) value = tsm_nonlocal_wire(w, value);
            channels = out_channels(config->arch, config->width, stage);
        }
    }
    return value;
}

const tsm_family tsm_family_resnet = {
    .name = "ResNet",
    .shifted_layer = ".conv1.",
    .derive = derive,
    .list = list,
    .build = build,
    .shifts = shifts,
};
