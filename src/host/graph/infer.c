/* SPDX-License-Identifier: Apache-2.0 */
/* infer.c - the shape of every value, and the check that the layers fit together. */
#include "graph.h"

#include <limits.h>

#define MAX_ELEMENTS (INT64_C(1) << 40)

static tsm_status set_dims(tsm_dims *out, const tsm_node *node, int64_t n, int64_t t, int64_t h, int64_t w, int64_t c,
                           tsm_error *error)
{
    const int64_t sizes[] = { n, t, h, w, c };
    int64_t count = 1;

    for (int i = 0; i < 5; i++) {
        if (sizes[i] < 1) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: an empty shape", node->name);
        if (sizes[i] > INT_MAX || count > MAX_ELEMENTS / sizes[i])
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: more than 2^40 elements", node->name);
        count *= sizes[i];
    }
    *out = (tsm_dims){ (int)n, (int)t, (int)h, (int)w, (int)c };
    return TSM_OK;
}

static tsm_status check_channels(const tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    if (in->c == node->in_channels) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: reads %d channels, but its weights are for %d", node->name, in->c,
                    node->in_channels);
}

static tsm_status check_same(const tsm_node *node, const tsm_dims *a, const tsm_dims *b, tsm_error *error)
{
    if (a->n == b->n && a->t == b->t && a->h == b->h && a->w == b->w && a->c == b->c) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: operands differ: %dx%dx%dx%dx%d and %dx%dx%dx%dx%d", node->name,
                    a->n, a->t, a->h, a->w, a->c, b->n, b->t, b->h, b->w, b->c);
}

static tsm_status check_shift(const tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    const tsm_shift *shift = &node->shift;

    if (shift->end == 0 && shift->fold == 0) return TSM_OK;
    if (shift->fold >= 0 && shift->end >= shift->fold && shift->end <= in->c &&
        (shift->step == 1 || shift->step == -1))
        return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: cannot shift %d and %d of %d channels by %d", node->name,
                    shift->fold, shift->end - shift->fold, in->c, shift->step);
}

/* A window of a convolution or a pool slid over h and w, rounding down. */
static tsm_status slide_window(tsm_dims *out, const tsm_node *node, const tsm_dims *in, int channels,
                               tsm_error *error)
{
    int64_t room_h = (int64_t)in->h + 2 * (int64_t)node->pad - node->kernel_h;
    int64_t room_w = (int64_t)in->w + 2 * (int64_t)node->pad - node->kernel_w;

    if (node->kernel_h < 1 || node->kernel_w < 1 || node->stride < 1 || node->pad < 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: kernel %dx%d, stride %d, padding %d", node->name,
                        node->kernel_h, node->kernel_w, node->stride, node->pad);
    if (room_h < 0 || room_w < 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no pixels left: %dx%d under a kernel of %dx%d", node->name,
                        in->h, in->w, node->kernel_h, node->kernel_w);
    return set_dims(out, node, in->n, in->t, room_h / node->stride + 1, room_w / node->stride + 1, channels, error);
}

static tsm_status infer_conv(tsm_dims *out, const tsm_node *node, const tsm_dims *in, const tsm_dims *shapes,
                             tsm_error *error)
{
    int64_t weights;

    TSM_TRY_RETURN(check_channels(node, in, error));
    TSM_TRY_RETURN(check_shift(node, in, error));
    if (node->groups < 1 || node->out_channels < 1 || node->in_channels % node->groups ||
        node->out_channels % node->groups)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %d to %d channels in %d groups", node->name,
                        node->in_channels, node->out_channels, node->groups);
    TSM_TRY_RETURN(slide_window(out, node, in, node->out_channels, error));
    if (__builtin_mul_overflow((int64_t)node->out_channels * (node->in_channels / node->groups),
                               (int64_t)node->kernel_h * node->kernel_w, &weights) ||
        weights != node->weight.count)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %lld weights do not make %d to %d channels with %dx%d taps",
                        node->name, (long long)node->weight.count, node->in_channels, node->out_channels,
                        node->kernel_h, node->kernel_w);
    if (node->inputs[1] < 0) return TSM_OK;
    return check_same(node, out, &shapes[node->inputs[1]], error);
}

static tsm_status infer_maxpool(tsm_dims *out, const tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    /* A window that padding alone can fill has no maximum. */
    if (node->pad > node->kernel_h / 2 || node->pad > node->kernel_w / 2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: padding %d is more than half of the kernel", node->name,
                        node->pad);
    return slide_window(out, node, in, in->c, error);
}

/* Windows that begin inside, of what is inside: the count is rounded up. */
static tsm_status infer_avgpool(tsm_dims *out, const tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    if (node->kernel_h == 0) return set_dims(out, node, in->n, node->over_time ? 1 : in->t, 1, 1, in->c, error);
    if (node->kernel_h < 1 || node->kernel_w < 1 || node->stride < 1 || node->pad != 0 || node->over_time)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: kernel %dx%d, stride %d, padding %d", node->name,
                        node->kernel_h, node->kernel_w, node->stride, node->pad);
    return set_dims(out, node, in->n, in->t, ((int64_t)in->h + node->stride - 1) / node->stride,
                    ((int64_t)in->w + node->stride - 1) / node->stride, in->c, error);
}

static tsm_status infer_scale(tsm_dims *out, const tsm_node *node, const tsm_dims *in, const tsm_dims *shapes,
                              tsm_error *error)
{
    const tsm_dims factors = { in->n, in->t, 1, 1, in->c };

    TSM_TRY_RETURN(check_same(node, &factors, &shapes[node->inputs[1]], error));
    *out = *in;
    return TSM_OK;
}

/* Queries and keys have as many channels, keys and values as many positions; clips never mix. */
static tsm_status infer_attention(tsm_dims *out, const tsm_node *node, const tsm_dims *in, const tsm_dims *shapes,
                                  tsm_error *error)
{
    const tsm_dims *keys = &shapes[node->inputs[1]], *values = &shapes[node->inputs[2]];
    tsm_dims like_keys = *values;

    like_keys.c = in->c;
    TSM_TRY_RETURN(check_same(node, &like_keys, keys, error));
    if (keys->n != in->n)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %d clips attend to %d", node->name, in->n, keys->n);
    return set_dims(out, node, in->n, in->t, in->h, in->w, values->c, error);
}

/* The releases count T / 2 frames from a temporal pool on, which an odd T is not. */
static tsm_status infer_tpool(tsm_dims *out, const tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    if (in->t % 2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: pools frames in pairs, but has %d", node->name, in->t);
    return set_dims(out, node, in->n, in->t / 2, in->h, in->w, in->c, error);
}

static tsm_status infer_fc(tsm_dims *out, const tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    TSM_TRY_RETURN(check_channels(node, in, error));
    if (in->h != 1 || in->w != 1)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: reads %dx%d pixels, not one", node->name, in->h, in->w);
    if (node->weight.count != (int64_t)node->in_channels * node->out_channels)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %lld weights do not make %d to %d channels", node->name,
                        (long long)node->weight.count, node->in_channels, node->out_channels);
    return set_dims(out, node, in->n, in->t, 1, 1, node->out_channels, error);
}

/* Operands without which an operation is none. */
static int operand_count(tsm_op op)
{
    if (op == TSM_OP_INPUT) return 0;
    if (op == TSM_OP_ATTENTION) return 3;
    return op == TSM_OP_ADD || op == TSM_OP_SCALE ? 2 : 1;
}

/* Operands must have been made before they are read: everything after relies on it. */
static tsm_status check_operands(const tsm_graph *graph, int index, tsm_error *error)
{
    const tsm_node *node = &graph->nodes[index];
    const int wanted = operand_count(node->op);

    for (int k = 0; k < TSM_INPUTS; k++)
        if (node->inputs[k] < (k < wanted ? 0 : -1) || node->inputs[k] >= index)
            return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: operand %d is node %d, and it is node %d", node->name, k,
                            node->inputs[k], index);
    return TSM_OK;
}

static tsm_status infer_node(const tsm_graph *graph, int index, const tsm_shape *shape, tsm_dims *shapes,
                             tsm_error *error)
{
    const tsm_node *node = &graph->nodes[index];
    const tsm_dims *in = node->op == TSM_OP_INPUT ? NULL : &shapes[node->inputs[0]];
    tsm_dims *out = &shapes[index];

    switch (node->op) {
    case TSM_OP_INPUT:
        return set_dims(out, node, shape->n, shape->t ? shape->t : graph->segments, shape->h, shape->w,
                        graph->in_channels, error);
    case TSM_OP_CONV: return infer_conv(out, node, in, shapes, error);
    case TSM_OP_MAXPOOL: return infer_maxpool(out, node, in, error);
    case TSM_OP_FC: return infer_fc(out, node, in, error);
    case TSM_OP_AVGPOOL: return infer_avgpool(out, node, in, error);
    case TSM_OP_TMEAN: return set_dims(out, node, in->n, 1, in->h, in->w, in->c, error);
    case TSM_OP_TPOOL: return infer_tpool(out, node, in, error);
    case TSM_OP_SCALE: return infer_scale(out, node, in, shapes, error);
    case TSM_OP_ATTENTION: return infer_attention(out, node, in, shapes, error);
    case TSM_OP_SHIFT: TSM_TRY_RETURN(check_shift(node, in, error)); break;
    case TSM_OP_BATCHNORM: TSM_TRY_RETURN(check_channels(node, in, error)); break;
    case TSM_OP_ADD: TSM_TRY_RETURN(check_same(node, in, &shapes[node->inputs[1]], error)); break;
    case TSM_OP_ACT: break;
    case TSM_OP_COUNT: return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: no such operation", node->name);
    }
    *out = *in;
    return TSM_OK;
}

tsm_status tsm_graph_infer(const tsm_graph *graph, const tsm_shape *shape, tsm_dims *shapes, tsm_error *error)
{
    const tsm_dims *out;

    for (int i = 0; i < graph->count; i++) {
        TSM_TRY_RETURN(check_operands(graph, i, error));
        TSM_TRY_RETURN(infer_node(graph, i, shape, shapes, error));
    }
    if (graph->output < 0 || graph->output >= graph->count)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "graph: has no output");
    out = &shapes[graph->output];
    if ((out->t != 1 && !graph->per_frame) || out->h != 1 || out->w != 1 || out->c != graph->classes)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: the output is %dx%dx%dx%dx%d, not logits of %d classes",
                        graph->nodes[graph->output].name, out->n, out->t, out->h, out->w, out->c, graph->classes);
    return TSM_OK;
}
