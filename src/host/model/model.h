/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - what is inside a tsm_model, a checkpoint understood. The face of model/. */
#ifndef TSM_MODEL_MODEL_H
#define TSM_MODEL_MODEL_H

#include "checkpoint/checkpoint.h"
#include "graph/backend.h"
#include "labels.h"
#include "network/arch.h"

struct tsm_model {
    tsm_checkpoint *checkpoint; /* the weights' memory */
    tsm_model_config config;
    tsm_layer *layers; /* in the order in which the network is wired */
    int layer_count;
    tsm_labels labels;
    char *other_weights; /* keys of other sets that fit, a line each; or NULL */
    char *prefix;        /* what all names had before those of their naming */
    char left_out[120];  /* "53 num_batches_tracked, 106 thop" */
    tsm_model_info info;
};

/* Builds the layer graph of a model as the paper draws it (no passes run), up to the mean over the frames or, with
 * `per_frame`, to what that is taken of. The graph borrows the model's weights. *graph is released with
 * tsm_graph_destroy. */
tsm_status tsm_model_build_graph(const tsm_model *model, bool per_frame, tsm_graph **graph, tsm_error *error);

#endif
