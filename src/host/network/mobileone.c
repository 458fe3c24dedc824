/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mobileone.c - MobileOne with temporal shifts, S0 to S4 and any width: channels, branches and squeeze-and-excitation
 * are read off names and shapes.
 *
 * Pairs of a depthwise 3x3 block and a 1x1 block, of which the first of a stage halves the picture; nothing is
 * residual, and every block shifts what it reads. A checkpoint has the branches of a block as they were trained,
 * which are merged when they are bound, or merged already.
 */
#include <stdio.h>
#include <string.h>

#include "arch.h"
#include "wiring.h"

#define MAX_BRANCHES 64 /* four in the largest of the paper */
#define BLOCK_NAME   56

/* "base_model.stage1.0"; "base_model.stage0" */
static const char *block_name(const tsm_mobileone *block, char name[BLOCK_NAME])
{
    if (block->stage == 0)
        snprintf(name, BLOCK_NAME, "base_model.stage0");
    else
        snprintf(name, BLOCK_NAME, "base_model.stage%d.%d", block->stage, block->index);
    return name;
}

/* Which form a block has, how many branches, and whether it squeezes: all from names, so that a tensor which lacks
 * its fellows makes them missing. */
static tsm_status read_names(tsm_mobileone *block, const char *name, bool *squeezes, const tsm_keys *keys,
                             tsm_error *error)
{
    const size_t length = strlen(name);
    tsm_captures found;
    bool merged = false;

    block->branches = 1;
    for (int i = 0; i < keys->count; i++) {
        const tsm_key *key = &keys->items[i];
        const char *rest;

        if (strncmp(key->name, name, length) != 0) continue;
        rest = key->name + length;
        merged |= tsm_pattern_match(".branch_reparam.*", rest, &found);
        *squeezes |= tsm_pattern_match(".se.*", rest, &found);
        if (!tsm_pattern_match(".branch_conv_list.#.*", rest, &found)) continue;
        if (found.numbers[0] >= MAX_BRANCHES)
            return tsm_fail(error, TSM_ERROR_MODEL,
                            "%.150s belongs to branch %d of a block, which can have at most %d", key->tensor->name,
                            found.numbers[0], MAX_BRANCHES);
        if (found.numbers[0] >= block->branches) block->branches = found.numbers[0] + 1;
    }
    if (merged) block->branches = 0;
    return TSM_OK;
}

/* Completes a block of which stage, index, kernel, stride and, but for stage0, the channels in are set. */
static tsm_status derive_block(tsm_mobileone *block, const tsm_keys *keys, tsm_error *error)
{
    const bool depthwise = block->stage > 0 && block->kernel == 3;
    char name[BLOCK_NAME], tensor[BLOCK_NAME + 40];
    bool squeezes = false;

    TSM_TRY_RETURN(read_names(block, block_name(block, name), &squeezes, keys, error));
    snprintf(tensor, sizeof tensor, "%s.%s.weight", name,
             block->branches ? "branch_conv_list.0.conv" : "branch_reparam");
    if (block->stage == 0)
        TSM_TRY_RETURN(tsm_recognise_size(keys, tensor, 4, 1, "input channels", TSM_MAX_CHANNELS, &block->in, error));
    block->groups = depthwise ? block->in : 1;
    block->out = block->in;
    if (!depthwise)
        TSM_TRY_RETURN(tsm_recognise_size(keys, tensor, 4, 0, "output channels", TSM_MAX_WIDTH, &block->out, error));
    block->norm_branch = block->branches && block->stride == 1 && block->in == block->out;
    block->scale_branch = block->branches && block->kernel > 1;
    if (!squeezes) return TSM_OK;
    snprintf(tensor, sizeof tensor, "%s.se.conv1.conv.weight", name);
    return tsm_recognise_size(keys, tensor, 4, 0, "output channels", TSM_MAX_WIDTH, &block->squeezed, error);
}

static tsm_status derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error)
{
    tsm_mobileone *block = config->mobileone;

    *block = (tsm_mobileone){ .kernel = 3, .stride = 2 };
    TSM_TRY_RETURN(derive_block(block, keys, error));
    config->in_channels = block->in;
    config->width = block->out;
    for (int stage = 1; stage <= TSM_STAGES; stage++)
        for (int index = 0; index < config->arch->blocks[stage - 1]; index++) {
            const int in = block->out;

            *++block = (tsm_mobileone){
                .stage = stage, .index = index, .in = in, .kernel = index % 2 ? 1 : 3, .stride = index ? 1 : 2
            };
            TSM_TRY_RETURN(derive_block(block, keys, error));
        }
    return TSM_OK;
}

static bool shifts(const tsm_model_config *config, tsm_shift_place place, int stage, int block)
{
    (void)config;
    return place == TSM_PLACE_BLOCK && stage >= 0 && block >= 0;
}

/* ---- The network ------------------------------------------------------------------------------------------- */

static int wire_biased(tsm_wiring *w, const char *name, int in, int out, int value)
{
    tsm_layer conv = tsm_layer_conv(w->block, name, in, out, 1, 1);

    conv.biased = true;
    return tsm_wire_layer(w, &conv, value);
}

/* A factor for every frame and channel, made of the means of all channels of the frame. */
static int wire_squeeze(tsm_wiring *w, const tsm_mobileone *block, int value)
{
    int factors = tsm_wire(w, TSM_OP_AVGPOOL, ".se.pool", value);

    factors = wire_biased(w, ".se.conv1.conv", block->out, block->squeezed, factors);
    factors = tsm_wire_act(w, ".se.relu", factors);
    factors = wire_biased(w, ".se.conv2.conv", block->squeezed, block->out, factors);
    w->act = TSM_ACT_SIGMOID;
    factors = tsm_wire_act(w, ".se.sigmoid", factors);
    w->act = TSM_ACT_RELU;
    return tsm_wire_pair(w, TSM_OP_SCALE, ".se.scale", value, factors);
}

static int wire_block(tsm_wiring *w, const tsm_mobileone *block, int value)
{
    tsm_layer conv = tsm_layer_conv(w->block, ".branch_reparam", block->in, block->out, block->kernel, block->stride);

    conv.groups = block->groups;
    conv.biased = true;
    if (block->branches) conv.merged = block;
    value = tsm_wire_layer(w, &conv, tsm_wire_shift(w, ".shift", value, block->in));
    if (block->squeezed) value = wire_squeeze(w, block, value);
    return tsm_wire_act(w, ".relu", value);
}

static int wire(tsm_wiring *w, int value, int *channels)
{
    w->act = TSM_ACT_RELU;
    for (int i = 0; i < TSM_MOBILEONE_BLOCKS; i++) {
        const tsm_mobileone *block = &w->config->mobileone[i];

        block_name(block, w->block);
        value = wire_block(w, block, value);
        *channels = block->out;
    }
    return value;
}

const tsm_family tsm_family_mobileone = {
    .name = "MobileOne",
    .only_place = TSM_PLACE_BLOCK,
    .shifted_layer = "", /* whole blocks */
    .derive = derive,
    .wire = wire,
    .shifts = shifts,
};
