/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_calls.cpp - the calls on memory, as blocking and as ordered as CUDA documents them, and not more:
 * cudaMemcpy from pageable host memory, or within the device, may return before the copy is over, so what another
 * stream does with the copy has to be ordered after it; a copy to pageable host memory is over when the call returns,
 * an asynchronous one included; pinned memory is read and written whenever the stream comes to it.
 */
#include "libs.h"

#include <stdlib.h>

namespace sim
{

static std::map<const void *, size_t> pinned;
static std::map<const void *, int> devices; /* of live allocations, by their start */
static int allocations_to_failure;

bool is_pinned(const void *address, size_t bytes)
{
    auto next = pinned.upper_bound(address);

    if (next == pinned.begin()) return false;
    --next;
    size_t into = (size_t)(static_cast<const char *>(address) - static_cast<const char *>(next->first));
    return into < next->second && bytes <= next->second - into;
}

int device_of(const void *address)
{
    auto next = devices.upper_bound(address);

    return next == devices.begin() ? 0 : std::prev(next)->second;
}

size_t live_pinned()
{
    return pinned.size();
}

static bool out_of_memory()
{
    counters.allocations++;
    return allocations_to_failure > 0 && --allocations_to_failure == 0;
}

/* ---- Copies ---- */

struct Copy {
    const char *call;
    void *to;
    const void *from;
    size_t bytes;
    bool to_device, from_device;
    std::shared_ptr<std::vector<char>> staged; /* of pageable host memory, as it was when the call was made */
};

static bool check_copy(const Copy &c)
{
    bool good = c.from_device ? check_device({ c.call, "source" }, one_row(c.from, c.bytes))
                              : check_host({ c.call, "source" }, c.from, c.bytes);

    return good && (c.to_device ? check_device({ c.call, "target" }, one_row(c.to, c.bytes))
                                : check_host({ c.call, "target" }, c.to, c.bytes));
}

static cudaError_t do_copy(const Copy &c)
{
    counters.copies++;
    if (c.from_device && !touch({ c.call, "source" }, one_row(c.from, c.bytes), READS)) return cudaErrorInvalidValue;
    if (c.to_device && !touch({ c.call, "target" }, one_row(c.to, c.bytes), WRITES)) return cudaErrorInvalidValue;
    memmove(c.to, c.staged ? c.staged->data() : c.from, c.bytes);
    return cudaSuccess;
}

static bool make_copy(Copy &c, const char *call, void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    if (kind < cudaMemcpyHostToDevice || kind > cudaMemcpyDeviceToDevice) {
        misuse(call, "a kind of copy that the simulation does not know");
        return false;
    }
    c = { call, to, from, bytes, kind != cudaMemcpyDeviceToHost, kind != cudaMemcpyHostToDevice, nullptr };
    return check_copy(c);
}

static void stage(Copy &c)
{
    const char *from = static_cast<const char *>(c.from);

    if (!c.from_device && !is_pinned(c.from, c.bytes))
        c.staged = std::make_shared<std::vector<char>>(from, from + c.bytes);
}

} // namespace sim

using namespace sim;

void tsm_sim_fail_allocation(int n)
{
    TSM_SIM_API;
    allocations_to_failure = n;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    TSM_SIM_API;
    *memory = nullptr;
    if (capture_forbids("cudaMalloc")) return refuse(cudaErrorStreamCaptureUnsupported);
    if (out_of_memory()) return refuse(cudaErrorMemoryAllocation);
    if (bytes == 0) return cudaSuccess;
    *memory = device_allocate(bytes);
    if (!*memory) return refuse(cudaErrorMemoryAllocation);
    devices[*memory] = current_device();
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
    TSM_SIM_API;
    if (!memory) return cudaSuccess;
    if (capture_forbids("cudaFree")) return refuse(cudaErrorStreamCaptureUnsupported);
    counters.frees++;
    counters.synchronisations++;
    run_everything();
    if (device_free(memory)) {
        devices.erase(memory);
        return cudaSuccess;
    }
    misuse("cudaFree", "memory", "no live allocation begins here", memory);
    return refuse(cudaErrorInvalidValue);
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    TSM_SIM_API;
    *memory = nullptr;
    if (capture_forbids("cudaMallocHost")) return refuse(cudaErrorStreamCaptureUnsupported);
    *memory = out_of_memory() ? nullptr : malloc(bytes ? bytes : 1);
    if (!*memory) return refuse(cudaErrorMemoryAllocation);
    memset(*memory, 0xff, bytes);
    pinned[*memory] = bytes;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory)
{
    TSM_SIM_API;
    if (!memory) return cudaSuccess;
    if (capture_forbids("cudaFreeHost")) return refuse(cudaErrorStreamCaptureUnsupported);
    counters.frees++;
    counters.synchronisations++;
    run_everything();
    if (pinned.erase(memory) == 0) {
        misuse("cudaFreeHost", "memory", "no pinned allocation begins here", memory);
        return refuse(cudaErrorInvalidValue);
    }
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *memory)
{
    TSM_SIM_API;
    *attributes = {};
    attributes->device = -2; /* of memory that CUDA does not know */
    if (device_owns(memory, 1)) {
        attributes->type = cudaMemoryTypeDevice;
        attributes->device = device_of(memory);
        attributes->devicePointer = const_cast<void *>(memory);
    } else if (is_pinned(memory, 1)) {
        attributes->type = cudaMemoryTypeHost;
        attributes->device = 0;
        attributes->devicePointer = attributes->hostPointer = const_cast<void *>(memory);
    } else {
        attributes->hostPointer = const_cast<void *>(memory);
    }
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    TSM_SIM_API;
    Copy copy;

    if (bytes == 0) return cudaSuccess;
    if (capture_forbids("cudaMemcpy")) return refuse(cudaErrorStreamCaptureImplicit);
    if (!make_copy(copy, "cudaMemcpy", to, from, bytes, kind)) return refuse(cudaErrorInvalidValue);
    stage(copy);
    counters.synchronisations++;
    cudaError_t error = submit(nullptr, "cudaMemcpy", [copy] { return do_copy(copy); });
    if (!copy.staged && !(copy.to_device && copy.from_device)) clock_join(host_clock, streams[0]->clock);
    return error;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t handle)
{
    TSM_SIM_API;
    Copy copy;
    CUstream_st *stream = find_stream("cudaMemcpyAsync", handle);

    if (!stream) return refuse(cudaErrorInvalidResourceHandle);
    if (bytes == 0) return cudaSuccess;
    if (!make_copy(copy, "cudaMemcpyAsync", to, from, bytes, kind)) return refuse(cudaErrorInvalidValue);
    counters.pageable += (!copy.from_device && !is_pinned(from, bytes)) || (!copy.to_device && !is_pinned(to, bytes));
    if (!stream->capture) stage(copy);
    cudaError_t error = submit(handle, "cudaMemcpyAsync", [copy] { return do_copy(copy); });
    if (error || copy.to_device || stream->capture || is_pinned(to, bytes)) return error;
    return wait_for(stream); /* pageable memory has the copy when the call returns */
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    TSM_SIM_API;
    const Place place = { "cudaMemsetAsync", "memory" };

    if (!check_device(place, one_row(memory, bytes))) return refuse(cudaErrorInvalidValue);
    return submit(stream, place.call, [=] {
        counters.copies++;
        if (!touch(place, one_row(memory, bytes), WRITES)) return cudaErrorInvalidValue;
        memset(memory, value, bytes);
        return cudaSuccess;
    });
}
