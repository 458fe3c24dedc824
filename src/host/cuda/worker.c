/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - see worker.h. */
#include "worker.h"

#include "plan.h"

static tsm_status open_worker(tsm_worker *worker, tsm_error *error)
{
    TSM_CUDA(cudaStreamCreateWithFlags(&worker->stream, cudaStreamNonBlocking));
    TSM_TRY_RETURN(tsm_cuda_side_open(&worker->side, error));
    TSM_CUDA(cudaEventCreateWithFlags(&worker->done, cudaEventDisableTiming));
    TSM_CUDA(cudaMalloc((void **)&worker->findings, sizeof *worker->findings));
    TSM_TRY_RETURN(tsm_cuda_staging_open(&worker->staging, error));
    return tsm_cuda_libraries_open(&worker->libraries, worker->prepared->wgmma, error);
}

tsm_status tsm_cuda_worker_create(tsm_worker **out, tsm_prepared *prepared, tsm_error *error)
{
    tsm_worker *worker = tsm_alloc_zero(1, sizeof *worker);
    tsm_status status;

    *out = NULL;
    if (!worker) return tsm_fail_memory(error, sizeof *worker);
    worker->prepared = prepared;
    TSM_TRY(open_worker(worker, error));
    *out = worker;
    return TSM_OK;
fail:
    tsm_cuda_worker_destroy(worker);
    return status;
}

void tsm_cuda_worker_wait(const tsm_worker *worker)
{
    if (worker->enqueued) cudaEventSynchronize(worker->done);
}

static void free_kept(tsm_worker *worker)
{
    while (worker->kept) {
        tsm_cuda_kept *kept = worker->kept;

        worker->kept = kept->next;
        cudaFree(kept->arena);
        tsm_free(kept);
    }
}

void tsm_cuda_worker_destroy(tsm_worker *worker)
{
    if (!worker) return;
    tsm_cuda_worker_wait(worker);
    if (worker->stream) cudaStreamSynchronize(worker->stream);
    if (worker->arena) cudaFree(worker->arena);
    free_kept(worker);
    if (worker->findings) cudaFree(worker->findings);
    tsm_cuda_side_close(&worker->side);
    tsm_cuda_staging_close(&worker->staging);
    tsm_cuda_libraries_close(&worker->libraries);
    if (worker->done) cudaEventDestroy(worker->done);
    if (worker->stream) cudaStreamDestroy(worker->stream);
    tsm_free(worker);
}

uint64_t tsm_cuda_worker_bytes(const tsm_worker *worker)
{
    uint64_t bytes = worker->arena_bytes + sizeof *worker->findings;

    for (const tsm_cuda_kept *kept = worker->kept; kept; kept = kept->next) bytes += kept->bytes;
    for (const tsm_plan *plan = worker->plans; plan; plan = plan->next)
        bytes += plan->resize.bytes + plan->index_bytes;
    return bytes;
}

tsm_status tsm_cuda_worker_follow(const tsm_worker *worker, cudaStream_t stream, tsm_error *error)
{
    if (worker->enqueued) TSM_CUDA(cudaStreamWaitEvent(stream, worker->done, 0));
    return TSM_OK;
}

tsm_status tsm_cuda_worker_mark(tsm_worker *worker, cudaStream_t stream, tsm_error *error)
{
    TSM_CUDA(cudaEventRecord(worker->done, stream));
    worker->enqueued = true;
    return TSM_OK;
}
