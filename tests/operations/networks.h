/* SPDX-License-Identifier: Apache-2.0 */
/* networks.h - small networks with seeded random weights, built by hand as a model's builder would. */
#ifndef TSM_OPERATIONS_NETWORKS_H
#define TSM_OPERATIONS_NETWORKS_H

#include "graph/backend.h"
#include "graph/graph.h"
#include "values.h"

#define NETWORK_CLASSES 5

typedef struct network {
    tsm_graph *graph;
    float **arrays; /* the weights that the graph borrows */
    int array_count;
    uint32_t seed;
} network;

static inline network network_make(uint32_t seed, int in_channels)
{
    network net = { .graph = tsm_graph_create(), .seed = seed };
    int input;

    must(net.graph);
    input = tsm_graph_append(net.graph, TSM_OP_INPUT, "input");
    if (input != 0) must(NULL);
    for (int c = 0; c < 3; c++) tsm_graph_node(net.graph, input)->input_std[c] = 1;
    net.graph->in_channels = in_channels;
    net.graph->segments = 4;
    net.graph->classes = NETWORK_CLASSES;
    return net;
}

static inline void network_free(network *net)
{
    tsm_graph_destroy(&net->graph);
    for (int i = 0; i < net->array_count; i++) free(net->arrays[i]);
    free(net->arrays);
    memset(net, 0, sizeof *net);
}

/* Values in [low, high), owned by the caller. */
static inline float *network_random(network *net, int count, double low, double high)
{
    float *values = must(tsm_alloc_zero((size_t)count, sizeof *values)); /* as the graph frees it */

    net->seed++;
    for (int i = 0; i < count; i++)
        values[i] = (float)(low + (high - low) * 0.5 * (hashed_value((uint32_t)i, net->seed) + 1.0));
    return values;
}

/* The same, owned by the network. */
static inline float *network_array(network *net, int count, double low, double high)
{
    float *values = network_random(net, count, low, high);

    net->arrays = must(realloc(net->arrays, (size_t)(net->array_count + 1) * sizeof *net->arrays));
    return net->arrays[net->array_count++] = values;
}

static inline tsm_weight network_weight(network *net, int count, int fan_in)
{
    const double range = sqrt(3.0 / fan_in); /* keeps the variance */

    return (tsm_weight){ network_array(net, count, -range, range), TSM_FLOAT32, count };
}

static inline int network_node(network *net, tsm_op op, const char *name, int input)
{
    int index = tsm_graph_append(net->graph, op, name);

    if (index < 0) must(NULL);
    net->graph->nodes[index].inputs[0] = input;
    net->graph->output = index;
    return index;
}

static inline int network_conv(network *net, const char *name, int input, int from, int to, int kernel, int stride)
{
    int index = network_node(net, TSM_OP_CONV, name, input);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->in_channels = from;
    node->out_channels = to;
    node->groups = 1;
    node->kernel_h = node->kernel_w = kernel;
    node->stride = stride;
    node->pad = kernel / 2;
    node->weight = network_weight(net, to * from * kernel * kernel, from * kernel * kernel);
    return index;
}

static inline int network_depthwise(network *net, const char *name, int input, int channels, int stride)
{
    int index = network_conv(net, name, input, 1, channels, 3, stride);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->in_channels = node->groups = channels;
    return index;
}

/* A 1x1 convolution with a bias. */
static inline int network_biased(network *net, const char *name, int input, int from, int to)
{
    int index = network_conv(net, name, input, from, to, 1, 1);

    tsm_graph_node(net->graph, index)->bias = network_random(net, to, -0.5, 0.5);
    return index;
}

static inline int network_norm(network *net, const char *name, int input, int channels)
{
    int index = network_node(net, TSM_OP_BATCHNORM, name, input);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->in_channels = node->out_channels = channels;
    node->gamma = network_random(net, channels, 0.5, 1.5);
    node->beta = network_random(net, channels, -0.5, 0.5);
    node->mean = network_random(net, channels, -0.5, 0.5);
    node->variance = network_random(net, channels, 0.5, 2);
    return index;
}

static inline int network_act(network *net, const char *name, int input, tsm_act act)
{
    int index = network_node(net, TSM_OP_ACT, name, input);

    tsm_graph_node(net->graph, index)->act = act;
    return index;
}

static inline int network_add(network *net, const char *name, int a, int b)
{
    int index = network_node(net, TSM_OP_ADD, name, a);

    tsm_graph_node(net->graph, index)->inputs[1] = b;
    return index;
}

static inline int network_shift_by(network *net, const char *name, int input, tsm_shift shift)
{
    int index = network_node(net, TSM_OP_SHIFT, name, input);

    tsm_graph_node(net->graph, index)->shift = shift;
    return index;
}

static inline int network_shift(network *net, const char *name, int input, int fold)
{
    return network_shift_by(net, name, input, (tsm_shift){ fold, 2 * fold, 1 });
}

/* The mean over windows that do not overlap. */
static inline int network_window_mean(network *net, const char *name, int input, int kernel)
{
    int index = network_node(net, TSM_OP_AVGPOOL, name, input);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->kernel_h = node->kernel_w = node->stride = kernel;
    return index;
}

/* The maximum of windows of 2x2, what is left over dropped. */
static inline int network_halve(network *net, const char *name, int input)
{
    int index = network_node(net, TSM_OP_MAXPOOL, name, input);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->kernel_h = node->kernel_w = node->stride = 2;
    return index;
}

static inline int network_scale(network *net, const char *name, int input, int factors)
{
    int index = network_node(net, TSM_OP_SCALE, name, input);

    tsm_graph_node(net->graph, index)->inputs[1] = factors;
    return index;
}

static inline int network_attention(network *net, const char *name, int queries, int keys, int values, bool softmax)
{
    int index = network_node(net, TSM_OP_ATTENTION, name, queries);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->inputs[1] = keys;
    node->inputs[2] = values;
    node->softmax = softmax;
    return index;
}

static inline int network_maxpool(network *net, const char *name, int input)
{
    int index = network_node(net, TSM_OP_MAXPOOL, name, input);
    tsm_node *node = tsm_graph_node(net->graph, index);

    node->kernel_h = node->kernel_w = 3;
    node->stride = 2;
    node->pad = 1;
    return index;
}

static inline int network_conv_norm(network *net, const char *name, int input, int from, int to, int kernel,
                                    int stride)
{
    return network_norm(net, "norm", network_conv(net, name, input, from, to, kernel, stride), to);
}

/* Pool, classifier and consensus. */
static inline void network_head(network *net, int input, int channels)
{
    int pool = network_node(net, TSM_OP_AVGPOOL, "avgpool", input);
    int fc = network_node(net, TSM_OP_FC, "fc", pool);
    tsm_node *node = tsm_graph_node(net->graph, fc);

    node->in_channels = channels;
    node->out_channels = NETWORK_CLASSES;
    node->weight = network_weight(net, NETWORK_CLASSES * channels, channels);
    node->bias = network_random(net, NETWORK_CLASSES, -0.5, 0.5);
    network_node(net, TSM_OP_TMEAN, "consensus", fc);
}

/* The shape of every value; malloc'ed. */
static inline tsm_dims *network_shapes(const tsm_graph *graph, const tsm_shape *shape)
{
    tsm_dims *shapes = must(malloc((size_t)graph->count * sizeof *shapes));
    tsm_error error;

    must_ok(tsm_graph_infer(graph, shape, shapes, &error), &error);
    return shapes;
}

#endif
