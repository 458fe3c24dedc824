/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_plan.c - any text as cuDNN's plan of a convolution out of a cache, up to the call of cuDNN, which ends the process
 * for some of them: what reaches it names exactly the tensors that will be bound, and has numbers where it wants
 * numbers. */
#include <stdbool.h>
#include <stdio.h>

#include "core/status.h"
#include "cuda/conv/dnn_plan.h"
#include "fuzz.h"

static const tsm_dnn_graph graph = {
    .tensors = { { .id = 1,
                   .n = 8,
                   .c = 64,
                   .h = 56,
                   .w = 56,
                   .pitch = 64,
                   .alignment = 16,
                   .type = CUDNN_DATA_HALF },
                 { .id = 2, .n = 64, .c = 64, .h = 1, .w = 1, .pitch = 64, .alignment = 16, .type = CUDNN_DATA_HALF },
                 { .id = 5,
                   .n = 8,
                   .c = 64,
                   .h = 56,
                   .w = 56,
                   .pitch = 64,
                   .alignment = 16,
                   .type = CUDNN_DATA_HALF },
                 { .id = 6,
                   .n = 8,
                   .c = 64,
                   .h = 56,
                   .w = 56,
                   .pitch = 64,
                   .alignment = 16,
                   .type = CUDNN_DATA_FLOAT,
                   .is_virtual = true } },
    .tensor_count = 4,
};

static bool reached;

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) count++;
    return count;
}

/* What cuDNN is given. */
static void check_text(const char *text, size_t bytes)
{
    if (strlen(text) != bytes || bytes >= TSM_DNN_PLAN_TEXT || strpbrk(text, "\n\\\x1b")) abort();
    if (count_of(text, "\"name\"") != 4 || count_of(text, "\"name\":\"6\"") != 1) abort();
    if (count_of(text, "\"X\":") != count_of(text, "\"X\":\"")) abort();
    reached = true;
}

/* ---- The calls of cuDNN that a plan is made with ---- */

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor)
{
    (void)type;
    *descriptor = NULL;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    (void)descriptor;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void *value)
{
    (void)descriptor;
    (void)type;
    if (name == CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION) check_text(value, (size_t)count);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(const cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *value)
{
    (void)descriptor;
    (void)name;
    (void)room;
    *count = 1;
    if (type == CUDNN_TYPE_INT64) *(int64_t *)value = 0;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    (void)descriptor;
    return CUDNN_STATUS_SUCCESS;
}

tsm_status tsm_cudnn_fail(tsm_error *error, cudnnStatus_t code, tsm_cuda_place place)
{
    (void)error;
    (void)code;
    (void)place;
    abort(); /* no call fails */
}

tsm_status tsm_dnn_config_describe(tsm_dnn_config_info *info, cudnnBackendDescriptor_t config,
                                   tsm_precision precision, tsm_error *error)
{
    (void)config;
    (void)precision;
    (void)error;
    *info = (tsm_dnn_config_info){ .acceptable = true };
    return TSM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = calloc(bytes + 1, 1);
    cudnnBackendDescriptor_t plan;
    int64_t workspace;
    tsm_error error;
    tsm_status status;

    if (!text) abort();
    if (bytes) memcpy(text, data, bytes);
    reached = false;
    status = tsm_dnn_plan_load(&plan, &workspace, &graph, TSM_PRECISION_FP16, text, &error);
    fuzz_check(status, &error);
    if ((status == TSM_OK) != reached) abort();
    free(text);
    return 0;
}
