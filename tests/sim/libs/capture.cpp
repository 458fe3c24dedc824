/* SPDX-License-Identifier: Apache-2.0 */
/* capture.cpp - streams that record their work into a graph instead, and graphs that are replayed. */
#include "libs.h"

namespace sim
{

struct Node {
    const char *what;
    Work work;
    std::vector<size_t> before;
};

} // namespace sim

struct CUgraph_st {
    std::vector<sim::Node> nodes;
};

struct CUgraphExec_st {
    std::shared_ptr<const std::vector<sim::Node>> nodes;
    sim::OperationRef last; /* launches of one take turns */
    sim::Clock clock;
};

namespace sim
{

static std::set<cudaGraph_t> graphs;
static std::set<cudaGraphExec_t> execs;
static std::vector<std::shared_ptr<Capture>> captures; /* in progress */

size_t live_graphs()
{
    return graphs.size() + execs.size();
}

cudaError_t capture_invalidate(Capture &capture, const char *call, const char *what, cudaError_t error)
{
    capture.invalid = true;
    misuse(call, (std::string("forbidden by a capture: ") + what).c_str());
    return refuse(error);
}

bool capture_forbids(const char *call)
{
    bool forbidden = false;

    for (const auto &capture : captures) {
        bool mine = capture->thread == std::this_thread::get_id();

        if (capture->mode == cudaStreamCaptureModeRelaxed) continue;
        if (capture->mode == cudaStreamCaptureModeThreadLocal && !mine) continue;
        capture_invalidate(*capture, call, "may not be called meanwhile", cudaErrorStreamCaptureUnsupported);
        forbidden = true;
    }
    return forbidden;
}

void capture_add(CUstream_st *stream, const char *what, Work work)
{
    auto &nodes = stream->capture->graph->nodes;

    nodes.push_back({ what, std::move(work), stream->tail });
    stream->tail = { nodes.size() - 1 };
}

/* Every node once, each after those it names, otherwise in an order drawn from the seed. */
static cudaError_t run_nodes(const std::vector<Node> &nodes)
{
    std::vector<bool> done(nodes.size());
    cudaError_t error = cudaSuccess;

    for (size_t left = nodes.size(); left > 0; left--) {
        std::vector<size_t> able;

        for (size_t i = 0; i < nodes.size() && able.size() < 8; i++) {
            bool ready = !done[i];
            for (size_t other : nodes[i].before) ready = ready && done[other];
            if (ready) able.push_back(i);
        }
        size_t next = able[random_bits() % able.size()];
        cudaError_t code = nodes[next].work();
        if (code && !error) error = code;
        done[next] = true;
    }
    return error;
}

/* Whether all that the joined streams did comes before the end of the origin. */
static bool all_joined(const Capture &capture)
{
    std::vector<bool> reached(capture.graph->nodes.size());
    std::vector<size_t> open = capture.origin->tail;

    while (!open.empty()) {
        size_t node = open.back();
        open.pop_back();
        if (reached[node]) continue;
        reached[node] = true;
        open.insert(open.end(), capture.graph->nodes[node].before.begin(), capture.graph->nodes[node].before.end());
    }
    for (const auto &stream : streams)
        if (stream->capture.get() == &capture)
            for (size_t node : stream->tail)
                if (!reached[node]) return false;
    return true;
}

static void leave_capture(std::shared_ptr<Capture> capture)
{
    for (const auto &stream : streams)
        if (stream->capture == capture) {
            stream->capture = nullptr;
            stream->tail.clear();
        }
    for (size_t i = 0; i < captures.size(); i++)
        if (captures[i] == capture) {
            captures.erase(captures.begin() + (ptrdiff_t)i);
            break;
        }
    capture->graph = nullptr;
}

static cudaError_t end_capture(std::shared_ptr<Capture> capture, cudaGraph_t *graph)
{
    const char *call = "cudaStreamEndCapture";
    bool wrong_thread =
        capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id();

    if (wrong_thread)
        return capture_invalidate(*capture, call, "began on another thread", cudaErrorStreamCaptureWrongThread);
    cudaGraph_t made = capture->graph;
    cudaError_t error = cudaSuccess;
    if (capture->invalid) {
        error = refuse(cudaErrorStreamCaptureInvalidated);
    } else if (!all_joined(*capture)) {
        error = capture_invalidate(*capture, call, "a stream that joined has not come back",
                                   cudaErrorStreamCaptureUnjoined);
    }
    leave_capture(capture);
    if (error) {
        delete made;
        return error;
    }
    graphs.insert(made);
    *graph = made;
    return cudaSuccess;
}

static bool check_exec(const char *call, cudaGraphExec_t exec)
{
    if (execs.count(exec)) return true;
    misuse(call, "no such graph, or one that was destroyed");
    return false;
}

static cudaError_t launch_graph(cudaGraphExec_t exec, CUstream_st *stream)
{
    auto nodes = exec->nodes;
    Work work = [nodes] {
        counters.graph_launches++;
        return run_nodes(*nodes);
    };

    if (stream->capture || stream == streams[0].get()) return submit(stream, "cudaGraphLaunch", work);
    /* An executable graph does not run beside itself. */
    clock_join(stream->clock, exec->clock);
    cudaError_t error = submit(stream, "cudaGraphLaunch", work);
    if (exec->last && !exec->last->done) stream->last->before.push_back(exec->last);
    exec->last = stream->last;
    exec->clock = stream->clock;
    return error;
}

} // namespace sim

using namespace sim;

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus *status)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream("cudaStreamIsCapturing", handle);

    if (!stream) return refuse(cudaErrorInvalidResourceHandle);
    *status = !stream->capture           ? cudaStreamCaptureStatusNone
              : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                         : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream("cudaStreamBeginCapture", handle);

    if (!stream) return refuse(cudaErrorInvalidResourceHandle);
    if (!handle || stream->capture) {
        misuse("cudaStreamBeginCapture",
               handle ? "the stream is capturing already" : "the legacy stream cannot capture");
        return refuse(handle ? cudaErrorIllegalState : cudaErrorStreamCaptureUnsupported);
    }
    auto capture = std::make_shared<Capture>();
    *capture = { new CUgraph_st(), stream, mode, std::this_thread::get_id(), false };
    captures.push_back(capture);
    stream->capture = capture;
    stream->tail.clear();
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *graph)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream("cudaStreamEndCapture", handle);

    *graph = nullptr;
    if (!stream) return refuse(cudaErrorInvalidResourceHandle);
    if (!stream->capture) {
        misuse("cudaStreamEndCapture", "the stream is not capturing");
        return refuse(cudaErrorIllegalState);
    }
    if (stream->capture->origin != stream)
        return capture_invalidate(*stream->capture, "cudaStreamEndCapture", "began on another stream",
                                  cudaErrorStreamCaptureUnmatched);
    return end_capture(stream->capture, graph);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    TSM_SIM_API;
    if (graphs.erase(graph) == 0) {
        misuse("cudaGraphDestroy", "no such graph, or one that was destroyed");
        return refuse(cudaErrorInvalidValue);
    }
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    TSM_SIM_API;
    *exec = nullptr;
    if (!graphs.count(graph)) {
        misuse("cudaGraphInstantiate", "no such graph, or one that was destroyed");
        return refuse(cudaErrorInvalidValue);
    }
    if (flags) return refuse(cudaErrorInvalidValue);
    *exec = new CUgraphExec_st();
    (*exec)->nodes = std::make_shared<const std::vector<Node>>(graph->nodes);
    execs.insert(*exec);
    return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream)
{
    TSM_SIM_API;
    if (!check_exec("cudaGraphUpload", exec)) return refuse(cudaErrorInvalidValue);
    return submit(stream, "cudaGraphUpload", [] { return cudaSuccess; });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle)
{
    TSM_SIM_API;
    CUstream_st *stream = find_stream("cudaGraphLaunch", handle);

    if (!stream || !check_exec("cudaGraphLaunch", exec)) return refuse(cudaErrorInvalidValue);
    return launch_graph(exec, stream);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    TSM_SIM_API;
    if (!check_exec("cudaGraphExecDestroy", exec)) return refuse(cudaErrorInvalidValue);
    execs.erase(exec);
    delete exec; /* launches that are still queued keep its nodes */
    return cudaSuccess;
}
