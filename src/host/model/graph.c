/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - the layer graph of a model, with the model's weights. */
#include "model.h"

tsm_status tsm_model_build_graph(const tsm_model *model, bool per_frame, tsm_graph **graph, tsm_error *error)
{
    return tsm_network_build(&model->config, model->layers, model->layer_count, per_frame, graph, error);
}
