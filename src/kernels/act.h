/* SPDX-License-Identifier: Apache-2.0 */
/* act.h - the activations that kernels apply to what they write. */
#ifndef TSM_KERNELS_ACT_H
#define TSM_KERNELS_ACT_H

typedef enum tsm_kernel_act {
    TSM_KERNEL_ACT_NONE,
    TSM_KERNEL_ACT_RELU,
    TSM_KERNEL_ACT_RELU6,
    TSM_KERNEL_ACT_LEAKY_RELU, /* negative values times 0.01 */
    TSM_KERNEL_ACT_SIGMOID
} tsm_kernel_act;

#endif
