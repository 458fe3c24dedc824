/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - see device.h. */
#include "device.h"

#include <stdio.h>
#include <string.h>

#define MIN_MAJOR 8 /* Ampere: bf16, tf32 and asynchronous copies */

static tsm_status refuse(tsm_error *error, int index, tsm_status code, const char *why)
{
    tsm_fail(error, code, "cuda:%d: %s", index, why);
    if (error) error->device = index;
    return code;
}

static tsm_status check_count(int index, tsm_error *error)
{
    int count = 0;
    char text[160];
    cudaError_t code = cudaGetDeviceCount(&count);

    if (code == cudaErrorInsufficientDriver)
        return tsm_fail(error, TSM_ERROR_DEVICE, "cuda: no CUDA driver, or one older than the CUDA libraries");
    if (code == cudaErrorNoDevice || (code == cudaSuccess && count == 0))
        return tsm_fail(error, TSM_ERROR_DEVICE, "cuda: no GPU in this machine");
    TSM_CUDA(cudaGetDeviceCount(&count)); /* again, for the text of any other failure */
    if (index >= 0 && index < count) return TSM_OK;
    snprintf(text, sizeof text, "no such GPU, the machine has %d", count);
    return refuse(error, index, TSM_ERROR_DEVICE, text);
}

static tsm_status read_properties(tsm_cuda_device *device, tsm_error *error)
{
    struct cudaDeviceProp properties;
    char text[320];

    TSM_CUDA(cudaGetDeviceProperties(&properties, device->index));
    snprintf(device->name, sizeof device->name, "%.*s", (int)sizeof device->name - 1, properties.name);
    device->major = properties.major;
    device->minor = properties.minor;
    device->multiprocessors = properties.multiProcessorCount;
    device->l2_bytes = properties.l2CacheSize > 0 ? (size_t)properties.l2CacheSize : 0;
    if (device->major >= MIN_MAJOR) return TSM_OK;
    snprintf(text, sizeof text, "%s has compute capability %d.%d, at least %d.0 is needed", device->name,
             device->major, device->minor, MIN_MAJOR);
    return refuse(error, device->index, TSM_ERROR_UNSUPPORTED, text);
}

static tsm_status read_versions(tsm_cuda_device *device, tsm_error *error)
{
    size_t dnn, blas;
    char text[160];

    TSM_CUDA(cudaDriverGetVersion(&device->driver));
    device->cudnn = dnn = cudnnGetVersion();
    device->blas = blas = cublasLtGetVersion();
    snprintf(device->library, sizeof device->library, "cuDNN %zu.%zu.%zu, cuBLASLt %zu.%zu.%zu", dnn / 10000,
             dnn / 100 % 100, dnn % 100, blas / 10000, blas / 100 % 100, blas % 100);
    if (dnn / 10000 == CUDNN_MAJOR) return TSM_OK;
    snprintf(text, sizeof text, "cuDNN %zu is loaded, this build needs %d", dnn / 10000, CUDNN_MAJOR);
    return refuse(error, device->index, TSM_ERROR_DEVICE, text);
}

tsm_status tsm_cuda_device_open(tsm_cuda_device *device, int index, tsm_error *error)
{
    memset(device, 0, sizeof *device);
    device->index = index;
    TSM_TRY_RETURN(check_count(index, error));
    TSM_TRY_RETURN(read_properties(device, error));
    return read_versions(device, error);
}

tsm_status tsm_cuda_enter(const tsm_cuda_device *device, int *previous, tsm_error *error)
{
    *previous = device->index;
    TSM_CUDA(cudaGetDevice(previous));
    if (*previous != device->index) TSM_CUDA(cudaSetDevice(device->index));
    return TSM_OK;
}

void tsm_cuda_leave(int previous)
{
    int current = previous;

    if (cudaGetDevice(&current) == cudaSuccess && current != previous) cudaSetDevice(previous);
}
