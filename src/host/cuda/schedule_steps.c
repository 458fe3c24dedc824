/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_steps.c - the steps of every node, with their addresses. */
#include "alignment.h"
#include "schedule.h"

static tsm_status add_step(tsm_schedule *s, tsm_step_kind kind, int node, tsm_step **step, tsm_error *error)
{
    *step = tsm_steps_append(&s->steps, kind, s->graph->nodes[node].name);
    return *step ? TSM_OK : tsm_fail_memory(error, sizeof **step);
}

static tsm_kernel_act kernel_act(tsm_act act)
{
    static const tsm_kernel_act acts[] = {
        [TSM_ACT_NONE] = TSM_KERNEL_ACT_NONE,       [TSM_ACT_RELU] = TSM_KERNEL_ACT_RELU,
        [TSM_ACT_RELU6] = TSM_KERNEL_ACT_RELU6,     [TSM_ACT_LEAKY_RELU] = TSM_KERNEL_ACT_LEAKY_RELU,
        [TSM_ACT_SIGMOID] = TSM_KERNEL_ACT_SIGMOID,
    };

    return acts[act];
}

/* A shifted copy of the whole value `from`, of so many channels, at `out`. */
static tsm_status add_shift(tsm_schedule *s, int node, int from, int channels, void *out, tsm_error *error)
{
    const tsm_dims *dims = &s->graph->nodes[from].dims;
    const tsm_shift shift = s->graph->nodes[node].shift;
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_SHIFT, node, &step, error));
    step->shift = (tsm_kernel_shift_args){
        .in = tsm_schedule_value(s, from),
        .out = out,
        .in_pitch = s->values[from].pitch,
        .out_pitch = channels,
        .n = dims->n,
        .t = dims->t,
        .pixels = dims->h * dims->w,
        .channels = channels,
        .fold = shift.fold,
        .end = shift.end,
        .step = shift.step,
        .element_bytes = s->state->dtype->bytes,
    };
    return TSM_OK;
}

/* The channels that move, into the columns beside the value's own rows. */
static tsm_status add_side(tsm_schedule *s, int node, tsm_error *error)
{
    const tsm_dims *dims = &s->graph->nodes[node].dims;
    const tsm_shift side = s->values[node].side;
    const int64_t pitch = s->values[node].pitch;
    char *rows = tsm_schedule_value(s, node);
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_SHIFT, node, &step, error));
    step->shift = (tsm_kernel_shift_args){
        .in = rows,
        .out = rows + (size_t)dims->c * (size_t)s->state->dtype->bytes,
        .in_pitch = pitch,
        .out_pitch = pitch,
        .n = dims->n,
        .t = dims->t,
        .pixels = dims->h * dims->w,
        .channels = side.end,
        .fold = side.fold,
        .end = side.end,
        .step = side.step,
        .element_bytes = s->state->dtype->bytes,
    };
    return TSM_OK;
}

static tsm_status add_maxpool(tsm_schedule *s, int node, int from, void *out, int64_t out_pitch, int kernel, int pad,
                              tsm_error *error)
{
    const tsm_dims *in = &s->graph->nodes[from].dims;
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_MAXPOOL, node, &step, error));
    step->maxpool = (tsm_kernel_maxpool_args){
        .in = tsm_schedule_value(s, from),
        .out = out,
        .in_pitch = s->values[from].pitch,
        .out_pitch = out_pitch,
        .images = in->n * in->t,
        .h = in->h,
        .w = in->w,
        .channels = in->c,
        .kernel = kernel,
        .stride = s->graph->nodes[node].stride,
        .pad = pad,
        .dtype = s->state->dtype->type,
    };
    return TSM_OK;
}

static tsm_status add_tpool(tsm_schedule *s, int node, int from, tsm_error *error)
{
    const tsm_dims *in = &s->graph->nodes[from].dims;
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_TPOOL, node, &step, error));
    step->tpool = (tsm_kernel_tpool_args){
        .in = tsm_schedule_value(s, from),
        .out = tsm_schedule_value(s, node),
        .n = in->n,
        .t = in->t,
        .values = (int64_t)in->h * in->w * in->c,
        .dtype = s->state->dtype->type,
    };
    return TSM_OK;
}

/* out = act(a + b); b < 0: act(a). `out` may be a. */
static tsm_status add_add(tsm_schedule *s, int node, int a, int b, tsm_act act, tsm_error *error)
{
    const tsm_dims *dims = &s->graph->nodes[node].dims;
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_ADD, node, &step, error));
    step->add = (tsm_kernel_add_args){
        .a = tsm_schedule_value(s, a),
        .b = b < 0 ? NULL : tsm_schedule_value(s, b),
        .out = tsm_schedule_value(s, node),
        .a_pitch = s->values[a].pitch,
        .b_pitch = b < 0 ? s->values[a].pitch : s->values[b].pitch,
        .out_pitch = s->values[node].pitch,
        .rows = tsm_dims_count(dims) / dims->c,
        .channels = dims->c,
        .act = kernel_act(act),
        .dtype = s->state->dtype->type,
    };
    return TSM_OK;
}

/* (groups, rows, channels) to (groups, channels). */
static tsm_status add_mean(tsm_schedule *s, int node, int groups, int rows, int channels, tsm_error *error)
{
    int from = s->graph->nodes[node].inputs[0];
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_AVGPOOL, node, &step, error));
    step->avgpool = (tsm_kernel_avgpool_args){
        .in = tsm_schedule_value(s, from),
        .out = tsm_schedule_value(s, node),
        .groups = groups,
        .rows = rows,
        .channels = channels,
        .dtype = s->values[from].type,
        .out_dtype = s->values[node].type,
    };
    return TSM_OK;
}

static tsm_status add_window_mean(tsm_schedule *s, int index, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_dims *in = &s->graph->nodes[node->inputs[0]].dims;
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_WINDOW_MEAN, index, &step, error));
    step->window_mean = (tsm_kernel_window_mean_args){
        .in = tsm_schedule_value(s, node->inputs[0]),
        .out = tsm_schedule_value(s, index),
        .in_pitch = s->values[node->inputs[0]].pitch,
        .out_pitch = s->values[index].pitch,
        .images = in->n * in->t,
        .h = in->h,
        .w = in->w,
        .channels = in->c,
        .kernel_h = node->kernel_h,
        .kernel_w = node->kernel_w,
        .stride = node->stride,
        .dtype = s->state->dtype->type,
    };
    return TSM_OK;
}

static tsm_status add_avgpool(tsm_schedule *s, int index, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_dims *in = &s->graph->nodes[node->inputs[0]].dims;

    if (node->kernel_h > 0) return add_window_mean(s, index, error);
    if (node->over_time) return add_mean(s, index, in->n, in->t * in->h * in->w, in->c, error);
    return add_mean(s, index, in->n * in->t, in->h * in->w, in->c, error);
}

static tsm_status add_scale(tsm_schedule *s, int index, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_dims *dims = &node->dims;
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_SCALE, index, &step, error));
    step->scale = (tsm_kernel_scale_args){
        .in = tsm_schedule_value(s, node->inputs[0]),
        .factors = tsm_schedule_value(s, node->inputs[1]),
        .out = tsm_schedule_value(s, index),
        .in_pitch = s->values[node->inputs[0]].pitch,
        .factor_pitch = s->values[node->inputs[1]].pitch,
        .out_pitch = s->values[index].pitch,
        .frames = dims->n * dims->t,
        .pixels = dims->h * dims->w,
        .channels = dims->c,
        .act = kernel_act(node->act),
        .dtype = s->state->dtype->type,
    };
    return TSM_OK;
}

static tsm_status add_product(tsm_schedule *s, int node, const tsm_product *plan, const tsm_matmul_buffers *buffers,
                              tsm_error *error)
{
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_PRODUCT, node, &step, error));
    step->product.plan = plan;
    step->product.buffers = *buffers;
    return TSM_OK;
}

static tsm_status add_attention(tsm_schedule *s, int index, tsm_error *error)
{
    const int *inputs = s->graph->nodes[index].inputs;
    const tsm_attention *attention = &s->attentions[index];
    const tsm_attention_buffers buffers = {
        .queries = tsm_schedule_value(s, inputs[0]),
        .keys = tsm_schedule_value(s, inputs[1]),
        .values = tsm_schedule_value(s, inputs[2]),
        .out = tsm_schedule_value(s, index),
        .scratch = tsm_schedule_scratch(s, index),
    };

    for (int i = 0; i < attention->rounds; i++) {
        const tsm_attention_round round = tsm_attention_bind(attention, &buffers, i);
        tsm_step *step;

        TSM_TRY_RETURN(add_product(s, index, &attention->first, &round.first, error));
        if (attention->softmax) {
            TSM_TRY_RETURN(add_step(s, TSM_STEP_SOFTMAX, index, &step, error));
            step->softmax = round.softmax;
        }
        TSM_TRY_RETURN(add_product(s, index, &attention->second, &round.second, error));
    }
    return TSM_OK;
}

static tsm_status add_depthwise(tsm_schedule *s, int index, const void *in, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_dims *dims = &s->graph->nodes[node->inputs[0]].dims;
    const tsm_cuda_weight *weight = &s->state->weights.nodes[index];
    tsm_step *step;

    TSM_TRY_RETURN(add_step(s, TSM_STEP_DEPTHWISE, index, &step, error));
    step->depthwise = (tsm_kernel_depthwise_args){
        .in = in,
        .weights = weight->filters,
        .bias = weight->bias,
        .out = tsm_schedule_value(s, index),
        .images = dims->n * dims->t,
        .h = dims->h,
        .w = dims->w,
        .channels = dims->c,
        .stride = node->stride,
        .act = kernel_act(node->act),
        .dtype = s->state->dtype->type,
    };
    return TSM_OK;
}

static tsm_status stage_input(tsm_schedule *s, int index, const void **in, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_conv_work *work = &s->work[index];
    void *staged = tsm_schedule_scratch(s, index);
    int from = node->inputs[0];

    *in = staged;
    if (work->staging == TSM_STAGE_SHIFT)
        return add_shift(s, index, from, tsm_cuda_input_channels(s->graph, node), staged, error);
    if (work->staging == TSM_STAGE_SUBSAMPLE) {
        /* The maximum of one pixel is that pixel. */
        return add_maxpool(s, index, from, staged, node->in_channels, 1, 0, error);
    }
    *in = tsm_schedule_value(s, from);
    return TSM_OK;
}

static tsm_status add_conv(tsm_schedule *s, int index, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_conv_work *work = &s->work[index];
    const tsm_cuda_weight *weight = &s->state->weights.nodes[index];
    const uint64_t staged = tsm_cuda_align(work->staged_bytes);
    const void *in;
    const tsm_conv *conv;
    tsm_step *step;

    TSM_TRY_RETURN(stage_input(s, index, &in, error));
    if (work->conv < 0) return add_depthwise(s, index, in, error);
    conv = s->convs[work->conv];
    TSM_TRY_RETURN(add_step(s, TSM_STEP_CONV, index, &step, error));
    TSM_TRY_RETURN(
        tsm_conv_bind(&step->conv, conv,
                      &(tsm_conv_buffers){
                          .in = (const char *)in + conv->spec.in_offset * s->state->dtype->bytes,
                          .weights = work->overlap ? weight->rotated : weight->filters,
                          .bias = weight->bias,
                          .residual = node->inputs[1] < 0 ? NULL : tsm_schedule_value(s, node->inputs[1]),
                          .out = tsm_schedule_value(s, index),
                          .workspace = conv->workspace_bytes ? (char *)tsm_schedule_scratch(s, index) + staged : NULL,
                      },
                      error));
    return work->later == TSM_ACT_NONE ? TSM_OK : add_add(s, index, index, -1, work->later, error);
}

static tsm_status add_node(tsm_schedule *s, int index, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];
    const int from = node->inputs[0];
    const tsm_dims *in = from < 0 ? NULL : &s->graph->nodes[from].dims, *out = &node->dims;

    switch (node->op) {
    case TSM_OP_INPUT: return TSM_OK; /* enqueued with the caller's address */
    case TSM_OP_CONV:
    case TSM_OP_FC: return add_conv(s, index, error);
    case TSM_OP_SHIFT: return add_shift(s, index, from, in->c, tsm_schedule_value(s, index), error);
    case TSM_OP_ADD: return add_add(s, index, from, node->inputs[1], TSM_ACT_NONE, error);
    case TSM_OP_ACT: return add_add(s, index, from, -1, node->act, error);
    case TSM_OP_MAXPOOL:
        if (node->kernel_h != node->kernel_w) break;
        return add_maxpool(s, index, from, tsm_schedule_value(s, index), s->values[index].pitch, node->kernel_h,
                           node->pad, error);
    case TSM_OP_AVGPOOL: return add_avgpool(s, index, error);
    case TSM_OP_TMEAN: return add_mean(s, index, in->n, in->t, out->h * out->w * out->c, error);
    case TSM_OP_TPOOL: return add_tpool(s, index, from, error);
    case TSM_OP_SCALE: return add_scale(s, index, error);
    case TSM_OP_ATTENTION: return add_attention(s, index, error);
    case TSM_OP_BATCHNORM:
    case TSM_OP_COUNT: break;
    }
    return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: %s: no kernel for %s", node->name, tsm_op_name(node->op));
}

tsm_status tsm_schedule_make_steps(tsm_schedule *s, tsm_error *error)
{
    for (int i = 0; i < s->graph->count; i++) {
        TSM_TRY_RETURN(add_node(s, i, error));
        if (s->values[i].side.end) TSM_TRY_RETURN(add_side(s, i, error));
    }
    return TSM_OK;
}
