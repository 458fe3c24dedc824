/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cudnn.c - a family: any convolution, by the engines of cuDNN.
 *
 * Precompiled engines repack rows with gaps, which costs what the gaps were meant to save: there the family is spare,
 * unless nothing else can be. Engines that cuDNN will not even describe, and those that add too coarsely, are passed
 * over.
 */
#include <stdio.h>
#include <string.h>

#include "dnn_plan.h"
#include "family.h"

/* The graph with what the heuristics said of it: shared by a list and the convs that were made of it. */
typedef struct shared_graph {
    int users;
    tsm_dnn_graph graph;
} shared_graph;

typedef struct dnn_list {
    tsm_conv_candidates head;
    tsm_conv_spec spec;
    shared_graph *shared;
    int configs[TSM_CONV_MAX_CANDIDATES]; /* of the graph */
} dnn_list;

typedef struct dnn_conv {
    tsm_conv head;
    shared_graph *shared;
    cudnnBackendDescriptor_t plan;
} dnn_conv;

typedef struct dnn_bound {
    tsm_conv_bound head;
    cudnnBackendDescriptor_t pack;
} dnn_bound;

static bool has_gaps(const tsm_conv_spec *spec)
{
    return spec->in_pitch != spec->channels || spec->out_pitch != spec->filters ||
           (spec->residual_pitch && spec->residual_pitch != spec->filters);
}

static tsm_conv_fit serves(const tsm_conv_spec *spec, char why[TSM_CONV_WHY])
{
    if (tsm_conv_spec_is_ours(spec)) {
        snprintf(why, TSM_CONV_WHY, "cuDNN does not shift, or is not asked");
        return TSM_CONV_UNFIT;
    }
    if (spec->float_out) {
        snprintf(why, TSM_CONV_WHY, "cuDNN has no float32 output at this precision");
        return TSM_CONV_UNFIT;
    }
    if (spec->act > TSM_ACT_RELU6) { /* which nothing precompiled has */
        snprintf(why, TSM_CONV_WHY, "cuDNN has no precompiled engine with %s", tsm_act_name(spec->act));
        return TSM_CONV_UNFIT;
    }
    snprintf(why, TSM_CONV_WHY, "a convolution of cuDNN");
    return has_gaps(spec) ? TSM_CONV_SPARE : TSM_CONV_FIT;
}

static void leave(shared_graph *shared)
{
    if (!shared || --shared->users) return;
    tsm_dnn_graph_clear(&shared->graph);
    tsm_free(shared);
}

static tsm_status open_graph(shared_graph **out, cudnnHandle_t handle, const tsm_conv_spec *spec, tsm_error *error)
{
    shared_graph *shared = tsm_alloc_zero(1, sizeof *shared);
    tsm_status status;

    *out = NULL;
    if (!shared) return tsm_fail_memory(error, sizeof *shared);
    shared->users = 1;
    TSM_TRY(tsm_dnn_graph_make(&shared->graph, handle, NULL, spec, error));
    *out = shared;
    return TSM_OK;
fail:
    tsm_free(shared);
    return status;
}

static void drop(tsm_conv_candidates *head)
{
    dnn_list *made = (dnn_list *)head;

    leave(made->shared);
    tsm_free(made);
}

/* Appends the configurations that are compiled at run time, or those that are not. */
static void choose(dnn_list *made, bool compiled)
{
    const tsm_dnn_graph *graph = &made->shared->graph;

    for (int i = 0; i < graph->config_count && made->head.count < TSM_CONV_MAX_CANDIDATES; i++) {
        tsm_dnn_config_info info;

        if (tsm_dnn_config_describe(&info, graph->configs[i], made->spec.precision, NULL) != TSM_OK) continue;
        if (!info.acceptable || info.compiled != compiled) continue;
        made->head.compiled[made->head.count] = compiled;
        made->configs[made->head.count++] = i;
    }
}

static tsm_status list(tsm_conv_candidates **out, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                       tsm_error *error)
{
    dnn_list *made = tsm_alloc_zero(1, sizeof *made);
    tsm_status status;

    *out = NULL;
    if (!made) return tsm_fail_memory(error, sizeof *made);
    made->head.family = &tsm_conv_family_cudnn;
    made->spec = *spec;
    TSM_TRY(open_graph(&made->shared, libraries->dnn, spec, error));
    TSM_TRY(tsm_dnn_graph_query(&made->shared->graph, error));
    choose(made, false);
    if (made->head.count == 0) choose(made, true);
    *out = &made->head;
    return TSM_OK;
fail:
    drop(&made->head);
    return status;
}

static void clear(tsm_conv *head)
{
    dnn_conv *conv = (dnn_conv *)head;

    if (conv->plan) cudnnBackendDestroyDescriptor(conv->plan);
    leave(conv->shared);
    tsm_free(conv);
}

static dnn_conv *open_conv(const tsm_conv_spec *spec, int index, tsm_error *error)
{
    dnn_conv *conv = tsm_alloc_zero(1, sizeof *conv);

    if (conv)
        conv->head = (tsm_conv){ &tsm_conv_family_cudnn, index, *spec, 0 };
    else
        tsm_fail_memory(error, sizeof *conv);
    return conv;
}

static tsm_status make(tsm_conv **out, const tsm_conv_candidates *candidates, int index, tsm_error *error)
{
    const dnn_list *from = (const dnn_list *)candidates;
    int64_t workspace = 0;
    dnn_conv *conv;
    tsm_status status;

    *out = NULL;
    if (index < 0 || index >= from->head.count)
        return tsm_fail(error, TSM_ERROR_DEVICE, "cudnn: offers %d engine configurations, no number %d",
                        from->head.count, index);
    conv = open_conv(&from->spec, index, error);
    if (!conv) return TSM_ERROR_MEMORY;
    conv->shared = from->shared;
    conv->shared->users++;
    TSM_TRY(tsm_dnn_plan_make(&conv->plan, &workspace, &conv->shared->graph, from->configs[index], error));
    conv->head.workspace_bytes = (size_t)workspace;
    *out = &conv->head;
    return TSM_OK;
fail:
    clear(&conv->head);
    return status;
}

static tsm_status load(tsm_conv **out, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec, int index,
                       const char *text, tsm_error *error)
{
    dnn_conv *conv = open_conv(spec, index, error);
    int64_t workspace = 0;
    tsm_status status;

    *out = NULL;
    if (!conv) return TSM_ERROR_MEMORY;
    TSM_TRY(open_graph(&conv->shared, libraries->dnn, spec, error));
    TSM_TRY(tsm_dnn_plan_load(&conv->plan, &workspace, &conv->shared->graph, spec->precision, text, error));
    conv->head.workspace_bytes = (size_t)workspace;
    *out = &conv->head;
    return TSM_OK;
fail:
    clear(&conv->head);
    return status;
}

static char *text(const tsm_conv *head)
{
    const dnn_conv *conv = (const dnn_conv *)head;

    return tsm_dnn_plan_text(conv->plan, &conv->shared->graph);
}

static void describe(const tsm_conv *head, char how[TSM_CONV_HOW])
{
    int64_t engine = -1;

    if (tsm_dnn_plan_engine(&engine, ((const dnn_conv *)head)->plan, NULL) == TSM_OK)
        snprintf(how, TSM_CONV_HOW, "cuDNN engine %lld, configuration %d", (long long)engine, head->index);
    else
        snprintf(how, TSM_CONV_HOW, "cuDNN configuration %d", head->index);
}

static void unbind(tsm_conv_bound *head)
{
    dnn_bound *bound = (dnn_bound *)head;

    if (bound->pack) cudnnBackendDestroyDescriptor(bound->pack);
    tsm_free(bound);
}

static tsm_status fill_pack(cudnnBackendDescriptor_t pack, const tsm_conv_spec *spec, const tsm_conv_buffers *b,
                            tsm_error *error)
{
    /* The residual is last, so that leaving it out is counting one less. */
    const int64_t ids[] = { TSM_DNN_IN, TSM_DNN_WEIGHTS, TSM_DNN_BIAS, TSM_DNN_OUT, TSM_DNN_RESIDUAL };
    const void *pointers[] = { b->in, b->weights, b->bias, b->out, b->residual };
    const int64_t count = spec->residual_pitch ? 5 : 4;

    TSM_CUDNN(cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids));
    TSM_CUDNN(
        cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, pointers));
    TSM_CUDNN(
        cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &b->workspace));
    TSM_CUDNN(cudnnBackendFinalize(pack));
    return TSM_OK;
}

static tsm_status bind(tsm_conv_bound **out, const tsm_conv *conv, const tsm_conv_buffers *buffers, tsm_error *error)
{
    dnn_bound *bound = tsm_alloc_zero(1, sizeof *bound);
    tsm_status status;

    *out = NULL;
    if (!bound) return tsm_fail_memory(error, sizeof *bound);
    bound->head.conv = conv;
    TSM_CUDNN_TRY(cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &bound->pack));
    TSM_TRY(fill_pack(bound->pack, &conv->spec, buffers, error));
    *out = &bound->head;
    return TSM_OK;
fail:
    unbind(&bound->head);
    return status;
}

static tsm_status enqueue(const tsm_conv_bound *bound, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                          tsm_error *error)
{
    (void)stream; /* the handle has it */
    TSM_CUDNN(
        cudnnBackendExecute(libraries->dnn, ((const dnn_conv *)bound->conv)->plan, ((const dnn_bound *)bound)->pack));
    return TSM_OK;
}

const tsm_conv_family tsm_conv_family_cudnn = {
    .name = "cudnn",
    .serves = serves,
    .list = list,
    .drop = drop,
    .make = make,
    .clear = clear,
    .text = text,
    .load = load,
    .describe = describe,
    .bind = bind,
    .unbind = unbind,
    .enqueue = enqueue,
};
