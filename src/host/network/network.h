/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - what a network is, apart from its weights: its architecture, the sizes of its blocks, how it shifts. */
#ifndef TSM_NETWORK_NETWORK_H
#define TSM_NETWORK_NETWORK_H

#include <stdbool.h>

#include "graph/backend.h"

#define TSM_STAGES 4

#define TSM_MAX_WIDTH    8192
#define TSM_MAX_CHANNELS 1024
#define TSM_MAX_CLASSES  1000000

typedef struct tsm_family tsm_family;

typedef struct tsm_arch {
    const char *name; /* "resnet50" */
    const tsm_family *family;
    int blocks[TSM_STAGES]; /* MobileNetV2: its features, all in the first */
    bool bottleneck;        /* ResNet: 1x1, 3x3, 1x1 with four times the channels out; else two 3x3 */
    bool vd;                /* ResNet: PaddlePaddle's; activations are leaky */
} tsm_arch;

#define TSM_INVERTED_BLOCKS 17

/* A block of MobileNetV2: 1x1 to the hidden channels (not in the first block), depthwise 3x3, 1x1 out. */
typedef struct tsm_inverted {
    int in, hidden, out, stride;
    bool expands;  /* has the first 1x1 */
    bool residual; /* its input is added to what it makes */
} tsm_inverted;

#define TSM_MOBILEONE_BLOCKS 43

/* A block of MobileOne: a sum of convolutions of one shape, merged into one when it is loaded. */
typedef struct tsm_mobileone {
    int stage, index; /* stage 0 is one block */
    int in, out, kernel, stride, groups;
    int squeezed; /* channels between the two convolutions of squeeze-and-excitation; 0: there is none */
    int branches; /* convolutions of this kernel; 0: the checkpoint has them merged */
    bool norm_branch, scale_branch; /* batch norm alone; 1x1 */
} tsm_mobileone;

/* What a network is, apart from its weights. */
typedef struct tsm_model_config {
    const tsm_arch *arch;
    int width, in_channels, classes;            /* width: channels of the stem */
    tsm_inverted inverted[TSM_INVERTED_BLOCKS]; /* MobileNetV2: block i is features.(i + 1) */
    int last_channels;                          /* of MobileNetV2's last convolution */
    int stem_channels;                          /* vd: of the stem's first two convolutions */
    int inner, groups;                          /* ResNet, bottlenecks: channels in layer1's, groups of their 3x3 */
    tsm_mobileone mobileone[TSM_MOBILEONE_BLOCKS];
    bool temporal_pool; /* before layer2: half the frames from there on */
    tsm_nonlocal nonlocal;
    bool nonlocal_bias;                   /* the last convolution of a non-local block has one */
    uint64_t nonlocal_blocks[TSM_STAGES]; /* bit i: there is one after block i of the stage */
    int segments;
    int shift_div; /* 0: TSN */
    tsm_shift_place shift_place;
    tsm_shift_direction shift_direction;
    int input_size, scale_size;
    float mean[3], std[3];
    char doubts[400]; /* settings that nothing gives and that were assumed, a line each */
    unsigned assumed; /* and which they are: bits of tsm_assumed, see model/config.h */
} tsm_model_config;

/* The shift of a value of so many channels. */
tsm_shift tsm_config_shift(const tsm_model_config *config, int channels);

/* Is there a non-local block after this one? */
bool tsm_config_is_nonlocal(const tsm_model_config *config, int stage, int block);

#endif
