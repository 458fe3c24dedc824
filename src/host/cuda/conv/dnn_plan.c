/* SPDX-License-Identifier: Apache-2.0 */
/* dnn_plan.c - see dnn_plan.h. */
#include "dnn_plan.h"

#include <stdio.h>
#include <string.h>

/* An empty plan for the graph's GPU. */
static tsm_status open_plan(cudnnBackendDescriptor_t *out, const tsm_dnn_graph *graph, tsm_error *error)
{
    cudnnBackendDescriptor_t plan = NULL;
    tsm_status status;

    *out = NULL;
    TSM_CUDNN(cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan));
    if (graph->handle)
        TSM_CUDNN_TRY(
            cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &graph->handle));
    if (graph->device)
        TSM_CUDNN_TRY(cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                                               CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph->device));
    *out = plan;
    return TSM_OK;
fail:
    cudnnBackendDestroyDescriptor(plan);
    return status;
}

static tsm_status finish_plan(cudnnBackendDescriptor_t plan, int64_t *workspace, tsm_error *error)
{
    int64_t found = 0;

    TSM_CUDNN(cudnnBackendFinalize(plan));
    TSM_CUDNN(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &found,
                                       workspace));
    if (found == 1 && *workspace >= 0) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_DEVICE, "cudnn: a plan without a size of its workspace");
}

tsm_status tsm_dnn_plan_make(cudnnBackendDescriptor_t *out, int64_t *workspace, const tsm_dnn_graph *graph,
                             int config, tsm_error *error)
{
    cudnnBackendDescriptor_t plan;
    tsm_status status;

    *out = NULL;
    TSM_TRY_RETURN(open_plan(&plan, graph, error));
    TSM_CUDNN_TRY(cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                           CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph->configs[config]));
    TSM_TRY(finish_plan(plan, workspace, error));
    *out = plan;
    return TSM_OK;
fail:
    cudnnBackendDestroyDescriptor(plan);
    return status;
}

/* ---- What a text says ---- */

static const char *type_name(cudnnDataType_t type)
{
    return type == CUDNN_DATA_FLOAT  ? "CUDNN_DATA_FLOAT"
           : type == CUDNN_DATA_HALF ? "CUDNN_DATA_HALF"
                                     : "CUDNN_DATA_BFLOAT16";
}

/* Whether the text has this tensor, as cuDNN would have written it. */
static bool has_tensor(const char *text, const tsm_dnn_tensor *t)
{
    char want[512];

    snprintf(want, sizeof want,
             "{\"name\":\"%lld\",\"dataType\":\"%s\",\"dim\":[%lld,%lld,%lld,%lld],\"stride\":[%lld,1,%lld,%lld],"
             "\"isVirtual\":%s,\"isByValue\":false,\"vectCount\":1,\"vectDim\":-1,\"ptrAlignment\":%lld,",
             (long long)t->id, type_name(t->type), (long long)t->n, (long long)t->c, (long long)t->h, (long long)t->w,
             (long long)(t->h * t->w * t->pitch), (long long)(t->w * t->pitch), (long long)t->pitch,
             t->is_virtual ? "true" : "false", (long long)t->alignment);
    return strstr(text, want) != NULL;
}

/* All of the graph's tensors and no others: then no address is missing or too small. */
static bool has_tensors(const char *text, const tsm_dnn_graph *graph)
{
    int names = 0;

    for (int i = 0; i < graph->tensor_count; i++)
        if (!has_tensor(text, &graph->tensors[i])) return false;
    for (const char *at = text; (at = strstr(at, "\"name\"")) != NULL; at++) names++;
    return names == graph->tensor_count;
}

/* cuDNN ends the process where the operand of a node ("X", "Y", "W", "B") is no number. */
static bool operands_are_numbers(const char *text)
{
    for (const char *at = text; (at = strchr(at, '"')) != NULL; at++) {
        size_t digits;

        if (at[1] < 'A' || at[1] > 'Z' || at[2] != '"') continue;
        if (at[3] != ':' || at[4] != '"') return false;
        digits = strspn(at + 5, "0123456789");
        if (digits < 1 || digits > 9 || at[5 + digits] != '"') return false;
    }
    return true;
}

/* One line; no escapes, behind which names could hide. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\\') return false;
    return true;
}

static bool describes(const char *text, const tsm_dnn_graph *graph)
{
    return strlen(text) < TSM_DNN_PLAN_TEXT && is_plain(text) && has_tensors(text, graph) &&
           operands_are_numbers(text);
}

char *tsm_dnn_plan_text(cudnnBackendDescriptor_t plan, const tsm_dnn_graph *graph)
{
    int64_t length = 0;
    char *text;

    if (cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0, &length,
                                 NULL) != CUDNN_STATUS_SUCCESS)
        return NULL;
    if (length < 1 || length >= TSM_DNN_PLAN_TEXT) return NULL;
    text = tsm_alloc_zero((size_t)length + 1, 1);
    if (!text) return NULL;
    if (cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, length,
                                 &length, text) == CUDNN_STATUS_SUCCESS &&
        describes(text, graph))
        return text;
    tsm_free(text);
    return NULL;
}

/* What engine a finished plan has. */
static tsm_status describe_plan(tsm_dnn_config_info *info, cudnnBackendDescriptor_t plan, tsm_precision precision,
                                tsm_error *error)
{
    cudnnBackendDescriptor_t config = NULL;
    int64_t found = 0;
    tsm_status status;

    TSM_CUDNN(cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &config));
    TSM_CUDNN_TRY(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                           CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &found, &config));
    TSM_TRY(tsm_dnn_config_describe(info, config, precision, error));
fail:
    cudnnBackendDestroyDescriptor(config);
    return status;
}

tsm_status tsm_dnn_plan_engine(int64_t *engine, cudnnBackendDescriptor_t plan, tsm_error *error)
{
    tsm_dnn_config_info info = { 0 };

    TSM_TRY_RETURN(describe_plan(&info, plan, TSM_PRECISION_TF32, error)); /* any will do */
    *engine = info.engine;
    return TSM_OK;
}

/* Holds it to what a candidate is held to. */
static tsm_status check_engine(cudnnBackendDescriptor_t plan, tsm_precision precision, tsm_error *error)
{
    tsm_dnn_config_info info = { 0 };

    TSM_TRY_RETURN(describe_plan(&info, plan, precision, error));
    if (info.acceptable) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_DEVICE, "cudnn: engine %lld is not as precise as %s", (long long)info.engine,
                    tsm_cuda_dtype_of(precision)->name);
}

tsm_status tsm_dnn_plan_load(cudnnBackendDescriptor_t *out, int64_t *workspace, const tsm_dnn_graph *graph,
                             tsm_precision precision, const char *text, tsm_error *error)
{
    cudnnBackendDescriptor_t plan;
    tsm_status status;

    *out = NULL;
    if (!describes(text, graph)) return tsm_fail(error, TSM_ERROR_DEVICE, "cudnn: a plan of other tensors");
    TSM_TRY_RETURN(open_plan(&plan, graph, error));
    TSM_CUDNN_TRY(cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                                           (int64_t)strlen(text), text));
    TSM_TRY(finish_plan(plan, workspace, error));
    TSM_TRY(check_engine(plan, precision, error));
    *out = plan;
    return TSM_OK;
fail:
    cudnnBackendDestroyDescriptor(plan);
    return status;
}
