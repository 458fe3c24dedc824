/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.h - the layers of a network that hold weights, in the order in which they are wired, and their tensors.
 */
#ifndef TSM_NETWORK_LAYERS_H
#define TSM_NETWORK_LAYERS_H

#include "arch.h"

typedef enum tsm_layer_kind { TSM_LAYER_CONV, TSM_LAYER_BATCHNORM, TSM_LAYER_FC } tsm_layer_kind;

/* The tensors of a layer, by the suffix of their names. */
enum { TSM_WEIGHT, TSM_BIAS, TSM_MEAN, TSM_VARIANCE, TSM_LAYER_TENSORS };

#define TSM_LAYER_NAME 80
#define TSM_LAYER_DIMS 5

typedef struct tsm_layer {
    tsm_layer_kind kind;
    char name[TSM_LAYER_NAME]; /* "base_model.layer1.0.conv1": as in the MIT release, without "module." and ".net" */
    int in, out, kernel, stride, pad, groups;
    bool identity;               /* the downsample of a block: reads the block's input, beside the main path */
    bool biased;                 /* CONV: has a bias */
    bool volume;                 /* CONV: stored as one over t, h and w, (O,I,1,1,1) */
    const tsm_mobileone *merged; /* CONV: the sum of the branches of this block; NULL: stored as it is */
    tsm_weight tensors[TSM_LAYER_TENSORS];
    void *owned[TSM_LAYER_TENSORS]; /* a converted, merged or aligned copy that the tensor's data points to */
} tsm_layer;

/* While the list is made. */
typedef struct tsm_layer_list {
    tsm_layer *layers;
    int count;
    char prefix[56]; /* "base_model.layer1.0.", put before every name */
} tsm_layer_list;

/* Makes the list of layers, without tensors. `config` must live as long as the list. *layers is released with
 * tsm_layers_destroy. Errors: MEMORY. */
tsm_status tsm_layers_make(const tsm_model_config *config, tsm_layer **layers, int *count, tsm_error *error);

/* Frees the copies and the list itself. */
void tsm_layers_destroy(tsm_layer **layers, int count);

/* For the families' lists: append a convolution of padding kernel / 2, or a batch norm. */
tsm_layer *tsm_layers_add_conv(tsm_layer_list *list, const char *name, int in, int out, int kernel, int stride);
void tsm_layers_add_norm(tsm_layer_list *list, const char *name, int channels);

/* Whether a layer of this kind has tensor `which`, and its shape (returns the number of dimensions). */
bool tsm_layer_has(const tsm_layer *layer, int which);
int tsm_layer_dims(const tsm_layer *layer, int which, int64_t dims[TSM_LAYER_DIMS]);
extern const char *const tsm_layer_suffixes[TSM_LAYER_TENSORS];

#endif
