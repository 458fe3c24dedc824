/* SPDX-License-Identifier: Apache-2.0 */
/* graph_text.c - the layer graph of a model as text. */
#include "engine.h"

#include "passes/passes.h"
#include "model/model.h"

/* As float32, each value in a place of its own; a backend's own plan may also work in place. */
static tsm_status place_values(tsm_memplan *plan, const tsm_graph *graph, const tsm_dims *shapes, tsm_error *error)
{
    size_t count = (size_t)graph->count;
    tsm_memplan_value *values = tsm_alloc_zero(count, sizeof *values);
    tsm_status status;

    if (!values) return tsm_fail_memory(error, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] =
            (tsm_memplan_value){ .bytes = (uint64_t)tsm_dims_count(&shapes[i]) * sizeof(float), .in_place = -1 };
    status = tsm_memplan_make(plan, graph, values, NULL, NULL, error);
    tsm_free(values);
    return status;
}

tsm_status tsm_model_graph_text(const tsm_model *model, const tsm_shape *shape, int optimized, char **text,
                                tsm_error *error)
{
    tsm_memplan plan = { 0 };
    tsm_dims *shapes = NULL;
    tsm_graph *graph = NULL;
    tsm_status status;

    if (!text) return tsm_fail(error, TSM_ERROR_ARGUMENT, "graph text: nowhere to put it (NULL)");
    *text = NULL;
    if (!model) return tsm_fail(error, TSM_ERROR_ARGUMENT, "graph text: no model (NULL)");
    TSM_TRY_RETURN(tsm_shape_check(shape, error));
    TSM_TRY(tsm_model_build_graph(model, false, &graph, error));
    if (optimized) TSM_TRY(tsm_graph_optimize(graph, error));
    TSM_TRY(tsm_graph_shapes(&shapes, graph, shape, error));
    TSM_TRY(place_values(&plan, graph, shapes, error));
    TSM_TRY(tsm_graph_print(graph, shapes, plan.offsets, plan.arena_bytes, text, error));
fail:
    tsm_memplan_clear(&plan);
    tsm_free(shapes);
    tsm_graph_destroy(&graph);
    return status;
}
