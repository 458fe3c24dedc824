/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c - see slots.h. */
#include "slots.h"

static bool looks_ahead(tsm_shift shift)
{
    return shift.end > 0 && (shift.step != -1 || shift.fold != shift.end);
}

tsm_status tsm_graph_check_past_only(const tsm_graph *graph, tsm_error *error)
{
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (looks_ahead(node->shift))
            return tsm_fail(error, TSM_ERROR_UNSUPPORTED,
                            "%s: takes channels from the frame to come, which a live stream does not have yet; load "
                            "the model with the uni-directional shift, if it was trained with that",
                            node->name);
        if (node->op == TSM_OP_TPOOL)
            return tsm_fail(error, TSM_ERROR_UNSUPPORTED,
                            "%s: a temporal pool waits for the frame to come, which a live stream does not have yet",
                            node->name);
        if (node->op == TSM_OP_ATTENTION)
            return tsm_fail(error, TSM_ERROR_UNSUPPORTED,
                            "%s: a non-local block looks at all frames of a clip, a live stream has one at a time",
                            node->name);
    }
    return TSM_OK;
}

static void place(tsm_slot_layout *layout, const tsm_graph *graph, const tsm_dims *shapes)
{
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];
        tsm_slot_cache *cache = &layout->caches[i];

        if (node->shift.end == 0) continue;
        const tsm_dims *in = &shapes[node->inputs[0]];
        *cache = (tsm_slot_cache){ layout->numbers, (int64_t)in->h * in->w, node->shift.end };
        layout->numbers += cache->pixels * cache->fold;
    }
    layout->state_bytes = (size_t)layout->numbers * tsm_slot_number_bytes(layout);
}

tsm_status tsm_slot_layout_make(tsm_slot_layout *layout, const tsm_graph *graph, const tsm_dims *shapes,
                                tsm_number number, tsm_error *error)
{
    *layout = (tsm_slot_layout){ .nodes = graph->count, .number = number };
    TSM_TRY_RETURN(tsm_graph_check_past_only(graph, error));
    layout->caches = tsm_alloc_zero((size_t)graph->count, sizeof *layout->caches);
    if (!layout->caches) return tsm_fail_memory(error, (size_t)graph->count * sizeof *layout->caches);
    place(layout, graph, shapes);
    return TSM_OK;
}

void tsm_slot_layout_clear(tsm_slot_layout *layout)
{
    tsm_free(layout->caches);
    *layout = (tsm_slot_layout){ 0 };
}

tsm_status tsm_slots_size(const tsm_slot_layout *layout, int count, size_t *bytes, tsm_error *error)
{
    if (tsm_multiply(layout->state_bytes, (size_t)count, bytes)) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_MEMORY, "%d streams of %zu bytes: more than there can be", count,
                    layout->state_bytes);
}
