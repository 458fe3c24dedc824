/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resnet.c - ResNets with temporal shifts, from 18 to 152 layers, plain and "vd".
 *
 * A vd network (PP-TSM's) has three 3x3 convolutions for a stem, leaky activations, and in the shortcuts that halve
 * the picture an average pool and a 1x1 convolution of stride 1. Its convolutions are named as in PyTorch's common
 * implementations of it: conv1.0, conv1.3 and conv1.6, downsample.1.
 */
#include <stdio.h>

#include "arch.h"
#include "nonlocal.h"
#include "wiring.h"

/* Bottlenecks of ResNeXt (Xie et al., 2017) have groups, those of wide ResNets (Zagoruyko and Komodakis, 2016) more
 * channels inside; both show in the first 3x3. Shapes that make no sense are left to be refused with what they should
 * be. */
static void derive_bottleneck(tsm_model_config *config, const tsm_keys *keys)
{
    const tsm_key *first = tsm_keys_find(keys, "base_model.layer1.0.conv1.weight");
    const tsm_key *second = tsm_keys_find(keys, "base_model.layer1.0.conv2.weight");
    const int64_t *dims = second ? second->tensor->dims : NULL;

    config->inner = config->width;
    config->groups = 1;
    if (!first || !second || first->tensor->ndim != 4 || second->tensor->ndim != 4) return;
    if (dims[0] < 1 || dims[0] > TSM_MAX_WIDTH || first->tensor->dims[0] != dims[0]) return;
    if (dims[1] < 1 || dims[0] % dims[1] != 0) return;
    config->inner = (int)dims[0];
    config->groups = (int)(dims[0] / dims[1]);
}

static tsm_status derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error)
{
    const bool vd = config->arch->vd;
    const char *first = vd ? "base_model.conv1.0.weight" : "base_model.conv1.weight";
    const char *last = vd ? "base_model.conv1.6.weight" : first;

    TSM_TRY_RETURN(tsm_recognise_size(keys, last, 4, 0, "output channels", TSM_MAX_WIDTH, &config->width, error));
    TSM_TRY_RETURN(
        tsm_recognise_size(keys, first, 4, 1, "input channels", TSM_MAX_CHANNELS, &config->in_channels, error));
    TSM_TRY_RETURN(
        tsm_recognise_size(keys, first, 4, 0, "output channels", TSM_MAX_WIDTH, &config->stem_channels, error));
    if (config->arch->bottleneck) derive_bottleneck(config, keys);
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

/* ---- The network ------------------------------------------------------------------------------------------- */

static int wire_conv(tsm_wiring *w, const char *conv, const char *norm, int in, int out, int kernel, int stride,
                     int value)
{
    value = tsm_wire_conv(w, conv, in, out, kernel, stride, value);
    return tsm_wire_norm(w, norm, out, value);
}

static int wire_vd_stem(tsm_wiring *w, int value)
{
    const int in = w->config->in_channels, inner = w->config->stem_channels;

    value = wire_conv(w, "base_model.conv1.0", "base_model.conv1.1", in, inner, 3, 2, value);
    value = tsm_wire_act(w, "base_model.conv1.2", value);
    value = wire_conv(w, "base_model.conv1.3", "base_model.conv1.4", inner, inner, 3, 1, value);
    value = tsm_wire_act(w, "base_model.conv1.5", value);
    return wire_conv(w, "base_model.conv1.6", "base_model.bn1", inner, w->config->width, 3, 1, value);
}

static int wire_stem(tsm_wiring *w, int value)
{
    const tsm_model_config *config = w->config;

    if (config->arch->vd)
        value = wire_vd_stem(w, value);
    else
        value = wire_conv(w, "base_model.conv1", "base_model.bn1", config->in_channels, config->width, 7, 2, value);
    value = tsm_wire_act(w, "base_model.relu", value);
    return tsm_wire_pool(w, TSM_OP_MAXPOOL, "base_model.maxpool", value, 3, 2, 1);
}

/* A block: its stride, and its channels in, inside and out. */
typedef struct block {
    int stride, in, width, out;
    bool shifts;
} block;

/* In a vd network a pool, not the convolution, halves the picture. */
static int wire_identity(tsm_wiring *w, const block *b, int value)
{
    if (b->stride == 1 && b->in == b->out) return value;
    if (!w->config->arch->vd)
        return wire_conv(w, ".downsample.0", ".downsample.1", b->in, b->out, 1, b->stride, value);
    if (b->stride == 2) value = tsm_wire_pool(w, TSM_OP_AVGPOOL, ".downsample.0", value, 2, 2, 0);
    return wire_conv(w, ".downsample.1", ".downsample.2", b->in, b->out, 1, 1, value);
}

/* The 3x3 of a bottleneck. */
static int wire_middle(tsm_wiring *w, const block *b, int value)
{
    tsm_layer conv = tsm_layer_conv(w->block, ".conv2", b->width, b->width, 3, b->stride);

    conv.groups = w->config->groups;
    return tsm_wire_norm(w, ".bn2", b->width, tsm_wire_layer(w, &conv, value));
}

/* The downsample stands before the last convolution: that one can then take the identity as its residual, while the
 * block's input has not been kept for longer than needed. */
static int wire_block(tsm_wiring *w, const block *b, int input)
{
    const bool whole = w->config->shift_place == TSM_PLACE_BLOCK, bottleneck = w->config->arch->bottleneck;
    int identity, path;

    if (b->shifts && whole) input = tsm_wire_shift(w, ".shift", input, b->in);
    path = b->shifts && !whole ? tsm_wire_shift(w, ".conv1.shift", input, b->in) : input;
    path = wire_conv(w, ".conv1", ".bn1", b->in, b->width, bottleneck ? 1 : 3, bottleneck ? 1 : b->stride, path);
    path = tsm_wire_act(w, ".relu1", path);
    if (bottleneck) {
        path = tsm_wire_act(w, ".relu2", wire_middle(w, b, path));
    }
    identity = wire_identity(w, b, input);
    if (bottleneck)
        path = wire_conv(w, ".conv3", ".bn3", b->width, b->out, 1, 1, path);
    else
        path = wire_conv(w, ".conv2", ".bn2", b->width, b->out, 3, 1, path);
    return tsm_wire_act(w, ".relu", tsm_wire_pair(w, TSM_OP_ADD, ".add", path, identity));
}

static int wire(tsm_wiring *w, int value, int *channels)
{
    const tsm_model_config *config = w->config;

    w->act = config->arch->vd ? TSM_ACT_LEAKY_RELU : TSM_ACT_RELU;
    value = wire_stem(w, value);
    *channels = config->width;
    for (int stage = 0; stage < TSM_STAGES; stage++) {
        if (stage == 1 && config->temporal_pool) value = tsm_wire(w, TSM_OP_TPOOL, "base_model.layer2.tpool", value);
        for (int index = 0; index < config->arch->blocks[stage]; index++) {
            const bool bottleneck = config->arch->bottleneck;
            const block b = { .stride = stage > 0 && index == 0 ? 2 : 1,
                              .in = *channels,
                              .width = (bottleneck ? config->inner : config->width) << stage,
                              .out = (config->width << stage) * (bottleneck ? 4 : 1),
                              .shifts = shifts(config, config->shift_place, stage, index) };

            snprintf(w->block, sizeof w->block, "base_model.layer%d.%d", stage + 1, index);
            value = wire_block(w, &b, value);
            *channels = b.out;
            if (tsm_config_is_nonlocal(config, stage, index)) value = tsm_nonlocal_wire(w, value, b.out);
        }
    }
    return value;
}

const tsm_family tsm_family_resnet = {
    .name = "ResNet",
    .shifted_layer = ".conv1.",
    .derive = derive,
    .wire = wire,
    .shifts = shifts,
};
