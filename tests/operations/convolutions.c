/* SPDX-License-Identifier: Apache-2.0 */
/* convolutions.c - every kind of convolution between others, so that its input lies in the arena and may be read
 * again: with every shift before it, every activation behind it, residuals that may be overwritten and that may
 * not. */
#include "operations.h"

typedef enum neighbours {
    ALONE,
    RESIDUAL,
    RESIDUAL_AGAIN,   /* read once more afterwards */
    INPUT_AGAIN,      /* the convolution's input is */
    INPUT_IS_RESIDUAL /* shifted for the one and not for the other */
} neighbours;

static const char *const around[] = { "", ", residual", ", residual read again", ", input read again",
                                      ", input is residual" };

/* What a row's shift becomes. */
typedef enum direction { AS_IT_IS, MIRRORED, UNEVEN, FROM_THE_PAST, DIRECTIONS } direction;

typedef struct conv_row {
    tsm_shape shape;
    int from, to, kernel, stride, groups;
    tsm_shift shift;
    neighbours neighbours;
    tsm_act act;
    bool bias, turns; /* turns: in every direction */
    operation_size size;
} conv_row;

/* clang-format off */
static const conv_row rows[] = {
    { { 1, 8, 7, 7 }, 64, 16, 1, 1, 1, { 8, 16, 1 }, ALONE, TSM_ACT_RELU, true, true, OPERATION_QUICK },
    { { 1, 4, 7, 7 }, 64, 64, 1, 1, 1, { 8, 16, 1 }, INPUT_AGAIN, TSM_ACT_RELU, true, true, 0 },
    { { 2, 3, 5, 9 }, 32, 17, 1, 1, 1, { 4, 8, 1 }, INPUT_AGAIN, TSM_ACT_NONE, true, true, 0 },
    { { 2, 3, 5, 9 }, 30, 17, 1, 1, 1, { 3, 6, 1 }, INPUT_AGAIN, TSM_ACT_NONE, true, true, 0 },
    { { 3, 1, 4, 6 }, 16, 16, 1, 1, 1, { 2, 4, 1 }, INPUT_AGAIN, TSM_ACT_RELU6, false, true, 0 },
    { { 1, 2, 9, 9 }, 20, 20, 3, 1, 1, { 2, 4, 1 }, INPUT_AGAIN, TSM_ACT_RELU, true, true, 0 },
    { { 2, 4, 11, 6 }, 24, 9, 3, 2, 1, { 5, 10, 1 }, ALONE, TSM_ACT_RELU, true, true, OPERATION_QUICK },
    { { 1, 4, 11, 6 }, 24, 40, 1, 2, 1, { 3, 6, 1 }, INPUT_AGAIN, TSM_ACT_NONE, true, true, OPERATION_QUICK },
    { { 2, 2, 6, 5 }, 10, 12, 1, 2, 1, { 0 }, ALONE, TSM_ACT_NONE, false, false, 0 },
    { { 1, 3, 8, 8 }, 16, 16, 3, 1, 16, { 2, 4, 1 }, ALONE, TSM_ACT_RELU6, true, true, OPERATION_QUICK },
    { { 1, 3, 8, 8 }, 12, 18, 3, 1, 3, { 0 }, ALONE, TSM_ACT_RELU, true, false, 0 },
    { { 1, 2, 15, 13 }, 3, 64, 7, 2, 1, { 0 }, ALONE, TSM_ACT_RELU, true, false, OPERATION_QUICK },
    { { 1, 4, 5, 5 }, 32, 32, 1, 1, 1, { 0 }, RESIDUAL, TSM_ACT_RELU, true, false, 0 },
    { { 2, 4, 5, 5 }, 8, 8, 3, 1, 1, { 1, 2, 1 }, RESIDUAL, TSM_ACT_RELU, true, true, 0 },
    { { 2, 4, 5, 5 }, 33, 33, 1, 1, 1, { 4, 8, 1 }, RESIDUAL_AGAIN, TSM_ACT_RELU, true, true, 0 },
    { { 1, 5, 4, 4 }, 16, 16, 3, 1, 1, { 2, 4, 1 }, RESIDUAL_AGAIN, TSM_ACT_NONE, false, true, OPERATION_QUICK },
    { { 1, 5, 4, 4 }, 24, 24, 1, 1, 1, { 3, 6, 1 }, INPUT_IS_RESIDUAL, TSM_ACT_RELU, true, true, 0 },
    { { 1, 5, 4, 4 }, 32, 32, 1, 1, 1, { 4, 8, 1 }, INPUT_IS_RESIDUAL, TSM_ACT_RELU, true, true, OPERATION_QUICK },
    { { 2, 3, 4, 4 }, 24, 24, 3, 1, 1, { 12, 24, 1 }, INPUT_IS_RESIDUAL, TSM_ACT_RELU, true, true, 0 },
    { { 2, 3, 4, 4 }, 24, 24, 3, 1, 1, { 24, 24, 1 }, INPUT_IS_RESIDUAL, TSM_ACT_RELU, true, false, 0 },
    { { 1, 3, 6, 6 }, 12, 12, 1, 1, 1, { 6, 12, 1 }, INPUT_AGAIN, TSM_ACT_RELU, true, true, 0 },
    { { 1, 3, 6, 6 }, 12, 12, 1, 1, 1, { 7, 12, 1 }, INPUT_AGAIN, TSM_ACT_RELU, true, false, 0 },
    { { 2, 3, 5, 4 }, 32, 24, 1, 1, 1, { 4, 8, 1 }, INPUT_AGAIN, TSM_ACT_LEAKY_RELU, true, true, OPERATION_QUICK },
    { { 1, 3, 6, 5 }, 16, 16, 3, 1, 1, { 2, 4, 1 }, RESIDUAL, TSM_ACT_LEAKY_RELU, true, true, 0 },
    { { 1, 3, 6, 5 }, 16, 13, 3, 2, 1, { 0 }, ALONE, TSM_ACT_SIGMOID, true, false, OPERATION_QUICK },
    { { 1, 3, 5, 5 }, 24, 24, 1, 1, 1, { 3, 6, 1 }, RESIDUAL_AGAIN, TSM_ACT_SIGMOID, true, true, 0 },
    { { 1, 3, 9, 7 }, 24, 24, 3, 2, 24, { 3, 6, 1 }, ALONE, TSM_ACT_RELU, true, true, 0 },
    { { 1, 3, 7, 8 }, 16, 16, 3, 1, 16, { 4, 8, 1 }, ALONE, TSM_ACT_LEAKY_RELU, true, true, 0 },
    { { 2, 3, 5, 9 }, 30, 17, 1, 1, 1, { 3, 7, -1 }, INPUT_AGAIN, TSM_ACT_LEAKY_RELU, true, false, 0 },
    { { 1, 4, 6, 5 }, 24, 24, 3, 1, 1, { 3, 3, -1 }, RESIDUAL, TSM_ACT_SIGMOID, true, false, 0 },
    { { 1, 5, 4, 4 }, 16, 70, 1, 1, 1, { 0, 5, 1 }, INPUT_AGAIN, TSM_ACT_SIGMOID, true, false, 0 },
    { { 1, 3, 7, 5 }, 32, 8, 1, 2, 1, { 6, 6, -1 }, INPUT_AGAIN, TSM_ACT_LEAKY_RELU, true, false, 0 },
    { { 2, 4, 5, 5 }, 20, 20, 3, 1, 20, { 4, 9, -1 }, INPUT_AGAIN, TSM_ACT_LEAKY_RELU, true, false, 0 },
    { { 1, 6, 3, 3 }, 600, 40, 1, 1, 1, { 75, 75, -1 }, INPUT_AGAIN, TSM_ACT_RELU, false, false, 0 },
};
/* clang-format on */
#define ROWS ((int)(sizeof rows / sizeof *rows))

/* Row and direction of an operation; false past the last one. */
static bool find(int index, const conv_row **row, direction *to)
{
    *to = AS_IT_IS;
    for (*row = rows; *row < rows + ROWS; index--) {
        if (index == 0) return true;
        if ((*row)->turns && *to + 1 < DIRECTIONS) {
            ++*to;
        } else {
            *to = AS_IT_IS;
            ++*row;
        }
    }
    return false;
}

static int count(void)
{
    int turning = 0;

    for (int i = 0; i < ROWS; i++) turning += rows[i].turns;
    return ROWS + turning * (DIRECTIONS - 1);
}

static tsm_shift turn(const conv_row *row, direction to)
{
    const tsm_shift s = row->shift;

    switch (to) {
    case MIRRORED: return (tsm_shift){ s.fold, s.end, -1 };
    case UNEVEN: return (tsm_shift){ s.fold / 2, s.fold, -1 };
    case FROM_THE_PAST: return (tsm_shift){ s.fold, s.fold, -1 };
    default: return s;
    }
}

/* The network of a row; its output is the head's. */
static void build(network *net, const conv_row *row, tsm_shift shift)
{
    const bool beside = row->neighbours == RESIDUAL || row->neighbours == RESIDUAL_AGAIN;
    const int before = network_conv(net, "before", 0, 4, row->from, 1, 1);
    const int other = beside ? network_conv(net, "other", 0, 4, row->to, 1, 1) : -1;
    const int conv = network_conv(net, "conv", before, row->from / row->groups, row->to, row->kernel, row->stride);
    tsm_node *node = tsm_graph_node(net->graph, conv);
    int last = conv;

    node->in_channels = row->from;
    node->groups = row->groups;
    node->shift = shift;
    node->act = row->act;
    if (row->bias) node->bias = network_random(net, row->to, -1, 1);
    node->inputs[1] = row->neighbours == INPUT_IS_RESIDUAL ? before : other;
    if (row->neighbours == RESIDUAL_AGAIN) last = network_add(net, "again", conv, other);
    if (row->neighbours == INPUT_AGAIN)
        last = network_add(net, "sum", conv, network_conv(net, "again", before, row->from, row->to, 1, row->stride));
    network_head(net, last, row->to);
}

static void make(operation *op, int index)
{
    const conv_row *row;
    direction to;
    tsm_shift shift;

    if (!find(index, &row, &to)) must(NULL);
    shift = turn(row, to);
    snprintf(op->name, sizeof op->name, "%dx%d%s %d->%d, %d groups, shift %d %d %d%s, %s", row->kernel, row->kernel,
             row->stride > 1 ? " strided" : "", row->from, row->to, row->groups, shift.fold, shift.end, shift.step,
             around[row->neighbours], tsm_act_name(row->act));
    op->net = network_make(op->seed, 4);
    op->shape = row->shape;
    op->size = to == AS_IT_IS ? row->size : OPERATION_PLAIN;
    build(&op->net, row, shift);
}

const operation_group operations_of_convolution = { "convolution", count, make };
