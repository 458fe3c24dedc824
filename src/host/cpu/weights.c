/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights.c - weights in oneDNN's layouts.
 *
 * They are packed when the engine is made, for the usual shape, one layer at a time through one buffer, so that the
 * peak is the model, the packed weights and one layer. A plan for a shape that wants another layout adds a copy in
 * that layout.
 */
#include <string.h>

#include "gather.h"
#include "state.h"

/* The shape that layouts are chosen for; the layouts of most others are the same. */
#define USUAL_PIXELS 224

static void pack_destroy(tsm_cpu_pack *pack)
{
    if (!pack) return;
    tsm_dnnl_layout_destroy(&pack->layout);
    tsm_free(pack->data);
    tsm_free(pack);
}

/* A pack of `bytes` bytes without layout or contents. */
static tsm_cpu_pack *pack_alloc(size_t bytes, tsm_error *error)
{
    tsm_cpu_pack *pack = tsm_alloc_zero(1, sizeof *pack);

    if (pack) pack->data = tsm_alloc_aligned(bytes, 1);
    if (pack && pack->data) return pack;
    pack_destroy(pack);
    tsm_fail_memory(error, bytes);
    return NULL;
}

/* A pack in `layout` with the weights that `from` holds in `from_layout`. */
static tsm_status pack_create(tsm_cpu_pack **out, dnnl_engine_t engine, tsm_dnnl_layout layout,
                              tsm_dnnl_layout from_layout, const void *from, tsm_error *error)
{
    tsm_cpu_pack *pack = pack_alloc(tsm_dnnl_layout_bytes(layout), error);
    tsm_status status;

    if (!pack) return TSM_ERROR_MEMORY;
    TSM_TRY(tsm_dnnl_layout_clone(&pack->layout, layout, error));
    TSM_TRY(tsm_dnnl_reorder(engine, from_layout, from, layout, pack->data, error));
    *out = pack;
    return TSM_OK;
fail:
    pack_destroy(pack);
    return status;
}

static tsm_status pack_for_gather(tsm_cpu_state *state, const tsm_node *node, int index, const float *plain,
                                  tsm_error *error)
{
    const uint64_t bytes = tsm_cpu_gather_packed_count(node->out_channels, node->in_channels) * sizeof(float);
    tsm_cpu_pack *pack = pack_alloc(bytes, error);

    if (!pack) return TSM_ERROR_MEMORY;
    tsm_cpu_gather_pack(plain, pack->data, node->out_channels, node->in_channels);
    state->packs[index] = pack;
    state->weight_bytes += bytes;
    return TSM_OK;
}

static tsm_status pack_for_dnnl(tsm_cpu_state *state, const tsm_graph *shaped, int index, const float *plain,
                                tsm_error *error)
{
    const tsm_node *node = tsm_graph_node(shaped, index);
    tsm_dnnl_layout plain_layout = NULL;
    tsm_dnnl_op op = { 0 };
    tsm_status status;

    TSM_TRY(tsm_cpu_product_create(&op, state->engine, node, &shaped->nodes[node->inputs[0]].dims, error));
    TSM_TRY(tsm_cpu_product_plain(&plain_layout, node, error));
    TSM_TRY(pack_create(&state->packs[index], state->engine, op.weights, plain_layout, plain, error));
    state->weight_bytes += op.weight_bytes;
fail:
    tsm_dnnl_layout_destroy(&plain_layout);
    tsm_dnnl_op_clear(&op);
    return status;
}

static tsm_status pack_node(tsm_cpu_state *state, const tsm_graph *shaped, int index, float *plain, tsm_error *error)
{
    const tsm_node *node = tsm_graph_node(shaped, index);

    tsm_node_weights(node, plain);
    if (node->bias) state->weight_bytes += (uint64_t)node->out_channels * sizeof(float);
    if (tsm_cpu_gathers(state, node)) return pack_for_gather(state, node, index, plain, error);
    return pack_for_dnnl(state, shaped, index, plain, error);
}

static bool has_weights(const tsm_node *node)
{
    return node->op == TSM_OP_CONV || node->op == TSM_OP_FC;
}

static int64_t largest_weight(const tsm_graph *graph)
{
    int64_t largest = 0;

    for (int i = 0; i < graph->count; i++) {
        if (has_weights(&graph->nodes[i]) && graph->nodes[i].weight.count > largest)
            largest = graph->nodes[i].weight.count;
    }
    return largest;
}

tsm_status tsm_cpu_weights_prepare(tsm_cpu_state *state, tsm_error *error)
{
    const tsm_shape usual = { .n = 1, .t = state->graph->segments, .h = USUAL_PIXELS, .w = USUAL_PIXELS };
    const size_t count = (size_t)state->graph->count, largest = (size_t)largest_weight(state->graph);
    tsm_graph *shaped = tsm_graph_clone(state->graph);
    float *plain = tsm_alloc_aligned(largest, sizeof *plain);
    tsm_status status = TSM_OK;

    state->packs = tsm_alloc_zero(count, sizeof(tsm_cpu_pack *));
    if (!shaped || !plain || !state->packs) {
        status = tsm_fail_memory(error, largest * sizeof *plain);
        goto fail;
    }
    TSM_TRY(tsm_graph_infer(shaped, &usual, error));
    for (int i = 0; i < shaped->count; i++) {
        if (has_weights(&shaped->nodes[i])) TSM_TRY(pack_node(state, shaped, i, plain, error));
    }
fail:
    tsm_free(plain);
    tsm_graph_destroy(&shaped);
    return status;
}

void tsm_cpu_weights_release(tsm_cpu_state *state)
{
    for (int i = 0; state->packs && i < state->graph->count; i++) {
        while (state->packs[i]) {
            tsm_cpu_pack *next = state->packs[i]->next;

            pack_destroy(state->packs[i]);
            state->packs[i] = next;
        }
    }
    tsm_free(state->packs);
    state->packs = NULL;
}

static tsm_status find_or_repack(tsm_cpu_state *state, int node, tsm_dnnl_layout layout, const void **data,
                                 tsm_error *error)
{
    tsm_cpu_pack *pack = state->packs[node];

    while (layout && !tsm_dnnl_layout_equal(pack->layout, layout)) {
        if (!pack->next)
            TSM_TRY_RETURN(pack_create(&pack->next, state->engine, layout, pack->layout, pack->data, error));
        pack = pack->next;
    }
    *data = pack->data;
    return TSM_OK;
}

tsm_status tsm_cpu_weights_get(tsm_cpu_state *state, int node, tsm_dnnl_layout layout, const void **data,
                               tsm_error *error)
{
    tsm_status status;

    pthread_mutex_lock(&state->lock);
    status = find_or_repack(state, node, layout, data, error);
    pthread_mutex_unlock(&state->lock);
    return status;
}
