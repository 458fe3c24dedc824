/* SPDX-License-Identifier: Apache-2.0 */
/* tensor.c - views of a caller's tensors, and memory for them. */
#include "engine.h"

static size_t element_bytes(tsm_dtype dtype)
{
    switch (dtype) {
    case TSM_FLOAT32: return 4;
    case TSM_FLOAT16:
    case TSM_BFLOAT16: return 2;
    case TSM_UINT8: return 1;
    }
    return 0;
}

tsm_status tsm_tensor_slice(const tsm_tensor *tensor, int64_t first, int64_t count, tsm_tensor *slice,
                            tsm_error *error)
{
    size_t bytes, offset;

    if (!tensor || !slice || !tensor->data) return tsm_fail(error, TSM_ERROR_ARGUMENT, "slice: no tensor (NULL)");
    bytes = element_bytes(tensor->dtype);
    if (bytes == 0 || tensor->ndim < 1 || tensor->ndim > 5)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "slice: dtype %d with %d dimensions", (int)tensor->dtype,
                        tensor->ndim);
    if (first < 0 || count < 1 || first > tensor->dims[0] || count > tensor->dims[0] - first)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "slice: %lld clips from clip %lld, the tensor has %lld",
                        (long long)count, (long long)first, (long long)tensor->dims[0]);
    for (int i = 1; i < tensor->ndim; i++)
        if (tensor->dims[i] < 0 || !tsm_multiply(bytes, (size_t)tensor->dims[i], &bytes))
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "slice: dimension %d is %lld", i, (long long)tensor->dims[i]);
    if (!tsm_multiply(bytes, (size_t)first, &offset))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "slice: clip %lld lies beyond all memory", (long long)first);
    *slice = *tensor;
    slice->data = (char *)tensor->data + offset;
    slice->dims[0] = count;
    return TSM_OK;
}

tsm_status tsm_engine_allocate(const tsm_engine *engine, size_t bytes, void **data, tsm_memory *memory,
                               tsm_error *error)
{
    if (!engine || !data || !memory)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "allocate: no engine, or nowhere to put the memory (NULL)");
    *data = NULL;
    if (engine->backend->host_allocate) {
        *memory = TSM_MEMORY_PINNED;
        return engine->backend->host_allocate(engine->prepared, bytes ? bytes : 1, data, error);
    }
    *memory = TSM_MEMORY_HOST;
    *data = tsm_alloc_aligned(bytes ? bytes : 1, 1);
    return *data ? TSM_OK : tsm_fail_memory(error, bytes);
}

void tsm_engine_release(const tsm_engine *engine, void *data)
{
    if (!engine || !data) return;
    if (engine->backend->host_release)
        engine->backend->host_release(engine->prepared, data);
    else
        tsm_free(data);
}
