/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - see network.h. */
#include "network.h"

tsm_shift tsm_config_shift(const tsm_model_config *config, int channels)
{
    const int fold = config->shift_div ? channels / config->shift_div : 0;
    const float ratio = config->shift_div ? 1.0f / (float)config->shift_div : 0;

    switch (config->shift_direction) {
    case TSM_UNIDIRECTIONAL: return (tsm_shift){ fold, fold, -1 };
    case TSM_MIRRORED: /* as PaddlePaddle rounds; div 1 leaves nothing for the second fold */
        return (tsm_shift){ (int)((float)channels * ratio),
                            config->shift_div == 1 ? channels : (int)((float)channels * 2 * ratio), -1 };
    default: return tsm_shift_both(fold, channels);
    }
}

bool tsm_config_is_nonlocal(const tsm_model_config *config, int stage, int block)
{
    return stage >= 0 && stage < TSM_STAGES && block < 64 && (config->nonlocal_blocks[stage] >> block & 1);
}
