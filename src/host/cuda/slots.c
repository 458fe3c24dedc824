/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c - see slots.h. */
#include "slots.h"

#include "worker.h"

void *tsm_cuda_slots_cache(const tsm_slots *slots, int node, int slot)
{
    const tsm_slot_cache *cache = &slots->layout->caches[node];
    const int64_t number = cache->first * slots->count + slot * cache->pixels * cache->fold;

    return (char *)slots->slab + number * (int64_t)tsm_slot_number_bytes(slots->layout);
}

/* What is done to the cache of each node; `state` points to where a state on the host has it. */
typedef struct visit {
    tsm_slots *slots;
    int slot, from;
    cudaStream_t stream;
    tsm_status (*cache)(const struct visit *v, int node, size_t bytes, char *state, tsm_error *error);
} visit;

static tsm_status visit_caches(const visit *v, char *state, tsm_error *error)
{
    const tsm_slot_layout *layout = v->slots->layout;

    for (int i = 0; i < layout->nodes; i++) {
        const tsm_slot_cache *cache = &layout->caches[i];
        const size_t number_bytes = tsm_slot_number_bytes(layout);

        if (cache->fold)
            TSM_TRY_RETURN(v->cache(v, i, (size_t)(cache->pixels * cache->fold) * number_bytes,
                                    state ? state + (size_t)cache->first * number_bytes : NULL, error));
    }
    TSM_CUDA(cudaStreamSynchronize(v->stream));
    return TSM_OK;
}

/* With the device current, after the last work on it. */
static tsm_status visit_in_order(tsm_slots *slots, visit v, char *state, tsm_error *error)
{
    int previous;
    tsm_status status;

    v.slots = slots;
    v.stream = slots->worker->stream;
    TSM_TRY_RETURN(tsm_cuda_enter(&slots->worker->prepared->device, &previous, error));
    tsm_cuda_worker_wait(slots->worker);
    status = visit_caches(&v, state, error);
    tsm_cuda_leave(previous);
    return status;
}

static tsm_status zero(const visit *v, int node, size_t bytes, char *state, tsm_error *error)
{
    (void)state;
    TSM_CUDA(cudaMemsetAsync(tsm_cuda_slots_cache(v->slots, node, v->slot < 0 ? 0 : v->slot), 0,
                             v->slot < 0 ? bytes * (size_t)v->slots->count : bytes, v->stream));
    return TSM_OK;
}

static tsm_status copy(const visit *v, int node, size_t bytes, char *state, tsm_error *error)
{
    (void)state;
    TSM_CUDA(cudaMemcpyAsync(tsm_cuda_slots_cache(v->slots, node, v->slot),
                             tsm_cuda_slots_cache(v->slots, node, v->from), bytes, cudaMemcpyDeviceToDevice,
                             v->stream));
    return TSM_OK;
}

static tsm_status fetch(const visit *v, int node, size_t bytes, char *state, tsm_error *error)
{
    return tsm_cuda_staging_fetch(&v->slots->worker->staging, state, tsm_cuda_slots_cache(v->slots, node, v->slot),
                                  bytes, v->stream, error);
}

static tsm_status send(const visit *v, int node, size_t bytes, char *state, tsm_error *error)
{
    return tsm_cuda_staging_send(&v->slots->worker->staging, tsm_cuda_slots_cache(v->slots, node, v->slot), state,
                                 bytes, v->stream, error);
}

static tsm_status allocate(tsm_slots *slots, tsm_error *error)
{
    const tsm_worker *worker = slots->worker;
    size_t bytes;
    int previous;
    cudaError_t code;

    TSM_TRY_RETURN(tsm_slots_size(slots->layout, slots->count, &bytes, error));
    TSM_TRY_RETURN(tsm_cuda_enter(&worker->prepared->device, &previous, error));
    code = cudaMalloc(&slots->slab, bytes ? bytes : 1);
    if (code == cudaSuccess) code = cudaMemsetAsync(slots->slab, 0, bytes ? bytes : 1, worker->stream);
    if (code == cudaSuccess) code = cudaStreamSynchronize(worker->stream);
    if (code != cudaSuccess) cudaGetLastError();
    tsm_cuda_leave(previous);
    if (code == cudaSuccess) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_MEMORY, "cuda:%d: no %.1f MB of device memory for %d streams",
                    worker->prepared->device.index, (double)bytes * 1e-6, slots->count);
}

tsm_status tsm_cuda_slots_create(tsm_slots **out, tsm_worker *worker, const tsm_slot_layout *layout, int count,
                                 tsm_error *error)
{
    tsm_slots *slots = tsm_alloc_zero(1, sizeof *slots);
    tsm_status status;

    *out = NULL;
    if (!slots) return tsm_fail_memory(error, sizeof *slots);
    *slots = (tsm_slots){ layout, worker, count, NULL };
    TSM_TRY(allocate(slots, error));
    *out = slots;
    return TSM_OK;
fail:
    tsm_cuda_slots_destroy(slots);
    return status;
}

void tsm_cuda_slots_destroy(tsm_slots *slots)
{
    int previous;
    bool entered;

    if (!slots) return;
    entered = tsm_cuda_enter(&slots->worker->prepared->device, &previous, NULL) == TSM_OK;
    tsm_cuda_worker_wait(slots->worker);
    if (slots->slab) cudaFree(slots->slab);
    if (entered) tsm_cuda_leave(previous);
    tsm_free(slots);
}

tsm_status tsm_cuda_slots_reset(tsm_slots *slots, int slot, tsm_error *error)
{
    return visit_in_order(slots, (visit){ .slot = slot, .cache = zero }, NULL, error);
}

tsm_status tsm_cuda_slots_copy(tsm_slots *slots, int to, int from, tsm_error *error)
{
    return visit_in_order(slots, (visit){ .slot = to, .from = from, .cache = copy }, NULL, error);
}

tsm_status tsm_cuda_slots_read(tsm_slots *slots, int slot, void *state, tsm_error *error)
{
    return visit_in_order(slots, (visit){ .slot = slot, .cache = fetch }, state, error);
}

tsm_status tsm_cuda_slots_write(tsm_slots *slots, int slot, const void *state, tsm_error *error)
{
    return visit_in_order(slots, (visit){ .slot = slot, .cache = send }, (char *)(uintptr_t)state, error);
}
