/* SPDX-License-Identifier: Apache-2.0 */
/* capture.c - the steps of a binding as a CUDA graph: one after the other, forks beside the rest. */
#include <string.h>

#include "binding.h"

/* A capture in progress. */
typedef struct recording {
    const tsm_binding *binding;
    const tsm_cuda_libraries *libraries;
    cudaStream_t stream;
    const tsm_cuda_side *side;
    int fork;  /* of the schedule's forks, the one that comes next or is open */
    bool open; /* its steps are on the side */
} recording;

tsm_status tsm_cuda_side_open(tsm_cuda_side *side, tsm_error *error)
{
    memset(side, 0, sizeof *side);
    TSM_CUDA(cudaStreamCreateWithFlags(&side->stream, cudaStreamNonBlocking));
    TSM_CUDA(cudaEventCreateWithFlags(&side->fork, cudaEventDisableTiming));
    TSM_CUDA(cudaEventCreateWithFlags(&side->join, cudaEventDisableTiming));
    return TSM_OK;
}

void tsm_cuda_side_close(tsm_cuda_side *side)
{
    if (side->fork) cudaEventDestroy(side->fork);
    if (side->join) cudaEventDestroy(side->join);
    if (side->stream) cudaStreamDestroy(side->stream);
    memset(side, 0, sizeof *side);
}

/* The steps of one node, on the side, after all that the first stream has so far. */
static tsm_status fork_off(recording *r, int node, tsm_error *error)
{
    const tsm_steps *steps = &r->binding->steps;

    TSM_CUDA(cudaEventRecord(r->side->fork, r->stream));
    TSM_CUDA(cudaStreamWaitEvent(r->side->stream, r->side->fork, 0));
    r->open = true;
    TSM_CUDNN(cudnnSetStream(r->libraries->dnn, r->side->stream));
    for (int i = 0; i < steps->count; i++)
        if (steps->list[i].node == node)
            TSM_TRY_RETURN(tsm_step_enqueue(&steps->list[i], r->libraries, r->side->stream, error));
    TSM_CUDNN(cudnnSetStream(r->libraries->dnn, r->stream));
    return TSM_OK;
}

static tsm_status join(recording *r, tsm_error *error)
{
    TSM_CUDA(cudaEventRecord(r->side->join, r->side->stream));
    TSM_CUDA(cudaStreamWaitEvent(r->stream, r->side->join, 0));
    r->open = false;
    r->fork++;
    return TSM_OK;
}

static tsm_status enqueue_steps(recording *r, tsm_error *error)
{
    const tsm_schedule *s = r->binding->schedule;
    const tsm_steps *steps = &r->binding->steps;

    TSM_CUDNN(cudnnSetStream(r->libraries->dnn, r->stream));
    for (int i = 0; i < steps->count; i++) {
        const int node = steps->list[i].node;

        if (r->open && node >= s->forks[r->fork].before) TSM_TRY_RETURN(join(r, error));
        if (!r->open && r->fork < s->fork_count && node > s->forks[r->fork].after)
            TSM_TRY_RETURN(fork_off(r, s->forks[r->fork].node, error));
        if (r->open && node == s->forks[r->fork].node) continue;
        TSM_TRY_RETURN(tsm_step_enqueue(&steps->list[i], r->libraries, r->stream, error));
    }
    return TSM_OK;
}

static tsm_status record(cudaGraph_t *graph, recording *r, tsm_error *error)
{
    tsm_status status;

    TSM_CUDA(cudaStreamBeginCapture(r->stream, cudaStreamCaptureModeThreadLocal));
    status = enqueue_steps(r, error);
    if (status == TSM_OK) {
        TSM_CUDA(cudaStreamEndCapture(r->stream, graph));
        return TSM_OK;
    }
    cudaStreamEndCapture(r->stream, graph); /* the streams must leave the mode; why it failed is known */
    cudaGetLastError();
    return status;
}

tsm_status tsm_binding_capture(tsm_binding *binding, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                               const tsm_cuda_side *side, tsm_error *error)
{
    recording r = { .binding = binding, .libraries = libraries, .stream = stream, .side = side };
    cudaGraph_t graph = NULL;
    tsm_status status;

    TSM_TRY(record(&graph, &r, error));
    TSM_CUDA_TRY(cudaGraphInstantiate(&binding->exec, graph, 0));
    TSM_CUDA_TRY(cudaGraphUpload(binding->exec, stream));
    TSM_CUDA_TRY(cudaStreamSynchronize(stream));
    status = TSM_OK;
fail:
    if (graph) cudaGraphDestroy(graph);
    return status;
}
