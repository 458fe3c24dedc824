/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - attention in all its sizes and orders, by itself and in the non-local blocks of the releases. */
#include "operations.h"

/* ---- By itself: without a softmax those with many positions and few channels multiply keys and values first ---- */

typedef struct attention_row {
    tsm_shape shape;
    int channels, value_channels, pool; /* pool: of keys and values, 0: none */
    enum { APART, KEYS_ARE_VALUES, ALL_ARE_ONE } operands;
    operation_size size;
} attention_row;

static const attention_row alone[] = {
    { { 2, 3, 5, 7 }, 8, 8, 2, APART, 0 },                   /* small odd sizes */
    { { 1, 2, 3, 3 }, 33, 17, 0, APART, 0 },                 /* more channels than keys */
    { { 3, 1, 1, 1 }, 4, 6, 0, APART, 0 },                   /* one position */
    { { 2, 1, 9, 7 }, 12, 20, 3, APART, 0 },                 /* one frame */
    { { 1, 4, 19, 21 }, 16, 24, 0, APART, OPERATION_LARGE }, /* many tiles, the last of which begins in the one before
                                                              */
    { { 1, 1, 7, 11 }, 5, 3, 2, KEYS_ARE_VALUES, 0 },        /* three tiles of 32 rows for 77 */
    { { 2, 3, 9, 8 }, 20, 20, 0, ALL_ARE_ONE, 0 },
    { { 1, 5, 23, 29 }, 3, 40, 2, APART, OPERATION_LARGE },
};
#define ALONE ((int)(sizeof alone / sizeof *alone))

static void build_alone(network *net, const attention_row *row, bool softmax)
{
    const int queries = network_conv(net, "queries", 0, 4, row->channels, 1, 1);
    int keys = queries, values = queries;

    if (row->operands != ALL_ARE_ONE) {
        keys = network_conv(net, "keys", 0, 4, row->channels, 1, 1);
        if (row->pool) keys = network_window_mean(net, "pool", keys, row->pool);
        values = keys;
    }
    if (row->operands == APART) {
        values = network_conv(net, "values", 0, 4, row->value_channels, 1, 1);
        if (row->pool) values = network_window_mean(net, "pool", values, row->pool);
    }
    network_head(net, network_attention(net, "attention", queries, keys, values, softmax),
                 row->operands == APART ? row->value_channels : row->channels);
}

static void make_alone(operation *op, int index)
{
    const attention_row *row = &alone[index / 2];
    const bool softmax = index % 2 == 0;

    snprintf(op->name, sizeof op->name, "attention %d, %s", index / 2, softmax ? "softmax" : "divided");
    op->net = network_make(op->seed, 4);
    op->shape = row->shape;
    op->size = row->size;
    build_alone(&op->net, row, softmax);
}

/* ---- In a block ------------------------------------------------------------------------------------------------ */

typedef enum mode { EMBEDDED, DOT_PRODUCT, GAUSSIAN, MODES } mode;

static const char *const modes[] = { "embedded gaussian", "dot product", "gaussian" };

/* Of the simulated device's 40000 bytes of scores, which are 256 MB on a GPU: all clips at once, each alone, two at a
 * time (three would fit), each of five since five have no divisor. */
static const struct {
    tsm_shape shape;
    int channels;
    bool halved; /* keys and values */
    operation_size size;
} blocks[] = {
    { { 3, 2, 6, 5 }, 16, true, OPERATION_QUICK },
    { { 3, 3, 8, 9 }, 16, true, 0 },
    { { 4, 2, 3, 9 }, 16, false, 0 },
    { { 5, 2, 3, 9 }, 16, false, 0 },
    { { 1, 3, 5, 7 }, 16, false, 0 }, /* keys that are no multiple of anything */
    { { 2, 1, 3, 3 }, 16, true, 0 },
    { { 5, 3, 11, 7 }, 22, true, OPERATION_HUGE },
    { { 8, 8, 28, 28 }, 16, true, OPERATION_HUGE }, /* behind layer2 of R50 at 8 frames: more than fit at a time */
};
#define BLOCKS ((int)(sizeof blocks / sizeof *blocks))

static int add_nonlocal(network *net, int x, int channels, mode how, bool halved)
{
    const int inner = channels / 2;
    int theta = x, phi = x, g = network_biased(net, "g", x, channels, inner);

    if (how != GAUSSIAN) {
        theta = network_biased(net, "theta", x, channels, inner);
        phi = network_biased(net, "phi", x, channels, inner);
    }
    if (halved) {
        g = network_halve(net, "halve g", g);
        phi = network_halve(net, "halve phi", phi);
    }
    g = network_attention(net, "attend", theta, phi, g, how != DOT_PRODUCT);
    return network_add(net, "add", network_conv_norm(net, "w", g, inner, channels, 1, 1), x);
}

/* What attention reads, and what it gives, are shifted as well. */
static void make_block(operation *op, int index)
{
    const int i = index / MODES, channels = blocks[i].channels, fold = channels / 4;
    const mode how = (mode)(index % MODES);
    network *net = &op->net;
    int x, y, z;

    snprintf(op->name, sizeof op->name, "non-local block %d, %s", i, modes[how]);
    op->shape = blocks[i].shape;
    op->size = blocks[i].size;
    op->slack = 5;
    op->net = network_make(op->seed, 3);
    x = network_act(net, "relu", network_conv_norm(net, "stem", 0, 3, channels, 1, 1), TSM_ACT_RELU);
    y = add_nonlocal(net, x, channels, how, blocks[i].halved);
    z = network_conv_norm(net, "conv", network_shift(net, "shift", y, fold), channels, channels, 1, 1);
    x = network_conv_norm(net, "beside", network_shift(net, "shift", x, fold), channels, channels, 1, 1);
    x = network_act(net, "relu", network_add(net, "sum", network_add(net, "sum", x, y), z), TSM_ACT_RELU);
    network_head(net, x, channels);
}

/* Each clip's values are its own: with equal scores (the queries are zero) the result is their mean. */
static void make_equal(operation *op)
{
    network *net = &op->net;
    int x, zeros, phi, g;

    snprintf(op->name, sizeof op->name, "attention with equal scores");
    op->shape = (tsm_shape){ .n = 5, .t = 2, .h = 3, .w = 4 };
    op->net = network_make(op->seed, 3);
    x = network_conv(net, "stem", 0, 3, 16, 1, 1);
    zeros = network_conv(net, "zeros", x, 16, 8, 1, 1);
    memset(net->arrays[net->array_count - 1], 0, (size_t)(16 * 8) * sizeof(float));
    phi = network_conv(net, "phi", x, 16, 8, 1, 1);
    g = network_conv(net, "g", x, 16, 12, 1, 1);
    network_head(net, network_attention(net, "attend", zeros, phi, g, true), 12);
}

static int count(void)
{
    return 2 * ALONE + MODES * BLOCKS + 1;
}

static void make(operation *op, int index)
{
    if (index < 2 * ALONE)
        make_alone(op, index);
    else if (index < 2 * ALONE + MODES * BLOCKS)
        make_block(op, index - 2 * ALONE);
    else
        make_equal(op);
}

const operation_group operations_of_attention = { "attention", count, make };
