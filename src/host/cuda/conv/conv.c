/* SPDX-License-Identifier: Apache-2.0 */
/* conv.c - see conv.h. */
#include "conv.h"

#include <string.h>

#define MAX_PER_LIBRARY (TSM_CONV_MAX_CHOICES / 2)

tsm_status tsm_cuda_libraries_open(tsm_cuda_libraries *libraries, tsm_error *error)
{
    tsm_status status;

    memset(libraries, 0, sizeof *libraries);
    TSM_CUBLAS_TRY(cublasLtCreate(&libraries->blas));
    TSM_CUDNN_TRY(cudnnCreate(&libraries->dnn));
    return TSM_OK;
fail:
    tsm_cuda_libraries_close(libraries);
    return status;
}

void tsm_cuda_libraries_close(tsm_cuda_libraries *libraries)
{
    if (libraries->blas) cublasLtDestroy(libraries->blas);
    if (libraries->dnn) cudnnDestroy(libraries->dnn);
    memset(libraries, 0, sizeof *libraries);
}

static tsm_status add_gemm_choices(tsm_conv_choice *choices, int *count, cublasLtHandle_t handle,
                                   const tsm_conv_spec *spec, tsm_error *error)
{
    int found = 0;

    if (!tsm_gemm_serves(spec)) return TSM_OK;
    TSM_TRY_RETURN(tsm_gemm_count(&found, handle, spec, error));
    for (int i = 0; i < found && i < MAX_PER_LIBRARY; i++)
        choices[(*count)++] = (tsm_conv_choice){ TSM_CONV_GEMM, i };
    return TSM_OK;
}

/* Engines that cuDNN will not even describe, and those that add too coarsely, are passed over. */
static void add_dnn_choices(tsm_conv_choice *choices, int *count, const tsm_dnn_graph *graph, tsm_precision precision,
                            bool compiled)
{
    int added = 0;

    for (int i = 0; i < graph->config_count && added < MAX_PER_LIBRARY; i++) {
        tsm_dnn_config_info info;

        if (tsm_dnn_config_describe(&info, graph->configs[i], precision, NULL) != TSM_OK) continue;
        if (!info.acceptable || info.compiled != compiled) continue;
        choices[(*count)++] = (tsm_conv_choice){ TSM_CONV_DNN, i };
        added++;
    }
}

/* cuDNN's precompiled engines repack rows with gaps, which costs what the gaps were meant to save. */
static bool wants_dnn(const tsm_conv_spec *spec, int found)
{
    bool gaps = spec->in_pitch != spec->channels || spec->out_pitch != spec->filters ||
                (spec->residual_pitch && spec->residual_pitch != spec->filters);

    return !spec->float_out && !(gaps && found);
}

tsm_status tsm_conv_choices(tsm_conv_choice *choices, int *count, const tsm_cuda_libraries *libraries,
                            const tsm_conv_spec *spec, tsm_error *error)
{
    char text[TSM_CONV_SPEC_TEXT];
    tsm_dnn_graph graph;
    tsm_status status;

    *count = 0;
    TSM_TRY_RETURN(add_gemm_choices(choices, count, libraries->blas, spec, error));
    if (wants_dnn(spec, *count)) {
        TSM_TRY_RETURN(tsm_dnn_graph_make(&graph, libraries->dnn, NULL, spec, error));
        status = tsm_dnn_graph_query(&graph, error);
        if (status == TSM_OK) add_dnn_choices(choices, count, &graph, spec->precision, false);
        if (status == TSM_OK && *count == 0) add_dnn_choices(choices, count, &graph, spec->precision, true);
        tsm_dnn_graph_clear(&graph);
        TSM_TRY_RETURN(status);
    }
    if (*count) return TSM_OK;
    tsm_conv_spec_print(spec, text);
    return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: no library has a kernel for the convolution %s", text);
}

static tsm_status make_dnn(tsm_conv *conv, cudnnHandle_t handle, tsm_error *error)
{
    int64_t workspace = 0;

    TSM_TRY_RETURN(tsm_dnn_graph_make(&conv->graph, handle, NULL, &conv->spec, error));
    TSM_TRY_RETURN(tsm_dnn_graph_query(&conv->graph, error));
    if (conv->choice.index < 0 || conv->choice.index >= conv->graph.config_count)
        return tsm_fail(error, TSM_ERROR_DEVICE, "cudnn: offers %d engine configurations, no number %d",
                        conv->graph.config_count, conv->choice.index);
    TSM_TRY_RETURN(tsm_dnn_plan_make(&conv->plan, &workspace, &conv->graph, conv->choice.index, error));
    conv->workspace_bytes = (size_t)workspace;
    return TSM_OK;
}

tsm_status tsm_conv_make(tsm_conv *conv, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                         tsm_conv_choice choice, tsm_error *error)
{
    tsm_status status;

    memset(conv, 0, sizeof *conv);
    conv->spec = *spec;
    conv->choice = choice;
    if (choice.library == TSM_CONV_GEMM) {
        TSM_TRY(tsm_gemm_make(&conv->gemm, libraries->blas, spec, choice.index, error));
        conv->workspace_bytes = conv->gemm.workspace_bytes;
    } else {
        TSM_TRY(make_dnn(conv, libraries->dnn, error));
    }
    return TSM_OK;
fail:
    tsm_conv_clear(conv);
    return status;
}

tsm_status tsm_conv_load(tsm_conv *conv, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                         tsm_conv_choice choice, const char *text, tsm_error *error)
{
    int64_t workspace = 0;
    tsm_status status;

    memset(conv, 0, sizeof *conv);
    conv->spec = *spec;
    conv->choice = choice;
    TSM_TRY(tsm_dnn_graph_make(&conv->graph, libraries->dnn, NULL, spec, error));
    TSM_TRY(tsm_dnn_plan_load(&conv->plan, &workspace, &conv->graph, spec->precision, text, error));
    conv->workspace_bytes = (size_t)workspace;
    return TSM_OK;
fail:
    tsm_conv_clear(conv);
    return status;
}

char *tsm_conv_plan_text(const tsm_conv *conv)
{
    return conv->plan ? tsm_dnn_plan_text(conv->plan, &conv->graph) : NULL;
}

void tsm_conv_clear(tsm_conv *conv)
{
    if (conv->plan) cudnnBackendDestroyDescriptor(conv->plan);
    tsm_dnn_graph_clear(&conv->graph);
    tsm_matmul_clear(&conv->gemm);
    memset(conv, 0, sizeof *conv);
}

static tsm_status make_pack(cudnnBackendDescriptor_t *out, const tsm_conv_spec *spec, const tsm_conv_buffers *b,
                            tsm_error *error)
{
    /* The residual is last, so that leaving it out is counting one less. */
    const int64_t ids[] = { TSM_DNN_IN, TSM_DNN_WEIGHTS, TSM_DNN_BIAS, TSM_DNN_OUT, TSM_DNN_RESIDUAL };
    const void *pointers[] = { b->in, b->weights, b->bias, b->out, b->residual };
    const int64_t count = spec->residual_pitch ? 5 : 4;
    cudnnBackendDescriptor_t pack = NULL;
    tsm_status status;

    *out = NULL;
    TSM_CUDNN(cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack));
    TSM_CUDNN_TRY(cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids));
    TSM_CUDNN_TRY(
        cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, pointers));
    TSM_CUDNN_TRY(
        cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &b->workspace));
    TSM_CUDNN_TRY(cudnnBackendFinalize(pack));
    *out = pack;
    return TSM_OK;
fail:
    cudnnBackendDestroyDescriptor(pack);
    return status;
}

tsm_status tsm_conv_bind(tsm_conv_bound *bound, const tsm_conv *conv, const tsm_conv_buffers *b, tsm_error *error)
{
    memset(bound, 0, sizeof *bound);
    bound->conv = conv;
    bound->buffers = (tsm_gemm_buffers){ b->in, b->weights, b->residual, b->out, b->workspace };
    if (conv->choice.library == TSM_CONV_GEMM)
        return tsm_gemm_describe(&bound->operation, &conv->spec, b->bias, error);
    return make_pack(&bound->pack, &conv->spec, b, error);
}

void tsm_conv_bound_clear(tsm_conv_bound *bound)
{
    if (bound->operation) cublasLtMatmulDescDestroy(bound->operation);
    if (bound->pack) cudnnBackendDestroyDescriptor(bound->pack);
    memset(bound, 0, sizeof *bound);
}

tsm_status tsm_conv_enqueue(const tsm_conv_bound *bound, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                            tsm_error *error)
{
    const tsm_conv *conv = bound->conv;

    if (conv->choice.library == TSM_CONV_GEMM)
        return tsm_gemm_run(&conv->gemm, libraries->blas, bound->operation, &bound->buffers, stream, error);
    TSM_CUDNN(cudnnBackendExecute(libraries->dnn, conv->plan, bound->pack));
    return TSM_OK;
}
