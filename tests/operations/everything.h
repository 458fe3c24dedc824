/* SPDX-License-Identifier: Apache-2.0 */
/* everything.h - a small network that has every operation there is. */
#ifndef TSM_OPERATIONS_EVERYTHING_H
#define TSM_OPERATIONS_EVERYTHING_H

#include "networks.h"

/* A non-local block, as the paper draws it. */
static inline int add_attention(network *net, int x, int channels, bool softmax)
{
    const int half = channels / 2, queries = network_conv(net, "theta", x, channels, half, 1, 1);
    const int keys = network_maxpool(net, "phi_pool", network_conv(net, "phi", x, channels, half, 1, 1));
    const int values = network_maxpool(net, "g_pool", network_conv(net, "g", x, channels, half, 1, 1));
    const int y = network_attention(net, "attention", queries, keys, values, softmax);

    return network_add(net, "nl_add", network_conv_norm(net, "w", y, half, channels, 1, 1), x);
}

/* Squeeze and excitation. */
static inline int add_gate(network *net, int x, int channels)
{
    int y = network_conv(net, "squeeze", network_node(net, TSM_OP_AVGPOOL, "mean", x), channels, channels / 4, 1, 1);

    y = network_act(net, "relu", y, TSM_ACT_RELU);
    y = network_act(net, "sigmoid", network_conv(net, "excite", y, channels / 4, channels, 1, 1), TSM_ACT_SIGMOID);
    return network_act(net, "gated", network_scale(net, "gate", x, y), TSM_ACT_LEAKY_RELU);
}

/* A network with everything: stem, pool, both placements, both kinds of block, the three shifts, attention, a gate, a
 * mean of windows. */
static inline void build_network(network *net, bool block_placement)
{
    static const tsm_shift shifts[] = { { 3, 6, 1 }, { 2, 5, -1 }, { 4, 4, -1 } };
    int x = network_act(net, "relu", network_conv_norm(net, "stem", 0, 3, 16, 7, 2), TSM_ACT_RELU);

    x = network_maxpool(net, "pool", x);
    for (int i = 0; i < 3; i++) {
        const int shifted = network_shift_by(net, "shift", x, shifts[i]), width = 16 << i;
        const int identity = block_placement ? shifted : x;
        int y = network_conv_norm(net, "conv1", shifted, i ? width / 2 : width, width, i == 1 ? 3 : 1, 1);

        y = network_act(net, "relu1", y, TSM_ACT_RELU);
        y = network_conv_norm(net, "conv2", y, width, width, 3, i ? 2 : 1);
        if (i) {
            const int pooled = i == 2 ? network_window_mean(net, "mean", identity, 2) : identity;
            const int down = network_conv_norm(net, "downsample", pooled, width / 2, width, 1, i == 2 ? 1 : 2);
            y = network_add(net, "add", y, down);
        } else {
            y = network_add(net, "add", y, identity);
        }
        x = network_act(net, "relu2", y, TSM_ACT_RELU);
        x = i == 1 ? add_gate(net, x, width) : add_attention(net, x, width, i == 0);
    }
    network_head(net, x, 64);
}

#endif
