/* SPDX-License-Identifier: Apache-2.0 */
/* weights.c - stored weights as float32, in the order in which NHWC backends read them. */
#include "graph.h"

/* With the dtype and whether there is more than one tap known to the compiler, which copies most weights as
 * vectors. */
static inline __attribute__((always_inline)) void order_weights(const tsm_node *node, int first, int end, float *out,
                                                                const tsm_dtype dtype, const int64_t taps)
{
    const int64_t per_output = node->weight.count / node->out_channels, channels = per_output / taps;

    for (int64_t o = first; o < end; o++) {
        const float scale = node->scale ? node->scale[o] : 1;

        for (int64_t tap = 0; tap < taps; tap++, out += channels)
            for (int64_t c = 0; c < channels; c++)
                out[c] = scale * tsm_number_at(node->weight.data, dtype, o * per_output + c * taps + tap);
    }
}

void tsm_node_filters(const tsm_node *node, int first, int count, float *out)
{
    const int64_t taps = node->op == TSM_OP_CONV ? (int64_t)node->kernel_h * node->kernel_w : 1;

    switch (node->weight.dtype) {
    case TSM_FLOAT32:
        if (taps == 1) {
            order_weights(node, first, first + count, out, TSM_FLOAT32, 1);
        } else {
            order_weights(node, first, first + count, out, TSM_FLOAT32, taps);
        }
        break;
    case TSM_FLOAT16: order_weights(node, first, first + count, out, TSM_FLOAT16, taps); break;
    default: order_weights(node, first, first + count, out, TSM_BFLOAT16, taps);
    }
}

void tsm_node_weights(const tsm_node *node, float *out)
{
    tsm_node_filters(node, 0, node->out_channels, out);
}
