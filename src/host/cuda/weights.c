/* SPDX-License-Identifier: Apache-2.0 */
/* weights.c - see weights.h. A first pass counts bytes, a second one fills them through one staging buffer. */
#include "weights.h"

#include <string.h>

#include "alignment.h"
#include "cuda_calls.h"
#include "gather.h"
#include "join.h"
#include "layout.h"
#include "nodes.h"

typedef struct packer {
    tsm_cuda_weights *weights;
    const tsm_graph *graph;
    const tsm_cuda_dtype *dtype;
    tsm_shift_method method;
    tsm_conv_whose whose;
    size_t used;            /* bytes of the allocation that are given away */
    float *plain, *ordered; /* room for the largest node: as the model has it, and as the device wants it */
    void *converted;
    size_t room; /* elements */
} packer;

static bool has_weights(const tsm_node *node)
{
    return node->op == TSM_OP_CONV || node->op == TSM_OP_FC;
}

/* Elements of a node's filters on the device. */
static size_t filter_count(const tsm_graph *graph, const tsm_node *node)
{
    size_t taps = (size_t)node->kernel_h * (size_t)node->kernel_w;

    if (node->op == TSM_OP_FC || tsm_cuda_is_depthwise(node)) return (size_t)node->weight.count;
    return (size_t)node->out_channels * taps * (size_t)tsm_cuda_input_channels(graph, node) / (size_t)node->groups;
}

static bool has_float_bias(const tsm_graph *graph, const tsm_node *node)
{
    return node == &graph->nodes[graph->output] || tsm_cuda_is_depthwise(node);
}

static size_t bias_bytes(const packer *p, const tsm_node *node)
{
    return (size_t)node->out_channels * (has_float_bias(p->graph, node) ? sizeof(float) : (size_t)p->dtype->bytes);
}

static bool is_rotated(const packer *p, const tsm_node *node)
{
    const bool overlaps = p->method == TSM_SHIFT_AUTO || p->method == TSM_SHIFT_OVERLAP;

    return overlaps && tsm_cuda_can_overlap(node, p->dtype) &&
           tsm_cuda_input_channels(p->graph, node) == node->in_channels;
}

/* Whether our kernels may compute the node; if so, how its filters are packed. */
static bool is_packed(const packer *p, int index, tsm_conv_kernel_spec *spec)
{
    const bool gathers = p->method == TSM_SHIFT_AUTO || p->method == TSM_SHIFT_GATHER;
    const char *why;

    if (gathers && tsm_gather_may(spec, p->graph, index, p->dtype, &why)) return true;
    return (gathers || p->whose != TSM_CONV_LIBRARIES) && tsm_ours_may(spec, p->graph, index, p->dtype);
}

/* Where packing moves nothing, the libraries take the packed filters, too: of tf32 rounded, as they would do. */
static bool is_packed_already(const packer *p, const tsm_conv_kernel_spec *spec, size_t count)
{
    return tsm_conv_kernel_packed_bytes(spec) == count * (size_t)p->dtype->bytes;
}

/* The shortcut that the node may take in, 0: none; if so, how the filters of both are packed. */
static int find_joined(const packer *p, int index, tsm_conv_kernel_spec *spec)
{
    const bool may = p->method == TSM_SHIFT_AUTO || p->whose != TSM_CONV_LIBRARIES;

    return may ? tsm_join_of(spec, p->graph, index, p->dtype) : 0;
}

/* The next `bytes` of the allocation; only counted while there is none. */
static void *take(packer *p, size_t bytes)
{
    void *place = p->weights->memory ? p->weights->memory + p->used : NULL;

    p->used += tsm_cuda_align(bytes);
    return place;
}

static void take_places(packer *p)
{
    p->used = 0;
    for (int i = 0; i < p->graph->count; i++) {
        const tsm_node *node = &p->graph->nodes[i];
        tsm_cuda_weight *weight = &p->weights->nodes[i];
        tsm_conv_kernel_spec spec;
        size_t count, packed = 0, joined = 0;

        if (!has_weights(node)) continue;
        count = filter_count(p->graph, node);
        weight->filters = take(p, count * (size_t)p->dtype->bytes);
        if (is_rotated(p, node)) weight->rotated = take(p, count * (size_t)p->dtype->bytes);
        if (is_packed(p, i, &spec)) {
            packed = tsm_conv_kernel_packed_bytes(&spec);
            weight->packed = is_packed_already(p, &spec, count) ? weight->filters : take(p, packed);
        }
        if (find_joined(p, i, &spec)) {
            joined = tsm_conv_kernel_packed_bytes(&spec);
            weight->joined = take(p, joined);
            weight->joined_bias = take(p, bias_bytes(p, node));
        }
        weight->bias = take(p, bias_bytes(p, node));
        if (joined > packed) packed = joined;
        if (count > p->room) p->room = count;
        if (packed / sizeof *p->ordered + 1 > p->room) p->room = packed / sizeof *p->ordered + 1;
        if ((size_t)node->out_channels > p->room) p->room = (size_t)node->out_channels;
    }
}

/* (O,taps,I) to (O,taps,I + padding). */
static void pad_channels(float *out, const float *in, size_t rows, size_t channels, size_t padded)
{
    memset(out, 0, rows * padded * sizeof *out);
    for (size_t i = 0; i < rows; i++) memcpy(out + i * padded, in + i * channels, channels * sizeof *out);
}

/* (C,taps) to (taps,C). */
static void transpose(float *out, const float *in, size_t channels, size_t taps)
{
    for (size_t c = 0; c < channels; c++)
        for (size_t tap = 0; tap < taps; tap++) out[tap * channels + c] = in[c * taps + tap];
}

/* Each row's first `moved` channels go behind the others. */
static void rotate(float *out, const float *in, size_t rows, size_t channels, size_t moved)
{
    for (size_t i = 0; i < rows; i++, in += channels, out += channels) {
        memcpy(out, in + moved, (channels - moved) * sizeof *out);
        memcpy(out + channels - moved, in, moved * sizeof *out);
    }
}

static tsm_status upload(packer *p, const tsm_node *node, void *to, const float *from, size_t count, tsm_dtype type,
                         tsm_error *error)
{
    size_t bytes = count * (type == TSM_FLOAT32 ? sizeof(float) : (size_t)p->dtype->bytes);

    if (!tsm_cuda_round(p->converted, from, count, type))
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: %s: a weight does not fit into %s", node->name,
                        p->dtype->name);
    TSM_CUDA(cudaMemcpy(to, p->converted, bytes, cudaMemcpyHostToDevice));
    return TSM_OK;
}

/* From what was uploaded as the node's filters. */
static tsm_status pack_packed(packer *p, int index, tsm_error *error)
{
    tsm_conv_kernel_spec spec;

    is_packed(p, index, &spec);
    tsm_conv_kernel_pack(p->ordered, p->converted, NULL, &spec);
    TSM_CUDA(cudaMemcpy(p->weights->nodes[index].packed, p->ordered, tsm_conv_kernel_packed_bytes(&spec),
                        cudaMemcpyHostToDevice));
    return TSM_OK;
}

/* The same of the node and of the shortcut that it may take in. */
static tsm_status pack_joined(packer *p, int index, tsm_error *error)
{
    tsm_conv_kernel_spec spec;
    const tsm_node *shortcut = &p->graph->nodes[find_joined(p, index, &spec)];
    const size_t count = (size_t)shortcut->weight.count;
    float *plain = tsm_alloc_aligned(count, sizeof *plain);
    void *converted = tsm_alloc_aligned(count, sizeof *plain);
    tsm_status status = TSM_OK;

    if (!plain || !converted) {
        status = tsm_fail_memory(error, count * sizeof *plain);
        goto fail;
    }
    tsm_node_weights(shortcut, plain);
    tsm_cuda_round(converted, plain, count, p->dtype->type); /* what does not fit is refused at the node itself */
    tsm_conv_kernel_pack(p->ordered, p->converted, converted, &spec);
    TSM_CUDA_TRY(cudaMemcpy(p->weights->nodes[index].joined, p->ordered, tsm_conv_kernel_packed_bytes(&spec),
                            cudaMemcpyHostToDevice));
fail:
    tsm_free(plain);
    tsm_free(converted);
    return status;
}

static tsm_status pack_filters(packer *p, int index, tsm_error *error)
{
    const tsm_node *node = &p->graph->nodes[index];
    const tsm_cuda_weight *weight = &p->weights->nodes[index];
    size_t count = filter_count(p->graph, node), channels = (size_t)node->in_channels;
    const float *ordered = p->ordered;

    tsm_node_weights(node, p->plain);
    if (node->op == TSM_OP_CONV && tsm_cuda_is_depthwise(node)) {
        transpose(p->ordered, p->plain, channels, (size_t)node->kernel_h * (size_t)node->kernel_w);
    } else if (count != (size_t)node->weight.count) {
        pad_channels(p->ordered, p->plain, (size_t)node->weight.count / channels, channels,
                     (size_t)tsm_cuda_input_channels(p->graph, node));
    } else {
        ordered = p->plain;
    }
    TSM_TRY_RETURN(upload(p, node, weight->filters, ordered, count, p->dtype->type, error));
    if (weight->joined) TSM_TRY_RETURN(pack_joined(p, index, error));
    if (weight->packed && (weight->packed != weight->filters || p->dtype->bytes == sizeof(float)))
        TSM_TRY_RETURN(pack_packed(p, index, error));
    if (!weight->rotated) return TSM_OK;
    rotate(p->ordered, p->plain, (size_t)node->out_channels, channels, (size_t)node->shift.end);
    return upload(p, node, weight->rotated, p->ordered, count, p->dtype->type, error);
}

static tsm_status pack_bias(packer *p, int index, tsm_error *error)
{
    const tsm_node *node = &p->graph->nodes[index];
    const tsm_cuda_weight *weight = &p->weights->nodes[index];
    const size_t count = (size_t)node->out_channels;
    const tsm_dtype type = has_float_bias(p->graph, node) ? TSM_FLOAT32 : p->dtype->type;
    tsm_conv_kernel_spec spec;
    const float *more;

    memset(p->plain, 0, count * sizeof *p->plain);
    if (node->bias) memcpy(p->plain, node->bias, count * sizeof *p->plain);
    TSM_TRY_RETURN(upload(p, node, weight->bias, p->plain, count, type, error));
    if (!weight->joined) return TSM_OK;
    more = p->graph->nodes[find_joined(p, index, &spec)].bias;
    for (size_t i = 0; more && i < count; i++) p->plain[i] += more[i];
    return upload(p, node, weight->joined_bias, p->plain, count, type, error);
}

static tsm_status allocate(packer *p, tsm_error *error)
{
    p->plain = tsm_alloc_aligned(p->room, sizeof *p->plain);
    p->ordered = tsm_alloc_aligned(p->room, sizeof *p->ordered);
    p->converted = tsm_alloc_aligned(p->room, sizeof *p->plain);
    if (!p->plain || !p->ordered || !p->converted) return tsm_fail_memory(error, p->room * sizeof *p->plain);
    TSM_CUDA(cudaMalloc((void **)&p->weights->memory, p->used));
    p->weights->bytes = p->used;
    return TSM_OK;
}

tsm_status tsm_cuda_weights_make(tsm_cuda_weights *weights, const tsm_graph *graph, const tsm_cuda_dtype *dtype,
                                 tsm_shift_method method, tsm_conv_whose whose, const tsm_cancel *cancel,
                                 tsm_error *error)
{
    packer p = { .weights = weights, .graph = graph, .dtype = dtype, .method = method, .whose = whose };
    tsm_status status;

    memset(weights, 0, sizeof *weights);
    weights->count = graph->count;
    weights->nodes = tsm_alloc_zero((size_t)graph->count, sizeof *weights->nodes);
    if (!weights->nodes) return tsm_fail_memory(error, (size_t)graph->count * sizeof *weights->nodes);
    take_places(&p);
    TSM_TRY(allocate(&p, error));
    take_places(&p);
    for (int i = 0; i < graph->count; i++) {
        if (!has_weights(&graph->nodes[i])) continue;
        TSM_TRY(tsm_cancel_check(cancel, error));
        TSM_TRY(pack_filters(&p, i, error));
        TSM_TRY(pack_bias(&p, i, error));
    }
    /* A copy from pageable memory may return before it is over, and the streams to come do not wait for this one. */
    TSM_CUDA_TRY(cudaStreamSynchronize(NULL));
    status = TSM_OK;
fail:
    tsm_free(p.plain);
    tsm_free(p.ordered);
    tsm_free(p.converted);
    if (status != TSM_OK) tsm_cuda_weights_clear(weights);
    return status;
}

void tsm_cuda_weights_clear(tsm_cuda_weights *weights)
{
    tsm_free(weights->nodes);
    if (weights->memory) cudaFree(weights->memory);
    memset(weights, 0, sizeof *weights);
}
