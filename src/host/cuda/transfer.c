/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - the caller's tensors: where they lie, and their way in and out of the arena. */
#include <string.h>

#include "plan.h"

static tsm_status refuse(tsm_error *error, const char *name, const char *what)
{
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: %s", name, what);
}

tsm_status tsm_cuda_check_tensor(const tsm_tensor *tensor, const char *name, const tsm_cuda_device *device,
                                 bool pageable, tsm_error *error)
{
    struct cudaPointerAttributes at;

    if (tensor->memory == TSM_MEMORY_HOST)
        return pageable ? TSM_OK : refuse(error, name, "only pinned or device memory can be enqueued");
    memset(&at, 0, sizeof at);
    if (cudaPointerGetAttributes(&at, tensor->data) != cudaSuccess) {
        cudaGetLastError();
        return refuse(error, name, "CUDA does not know its address");
    }
    if (tensor->memory == TSM_MEMORY_PINNED)
        return at.type == cudaMemoryTypeHost ? TSM_OK : refuse(error, name, "is not in pinned memory");
    if (at.type != cudaMemoryTypeDevice && at.type != cudaMemoryTypeManaged)
        return refuse(error, name, "is not in device memory");
    if (tensor->device == device->index && at.device == device->index) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: is on cuda:%d, the engine is on cuda:%d", name,
                    tensor->device == device->index ? at.device : tensor->device, device->index);
}

static int find_input(const tsm_graph *graph)
{
    int i = 0;

    while (graph->nodes[i].op != TSM_OP_INPUT) i++;
    return i;
}

/* Bytes of three channels; the layout of the network's input pads them to four. */
static tsm_status convert_bytes(const tsm_schedule *s, int node, const void *from, cudaStream_t stream,
                                tsm_error *error)
{
    const tsm_dims *dims = &s->graph->nodes[node].dims;
    tsm_kernel_bytes_args args = {
        .in = from,
        .out = tsm_schedule_value(s, node),
        .pixels = tsm_dims_count(dims) / dims->c,
        .dtype = s->state->dtype->type,
    };

    memcpy(args.mean, s->state->mean, sizeof args.mean);
    memcpy(args.std, s->state->std, sizeof args.std);
    TSM_CUDA(tsm_kernel_bytes(&args, stream));
    return TSM_OK;
}

static tsm_status convert_planes(const tsm_schedule *s, int node, const void *from, cudaStream_t stream,
                                 tsm_error *error)
{
    const tsm_dims *dims = &s->graph->nodes[node].dims;
    const tsm_kernel_planes_args args = {
        .in = from,
        .out = tsm_schedule_value(s, node),
        .images = dims->n * dims->t,
        .channels = dims->c,
        .out_channels = (int)s->values[node].pitch,
        .pixels = (int64_t)dims->h * dims->w,
        .dtype = s->state->dtype->type,
    };

    TSM_CUDA(tsm_kernel_planes(&args, stream));
    return TSM_OK;
}

tsm_status tsm_cuda_enqueue_input(const tsm_schedule *s, const tsm_cuda_resize *resize, const tsm_tensor *input,
                                  cudaStream_t stream, tsm_error *error)
{
    const int node = find_input(s->graph);
    const tsm_dims *dims = &s->graph->nodes[node].dims;
    const int images = dims->n * dims->t;
    const bool frames = input->dtype == TSM_UINT8, resized = frames && resize->resample;
    void *scratch = tsm_schedule_scratch(s, node);
    const void *from = input->data;

    if (input->memory != TSM_MEMORY_DEVICE) {
        size_t bytes = (size_t)tsm_dims_count(dims) * (frames ? 1 : sizeof(float));

        if (resized) bytes = tsm_cuda_resize_frames(resize->resample, images);
        TSM_CUDA(cudaMemcpyAsync(scratch, from, bytes, cudaMemcpyHostToDevice, stream));
        from = scratch;
    }
    if (resized) TSM_TRY_RETURN(tsm_cuda_resize_enqueue(resize, from, scratch, images, &from, stream, error));
    return frames ? convert_bytes(s, node, from, stream, error) : convert_planes(s, node, from, stream, error);
}

tsm_status tsm_cuda_warm_up_input(const tsm_schedule *s, const tsm_cuda_resize *resize, cudaStream_t stream,
                                  tsm_error *error)
{
    tsm_tensor any = { .data = tsm_schedule_scratch(s, find_input(s->graph)),
                       .memory = TSM_MEMORY_DEVICE,
                       .dtype = TSM_FLOAT32 };

    TSM_TRY_RETURN(tsm_cuda_enqueue_input(s, resize, &any, stream, error));
    if (s->graph->in_channels != 3) return TSM_OK; /* then bytes are refused */
    any.dtype = TSM_UINT8;
    return tsm_cuda_enqueue_input(s, resize, &any, stream, error);
}

tsm_status tsm_cuda_enqueue_output(const tsm_schedule *s, const tsm_tensor *output, cudaStream_t stream,
                                   tsm_error *error)
{
    const int node = s->graph->output;
    const bool device = output->memory == TSM_MEMORY_DEVICE;

    TSM_CUDA(cudaMemcpyAsync(output->data, tsm_schedule_value(s, node), s->values[node].bytes,
                             device ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost, stream));
    return TSM_OK;
}
