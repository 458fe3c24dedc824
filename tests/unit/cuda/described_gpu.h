/* SPDX-License-Identifier: Apache-2.0 */
/* described_gpu.h - the real cuDNN without a driver: it is told of a GPU, and finalises plans for it. */
#ifndef TSM_TESTS_DESCRIBED_GPU_H
#define TSM_TESTS_DESCRIBED_GPU_H

#include "cuda/conv/conv.h"
#include "cuda/conv/dnn_plan.h"
#include "support.h"

/* cuDNN leaks where there is no driver, from libraries that are unloaded by then; our own leaks show on the
 * simulation. */
TSM_API int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    return 1;
}

/* A GPU as cuDNN is told of it; the figures are those of the data sheets. */
typedef struct described_gpu {
    const char *name;
    int version, multiprocessors, shared_bytes, threads, blocks, l2_bytes;
    long long memory_bytes;
} described_gpu;

static const described_gpu gpus[] = {
    { "A100", 800, 108, 166912, 2048, 32, 41943040, 85899345920 },
    { "L40S", 890, 142, 101376, 1536, 24, 100663296, 51539607552 },
    { "H200", 900, 132, 232448, 2048, 32, 62914560, 151397597184 },
    { "B200", 1000, 148, 232448, 2048, 32, 132644864, 193273528320 },
};
#define DESCRIBED_GPUS ((int)(sizeof gpus / sizeof *gpus))

static inline cudnnBackendDescriptor_t describe_gpu(const described_gpu *gpu)
{
    cudnnBackendDescriptor_t device;
    char json[1024];
    int length = snprintf(
        json, sizeof json,
        "{\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536,"
        "\"multiProcessorCount\":%d,\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,"
        "\"maxSharedMemoryPerBlockOptin\":%d,\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,"
        "\"maxCtasPerSM\":%d,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":%d,\"pciDeviceId\":0,\"isTccDriver\":0,"
        "\"supportCoopLaunch\":1,\"smClockRateKHz\":1500000,\"memClockRateKHz\":2500000,\"l2CacheSize\":%d,"
        "\"totalGlobalMem\":%lld,\"cudaDeviceId\":0,\"deviceVer\":%d,\"driverVer\":13000,\"deviceName\":\"%s\"}",
        gpu->multiprocessors, gpu->shared_bytes, gpu->blocks, gpu->threads, gpu->l2_bytes, gpu->memory_bytes,
        gpu->version, gpu->name);

    ck_assert_int_eq(cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &device),
                     CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(
        cudnnBackendSetAttribute(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, length, json),
        CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnBackendFinalize(device), CUDNN_STATUS_SUCCESS);
    return device;
}

/* The first precompiled configuration that is precise enough and makes a plan; NULL where there is none. */
static inline cudnnBackendDescriptor_t make_plan(tsm_dnn_graph *graph, int64_t *workspace,
                                                 cudnnBackendDescriptor_t device, const tsm_conv_spec *spec)
{
    tsm_error error = { 0 };

    assert_ok(tsm_dnn_graph_make(graph, NULL, device, spec, &error), &error);
    assert_ok(tsm_dnn_graph_query(graph, &error), &error);
    for (int i = 0; i < graph->config_count; i++) {
        cudnnBackendDescriptor_t plan;
        tsm_dnn_config_info info;

        /* Engines that compile at run time cannot even be described without a driver. */
        if (tsm_dnn_config_describe(&info, graph->configs[i], spec->precision, NULL) != TSM_OK) continue;
        if (info.compiled || !info.acceptable) continue;
        if (tsm_dnn_plan_make(&plan, workspace, graph, i, NULL) == TSM_OK) return plan;
    }
    return NULL;
}

#endif
