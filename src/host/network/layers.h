/* SPDX-License-Identifier: Apache-2.0 */
/* layers.h - the layers of a network that hold weights, and their tensors. */
#ifndef TSM_NETWORK_LAYERS_H
#define TSM_NETWORK_LAYERS_H

#include "network.h"

typedef enum tsm_layer_kind { TSM_LAYER_CONV, TSM_LAYER_BATCHNORM, TSM_LAYER_FC } tsm_layer_kind;

/* The tensors of a layer, by the suffix of their names. */
enum { TSM_WEIGHT, TSM_BIAS, TSM_MEAN, TSM_VARIANCE, TSM_LAYER_TENSORS };

#define TSM_LAYER_NAME 80
#define TSM_LAYER_DIMS 5

typedef struct tsm_layer {
    tsm_layer_kind kind;
    char name[TSM_LAYER_NAME]; /* "base_model.layer1.0.conv1": as in the MIT release, without "module." and ".net" */
    int in, out, kernel, stride, pad, groups;
    bool biased;                 /* CONV: has a bias */
    bool volume;                 /* CONV: stored with a kernel over time as well, of size 1: (O,I,1,1,1) */
    const tsm_mobileone *merged; /* CONV: becomes the sum of the branches of this block; NULL: stored as it is */
    tsm_weight tensors[TSM_LAYER_TENSORS];
    void *owned[TSM_LAYER_TENSORS]; /* a converted, merged or aligned copy that the tensor's data points to */
} tsm_layer;

/* Layers without tensors. A name that begins with a dot goes on from that of the block. A convolution is padded by
 * kernel / 2. */
tsm_layer tsm_layer_conv(const char *block, const char *name, int in, int out, int kernel, int stride);
tsm_layer tsm_layer_norm(const char *block, const char *name, int channels);
tsm_layer tsm_layer_fc(const char *name, int in, int out);

/* Frees an array of layers and the copies that they own. */
void tsm_layers_destroy(tsm_layer **layers, int count);

/* Whether a layer of this kind has tensor `which`, and its shape (returns the number of dimensions). */
bool tsm_layer_has(const tsm_layer *layer, int which);
int tsm_layer_dims(const tsm_layer *layer, int which, int64_t dims[TSM_LAYER_DIMS]);
extern const char *const tsm_layer_suffixes[TSM_LAYER_TENSORS];

#endif
