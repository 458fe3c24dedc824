/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch.h - the architectures: which families of networks there are, how many blocks each member has, and which of
 * them shift.
 *
 * ResNets (He et al., 2016) with the stride of a bottleneck on its 3x3 convolution, the "vd" ones of PaddlePaddle
 * with three 3x3 convolutions as stem and average pools in the shortcuts (He et al., 2019), MobileNetV2 (Sandler et
 * al., 2018) and MobileOne (Vasu et al., 2023). Which blocks shift is what the release of each does.
 */
#ifndef TSM_NETWORK_ARCH_H
#define TSM_NETWORK_ARCH_H

#include <stdbool.h>

#include "graph/graph.h"

#define TSM_STAGES 4

struct tsm_keys;
struct tsm_layer_list;
struct tsm_wiring;
typedef struct tsm_model_config tsm_model_config;

/* What networks of one kind have in common. A key belongs to a family by its name, see keys.c. */
typedef struct tsm_family {
    const char *name;           /* "ResNet" */
    tsm_shift_place only_place; /* where its blocks shift; TSM_PLACE_FROM_FILE: either way */
    const char *shifted_layer;  /* BLOCKRES: part of the names of the layer of a block that shifts */

    /* Reads off names and shapes what they tell, but for classes. Errors: MODEL. */
    tsm_status (*derive)(tsm_model_config *config, const struct tsm_keys *keys, tsm_error *error);

    /* Lists the layers up to the pool before the classifier; returns the channels that reach that. */
    int (*list)(struct tsm_layer_list *list, const tsm_model_config *config);

    /* Wires them in the same order, from the network's input to that pool. */
    int (*build)(struct tsm_wiring *wiring, int value);

    /* Does `block` of `stage`, as tsm_key counts them, shift? */
    bool (*shifts)(const tsm_model_config *config, tsm_shift_place place, int stage, int block);
} tsm_family;

extern const tsm_family tsm_family_resnet, tsm_family_mobilenet, tsm_family_mobileone;

typedef struct tsm_arch {
    const char *name; /* "resnet50" */
    const tsm_family *family;
    int blocks[TSM_STAGES]; /* MobileNetV2: its features, all in the first */
    bool bottleneck;        /* ResNet: 1x1, 3x3, 1x1 with four times the channels out; else two 3x3 */
    bool vd;                /* ResNet: PaddlePaddle's; activations are leaky */
} tsm_arch;

/* Ended by a nameless entry. */
extern const tsm_arch tsm_archs[];

/* NULL where there is none. */
const tsm_arch *tsm_arch_find(const char *name);
const tsm_arch *tsm_arch_match(const tsm_arch *traits);

/* "resnet18, resnet34, ... or mobileone" into `text`, which is returned. */
#define TSM_ARCH_NAMES 200
const char *tsm_arch_names(char text[TSM_ARCH_NAMES]);

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
struct tsm_model_config {
    const tsm_arch *arch;
    int width, in_channels, classes;            /* width: channels of the stem */
    tsm_inverted inverted[TSM_INVERTED_BLOCKS]; /* MobileNetV2: block i is features.(i + 1) */
    int last_channels;                          /* of MobileNetV2's last convolution */
    int stem_channels;                          /* vd: of the stem's first two convolutions */
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
    char doubts[400]; /* what nothing says and was taken for granted, a line each */
};

/* The shift of a value of so many channels. */
tsm_shift tsm_config_shift(const tsm_model_config *config, int channels);

/* Is there a non-local block after this one? */
bool tsm_config_is_nonlocal(const tsm_model_config *config, int stage, int block);

#endif
