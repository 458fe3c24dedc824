/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - what is inside a tsm_model, for the engine and for tests. */
#ifndef TSM_MODEL_MODEL_H
#define TSM_MODEL_MODEL_H

#include "graph/graph.h"

/* Builds the layer graph of a model as the paper draws it (no passes run), up to the mean over the frames or, with
 * `per_frame`, to what that is taken of. The graph borrows the model's weights. *graph is released with
 * tsm_graph_destroy. */
tsm_status tsm_model_build_graph(const tsm_model *model, bool per_frame, tsm_graph **graph, tsm_error *error);

#endif
