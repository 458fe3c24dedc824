/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mobilenet.c - MobileNetV2 with temporal shifts, of any width: its channels are read off its tensors' shapes.
 *
 * Strides are those of the paper, and a block of stride 1 whose channels come out as they went in is residual. A
 * residual block with an expansion shifts before that.
 */
#include <stdio.h>
#include <string.h>

#include "arch.h"
#include "wiring.h"

/* The stages of the paper (table 2): so many blocks, of which the first has the stride. */
static const struct {
    int blocks, stride;
} stages[] = { { 1, 1 }, { 2, 2 }, { 3, 2 }, { 4, 2 }, { 3, 1 }, { 3, 2 }, { 1, 1 } };

static tsm_status derive_block(tsm_inverted *block, int index, const tsm_keys *keys, tsm_error *error)
{
    char name[80];

    block->hidden = block->in;
    block->expands = index > 0;
    if (block->expands) {
        snprintf(name, sizeof name, "base_model.features.%d.conv.0.weight", index + 1);
        TSM_TRY_RETURN(tsm_recognise_size(keys, name, 4, 0, "output channels", TSM_MAX_WIDTH, &block->hidden, error));
    }
    snprintf(name, sizeof name, "base_model.features.%d.conv.%d.weight", index + 1, block->expands ? 6 : 3);
    TSM_TRY_RETURN(tsm_recognise_size(keys, name, 4, 0, "output channels", TSM_MAX_WIDTH, &block->out, error));
    block->residual = block->stride == 1 && block->in == block->out;
    return TSM_OK;
}

static tsm_status derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error)
{
    static const char stem[] = "base_model.features.0.0.weight";
    int index = 0, channels;

    TSM_TRY_RETURN(tsm_recognise_size(keys, stem, 4, 0, "output channels", TSM_MAX_WIDTH, &config->width, error));
    TSM_TRY_RETURN(
        tsm_recognise_size(keys, stem, 4, 1, "input channels", TSM_MAX_CHANNELS, &config->in_channels, error));
    channels = config->width;
    for (size_t stage = 0; stage < sizeof stages / sizeof *stages; stage++)
        for (int i = 0; i < stages[stage].blocks; i++) {
            tsm_inverted *block = &config->inverted[index];

            block->in = channels;
            block->stride = i == 0 ? stages[stage].stride : 1;
            TSM_TRY_RETURN(derive_block(block, index, keys, error));
            channels = block->out;
            index++;
        }
    return tsm_recognise_size(keys, "base_model.features.18.0.weight", 4, 0, "output channels", TSM_MAX_WIDTH,
                              &config->last_channels, error);
}

static bool shifts(const tsm_model_config *config, tsm_shift_place place, int stage, int block)
{
    (void)place;
    if (stage != 0 || block < 1 || block > TSM_INVERTED_BLOCKS) return false;
    return config->inverted[block - 1].expands && config->inverted[block - 1].residual;
}

/* A convolution is number 0, 3 or 6 of its sequence, its batch norm the next: activations count too. */
static int wire_conv(tsm_wiring *w, int number, int in, int out, int kernel, int stride, int groups, int value)
{
    tsm_layer conv;
    char name[20];

    snprintf(name, sizeof name, ".conv.%d", number);
    conv = tsm_layer_conv(w->block, name, in, out, kernel, stride);
    conv.groups = groups;
    value = tsm_wire_layer(w, &conv, value);
    snprintf(name, sizeof name, ".conv.%d", number + 1);
    return tsm_wire_norm(w, name, out, value);
}

/* The last convolution of a block has no activation, so a block shifts what is a sum, or linear. */
static int wire_block(tsm_wiring *w, const tsm_inverted *block, int input)
{
    const int number = block->expands ? 3 : 0;
    int path = input;

    if (block->expands) {
        if (block->residual) path = tsm_wire_shift(w, ".conv.0.shift", path, block->in);
        path = wire_conv(w, 0, block->in, block->hidden, 1, 1, 1, path);
        path = tsm_wire_act(w, ".conv.2", path);
    }
    path = wire_conv(w, number, block->hidden, block->hidden, 3, block->stride, block->hidden, path);
    path = tsm_wire_act(w, block->expands ? ".conv.5" : ".conv.2", path);
    path = wire_conv(w, number + 3, block->hidden, block->out, 1, 1, 1, path);
    return block->residual ? tsm_wire_pair(w, TSM_OP_ADD, ".add", path, input) : path;
}

/* The first features and the last: a convolution, its batch norm and an activation. */
static int wire_feature(tsm_wiring *w, int in, int out, int kernel, int stride, int value)
{
    value = tsm_wire_conv(w, ".0", in, out, kernel, stride, value);
    return tsm_wire_act(w, ".2", tsm_wire_norm(w, ".1", out, value));
}

static int wire(tsm_wiring *w, int value, int *channels)
{
    const tsm_model_config *config = w->config;

    w->act = TSM_ACT_RELU6;
    strcpy(w->block, "base_model.features.0");
    value = wire_feature(w, config->in_channels, config->width, 3, 2, value);
    for (int i = 0; i < TSM_INVERTED_BLOCKS; i++) {
        snprintf(w->block, sizeof w->block, "base_model.features.%d", i + 1);
        value = wire_block(w, &config->inverted[i], value);
    }
    snprintf(w->block, sizeof w->block, "base_model.features.%d", TSM_INVERTED_BLOCKS + 1);
    *channels = config->last_channels;
    return wire_feature(w, config->inverted[TSM_INVERTED_BLOCKS - 1].out, *channels, 1, 1, value);
}

const tsm_family tsm_family_mobilenet = {
    .name = "MobileNetV2",
    .only_place = TSM_PLACE_BLOCKRES,
    .shifted_layer = ".conv.0.",
    .derive = derive,
    .wire = wire,
    .shifts = shifts,
};
