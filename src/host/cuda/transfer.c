/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - see transfer.h. */
#include "transfer.h"

#include <string.h>

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

/* Bytes of three channels; the layout of the network's input pads them to four. */
static tsm_status convert_bytes(const tsm_binding *b, int index, const void *from, cudaStream_t stream,
                                tsm_error *error)
{
    const tsm_dims *dims = &b->schedule->shapes[index];
    const tsm_node *node = tsm_schedule_node(b->schedule, index);
    tsm_kernel_bytes_args args = {
        .in = from,
        .out = tsm_binding_value(b, index),
        .pixels = tsm_dims_count(dims) / dims->c,
        .dtype = b->schedule->prepared->dtype->type,
    };

    memcpy(args.mean, node->input_mean, sizeof args.mean);
    memcpy(args.std, node->input_std, sizeof args.std);
    TSM_CUDA(tsm_kernel_bytes(&args, stream));
    return TSM_OK;
}

static tsm_status convert_planes(const tsm_binding *b, int index, const void *from, tsm_cuda_findings *findings,
                                 cudaStream_t stream, tsm_error *error)
{
    const tsm_dims *dims = &b->schedule->shapes[index];
    const tsm_kernel_planes_args args = {
        .in = from,
        .out = tsm_binding_value(b, index),
        .images = dims->n * dims->t,
        .channels = dims->c,
        .out_channels = (int)b->schedule->values[index].pitch,
        .pixels = (int64_t)dims->h * dims->w,
        .not_finite = findings ? &findings->frame : NULL,
        .dtype = b->schedule->prepared->dtype->type,
    };

    TSM_CUDA(tsm_kernel_planes(&args, stream));
    return TSM_OK;
}

static tsm_status copy_in(const tsm_plan *plan, void *to, const tsm_tensor *input, size_t bytes, cudaStream_t stream,
                          tsm_error *error)
{
    if (input->memory == TSM_MEMORY_HOST)
        return tsm_cuda_staging_send(&plan->worker->staging, to, input->data, bytes, stream, error);
    TSM_CUDA(cudaMemcpyAsync(to, input->data, bytes, cudaMemcpyHostToDevice, stream));
    return TSM_OK;
}

tsm_status tsm_cuda_enqueue_input(const tsm_plan *plan, const tsm_binding *b, const tsm_tensor *input,
                                  tsm_cuda_findings *findings, cudaStream_t stream, tsm_error *error)
{
    const tsm_cuda_resize *resize = &plan->resize;
    const int index = tsm_graph_input(b->schedule->prepared->graph);
    const tsm_dims *dims = &b->schedule->shapes[index];
    const int images = dims->n * dims->t;
    const bool frames = input->dtype == TSM_UINT8, resized = frames && resize->resample;
    void *scratch = tsm_binding_scratch(b, index);
    const void *from = input->data;

    if (input->memory != TSM_MEMORY_DEVICE) {
        size_t bytes = (size_t)tsm_dims_count(dims) * tsm_dtype_bytes(input->dtype);

        if (resized) bytes = tsm_cuda_resize_frames(resize->resample, images);
        TSM_TRY_RETURN(copy_in(plan, scratch, input, bytes, stream, error));
        from = scratch;
    }
    if (resized) TSM_TRY_RETURN(tsm_cuda_resize_enqueue(resize, from, scratch, images, &from, stream, error));
    if (frames) return convert_bytes(b, index, from, stream, error);
    return convert_planes(b, index, from, findings, stream, error);
}

static tsm_status find_in_logits(const tsm_binding *b, tsm_cuda_findings *findings, cudaStream_t stream,
                                 tsm_error *error)
{
    const int node = b->schedule->prepared->graph->output;
    const tsm_dims *dims = &b->schedule->shapes[node];

    TSM_CUDA(tsm_kernel_not_finite(tsm_binding_value(b, node), dims->n * dims->t, dims->c, &findings->row, stream));
    return TSM_OK;
}

tsm_status tsm_cuda_enqueue_output(const tsm_plan *plan, const tsm_tensor *output, tsm_cuda_findings *findings,
                                   cudaStream_t stream, tsm_error *error)
{
    const tsm_binding *b = &plan->bound;
    const int node = b->schedule->prepared->graph->output;
    const void *logits = tsm_binding_value(b, node);
    const size_t bytes = b->schedule->values[node].bytes;

    if (output->memory == TSM_MEMORY_HOST)
        return tsm_cuda_staging_fetch(&plan->worker->staging, output->data, logits, bytes, stream, error);
    if (output->memory == TSM_MEMORY_PINNED) {
        TSM_CUDA(cudaMemcpyAsync(output->data, logits, bytes, cudaMemcpyDeviceToHost, stream));
        return TSM_OK;
    }
    TSM_CUDA(cudaMemcpyAsync(output->data, logits, bytes, cudaMemcpyDeviceToDevice, stream));
    return findings ? find_in_logits(b, findings, stream, error) : TSM_OK;
}

tsm_status tsm_cuda_warm_up_transfer(const tsm_plan *plan, const tsm_binding *b, cudaStream_t stream,
                                     tsm_error *error)
{
    const tsm_graph *graph = b->schedule->prepared->graph;
    tsm_tensor any = { .data = tsm_binding_scratch(b, tsm_graph_input(graph)),
                       .memory = TSM_MEMORY_DEVICE,
                       .dtype = TSM_FLOAT32 };

    TSM_CUDA(cudaMemsetAsync(plan->worker->findings, 0xff, sizeof *plan->worker->findings, stream));
    TSM_TRY_RETURN(find_in_logits(b, plan->worker->findings, stream, error));
    TSM_TRY_RETURN(tsm_cuda_enqueue_input(plan, b, &any, plan->worker->findings, stream, error));
    if (graph->in_channels != 3) return TSM_OK; /* then bytes are refused */
    any.dtype = TSM_UINT8;
    return tsm_cuda_enqueue_input(plan, b, &any, NULL, stream, error);
}
