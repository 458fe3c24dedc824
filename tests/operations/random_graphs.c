/* SPDX-License-Identifier: Apache-2.0 */
/* random_graphs.c - random graphs of everything there is, whose values are read early, late, twice or never, so that
 * nothing may be overwritten too soon. */
#include "random_graphs.h"

#include "operations.h"

#define GRAPHS 48

/* Values of the graph so far. Every stride is 2 and rounds up, so that the number of halvings tells the size. */
typedef struct maker {
    network net;
    random_draw *next;
    void *state;
    struct {
        int node, halved, channels;
    } values[RANDOM_GRAPH_VALUES];
    int count;
} maker;

static int draw(maker *m, int bound)
{
    return m->next(m->state, bound);
}

static void keep(maker *m, int node, int halved, int channels)
{
    m->values[m->count].node = node;
    m->values[m->count].halved = halved;
    m->values[m->count++].channels = channels;
}

/* One of the last few values. */
static int pick(maker *m)
{
    const int back = m->count < 5 ? m->count : 5;

    return m->count - 1 - draw(m, back);
}

/* A value of that size, and of that many channels (0: of any), other than `but`, if there is one; else -1. */
static int pick_like(maker *m, int halved, int channels, int but)
{
    const int first = draw(m, m->count);

    for (int i = 0; i < m->count; i++) {
        const int v = (first + i) % m->count;

        if (v != but && m->values[v].halved == halved && (!channels || m->values[v].channels == channels)) return v;
    }
    return -1;
}

static tsm_shift draw_shift(maker *m, int channels)
{
    const int fold = draw(m, channels / 2 + 1), end = fold + draw(m, channels - fold + 1);

    return (tsm_shift){ fold, end, draw(m, 2) ? 1 : -1 };
}

static void make_conv(maker *m, int v)
{
    const int from = m->values[v].channels, to = draw(m, 2) ? from : 4 + draw(m, 14);
    const int kernel = draw(m, 2) ? 3 : 1, stride = m->values[v].halved < 2 && draw(m, 4) == 0 ? 2 : 1;
    const int halved = m->values[v].halved + stride - 1, residual = draw(m, 2) ? pick_like(m, halved, to, -1) : -1;
    const int node = network_conv(&m->net, "conv", m->values[v].node, from, to, kernel, stride);
    tsm_node *conv = tsm_graph_node(m->net.graph, node);

    if (draw(m, 3)) conv->shift = draw_shift(m, from);
    if (draw(m, 2)) conv->bias = network_random(&m->net, to, -1, 1);
    if (residual >= 0) conv->inputs[1] = m->values[residual].node;
    conv->act = (tsm_act)draw(m, TSM_ACT_COUNT);
    keep(m, node, halved, to);
}

/* By factors between 0 and 1. */
static void make_scale(maker *m, int v)
{
    const int c = m->values[v].channels, x = m->values[v].node;
    const int gate = network_conv(&m->net, "gate", network_node(&m->net, TSM_OP_AVGPOOL, "mean", x), c, c, 1, 1);
    const int node = network_scale(&m->net, "scale", x, gate);

    tsm_graph_node(m->net.graph, gate)->act = TSM_ACT_SIGMOID;
    tsm_graph_node(m->net.graph, node)->act = (tsm_act)draw(m, TSM_ACT_COUNT);
    keep(m, node, m->values[v].halved, c);
}

/* Of queries and keys between 0 and 1, which keeps what comes out near what goes in. */
static void make_attention(maker *m, int v)
{
    const int halved = draw(m, 3), c = m->values[v].channels, like = pick_like(m, halved, c, -1);
    const int k = like < 0 ? v : like, values = pick_like(m, m->values[k].halved, 0, -1);
    const int queries = network_act(&m->net, "queries", m->values[v].node, TSM_ACT_SIGMOID);
    const int keys = k == v ? queries : network_act(&m->net, "keys", m->values[k].node, TSM_ACT_SIGMOID);

    keep(m, network_attention(&m->net, "attention", queries, keys, m->values[values].node, draw(m, 2)),
         m->values[v].halved, m->values[values].channels);
}

static void make_pool(maker *m, int v)
{
    const int x = m->values[v].node, halved = m->values[v].halved;

    if (halved == 2) return;
    keep(m, draw(m, 2) ? network_maxpool(&m->net, "max", x) : network_window_mean(&m->net, "mean", x, 2), halved + 1,
         m->values[v].channels);
}

/* Appends one operation on values that there are. */
static void make_value(maker *m)
{
    const int v = pick(m), x = m->values[v].node, c = m->values[v].channels, halved = m->values[v].halved;
    const int other = pick_like(m, halved, c, -1);

    switch (draw(m, 8)) {
    case 0: keep(m, network_act(&m->net, "act", x, (tsm_act)draw(m, TSM_ACT_COUNT)), halved, c); break;
    case 1: keep(m, network_shift_by(&m->net, "shift", x, draw_shift(m, c)), halved, c); break;
    case 2: keep(m, network_add(&m->net, "add", x, m->values[other].node), halved, c); break;
    case 3: make_scale(m, v); break;
    case 4: make_attention(m, v); break;
    case 5: make_pool(m, v); break;
    default: make_conv(m, v);
    }
}

network random_graph(random_draw *next, void *state, int values, uint32_t seed)
{
    maker m = { .net = network_make(seed, 4), .next = next, .state = state };

    keep(&m, network_conv(&m.net, "first", 0, 4, 8, 1, 1), 0, 8);
    while (m.count < values) make_value(&m);
    network_head(&m.net, m.values[values - 1].node, m.values[values - 1].channels);
    return m.net;
}

/* ---- Rows of the table ---- */

/* A stream of hashed numbers. */
typedef struct stream {
    uint32_t drawn, seed;
} stream;

static int draw_hashed(void *state, int bound)
{
    stream *s = state;

    return (int)((hashed_value(s->drawn++, s->seed) + 1) * 0.5f * (float)bound) % bound;
}

static int count(void)
{
    return GRAPHS;
}

static void make(operation *op, int row)
{
    stream s = { 0, op->seed };

    snprintf(op->name, sizeof op->name, "random graph %d", row);
    op->shape = (tsm_shape){ .n = 1 + row % 2, .t = 2 + row % 3, .h = 9, .w = 6 };
    op->net = random_graph(draw_hashed, &s, RANDOM_GRAPH_VALUES, op->seed);
}

const operation_group operations_at_random = { "random graphs", count, make };
