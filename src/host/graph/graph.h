/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h - the layer graph: what a network computes, free of any device.
 *
 * A graph is an array of nodes in topological order; a node makes one value, named by its index. Values are
 * (N,T,H,W,C), channels last. Weights stay where the model holds them, in PyTorch's order and stored dtype, with a
 * per-channel affine beside them; a backend asks for them once, as float32, when it prepares an engine.
 *
 * Builders emit the network as the paper draws it (shift, conv, batch norm, relu, add as nodes of their own); the
 * passes in passes.h rewrite it. The reference interpreter runs a graph before, between and after passes.
 *
 * A graph knows no shape: tsm_graph_infer fills an array of shapes beside it, so that plans of several shapes share
 * one graph, which nobody changes any more.
 */
#ifndef TSM_GRAPH_GRAPH_H
#define TSM_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/status.h"

typedef enum tsm_op {
    TSM_OP_INPUT,
    TSM_OP_SHIFT,     /* temporal shift as a node: zero-padded, clips never mix */
    TSM_OP_CONV,      /* 2-D convolution, with fused shift on its input, bias, residual and activation */
    TSM_OP_BATCHNORM, /* only before fold_batchnorm */
    TSM_OP_ADD,       /* in[0] + in[1] */
    TSM_OP_ACT,       /* activation as a node */
    TSM_OP_MAXPOOL,   /* over h and w; padding counts as minus infinity */
    TSM_OP_AVGPOOL, /* mean over all of h and w; over t as well when over_time is set. With a kernel: over its windows
                     */
    TSM_OP_FC,      /* per (n,t) row: C -> classes */
    TSM_OP_TMEAN,   /* mean over t */
    TSM_OP_TPOOL,   /* maximum over t: 3 frames at stride 2, one of padding; t must be even, and is halved */
    TSM_OP_SCALE,   /* act(in[0] * in[1]), where in[1] (n,t,1,1,c) has one factor a frame and channel */
    TSM_OP_ATTENTION, /* of all positions of a clip to all positions: in[0] queries, in[1] keys, in[2] values */
    TSM_OP_COUNT
} tsm_op;

typedef enum tsm_act {
    TSM_ACT_NONE,
    TSM_ACT_RELU,
    TSM_ACT_RELU6,
    TSM_ACT_LEAKY_RELU, /* negative values times TSM_LEAKY_SLOPE */
    TSM_ACT_SIGMOID,
    TSM_ACT_COUNT
} tsm_act;

#define TSM_LEAKY_SLOPE 0.01f

/* "relu6"; "none". Static. */
const char *tsm_act_name(tsm_act act);

/* The temporal shift: out[t, 0:fold] = x[t + step], out[t, fold:end] = x[t - step], the rest x[t]; frames before the
 * first and past the last are zero. 0 <= fold <= end <= C.
 *   bi-directional (MIT, mmaction2)  step 1, fold = C / n_div, end = 2 * fold, or C where that is less (n_div 1)
 *   mirrored (PaddleVideo)           step -1, fold = int(C r), end = int(2 C r), r = 1 / n_div in float32
 *   uni-directional (live streams)   step -1, fold = end = C / n_div */
typedef struct tsm_shift {
    int fold, end; /* channels; end 0: no shift */
    int step;      /* 1 or -1 */
} tsm_shift;

/* The shift of MIT and mmaction2. */
static inline tsm_shift tsm_shift_both(int fold, int channels)
{
    return (tsm_shift){ fold, 2 * (int64_t)fold < channels ? 2 * fold : channels * (fold > 0), 1 };
}

/* A tensor that the model holds: dense, PyTorch order, never owned by the graph. data == NULL: absent. */
typedef struct tsm_weight {
    const void *data;
    tsm_dtype dtype;
    int64_t count;
} tsm_weight;

/* In NHWC; t is the number of frames that remain of a clip. */
typedef struct tsm_dims {
    int n, t, h, w, c;
} tsm_dims;

#define TSM_INPUTS 3

/* How the numbers of a value are stored. */
typedef enum tsm_number {
    TSM_NUMBER_ENGINE, /* as the engine's precision says */
    TSM_NUMBER_FP32,
    TSM_NUMBER_FP16,
    TSM_NUMBER_BF16,
    TSM_NUMBER_INT8,
    TSM_NUMBER_COUNT
} tsm_number;

typedef struct tsm_node {
    tsm_op op;
    char name[96];          /* "base_model.layer1.0.conv1" */
    int inputs[TSM_INPUTS]; /* data; second operand of ADD and SCALE, or residual of CONV; ATTENTION all; -1: none */
    tsm_act act;            /* ACT, and fused into CONV and SCALE */
    tsm_shift shift;        /* SHIFT, or fused on the data edge of CONV (never on its residual) */

    /* CONV: in_channels -> out_channels; FC likewise with kernel 1. BATCHNORM: both C. MAXPOOL: kernel, stride, pad.
     * AVGPOOL with a kernel: kernel, stride, no padding; windows that begin inside count, and of them what is inside.
     */
    int in_channels, out_channels, groups;
    int kernel_h, kernel_w, stride, pad;
    bool over_time; /* AVGPOOL */
    bool softmax;   /* ATTENTION: scores become weights by a softmax over the keys; else divided by their number */

    tsm_weight weight; /* CONV (O,I/groups,kh,kw), FC (O,I) */
    float *scale;      /* per output channel, multiplies the weight; NULL: 1. Owned by the graph. */
    float *bias;       /* per output channel; NULL: 0. Owned by the graph. Also of FC. */

    /* BATCHNORM: gamma, beta, running mean and variance, each (out_channels); owned by the graph. */
    float *gamma, *beta, *mean, *variance;

    float input_mean[3], input_std[3]; /* INPUT: of uint8 frames, per channel, for pixels scaled to 0..1 */

    /* What the value is stored as, and, of CONV and FC in eight bits, what its numbers stand for: real = scale *
     * number. NULL: not quantised. Owned by the graph. */
    tsm_number number;
    float input_scale;    /* of in[0]; 0: not quantised */
    float *output_scales; /* per output channel of the weight */
} tsm_node;

typedef struct tsm_graph {
    tsm_node *nodes;
    int count, capacity;
    int output;      /* index of the node whose value is the result, (N,1,1,1,classes), or (N,T,1,1,classes) */
    bool per_frame;  /* the result has the logits of every frame */
    int in_channels; /* of the input */
    int segments;    /* T by default */
    int classes;
    int input_size; /* pixels a side of the frames that it is made for; 0: unknown */
} tsm_graph;

/* Makes an empty graph; NULL when out of memory. */
tsm_graph *tsm_graph_create(void);
void tsm_graph_destroy(tsm_graph **graph);

/* Appends a zeroed node whose inputs are -1 and returns its index, or -1 when out of memory. The pointer from
 * tsm_graph_node is valid until the next append. */
int tsm_graph_append(tsm_graph *graph, tsm_op op, const char *name);
static inline tsm_node *tsm_graph_node(const tsm_graph *graph, int index)
{
    return &graph->nodes[index];
}

/* How many of a node's operands are `value`. */
static inline int tsm_node_reads(const tsm_node *node, int value)
{
    int count = 0;

    for (int k = 0; k < TSM_INPUTS; k++) count += node->inputs[k] == value;
    return count;
}

/* "conv", "maxpool": for text. Static. */
const char *tsm_op_name(tsm_op op);

/* Frees what a node owns and zeroes it. */
void tsm_node_clear(tsm_node *node);

/* Fills shapes[graph->count], the shape of every node's value, for an input of `shape`. Errors: ARGUMENT, naming the
 * first layer that has no pixels left, or whose operands differ; sizes whose element count does not fit into 2^40. */
tsm_status tsm_graph_infer(const tsm_graph *graph, const tsm_shape *shape, tsm_dims *shapes, tsm_error *error);

/* Index of the one INPUT node. */
int tsm_graph_input(const tsm_graph *graph);

/* Number of elements of a value. */
int64_t tsm_dims_count(const tsm_dims *dims);

/* Last node that reads each value (the value's own index where none does; `count` for the output):
 * fills last_use[graph->count]. */
void tsm_graph_last_uses(const tsm_graph *graph, int *last_use);

/* Multiply-adds of a CONV, FC or ATTENTION node, 0 of others; and of all of a graph. */
uint64_t tsm_node_macs(const tsm_graph *graph, const tsm_dims *shapes, int node);
uint64_t tsm_graph_macs(const tsm_graph *graph, const tsm_dims *shapes);

/* Writes the node's weights, scaled, as float32 to `out`: CONV as (O,kh,kw,I/groups), FC as (O,I).
 * node->weight.count values. */
void tsm_node_weights(const tsm_node *node, float *out);

/* The same for `count` output channels from `first` on. */
void tsm_node_filters(const tsm_node *node, int first, int count, float *out);

#endif
