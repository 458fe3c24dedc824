/* infer.c - the shape of every value, and the check that the layers fit together. */
#include "graph.h"

#include <limits.h>

#define MAX_ELEMENTS (INT64_C(1) << 40)

static tsm_status set_dims(tsm_node *node, int64_t n, int64_t t, int64_t h, int64_t w, int64_t c, tsm_error *error)
{
    const int64_t sizes[] = { n, t, h, w, c };
    int64_t count = 1;

    for (int i = 0; i < 5; i++) {
        if (sizes[i] < 1) return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: an empty shape", node->name);
        if (sizes[i] > INT_MAX || count > MAX_ELEMENTS / sizes[i])
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: more than 2^40 elements", node->name);
        count *= sizes[i];
    }
    node->dims = (tsm_dims){ (int)n, (int)t, (int)h, (int)w, (int)c };
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
    if (node->shift.fold >= 0 && node->shift.fold <= in->c) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: cannot shift %d of %d channels", node->name, node->shift.fold,
                    in->c);
}

/* A window of a convolution or a pool slid over h and w, rounding down. */
static tsm_status slide_window(tsm_node *node, const tsm_dims *in, int channels, tsm_error *error)
{
    int64_t room_h = (int64_t)in->h + 2 * (int64_t)node->pad - node->kernel_h;
    int64_t room_w = (int64_t)in->w + 2 * (int64_t)node->pad - node->kernel_w;

    if (node->kernel_h < 1 || node->kernel_w < 1 || node->stride < 1 || node->pad < 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: kernel %dx%d, stride %d, padding %d", node->name,
                        node->kernel_h, node->kernel_w, node->stride, node->pad);
    if (room_h < 0 || room_w < 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: no pixels left: %dx%d under a kernel of %dx%d", node->name,
                        in->h, in->w, node->kernel_h, node->kernel_w);
    return set_dims(node, in->n, in->t, room_h / node->stride + 1, room_w / node->stride + 1, channels, error);
}

static tsm_status infer_conv(const tsm_graph *graph, tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    int64_t weights;

    TSM_TRY_RETURN(check_channels(node, in, error));
    TSM_TRY_RETURN(check_shift(node, in, error));
    if (node->groups < 1 || node->out_channels < 1 || node->in_channels % node->groups ||
        node->out_channels % node->groups)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %d to %d channels in %d groups", node->name,
                        node->in_channels, node->out_channels, node->groups);
    TSM_TRY_RETURN(slide_window(node, in, node->out_channels, error));
    if (__builtin_mul_overflow((int64_t)node->out_channels * (node->in_channels / node->groups),
                               (int64_t)node->kernel_h * node->kernel_w, &weights) ||
        weights != node->weight.count)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %lld weights do not make %d to %d channels with %dx%d taps",
                        node->name, (long long)node->weight.count, node->in_channels, node->out_channels,
                        node->kernel_h, node->kernel_w);
    if (node->inputs[1] < 0) return TSM_OK;
    return check_same(node, &node->dims, &graph->nodes[node->inputs[1]].dims, error);
}

static tsm_status infer_maxpool(tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    /* A window that padding alone can fill has no maximum. */
    if (node->pad > node->kernel_h / 2 || node->pad > node->kernel_w / 2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: padding %d is more than half of the kernel", node->name,
                        node->pad);
    return slide_window(node, in, in->c, error);
}

/* The releases count T / 2 frames from a temporal pool on, which an odd T is not. */
static tsm_status infer_tpool(tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    if (in->t % 2)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: pools frames in pairs, but has %d", node->name, in->t);
    return set_dims(node, in->n, in->t / 2, in->h, in->w, in->c, error);
}

static tsm_status infer_fc(tsm_node *node, const tsm_dims *in, tsm_error *error)
{
    TSM_TRY_RETURN(check_channels(node, in, error));
    if (in->h != 1 || in->w != 1)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: reads %dx%d pixels, not one", node->name, in->h, in->w);
    if (node->weight.count != (int64_t)node->in_channels * node->out_channels)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %lld weights do not make %d to %d channels", node->name,
                        (long long)node->weight.count, node->in_channels, node->out_channels);
    return set_dims(node, in->n, in->t, 1, 1, node->out_channels, error);
}

/* Operands must have been made before they are read: everything after relies on it. */
static tsm_status check_operands(const tsm_graph *graph, int index, tsm_error *error)
{
    const tsm_node *node = &graph->nodes[index];
    int first = node->op == TSM_OP_INPUT ? -1 : 0, second = node->op == TSM_OP_ADD ? 0 : -1;

    if (node->inputs[0] >= first && node->inputs[0] < index && node->inputs[1] >= second && node->inputs[1] < index)
        return TSM_OK;
    return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: reads nodes %d and %d, is node %d", node->name, node->inputs[0],
                    node->inputs[1], index);
}

static tsm_status infer_node(const tsm_graph *graph, tsm_node *node, const tsm_shape *shape, tsm_error *error)
{
    const tsm_dims *in = node->op == TSM_OP_INPUT ? NULL : &graph->nodes[node->inputs[0]].dims;

    switch (node->op) {
    case TSM_OP_INPUT:
        return set_dims(node, shape->n, shape->t ? shape->t : graph->segments, shape->h, shape->w, graph->in_channels,
                        error);
    case TSM_OP_CONV: return infer_conv(graph, node, in, error);
    case TSM_OP_MAXPOOL: return infer_maxpool(node, in, error);
    case TSM_OP_FC: return infer_fc(node, in, error);
    case TSM_OP_AVGPOOL: return set_dims(node, in->n, node->over_time ? 1 : in->t, 1, 1, in->c, error);
    case TSM_OP_TMEAN: return set_dims(node, in->n, 1, in->h, in->w, in->c, error);
    case TSM_OP_TPOOL: return infer_tpool(node, in, error);
    case TSM_OP_SHIFT: TSM_TRY_RETURN(check_shift(node, in, error)); break;
    case TSM_OP_BATCHNORM: TSM_TRY_RETURN(check_channels(node, in, error)); break;
    case TSM_OP_ADD: TSM_TRY_RETURN(check_same(node, in, &graph->nodes[node->inputs[1]].dims, error)); break;
    case TSM_OP_ACT: break;
    case TSM_OP_COUNT: return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: no such operation", node->name);
    }
    node->dims = *in;
    return TSM_OK;
}

tsm_status tsm_graph_infer(tsm_graph *graph, const tsm_shape *shape, tsm_error *error)
{
    const tsm_dims *out;

    for (int i = 0; i < graph->count; i++) {
        TSM_TRY_RETURN(check_operands(graph, i, error));
        TSM_TRY_RETURN(infer_node(graph, &graph->nodes[i], shape, error));
    }
    if (graph->output < 0 || graph->output >= graph->count)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "graph: has no output");
    out = &graph->nodes[graph->output].dims;
    if (out->t != 1 || out->h != 1 || out->w != 1 || out->c != graph->classes)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: the output is %dx%dx%dx%dx%d, not logits of %d classes",
                        graph->nodes[graph->output].name, out->n, out->t, out->h, out->w, out->c, graph->classes);
    return TSM_OK;
}
