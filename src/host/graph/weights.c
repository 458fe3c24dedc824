/* SPDX-License-Identifier: Apache-2.0 */
/* weights.c - stored weights as float32, in the order in which NHWC backends read them. */
#include "graph.h"

void tsm_node_weights(const tsm_node *node, float *out)
{
    int64_t taps = node->op == TSM_OP_CONV ? (int64_t)node->kernel_h * node->kernel_w : 1;
    int64_t per_output = node->weight.count / node->out_channels, channels = per_output / taps;

    for (int64_t o = 0; o < node->out_channels; o++) {
        float scale = node->scale ? node->scale[o] : 1;

        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t c = 0; c < channels; c++)
                *out++ =
                    scale * tsm_number_at(node->weight.data, node->weight.dtype, o * per_output + c * taps + tap);
    }
}
