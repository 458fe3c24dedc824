/* SPDX-License-Identifier: Apache-2.0 */
/* weights.c - stored weights as float32, in the order in which NHWC backends read them. */
#include "graph.h"

#include <string.h>

float tsm_half_to_float(uint16_t half)
{
    union {
        uint32_t u;
        float f;
    } v;
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, mantissa = half & 0x3ff;

    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24, exact in float */
        v.f = (float)mantissa * 0x1p-24f;
        v.u |= sign;
        return v.f;
    }
    /* 112 is the difference of the biases, 127 - 15; infinity and NaN keep an exponent of all ones. */
    v.u = sign | (exponent == 0x1f ? 0xffu : exponent + 112) << 23 | mantissa << 13;
    return v.f;
}

/* A file may hold its tensors at any address, so elements are copied out. */
static float load(const tsm_weight *weight, int64_t i)
{
    const char *data = weight->data;
    uint16_t bits = 0;
    float value = 0;

    if (weight->dtype == TSM_FLOAT32) {
        memcpy(&value, data + i * (int64_t)sizeof value, sizeof value);
        return value;
    }
    memcpy(&bits, data + i * (int64_t)sizeof bits, sizeof bits);
    return weight->dtype == TSM_FLOAT16 ? tsm_half_to_float(bits) : tsm_bfloat_to_float(bits);
}

void tsm_node_weights(const tsm_node *node, float *out)
{
    int64_t taps = node->op == TSM_OP_CONV ? (int64_t)node->kernel_h * node->kernel_w : 1;
    int64_t per_output = node->weight.count / node->out_channels, channels = per_output / taps;

    for (int64_t o = 0; o < node->out_channels; o++) {
        float scale = node->scale ? node->scale[o] : 1;

        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t c = 0; c < channels; c++)
                *out++ = scale * load(&node->weight, o * per_output + c * taps + tap);
    }
}
