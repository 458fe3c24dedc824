/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs of a plan: input, network and logits on a stream, in their order on the arena. */
#include "transfer.h"

static tsm_status check_arguments(const tsm_plan *plan, const tsm_run_arguments *a, tsm_error *error)
{
    const tsm_cuda_device *device = &plan->worker->prepared->device;

    TSM_TRY_RETURN(tsm_cuda_check_tensor(a->input, "input", device, !a->enqueue, error));
    return tsm_cuda_check_tensor(a->output, "output", device, !a->enqueue, error);
}

/* A stream that is being captured gets the steps themselves: whoever replays the capture orders them. */
static tsm_status enqueue_network(const tsm_plan *plan, const tsm_run_arguments *a, cudaStream_t stream,
                                  bool capturing, tsm_error *error)
{
    const tsm_prepared *prepared = plan->worker->prepared;

    if (!plan->bound.exec || capturing)
        return tsm_binding_enqueue(&plan->bound, &plan->worker->libraries, stream, prepared->ranges,
                                   a->enqueue ? NULL : &prepared->cancel, error);
    TSM_CUDA(cudaGraphLaunch(plan->bound.exec, stream));
    return TSM_OK;
}

static tsm_status enqueue_all(tsm_plan *plan, const tsm_run_arguments *a, cudaStream_t stream, bool capturing,
                              tsm_error *error)
{
    tsm_cuda_findings *findings = a->enqueue ? NULL : plan->worker->findings;

    if (plan->indices)
        TSM_TRY_RETURN(
            tsm_cuda_staging_send(&plan->worker->staging, plan->indices, a->slot, plan->index_bytes, stream, error));
    if (a->visitor || a->profiler) return tsm_cuda_observe(plan, a, stream, error);
    if (findings) TSM_CUDA(cudaMemsetAsync(findings, 0xff, sizeof *findings, stream));
    TSM_TRY_RETURN(tsm_cuda_enqueue_input(plan, &plan->bound, a->input, findings, stream, error));
    TSM_TRY_RETURN(enqueue_network(plan, a, stream, capturing, error));
    return tsm_cuda_enqueue_output(plan, a->output, findings, stream, error);
}

static tsm_status enqueue_in_order(tsm_plan *plan, const tsm_run_arguments *a, cudaStream_t stream, tsm_error *error)
{
    enum cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
    tsm_status status, marked;

    TSM_CUDA(cudaStreamIsCapturing(stream, &capture));
    /* A captured graph runs when its owner says: it can neither wait for what was done last nor mark its end. */
    if (capture != cudaStreamCaptureStatusNone) {
        plan->worker->captured = true;
        return enqueue_all(plan, a, stream, true, error);
    }
    TSM_TRY_RETURN(tsm_cuda_worker_follow(plan->worker, stream, error));
    status = enqueue_all(plan, a, stream, false, error);
    marked =
        tsm_cuda_worker_mark(plan->worker, stream, status == TSM_OK ? error : NULL); /* also what failed halfway */
    return status == TSM_OK ? marked : status;
}

/* What the run noted of numbers that are not finite. */
static tsm_status check_findings(const tsm_plan *plan, tsm_error *error)
{
    const tsm_worker *worker = plan->worker;
    const tsm_graph *graph = worker->prepared->graph;
    const tsm_dims *shapes = plan->schedule.shapes;
    tsm_cuda_findings found;

    TSM_TRY_RETURN(tsm_cuda_staging_fetch(&plan->worker->staging, &found, worker->findings, sizeof found,
                                          worker->stream, error));
    if (found.frame != UINT32_MAX) return tsm_fail_input(error, &shapes[tsm_graph_input(graph)], found.frame);
    if (found.row != UINT32_MAX) return tsm_fail_logits(error, &shapes[graph->output], found.row);
    return TSM_OK;
}

tsm_status tsm_cuda_run(tsm_plan *plan, const tsm_run_arguments *a, tsm_error *error)
{
    cudaStream_t stream = a->enqueue ? a->stream : plan->worker->stream;
    tsm_status status;

    TSM_TRY_RETURN(check_arguments(plan, a, error));
    status = enqueue_in_order(plan, a, stream, error);
    if (a->enqueue) return status;
    if (status == TSM_OK) return check_findings(plan, error);
    cudaStreamSynchronize(stream); /* the caller's memory must not be in use when this returns */
    return status;
}
