/*
 * arch.h - the architectures: how many blocks of which kind, which of them shift, and the layers that hold weights.
 *
 * ResNets (He et al., 2016) with the stride of a bottleneck on its 3x3 convolution, and MobileNetV2 (Sandler et al.,
 * 2018); the rule which blocks shift is that of the MIT release. Layers are listed in the order in which build.c
 * wires them.
 */
#ifndef TSM_MODEL_ARCH_H
#define TSM_MODEL_ARCH_H

#include <stdbool.h>

#include "../graph/graph.h"

#define TSM_STAGES 4

typedef struct tsm_arch {
    const char *name; /* "resnet50" */
    int blocks[TSM_STAGES];
    bool bottleneck; /* 1x1, 3x3, 1x1 with four times the channels out; else two 3x3 */
    int features;    /* MobileNetV2: stem, blocks and last convolution; 0: a ResNet */
} tsm_arch;

/* Ended by a nameless entry. */
extern const tsm_arch tsm_archs[];

/* NULL where there is none. */
const tsm_arch *tsm_arch_find(const char *name);
const tsm_arch *tsm_arch_match(const int blocks[TSM_STAGES], bool bottleneck, int features);

/* Does block `index` of a ResNet's stage shift? Networks of 23 and more blocks in layer3 shift every second block,
 * unless whole blocks are shifted. */
bool tsm_arch_shifts(const tsm_arch *arch, tsm_shift_place place, int index);

/* Channels that leave a ResNet's block of `stage` (0..3). */
int tsm_arch_channels(const tsm_arch *arch, int width, int stage);

#define TSM_INVERTED_BLOCKS 17

/* A block of MobileNetV2: 1x1 to the hidden channels (not in the first block), depthwise 3x3, 1x1 out. */
typedef struct tsm_inverted {
    int in, hidden, out, stride;
    bool expands;  /* has the first 1x1 */
    bool residual; /* its input is added to what it makes */
} tsm_inverted;

/* What a network is, apart from its weights. */
typedef struct tsm_model_config {
    const tsm_arch *arch;
    int width, in_channels, classes;            /* width: channels of the stem */
    tsm_inverted inverted[TSM_INVERTED_BLOCKS]; /* MobileNetV2: block i is features.(i + 1) */
    int last_channels;                          /* of MobileNetV2's last convolution */
    bool temporal_pool;                         /* before layer2: half the frames from there on */
    int segments;
    int shift_div; /* 0: TSN */
    tsm_shift_place shift_place;
    int input_size, scale_size;
    float mean[3], std[3];
} tsm_model_config;

/* Does the layer list of `config` shift before block `block` of `stage`, as tsm_key counts them? */
bool tsm_config_shifts(const tsm_model_config *config, tsm_shift_place place, int stage, int block);

typedef enum tsm_layer_kind { TSM_LAYER_CONV, TSM_LAYER_BATCHNORM, TSM_LAYER_FC } tsm_layer_kind;

/* The tensors of a layer, by the suffix of their names. */
enum { TSM_WEIGHT, TSM_BIAS, TSM_MEAN, TSM_VARIANCE, TSM_LAYER_TENSORS };

typedef struct tsm_layer {
    tsm_layer_kind kind;
    char name[80]; /* "base_model.layer1.0.conv1": as in the MIT release, without "module." and ".net" */
    int in, out, kernel, stride, pad, groups;
    bool identity; /* the downsample of a block: reads the block's input, beside the main path */
    tsm_weight tensors[TSM_LAYER_TENSORS];
    void *owned[TSM_LAYER_TENSORS]; /* a converted or aligned copy that the tensor's data points to */
} tsm_layer;

/* Makes the list of layers, without tensors. *layers is released with tsm_free. Errors: MEMORY. */
tsm_status tsm_arch_layers(const tsm_model_config *config, tsm_layer **layers, int *count, tsm_error *error);

/* Whether a layer of this kind has tensor `which`, and its shape (returns the number of dimensions). */
bool tsm_layer_has(const tsm_layer *layer, int which);
int tsm_layer_dims(const tsm_layer *layer, int which, int64_t dims[4]);
extern const char *const tsm_layer_suffixes[TSM_LAYER_TENSORS];

#endif
