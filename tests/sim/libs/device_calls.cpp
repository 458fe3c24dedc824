/* SPDX-License-Identifier: Apache-2.0 */
/* device_calls.cpp - which GPUs there are, and what errors are called. */
#include "libs.h"

#include <stdio.h>

namespace sim
{

static int device_count = 1;
static thread_local int device_current;
static thread_local cudaError_t last_error;

int current_device()
{
    return device_current;
}

cudaError_t refuse(cudaError_t error)
{
    if (error) last_error = error;
    return error;
}

} // namespace sim

using namespace sim;

void tsm_sim_set_devices(int count)
{
    TSM_SIM_API;
    device_count = count;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    TSM_SIM_API;
    *count = device_count;
    return device_count ? cudaSuccess : refuse(cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int *device)
{
    *device = device_current;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    TSM_SIM_API;
    if (device < 0 || device >= device_count) return refuse(cudaErrorInvalidDevice);
    device_current = device;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device)
{
    TSM_SIM_API;
    if (device < 0 || device >= device_count) return refuse(cudaErrorInvalidDevice);
    *properties = {};
    snprintf(properties->name, sizeof properties->name, "simulated device, not a GPU");
    properties->major = 9;
    properties->minor = 0;
    properties->multiProcessorCount = 132;
    properties->l2CacheSize = 1 << 16; /* so that few buffers are larger */
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last_error;

    last_error = cudaSuccess;
    return error;
}

static const struct {
    cudaError_t code;
    const char *name, *text;
} kErrors[] = {
#define TSM_SIM_ERROR(code, text) { code, #code, text },
    // clang-format off
    TSM_SIM_ERROR(cudaSuccess, "no error")
    TSM_SIM_ERROR(cudaErrorInvalidValue, "invalid argument")
    TSM_SIM_ERROR(cudaErrorMemoryAllocation, "out of memory")
    TSM_SIM_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument")
    TSM_SIM_ERROR(cudaErrorInvalidDevicePointer, "invalid device pointer")
    TSM_SIM_ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version")
    TSM_SIM_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected")
    TSM_SIM_ERROR(cudaErrorInvalidDevice, "invalid device ordinal")
    TSM_SIM_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle")
    TSM_SIM_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state")
    TSM_SIM_ERROR(cudaErrorNotReady, "device not ready")
    TSM_SIM_ERROR(cudaErrorLaunchFailure, "unspecified launch failure")
    TSM_SIM_ERROR(cudaErrorNotSupported, "operation not supported")
    TSM_SIM_ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")
    TSM_SIM_ERROR(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture")
    TSM_SIM_ERROR(cudaErrorStreamCaptureMerge, "operation would result in a merge of separate capture sequences")
    TSM_SIM_ERROR(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began")
    TSM_SIM_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work")
    TSM_SIM_ERROR(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream")
    TSM_SIM_ERROR(cudaErrorStreamCaptureImplicit, "operation would make the legacy stream depend on a capturing blocking stream")
    TSM_SIM_ERROR(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream")
    TSM_SIM_ERROR(cudaErrorStreamCaptureWrongThread, "attempt to terminate a thread-local capture sequence from another thread")
    // clang-format on
};

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &known : kErrors)
        if (known.code == error) return known.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &known : kErrors)
        if (known.code == error) return known.text;
    return "unrecognized error code";
}
