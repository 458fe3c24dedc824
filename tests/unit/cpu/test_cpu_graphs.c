/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU backend against the reference backend: attention in all its sizes and orders, and random graphs of
 * everything there is, whose values are read early, late, twice or never, so that nothing may be overwritten too
 * soon.
 */
#include "passes/passes.h"
#include "runner.h"

#define SEED 321u

/* ---- Attention ------------------------------------------------------------------------------------------------- */

typedef struct attention_case {
    tsm_shape shape;
    int channels, value_channels, pool; /* pool: of keys and values, 0: none */
    enum { APART, KEYS_ARE_VALUES, ALL_ARE_ONE } operands;
} attention_case;

/* Without a softmax those with many positions and few channels multiply keys and values first. */
static const attention_case cases[] = {
    { { 2, 3, 5, 7 }, 8, 8, 2, APART },            /* small odd sizes */
    { { 1, 2, 3, 3 }, 33, 17, 0, APART },          /* more channels than keys */
    { { 3, 1, 1, 1 }, 4, 6, 0, APART },            /* one position */
    { { 2, 1, 9, 7 }, 12, 20, 3, APART },          /* one frame */
    { { 1, 4, 19, 21 }, 16, 24, 0, APART },        /* many tiles, the last of which begins in the one before */
    { { 1, 1, 7, 11 }, 5, 3, 2, KEYS_ARE_VALUES }, /* three tiles of 32 rows for 77 */
    { { 2, 3, 9, 8 }, 20, 20, 0, ALL_ARE_ONE },
    { { 1, 5, 23, 29 }, 3, 40, 2, APART },
};
#define CASES ((int)(sizeof cases / sizeof *cases))

static int build_attention(network *net, const attention_case *c, bool softmax)
{
    const int queries = network_conv(net, "queries", 0, 4, c->channels, 1, 1);
    int keys = queries, values = queries;

    if (c->operands != ALL_ARE_ONE) {
        keys = network_conv(net, "keys", 0, 4, c->channels, 1, 1);
        if (c->pool) keys = network_window_mean(net, "pool", keys, c->pool);
        values = keys;
    }
    if (c->operands == APART) {
        values = network_conv(net, "values", 0, 4, c->value_channels, 1, 1);
        if (c->pool) values = network_window_mean(net, "pool", values, c->pool);
    }
    const int attention = network_attention(net, "attention", queries, keys, values, softmax);
    network_head(net, attention, c->operands == APART ? c->value_channels : c->channels);
    return attention;
}

/* Scores of unit variance and up to 40 channels are off by some sqrt(40) eps, and so, relatively, is each weight;
 * sums over k keys by sqrt(k) eps, a thousand at most: 2e-5 as for convolutions. */
START_TEST(attention)
{
    const attention_case *c = &cases[_i / 2];
    network net = network_make(SEED + (uint32_t)_i, 4);
    const int probe = build_attention(&net, c, _i % 2 == 0);
    size_t count;
    float *want = values_of(&tsm_backend_reference, net.graph, &c->shape, probe, TSM_SHIFT_AUTO, 0, &count);

    for (int threads = 1; threads <= 5; threads += 2) {
        float *got = values_of(&tsm_backend_cpu, net.graph, &c->shape, probe, TSM_SHIFT_AUTO, threads, &count);

        assert_close(got, want, count, 2e-5, "attention");
        free(got);
    }
    free(want);
    network_free(&net);
}
END_TEST

/* ---- Random graphs --------------------------------------------------------------------------------------------- */

#define GRAPHS 48
#define VALUES 14

/* Values of the graph so far. Every stride is 2 and rounds up, so that the number of halvings tells the size. */
typedef struct maker {
    network net;
    uint32_t drawn, seed;
    struct {
        int node, halved, channels;
    } values[VALUES];
    int count;
} maker;

static int draw(maker *m, int bound)
{
    return (int)((hashed_value(m->drawn++, m->seed) + 1) * 0.5f * (float)bound) % bound;
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

/* Every other graph goes through the passes first. Some ten sums deep at 2e-6 each. */
START_TEST(random_graphs)
{
    const tsm_shape shape = { .n = 1 + _i % 2, .t = 2 + _i % 3, .h = 9, .w = 6 };
    maker m = { .net = network_make(SEED + (uint32_t)_i, 4), .seed = SEED + (uint32_t)_i };
    static const tsm_shift_method methods[] = { TSM_SHIFT_INPLACE, TSM_SHIFT_COPY, TSM_SHIFT_AUTO };
    tsm_error error;
    size_t count;

    keep(&m, network_conv(&m.net, "first", 0, 4, 8, 1, 1), 0, 8);
    while (m.count < VALUES) make_value(&m);
    network_head(&m.net, m.values[VALUES - 1].node, m.values[VALUES - 1].channels);
    float *want = network_logits(m.net.graph, &shape, RUNNER_SEED);
    if (_i % 2) assert_ok(tsm_graph_optimize(m.net.graph, &error), &error);
    for (int i = 0; i < 3; i++) {
        float *got = values_of(&tsm_backend_cpu, m.net.graph, &shape, -1, methods[i], i + 1, &count);

        assert_close(got, want, count, 2e-5, "logits");
        free(got);
    }
    free(want);
    network_free(&m.net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_graphs");
    TCase *results = tcase_create("results");

    printf("seed %u\n", SEED);
    tcase_set_timeout(results, 120);
    tcase_add_loop_test(results, attention, 0, 2 * CASES);
    tcase_add_loop_test(results, random_graphs, 0, GRAPHS);
    suite_add_tcase(suite, results);
    return run_suite(suite);
}
