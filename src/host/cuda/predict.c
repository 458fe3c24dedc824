/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - see predict.h. It follows emit.c: a launch there is a launch here, which a test holds both to. */
#include "predict.h"

#include <string.h>

#include "attention_size.h"
#include "convolution.h"
#include "nodes.h"

/* A graph of one shape as it will lie and run. */
typedef struct scene {
    const tsm_graph *graph;
    const tsm_dims *shapes;
    const tsm_cuda_dtype *dtype;
    const tsm_cuda_way *way;
    tsm_cuda_value *values;
} scene;

/* ---- Ceilings ---- */

const tsm_ceiling *tsm_ceiling_of(const char *device, int n)
{
    static const tsm_ceiling ceilings[] = {
        { "sm_90", "H100", 3.0e12, 790e12, 60e12 },
        { "sm_90", "H200", 4.3e12, 790e12, 60e12 },
        { "sm_80", "A100", 1.9e12, 280e12, 19e12 },
    };

    for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++)
        if (strcmp(ceilings[i].device, device) == 0 && n-- == 0) return &ceilings[i];
    return NULL;
}

static double rate_of(const tsm_ceiling *ceiling, tsm_precision precision)
{
    if (precision == TSM_PRECISION_FP32) return ceiling->flops_32_per_s;
    return precision == TSM_PRECISION_TF32 ? ceiling->flops_16_per_s / 2 : ceiling->flops_16_per_s;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Only the launch with the arithmetic can be bound by it; the others move bytes beside it. */
double tsm_predicted_seconds(const tsm_prediction *p, int node, const tsm_ceiling *ceiling)
{
    const tsm_predicted *n = &p->nodes[node];
    const double aside = (double)n->bytes - (double)n->least_bytes;
    const double floor = tsm_predicted_floor(p, node, ceiling);

    return floor + (aside > 0 ? aside / ceiling->bytes_per_s : 0);
}

double tsm_predicted_floor(const tsm_prediction *p, int node, const tsm_ceiling *ceiling)
{
    const tsm_predicted *n = &p->nodes[node];

    return larger((double)n->least_bytes / ceiling->bytes_per_s,
                  2 * (double)n->macs / rate_of(ceiling, p->precision));
}

/* ---- Bytes ---- */

/* Of a value without what lies between its rows. */
static uint64_t dense_bytes(const scene *s, int node)
{
    const uint64_t element = tsm_dtype_bytes(s->values[node].type);
    uint64_t channels = (uint64_t)s->shapes[node].c;

    if (s->graph->nodes[node].op == TSM_OP_INPUT)
        channels = (uint64_t)s->values[node].pitch; /* zeros are read, too */
    return (uint64_t)(tsm_dims_count(&s->shapes[node]) / s->shapes[node].c) * channels * element;
}

static uint64_t operand_bytes(const scene *s, int index)
{
    const tsm_node *node = &s->graph->nodes[index];
    uint64_t bytes = 0;

    for (int k = 0; k < TSM_INPUTS; k++)
        if (node->inputs[k] >= 0) bytes += dense_bytes(s, node->inputs[k]);
    return bytes;
}

/* The channels that move beside a value's rows: read and written. */
static void add_side(const scene *s, int index, tsm_predicted *p)
{
    const tsm_cuda_value *value = &s->values[index];
    const uint64_t pixels = (uint64_t)(tsm_dims_count(&s->shapes[index]) / s->shapes[index].c);

    if (!value->side.end) return;
    p->launches++;
    p->bytes += 2 * pixels * (uint64_t)value->side.end * (uint64_t)s->dtype->bytes;
}

/* What is added: a value, or the pixels that a shortcut would have read. */
static uint64_t residual_bytes(const scene *s, const tsm_node *node, const tsm_convolution *c)
{
    const int64_t rows = c->spec.images * c->spec.oh * c->spec.ow;

    if (c->joined) return (uint64_t)(rows * c->spec.joined_channels * s->dtype->bytes);
    return node->inputs[1] < 0 ? 0 : dense_bytes(s, node->inputs[1]);
}

static void predict_conv(const scene *s, int index, tsm_predicted *p)
{
    const tsm_node *node = &s->graph->nodes[index];
    tsm_convolution c;
    uint64_t in;

    tsm_convolution_make(&c, s->graph, s->shapes, s->values, index, s->dtype, s->way);
    if (c.part) {
        p->how = "part of the sum";
        return;
    }
    in = dense_bytes(s, node->inputs[0]);
    if (tsm_cuda_is_matmul(node, true) && node->stride > 1) /* the pixels between are not needed */
        in = (uint64_t)(c.spec.images * c.spec.oh * c.spec.ow * c.spec.channels * s->dtype->bytes);
    p->how = c.packed                            ? "convolution of ours"
             : c.depthwise                       ? "depthwise kernel"
             : tsm_conv_spec_is_product(&c.spec) ? "matrix product"
                                                 : "convolution";
    p->least_bytes = in + dense_bytes(s, index) + residual_bytes(s, node, &c) +
                     (uint64_t)tsm_conv_spec_weight_count(&c.spec) * (uint64_t)s->dtype->bytes;
    p->bytes = p->least_bytes;
    p->launches = 1;
    p->macs = tsm_node_macs(s->graph, s->shapes, index);
    if (c.joined) p->macs += tsm_node_macs(s->graph, s->shapes, c.joined);
    if (c.staging !=
        TSM_STAGE_NONE) { /* read, and written: the convolution reads it as it would have read the input */
        p->launches++;
        p->bytes += 2 * c.staged_bytes;
    }
    if (c.later != TSM_ACT_NONE) {
        p->launches++;
        p->bytes += 2 * dense_bytes(s, index);
    }
}

static tsm_status predict_attention(const scene *s, int index, tsm_predicted *p, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    tsm_attention_size size;
    uint64_t passes;

    TSM_TRY_RETURN(tsm_attention_size_make(&size, s->dtype, &s->shapes[node->inputs[0]], &s->shapes[node->inputs[2]],
                                           node->softmax, error));
    /* Scores are written, read and become weights, which are read; a product between is written and read. */
    passes = 2 * size.between_bytes;
    if (node->softmax) passes += 2 * (size.weights_bytes ? size.weights_bytes : size.between_bytes);
    p->how = "batched products";
    p->launches = (node->softmax ? 3 : 2) * size.rounds;
    p->least_bytes = operand_bytes(s, index) + dense_bytes(s, index);
    p->bytes = p->least_bytes + passes * (uint64_t)size.rounds;
    return TSM_OK;
}

static void predict_kernel(const scene *s, int index, tsm_predicted *p)
{
    const tsm_dims *dims = &s->shapes[index];

    p->how = "kernel";
    p->launches = 1;
    p->least_bytes = operand_bytes(s, index) + dense_bytes(s, index);
    if (s->graph->nodes[index].op == TSM_OP_INPUT) p->least_bytes += (uint64_t)tsm_dims_count(dims); /* of uint8 */
    p->bytes = p->least_bytes;
}

static tsm_status predict_node(const scene *s, int index, tsm_predicted *p, tsm_error *error)
{
    const tsm_op op = s->graph->nodes[index].op;

    if (s->values[index].view) { /* its readers shift as they read */
        p->how = "read shifted";
        return TSM_OK;
    }
    if (op == TSM_OP_CONV || op == TSM_OP_FC) {
        predict_conv(s, index, p);
        if (p->launches) add_side(s, index, p);
        return TSM_OK;
    }
    if (op == TSM_OP_ATTENTION)
        TSM_TRY_RETURN(predict_attention(s, index, p, error));
    else
        predict_kernel(s, index, p);
    p->macs = tsm_node_macs(s->graph, s->shapes, index);
    add_side(s, index, p);
    return TSM_OK;
}

tsm_status tsm_predict(tsm_prediction *prediction, const tsm_graph *graph, const tsm_dims *shapes,
                       tsm_precision precision, const tsm_cuda_way *way, tsm_error *error)
{
    scene s = { .graph = graph, .shapes = shapes, .dtype = tsm_cuda_dtype_of(precision), .way = way };
    tsm_status status;

    memset(prediction, 0, sizeof *prediction);
    if (!s.dtype)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED,
                        "cuda: only the precisions fp32, tf32, fp16 and bf16 are available");
    prediction->precision = precision;
    prediction->count = graph->count;
    prediction->nodes = tsm_alloc_zero((size_t)graph->count, sizeof *prediction->nodes);
    s.values = tsm_alloc_zero((size_t)graph->count, sizeof *s.values);
    if (!prediction->nodes || !s.values) {
        status = tsm_fail_memory(error, (size_t)graph->count * sizeof *prediction->nodes);
        goto fail;
    }
    tsm_cuda_layout_make(s.values, graph, shapes, s.dtype, way->shift);
    for (int i = 0; i < graph->count; i++) TSM_TRY(predict_node(&s, i, &prediction->nodes[i], error));
    tsm_free(s.values);
    return TSM_OK;
fail:
    tsm_free(s.values);
    tsm_prediction_clear(prediction);
    return status;
}

void tsm_prediction_clear(tsm_prediction *prediction)
{
    tsm_free(prediction->nodes);
    memset(prediction, 0, sizeof *prediction);
}
