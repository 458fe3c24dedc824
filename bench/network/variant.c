/* SPDX-License-Identifier: Apache-2.0 */
/* variant.c - see variant.h. A graph is rewritten into a new one: nodes move over in order, with others between. */
#include "variant.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "passes/passes.h"

typedef struct rewrite {
    tsm_graph *from, *to;
    int *map; /* node of `from` -> value of `to` */
    const float *weights;
} rewrite;

/* The node itself, with what it owns. */
static int move_node(rewrite *r, int index)
{
    tsm_node *node = &r->from->nodes[index];
    const int moved = tsm_graph_append(r->to, node->op, node->name);

    if (moved < 0) return -1;
    r->to->nodes[moved] = *node;
    for (int k = 0; k < TSM_INPUTS; k++)
        if (node->inputs[k] >= 0) r->to->nodes[moved].inputs[k] = r->map[node->inputs[k]];
    node->scale = node->bias = node->gamma = node->beta = node->mean = node->variance = node->output_scales = NULL;
    return moved;
}

static int append(rewrite *r, tsm_op op, const char *layer, const char *part, int first, int second)
{
    char name[sizeof r->to->nodes->name];
    int index;

    snprintf(name, sizeof name, "%.80s.%s", layer, part);
    index = tsm_graph_append(r->to, op, name);
    if (index < 0) return -1;
    r->to->nodes[index].inputs[0] = first;
    r->to->nodes[index].inputs[1] = second;
    return index;
}

/* All channels of the next frame (step 1) or of the one before. */
static int append_neighbour(rewrite *r, const char *layer, int value, int channels, int step)
{
    const int index = append(r, TSM_OP_SHIFT, layer, step > 0 ? "next" : "before", value, -1);

    if (index >= 0) r->to->nodes[index].shift = (tsm_shift){ channels, channels, step };
    return index;
}

/* values[1] is of the frame itself: those of its neighbours are in values[0] and values[2]. */
static bool append_neighbours(rewrite *r, const char *layer, int value, int channels, int values[3])
{
    values[0] = append_neighbour(r, layer, value, channels, -1);
    values[1] = value;
    values[2] = append_neighbour(r, layer, value, channels, 1);
    return values[0] >= 0 && values[2] >= 0;
}

static int append_sum(rewrite *r, const char *layer, const int convs[3])
{
    const int two = append(r, TSM_OP_ADD, layer, "two", convs[0], convs[1]);

    return two < 0 ? -1 : append(r, TSM_OP_ADD, layer, "three", two, convs[2]);
}

static const char *const tap_names[3] = { "before.conv", "same.conv", "next.conv" };

/* ---- dense: shift -> 3x1x1, relu ---- */

static int append_square(rewrite *r, const char *layer, int tap, int value, int channels, const float *weights)
{
    const int index = append(r, TSM_OP_CONV, layer, tap_names[tap], value, -1);
    tsm_node *node;

    if (index < 0) return -1;
    node = &r->to->nodes[index];
    node->in_channels = node->out_channels = channels;
    node->groups = node->kernel_h = node->kernel_w = node->stride = 1;
    node->weight =
        (tsm_weight){ weights + (int64_t)tap * channels * channels, TSM_FLOAT32, (int64_t)channels * channels };
    return index;
}

static int append_dense(rewrite *r, const char *layer, int value, int channels)
{
    int values[3], convs[3], sum, act;

    if (!append_neighbours(r, layer, value, channels, values)) return -1;
    for (int tap = 0; tap < 3; tap++) {
        convs[tap] = append_square(r, layer, tap, values[tap], channels, r->weights);
        if (convs[tap] < 0) return -1;
    }
    sum = append_sum(r, layer, convs);
    act = sum < 0 ? -1 : append(r, TSM_OP_ACT, layer, "relu", sum, -1);
    if (act >= 0) r->to->nodes[act].act = TSM_ACT_RELU;
    return act;
}

/* The channels of a value that a shift reads. Its readers are convolutions, or the blocks' additions. */
static int channels_of(const tsm_graph *graph, int shift)
{
    for (int i = shift + 1; i < graph->count; i++)
        if (graph->nodes[i].op == TSM_OP_CONV && graph->nodes[i].inputs[0] == shift)
            return graph->nodes[i].in_channels;
    return 0;
}

/* Of the sizes of networks: three square matrices, so small that fifty layers of them neither vanish nor explode.
 * Those of fewer channels are the beginning of the same numbers. */
static float *make_weights(int channels)
{
    const size_t count = 3 * (size_t)channels * (size_t)channels;
    float *weights = tsm_alloc_zero(count, sizeof *weights);
    uint32_t x = 1;

    for (size_t i = 0; weights && i < count; i++) {
        x = x * 1664525u + 1013904223u;
        weights[i] = ((float)(x >> 8) / 8388608.0f - 1.0f) * 1.4f / sqrtf(3.0f * (float)channels);
    }
    return weights;
}

/* ---- inflated: shift -> conv  becomes  three convs, a half, a quarter and a quarter of the weights ---- */

static int append_tap(rewrite *r, int conv, int tap, int value)
{
    static const float parts[3] = { 0.25f, 0.5f, 0.25f };
    const tsm_node *node = &r->from->nodes[conv];
    const int index = append(r, TSM_OP_CONV, node->name, tap_names[tap], value, -1), channels = node->out_channels;
    tsm_node *made;

    if (index < 0) return -1;
    made = &r->to->nodes[index];
    made->in_channels = node->in_channels;
    made->out_channels = channels;
    made->groups = node->groups;
    made->kernel_h = node->kernel_h;
    made->kernel_w = node->kernel_w;
    made->stride = node->stride;
    made->pad = node->pad;
    made->weight = node->weight;
    made->scale = tsm_alloc_zero((size_t)channels, sizeof *made->scale);
    if (tap == 2 && node->bias) made->bias = tsm_alloc_zero((size_t)channels, sizeof *made->bias);
    if (!made->scale || (tap == 2 && node->bias && !made->bias)) return -1;
    for (int c = 0; c < channels; c++) {
        made->scale[c] = parts[tap] * (node->scale ? node->scale[c] : 1);
        if (made->bias) made->bias[c] = node->bias[c];
    }
    return index;
}

static int append_inflated(rewrite *r, int conv, int value)
{
    const tsm_node *node = &r->from->nodes[conv];
    int values[3], convs[3];

    if (!append_neighbours(r, node->name, value, node->in_channels, values)) return -1;
    for (int tap = 0; tap < 3; tap++) {
        convs[tap] = append_tap(r, conv, tap, values[tap]);
        if (convs[tap] < 0) return -1;
    }
    return append_sum(r, node->name, convs);
}

/* ---- Both ---- */

static int rewrite_node(rewrite *r, int index)
{
    const tsm_node *node = &r->from->nodes[index];
    const int from = node->inputs[0];

    if (node->op == TSM_OP_SHIFT) {
        const int channels = channels_of(r->from, index);

        return r->weights && channels ? append_dense(r, node->name, r->map[from], channels) : r->map[from];
    }
    if (!r->weights && node->op == TSM_OP_CONV && r->from->nodes[from].op == TSM_OP_SHIFT)
        return append_inflated(r, index, r->map[from]);
    return move_node(r, index);
}

static tsm_status rewrite_graph(tsm_graph **graph, const float *weights, tsm_error *error)
{
    rewrite r = { *graph, tsm_graph_create(), tsm_alloc_zero((size_t)(*graph)->count, sizeof *r.map), weights };
    bool made = r.to && r.map;

    for (int i = 0; made && i < r.from->count; i++) {
        r.map[i] = rewrite_node(&r, i);
        made = r.map[i] >= 0;
    }
    if (made) {
        r.to->output = r.map[r.from->output];
        r.to->per_frame = r.from->per_frame;
        r.to->in_channels = r.from->in_channels;
        r.to->segments = r.from->segments;
        r.to->classes = r.from->classes;
        tsm_graph_destroy(graph);
        *graph = r.to;
        r.to = NULL;
    }
    tsm_graph_destroy(&r.to);
    tsm_free(r.map);
    return made ? TSM_OK : tsm_fail(error, TSM_ERROR_MEMORY, "variant: out of memory");
}

tsm_status bench_make_dense(tsm_graph **graph, float **weights, tsm_error *error)
{
    int most = 1;

    for (int i = 0; i < (*graph)->count; i++) {
        const int channels = (*graph)->nodes[i].op == TSM_OP_SHIFT ? channels_of(*graph, i) : 0;

        if (channels > most) most = channels;
    }
    *weights = make_weights(most);
    if (!*weights) return tsm_fail(error, TSM_ERROR_MEMORY, "variant: out of memory");
    return rewrite_graph(graph, *weights, error);
}

/* Batch norms are folded first: they have to come after the sum, and the sum knows none. */
tsm_status bench_make_inflated(tsm_graph **graph, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_pass_fold_batchnorm(*graph, error));
    return rewrite_graph(graph, NULL, error);
}
