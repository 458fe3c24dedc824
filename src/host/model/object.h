/* SPDX-License-Identifier: Apache-2.0 */
/* object.h - the tsm_model struct, for the files of this folder. */
#ifndef TSM_MODEL_OBJECT_H
#define TSM_MODEL_OBJECT_H

#include "bind.h"
#include "network/layers.h"
#include "labels.h"
#include "model.h"

struct tsm_model {
    tsm_checkpoint *checkpoint; /* the weights' memory */
    tsm_model_config config;
    tsm_layer *layers; /* in the order of the network */
    int layer_count;
    tsm_labels labels;
    tsm_model_info info;
};

#endif
