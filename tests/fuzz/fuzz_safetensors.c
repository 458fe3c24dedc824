/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_safetensors.c - any bytes as a checkpoint: load, build the graph, ask everything. */
#include <stdlib.h>

#include "fuzz.h"
#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    /* One clip of 32 pixels: building must be exercised, not large shapes. */
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model;
    tsm_graph *graph;
    tsm_error error;
    tsm_status status;

    options.input_size = 32;
    tsm_alloc_fail_at(0);
    status = tsm_model_load_memory(&model, data, bytes, "fuzz", &options, &error);
    fuzz_bound(tsm_alloc_bytes(), bytes);
    fuzz_check(status, &error);
    if (status != TSM_OK) return 0;
    if (tsm_model_get_info(model, &info) != TSM_OK || info.classes < 1 || info.segments < 1) abort();
    if (info.has_labels && (!tsm_model_label(model, info.classes - 1) || tsm_model_label(model, info.classes)))
        abort();
    status = tsm_model_build_graph(model, false, &graph, &error);
    fuzz_check(status, &error);
    tsm_graph_destroy(&graph);
    tsm_model_destroy(&model);
    return 0;
}
