/* SPDX-License-Identifier: Apache-2.0 */
/* streams.cpp - streams as queues of work, and events. */
#include "libs.h"

namespace sim
{

std::vector<std::unique_ptr<CUstream_st>> streams;
Clock host_clock;
std::set<cudaEvent_t> events;

static cudaError_t deferred; /* of work that was done since the host last waited */
static int working;          /* the GPU of the work in progress */
static double time_ms;       /* on the device */

/* CUDA gives the handle of a destroyed stream to a new one. What the old one did stays in its place in the list. */
static std::unique_ptr<CUstream_st> take_handle()
{
    for (size_t i = streams.size(); i-- > 1;) {
        if (streams[i]->live || streams[i]->taken) continue;
        auto handle = std::move(streams[i]);
        streams[i] = std::make_unique<CUstream_st>(*handle);
        streams[i]->taken = true;
        *handle = {};
        return handle;
    }
    return std::make_unique<CUstream_st>();
}

static CUstream_st *add_stream(bool blocking)
{
    streams.push_back(take_handle());
    CUstream_st *made = streams.back().get();
    made->index = (unsigned)streams.size() - 1;
    made->device = current_device();
    made->blocking = blocking;
    made->live = true;
    return made;
}

static CUstream_st *legacy()
{
    return streams.empty() ? add_stream(false) : streams[0].get();
}

size_t live_streams()
{
    size_t live = 0;

    for (size_t i = 1; i < streams.size(); i++) live += streams[i]->live;
    return live;
}

CUstream_st *find_stream(const char *call, cudaStream_t stream)
{
    if (!stream) return legacy();
    for (const auto &known : streams)
        if (known.get() == stream && known->live) return stream;
    misuse(call, "no such stream, or one that was destroyed");
    return nullptr;
}

/* ---- Doing the work ---- */

int working_device()
{
    return working;
}

static bool can_run(const CUstream_st &stream)
{
    if (stream.queue.empty()) return false;
    for (const OperationRef &other : stream.queue.front()->before)
        if (!other->done) return false;
    return true;
}

static void run_next(CUstream_st &stream)
{
    OperationRef operation = stream.queue.front();

    stream.queue.pop_front();
    order_begin(operation->id, &operation->clock);
    working = operation->device;
    cudaError_t error = operation->work();
    order_begin(0, nullptr);
    if (error && !deferred) deferred = error;
    /* Between one and two microseconds, so that timings differ from run to run. */
    time_ms += 0.001 + 0.001 * (double)(random_bits() % 1024) / 1024;
    operation->ended = time_ms;
    operation->done = true;
    operation->work = nullptr;
    operation->before.clear();
}

static CUstream_st *draw_stream()
{
    std::vector<CUstream_st *> able;

    for (const auto &stream : streams)
        if (can_run(*stream)) able.push_back(stream.get());
    if (able.empty()) return nullptr;
    return able.size() == 1 ? able[0] : able[random_bits() % able.size()];
}

void run_until(const OperationRef &operation)
{
    while (operation && !operation->done) run_next(*draw_stream());
}

void run_everything()
{
    while (CUstream_st *stream = draw_stream()) run_next(*stream);
    for (const auto &stream : streams) clock_join(host_clock, stream->clock);
}

static cudaError_t take_deferred()
{
    cudaError_t error = deferred;

    deferred = cudaSuccess;
    return refuse(error);
}

cudaError_t wait_for(CUstream_st *stream)
{
    counters.synchronisations++;
    run_until(stream->last);
    clock_join(host_clock, stream->clock);
    return take_deferred();
}

/* ---- Putting it on a stream ---- */

static void come_after(Operation &operation, const CUstream_st &other)
{
    clock_join(operation.clock, other.clock);
    if (other.last && !other.last->done) operation.before.push_back(other.last);
}

/* The legacy stream and the blocking ones take turns. */
static void take_turns(Operation &operation, const CUstream_st &stream)
{
    if (stream.blocking) come_after(operation, *legacy());
    if (&stream != legacy()) return;
    for (const auto &other : streams)
        if (other->blocking) come_after(operation, *other);
}

static OperationRef enqueue(CUstream_st *stream, const char *what, Work work)
{
    auto operation = std::make_shared<Operation>();

    operation->what = what;
    operation->work = std::move(work);
    operation->device = stream == legacy() ? current_device() : stream->device;
    operation->clock = stream->clock;
    clock_join(operation->clock, host_clock);
    take_turns(*operation, *stream);
    operation->id = order_register(stream->index, ++stream->count, what);
    if (operation->clock.size() <= stream->index) operation->clock.resize(stream->index + 1);
    operation->clock[stream->index] = stream->count;
    stream->clock = operation->clock;
    stream->queue.push_back(operation);
    stream->last = operation;
    return operation;
}

cudaError_t submit(cudaStream_t handle, const char *what, Work work)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream(what, handle);

    if (!stream) return refuse(cudaErrorInvalidResourceHandle);
    if (stream != legacy() && stream->device != current_device()) {
        misuse(what, "the stream is of another GPU than the current one");
        return refuse(cudaErrorInvalidResourceHandle);
    }
    if (stream->capture) {
        if (stream->capture->invalid) return refuse(cudaErrorStreamCaptureInvalidated);
        capture_add(stream, what, std::move(work));
        return cudaSuccess;
    }
    OperationRef operation = enqueue(stream, what, std::move(work));
    if (stream != legacy()) return cudaSuccess;
    run_until(operation);
    return take_deferred();
}

static bool check_event(const char *call, cudaEvent_t event)
{
    if (events.count(event)) return true;
    misuse(call, "no such event, or one that was destroyed");
    return false;
}

/* ---- Waiting for an event, on a stream ---- */

static cudaError_t join_capture(CUstream_st *stream, cudaEvent_t event)
{
    const char *call = "cudaStreamWaitEvent";

    if (stream->capture && stream->capture != event->capture)
        return event->capture
                   ? capture_invalidate(*stream->capture, call, "the event is of another capture",
                                        cudaErrorStreamCaptureMerge)
                   : capture_invalidate(*stream->capture, call, "the event was recorded outside of the capture",
                                        cudaErrorStreamCaptureIsolation);
    if (!event->capture->graph) {
        misuse(call, "the event was recorded in a capture that has ended");
        return refuse(cudaErrorCapturedEvent);
    }
    stream->capture = event->capture;
    stream->tail.insert(stream->tail.end(), event->nodes.begin(), event->nodes.end());
    return cudaSuccess;
}

static cudaError_t wait_event(CUstream_st *stream, cudaEvent_t event)
{
    if (!event->record && !event->capture) return cudaSuccess; /* never recorded: nothing to wait for */
    if (stream->capture || event->capture) return join_capture(stream, event);
    OperationRef wait = enqueue(stream, "cudaStreamWaitEvent", [] { return cudaSuccess; });
    if (!event->record->done) wait->before.push_back(event->record);
    clock_join(wait->clock, event->record->clock);
    stream->clock = wait->clock;
    return cudaSuccess;
}

static cudaError_t record(cudaEvent_t event, CUstream_st *stream)
{
    event->capture = stream->capture;
    event->nodes = stream->tail;
    event->record = nullptr;
    if (!stream->capture) event->record = enqueue(stream, "cudaEventRecord", [] { return cudaSuccess; });
    return cudaSuccess;
}

} // namespace sim

using namespace sim;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    TSM_SIM_API;
    *stream = nullptr;
    if (flags & ~(unsigned)cudaStreamNonBlocking) return refuse(cudaErrorInvalidValue);
    legacy(); /* is the first */
    *stream = add_stream(!(flags & cudaStreamNonBlocking));
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t handle)
{
    TSM_SIM_API;
    CUstream_st *stream = handle ? find_stream("cudaStreamDestroy", handle) : nullptr;

    if (!stream) return refuse(cudaErrorInvalidResourceHandle);
    if (stream->capture) misuse("cudaStreamDestroy", "the stream is capturing");
    run_until(stream->last); /* its work is done all the same, though the host does not wait for it */
    stream->live = false;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream("cudaStreamSynchronize", handle);

    if (!stream) return refuse(cudaErrorInvalidResourceHandle);
    if (stream->capture)
        return capture_invalidate(*stream->capture, "cudaStreamSynchronize", "the stream is capturing",
                                  cudaErrorStreamCaptureUnsupported);
    return wait_for(stream);
}

cudaError_t cudaDeviceSynchronize(void)
{
    TSM_SIM_API;
    if (capture_forbids("cudaDeviceSynchronize")) return refuse(cudaErrorStreamCaptureUnsupported);
    counters.synchronisations++;
    run_everything();
    return take_deferred();
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned flags)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream("cudaStreamWaitEvent", handle);

    if (!stream || !check_event("cudaStreamWaitEvent", event)) return refuse(cudaErrorInvalidResourceHandle);
    return flags ? refuse(cudaErrorInvalidValue) : wait_event(stream, event);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    TSM_SIM_API;
    *event = nullptr;
    if (flags & ~(unsigned)(cudaEventDisableTiming | cudaEventBlockingSync)) return refuse(cudaErrorInvalidValue);
    *event = new CUevent_st();
    (*event)->timed = !(flags & cudaEventDisableTiming);
    events.insert(*event);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    TSM_SIM_API;
    if (!check_event("cudaEventDestroy", event)) return refuse(cudaErrorInvalidResourceHandle);
    events.erase(event);
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream("cudaEventRecord", handle);

    if (!stream || !check_event("cudaEventRecord", event)) return refuse(cudaErrorInvalidResourceHandle);
    return record(event, stream);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    TSM_SIM_API;
    if (!check_event("cudaEventSynchronize", event)) return refuse(cudaErrorInvalidResourceHandle);
    if (event->capture && event->capture->graph)
        return capture_invalidate(*event->capture, "cudaEventSynchronize", "the event is part of a capture",
                                  cudaErrorCapturedEvent);
    counters.synchronisations++;
    if (!event->record) return cudaSuccess;
    run_until(event->record);
    clock_join(host_clock, event->record->clock);
    return take_deferred();
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end)
{
    TSM_SIM_API;
    if (!check_event("cudaEventElapsedTime", begin) || !check_event("cudaEventElapsedTime", end))
        return refuse(cudaErrorInvalidResourceHandle);
    if (!begin->timed || !end->timed || !begin->record || !end->record) {
        misuse("cudaEventElapsedTime", "an event that keeps no time, or that was not recorded");
        return refuse(cudaErrorInvalidResourceHandle);
    }
    if (!begin->record->done || !end->record->done) return refuse(cudaErrorNotReady);
    *milliseconds = (float)(end->record->ended - begin->record->ended);
    return cudaSuccess;
}
