/* SPDX-License-Identifier: Apache-2.0 */
/* claim.h - whether the tensors of a checkpoint are those of a network: all of them, no others, each of its shape. */
#ifndef TSM_MODEL_CLAIM_H
#define TSM_MODEL_CLAIM_H

#include "network/arch.h"

#define TSM_TENSOR_NAME 112

/* Marks the keys that the layers take as used. Errors: MODEL (the first that is missing, else the first that no layer
 * takes, else the first of another shape), MEMORY. */
tsm_status tsm_layers_claim(const tsm_layer *layers, int count, tsm_keys *keys, tsm_error *error);

/* The key of a layer's tensor, "base_model.conv1.weight", into `name`, which is returned. */
const char *tsm_layer_tensor(const tsm_layer *layer, int which, char name[TSM_TENSOR_NAME]);

#endif
