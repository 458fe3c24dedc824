/* mobilenet.c - see mobilenet.h. */
#include "mobilenet.h"

#include <stdio.h>

#include "config.h"

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
        TSM_TRY_RETURN(tsm_keys_size(keys, name, 4, 0, "output channels", TSM_MAX_WIDTH, &block->hidden, error));
    }
    snprintf(name, sizeof name, "base_model.features.%d.conv.%d.weight", index + 1, block->expands ? 6 : 3);
    TSM_TRY_RETURN(tsm_keys_size(keys, name, 4, 0, "output channels", TSM_MAX_WIDTH, &block->out, error));
    block->residual = block->stride == 1 && block->in == block->out;
    return TSM_OK;
}

tsm_status tsm_mobilenet_derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error)
{
    int index = 0, channels = config->width;

    for (size_t stage = 0; stage < sizeof stages / sizeof *stages; stage++)
        for (int i = 0; i < stages[stage].blocks; i++) {
            tsm_inverted *block = &config->inverted[index];

            block->in = channels;
            block->stride = i == 0 ? stages[stage].stride : 1;
            TSM_TRY_RETURN(derive_block(block, index, keys, error));
            channels = block->out;
            index++;
        }
    return tsm_keys_size(keys, "base_model.features.18.0.weight", 4, 0, "output channels", TSM_MAX_WIDTH,
                         &config->last_channels, error);
}
