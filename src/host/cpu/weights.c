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
#include "pages.h"
#include "prepared.h"
#include "winograd.h"

static void pack_destroy(tsm_cpu_pack *pack)
{
    if (!pack) return;
    tsm_dnnl_layout_destroy(&pack->layout);
    tsm_free(pack->data);
    tsm_free(pack);
}

/* The system gives pages when they are first written: to all threads here, as oneDNN's copy is the work of one. */
static void touch(char *data, size_t bytes)
{
    enum { PAGE = 4096 };

#pragma omp parallel for schedule(static) if (bytes > 16 * PAGE)
    for (size_t at = 0; at < bytes; at += PAGE) data[at] = 0;
}

/* A pack of `bytes` bytes without layout or contents. */
static tsm_cpu_pack *pack_alloc(size_t bytes, tsm_error *error)
{
    tsm_cpu_pack *pack = tsm_alloc_zero(1, sizeof *pack);

    if (pack) pack->data = tsm_cpu_alloc(bytes);
    if (pack && pack->data) {
        touch(pack->data, bytes);
        return pack;
    }
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

/* For a kernel of ours. */
static tsm_status pack_for_ours(tsm_prepared *prepared, const tsm_node *node, int index, const float *plain,
                                tsm_error *error)
{
    const tsm_cpu_part part = tsm_cpu_part_in(prepared, index);
    const bool winograd = tsm_cpu_way_of(prepared->graph, prepared->shift_method, index) == TSM_CPU_WINOGRAD;
    const int n = node->out_channels, c = node->in_channels;
    const uint64_t count = part       ? tsm_cpu_inverted_packed_count(node, part)
                           : winograd ? tsm_cpu_winograd_packed_count(n, c)
                                      : tsm_cpu_gather_packed_count(n, c);
    const uint64_t bytes = count * sizeof(float);
    tsm_cpu_pack *pack = pack_alloc(bytes, error);

    if (!pack) return TSM_ERROR_MEMORY;
    if (part) {
        tsm_cpu_inverted_pack(node, part, plain, pack->data);
    } else {
        (winograd ? tsm_cpu_winograd_pack : tsm_cpu_gather_pack)(plain, pack->data, n, c);
    }
    prepared->packs[index] = pack;
    prepared->weight_bytes += bytes;
    return TSM_OK;
}

static tsm_status pack_for_dnnl(tsm_prepared *prepared, const tsm_dims *shapes, int index, const float *plain,
                                tsm_error *error)
{
    const tsm_node *node = tsm_graph_node(prepared->graph, index);
    tsm_dnnl_layout plain_layout = NULL;
    tsm_dnnl_op op = { 0 };
    tsm_status status;

    TSM_TRY(tsm_cpu_product_create(&op, prepared->engine, node, &shapes[node->inputs[0]], &shapes[index], error));
    TSM_TRY(tsm_cpu_product_plain(&plain_layout, node, error));
    TSM_TRY(pack_create(&prepared->packs[index], prepared->engine, op.weights, plain_layout, plain, error));
    prepared->weight_bytes += op.weight_bytes;
fail:
    tsm_dnnl_layout_destroy(&plain_layout);
    tsm_dnnl_op_clear(&op);
    return status;
}

/* tsm_node_weights, shared among the threads. */
static void read_weights(const tsm_node *node, float *plain)
{
    enum { FILTERS = 16 };
    const int64_t per_filter = node->weight.count / node->out_channels;

#pragma omp parallel for schedule(static) if (node->weight.count > 65536)
    for (int first = 0; first < node->out_channels; first += FILTERS) {
        const int left = node->out_channels - first;

        tsm_node_filters(node, first, left < FILTERS ? left : FILTERS, plain + first * per_filter);
    }
}

static tsm_status pack_node(tsm_prepared *prepared, const tsm_dims *shapes, int index, float *plain, tsm_error *error)
{
    const tsm_node *node = tsm_graph_node(prepared->graph, index);

    read_weights(node, plain);
    if (node->bias) prepared->weight_bytes += (uint64_t)node->out_channels * sizeof(float);
    if (!tsm_cpu_part_in(prepared, index) &&
        tsm_cpu_way_of(prepared->graph, prepared->shift_method, index) == TSM_CPU_DNNL)
        return pack_for_dnnl(prepared, shapes, index, plain, error);
    return pack_for_ours(prepared, node, index, plain, error);
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

tsm_status tsm_cpu_weights_prepare(tsm_prepared *prepared, tsm_error *error)
{
    const int side = tsm_cpu_usual_side(prepared->graph);
    const tsm_shape usual = { .n = 1, .t = prepared->graph->segments, .h = side, .w = side };
    const size_t count = (size_t)prepared->graph->count, largest = (size_t)largest_weight(prepared->graph);
    tsm_dims *shapes = tsm_alloc_zero(count, sizeof *shapes);
    float *plain = tsm_alloc_aligned(largest, sizeof *plain);
    tsm_status status = TSM_OK;

    prepared->packs = tsm_alloc_zero(count, sizeof(tsm_cpu_pack *));
    prepared->parts = tsm_alloc_zero(count, sizeof *prepared->parts);
    if (!shapes || !plain || !prepared->packs || !prepared->parts) {
        status = tsm_fail_memory(error, largest * sizeof *plain);
        goto fail;
    }
    TSM_TRY(tsm_graph_infer(prepared->graph, &usual, shapes, error));
    for (int i = 0; i < prepared->graph->count; i++)
        prepared->parts[i] = tsm_cpu_part_of(prepared->graph, prepared->shift_method, i);
    for (int i = 0; i < prepared->graph->count; i++) {
        if (!has_weights(&prepared->graph->nodes[i])) continue;
        TSM_TRY(tsm_cancel_check(&prepared->cancel, error));
        TSM_TRY(pack_node(prepared, shapes, i, plain, error));
    }
fail:
    tsm_free(plain);
    tsm_free(shapes);
    return status;
}

void tsm_cpu_weights_release(tsm_prepared *prepared)
{
    for (int i = 0; prepared->packs && i < prepared->graph->count; i++) {
        while (prepared->packs[i]) {
            tsm_cpu_pack *next = prepared->packs[i]->next;

            pack_destroy(prepared->packs[i]);
            prepared->packs[i] = next;
        }
    }
    tsm_free(prepared->packs);
    tsm_free(prepared->parts);
    prepared->packs = NULL;
}

static tsm_status find_or_repack(tsm_prepared *prepared, int node, tsm_dnnl_layout layout, const void **data,
                                 tsm_error *error)
{
    tsm_cpu_pack *pack = prepared->packs[node];

    while (layout && !tsm_dnnl_layout_equal(pack->layout, layout)) {
        if (!pack->next)
            TSM_TRY_RETURN(pack_create(&pack->next, prepared->engine, layout, pack->layout, pack->data, error));
        pack = pack->next;
    }
    *data = pack->data;
    return TSM_OK;
}

tsm_status tsm_cpu_weights_get(tsm_prepared *prepared, int node, tsm_dnnl_layout layout, const void **data,
                               tsm_error *error)
{
    tsm_status status;

    pthread_mutex_lock(&prepared->lock);
    status = find_or_repack(prepared, node, layout, data, error);
    pthread_mutex_unlock(&prepared->lock);
    return status;
}
