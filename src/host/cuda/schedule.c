/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - layout, kernels and memory of a schedule; its steps are in schedule_steps.c. */
#include "schedule.h"

#include "alignment.h"
#include "resize.h"

#include <string.h>

void *tsm_schedule_value(const tsm_schedule *s, int node)
{
    return s->arena + s->memory.offsets[node];
}

void *tsm_schedule_scratch(const tsm_schedule *s, int node)
{
    return s->scratch[node] < 0 ? NULL : s->arena + s->scratch[node];
}

/* How the convolution's input gets to it, and the pitch and the channels that it then reads. */
static void choose_staging(const tsm_schedule *s, const tsm_node *node, tsm_conv_work *work, tsm_conv_spec *spec)
{
    const tsm_cuda_value *in = &s->values[node->inputs[0]];
    const tsm_cuda_dtype *dtype = s->state->dtype;
    uint64_t row = (uint64_t)spec->channels * (uint64_t)dtype->bytes;

    if (node->shift.end && tsm_cuda_same_shift(&in->side, &node->shift) && tsm_cuda_can_overlap(node, dtype)) {
        work->overlap = true;
        spec->in_offset = in->side.end;
    } else if (node->shift.end) {
        work->staging = TSM_STAGE_SHIFT;
        work->staged_bytes = (uint64_t)(spec->images * spec->h * spec->w) * row;
        spec->in_pitch = spec->channels;
    } else if (in->pitch != spec->channels && node->stride > 1 && tsm_cuda_is_matmul(node, true)) {
        work->staging = TSM_STAGE_SUBSAMPLE;
        work->staged_bytes = (uint64_t)(spec->images * spec->oh * spec->ow) * row;
        spec->in_pitch = spec->channels;
        spec->h = spec->oh;
        spec->w = spec->ow;
        spec->stride = 1;
    }
}

/* cuBLASLt has no activation of ours but ReLU; cuDNN has ReLU6 in some of its precompiled kernels, and others in
 * none. A kernel of ours after a product beats the few engines of cuDNN that do. */
static bool library_has(tsm_act act, const tsm_node *node)
{
    return act == TSM_ACT_NONE || act == TSM_ACT_RELU || (act == TSM_ACT_RELU6 && !tsm_cuda_is_matmul(node, false));
}

static void describe_conv(const tsm_schedule *s, int index, tsm_conv_work *work, tsm_conv_spec *spec)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_dims *in = &s->graph->nodes[node->inputs[0]].dims, *out = &node->dims;
    bool has_taps = node->op == TSM_OP_CONV;

    *spec = (tsm_conv_spec){
        .precision = s->state->precision,
        .images = (int64_t)in->n * in->t,
        .h = in->h,
        .w = in->w,
        .channels = tsm_cuda_input_channels(s->graph, node),
        .oh = out->h,
        .ow = out->w,
        .filters = out->c,
        .kernel_h = has_taps ? node->kernel_h : 1,
        .kernel_w = has_taps ? node->kernel_w : 1,
        .stride = has_taps ? node->stride : 1,
        .pad = has_taps ? node->pad : 0,
        .groups = has_taps ? node->groups : 1,
        .in_pitch = s->values[node->inputs[0]].pitch,
        .out_pitch = s->values[index].pitch,
        .residual_pitch = node->inputs[1] < 0 ? 0 : s->values[node->inputs[1]].pitch,
        .float_out = s->values[index].type != s->state->dtype->type,
        .act = node->act,
    };
    choose_staging(s, node, work, spec);
    if (!library_has(spec->act, node)) {
        work->later = spec->act;
        spec->act = TSM_ACT_NONE;
    }
}

/* The conv of `spec`, made once. */
static tsm_status find_conv(tsm_schedule *s, const tsm_conv_spec *spec, tsm_tuner *tuner, int *index,
                            tsm_error *error)
{
    char want[TSM_CONV_SPEC_TEXT], have[TSM_CONV_SPEC_TEXT];

    tsm_conv_spec_print(spec, want);
    for (*index = 0; *index < s->conv_count; (*index)++) {
        tsm_conv_spec_print(&s->convs[*index]->spec, have);
        if (strcmp(want, have) == 0) return TSM_OK;
    }
    TSM_TRY_RETURN(tsm_tune_conv(&s->convs[s->conv_count], tuner, spec, error));
    s->conv_count++;
    return TSM_OK;
}

static tsm_status choose_attention(tsm_schedule *s, int index, const tsm_tuner *tuner, tsm_error *error)
{
    const tsm_node *node = &s->graph->nodes[index];

    return tsm_attention_make(&s->attentions[index], tuner->libraries->blas, s->state->dtype,
                              &s->graph->nodes[node->inputs[0]].dims, &s->graph->nodes[node->inputs[2]].dims,
                              node->softmax, error);
}

static tsm_status choose_kernels(tsm_schedule *s, tsm_tuner *tuner, tsm_error *error)
{
    for (int i = 0; i < s->graph->count; i++) {
        const tsm_node *node = &s->graph->nodes[i];
        tsm_conv_work *work = &s->work[i];
        tsm_conv_spec spec;
        tsm_status status;

        work->conv = -1;
        if (node->op == TSM_OP_ATTENTION) {
            status = choose_attention(s, i, tuner, error);
        } else if (node->op == TSM_OP_CONV || node->op == TSM_OP_FC) {
            describe_conv(s, i, work, &spec);
            if (node->op == TSM_OP_CONV && tsm_cuda_is_depthwise(node)) continue;
            status = find_conv(s, &spec, tuner, &work->conv, error);
        } else {
            continue;
        }
        if (status != TSM_OK) return tsm_error_prefix(error, status, node->name);
    }
    return TSM_OK;
}

/* Input that comes from the host is put there first, as the float32 or the bytes that it is; frames of another size
 * are resized there. */
static uint64_t input_scratch_bytes(const tsm_schedule *s, const tsm_dims *dims)
{
    const uint64_t floats = (uint64_t)tsm_dims_count(dims) * sizeof(float);
    uint64_t frames = 0;

    if (s->graph->resize) frames = tsm_cuda_resize_scratch(s->graph->resize, (int64_t)dims->n * dims->t);
    return frames > floats ? frames : floats;
}

static uint64_t scratch_bytes(const tsm_schedule *s, int index)
{
    const tsm_node *node = &s->graph->nodes[index];
    const tsm_conv_work *work = &s->work[index];

    if (node->op == TSM_OP_INPUT) return input_scratch_bytes(s, &node->dims);
    if (node->op == TSM_OP_ATTENTION) return tsm_attention_scratch(&s->attentions[index]);
    return tsm_cuda_align(work->staged_bytes) + (work->conv < 0 ? 0 : s->convs[work->conv]->workspace_bytes);
}

/* Sizes are multiples of the alignment, so the offsets are, too. */
static tsm_status place_values(tsm_schedule *s, tsm_error *error)
{
    size_t count = (size_t)s->graph->count;
    tsm_memplan_value *values = tsm_alloc_zero(count, sizeof *values);
    uint64_t *scratch = tsm_alloc_zero(count, sizeof *scratch);
    tsm_status status;

    if (!values || !scratch) {
        status = tsm_fail_memory(error, count * sizeof *values);
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = (tsm_memplan_value){ tsm_cuda_align(s->values[i].bytes), -1 };
        scratch[i] = tsm_cuda_align(scratch_bytes(s, (int)i));
    }
    status = tsm_memplan_make(&s->memory, s->graph, values, scratch, s->scratch, error);
fail:
    tsm_free(values);
    tsm_free(scratch);
    return status;
}

static tsm_status allocate(tsm_schedule *s, tsm_error *error)
{
    size_t count = (size_t)s->graph->count;

    s->values = tsm_alloc_zero(count, sizeof *s->values);
    s->work = tsm_alloc_zero(count, sizeof *s->work);
    s->convs = tsm_alloc_zero(count, sizeof *s->convs);
    s->attentions = tsm_alloc_zero(count, sizeof *s->attentions);
    s->scratch = tsm_alloc_zero(count, sizeof *s->scratch);
    if (s->values && s->work && s->convs && s->attentions && s->scratch) return TSM_OK;
    return tsm_fail_memory(error, count * sizeof *s->convs);
}

static tsm_status allocate_arena(tsm_schedule *s, tsm_error *error)
{
    if (cudaMalloc((void **)&s->arena, s->memory.arena_bytes) == cudaSuccess) return TSM_OK;
    cudaGetLastError();
    s->arena = NULL;
    return tsm_fail(error, TSM_ERROR_MEMORY, "cuda:%d: no %.1f MB of device memory for activations and workspace",
                    s->state->device.index, (double)s->memory.arena_bytes * 1e-6);
}

tsm_status tsm_schedule_make(tsm_schedule *s, const tsm_cuda_state *state, const tsm_graph *graph,
                             tsm_shift_method method, tsm_tuner *tuner, tsm_error *error)
{
    tsm_status status;

    memset(s, 0, sizeof *s);
    s->state = state;
    s->graph = graph;
    s->method = method;
    TSM_TRY(allocate(s, error));
    TSM_TRY(tsm_cuda_layout_make(s->values, graph, state->dtype, method, error));
    TSM_TRY(choose_kernels(s, tuner, error));
    TSM_TRY(place_values(s, error));
    TSM_TRY(allocate_arena(s, error));
    TSM_TRY(tsm_schedule_make_steps(s, error));
    return TSM_OK;
fail:
    tsm_schedule_clear(s);
    return status;
}

void tsm_schedule_clear(tsm_schedule *s)
{
    tsm_steps_clear(&s->steps);
    for (int i = 0; i < s->conv_count; i++) tsm_conv_clear(s->convs[i]);
    for (int i = 0; s->attentions && i < s->graph->count; i++) tsm_attention_clear(&s->attentions[i]);
    if (s->arena) cudaFree(s->arena);
    tsm_memplan_clear(&s->memory);
    tsm_free(s->values);
    tsm_free(s->work);
    tsm_free(s->convs);
    tsm_free(s->attentions);
    tsm_free(s->scratch);
    memset(s, 0, sizeof *s);
}
