/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libs.h - the simulated runtime and libraries among themselves: work on streams, the order between pieces of work,
 * and the checks of whatever a call is given.
 *
 * Work on a stream is queued as closures, and done when something waits for it, streams in an order drawn from the
 * seed: an event that is missing shows. Each piece of work has a clock that says which others come before it; two
 * that touch a byte, one of them writing, must be ordered so. One lock guards everything here.
 */
#ifndef TSM_SIM_LIBS_H
#define TSM_SIM_LIBS_H

#include "internal.h"

#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "sim_libs.h"

namespace sim
{

/* Holds the lock during a call; the first call sees to the verdict at the end of the process. */
struct ApiGuard {
    ApiGuard();
    ~ApiGuard();
};
#define TSM_SIM_API sim::ApiGuard api_guard

extern tsm_sim_counters counters;

/* ---- failures.cpp ---- */

/* "cudaFree: memory: no live allocation begins here, 16 bytes into an allocation of 64 bytes (0x7f...)" */
void misuse(const char *call, const char *argument, const char *what, const void *address);
/* Where there is no address to describe. */
void misuse(const char *call, const char *what);
/* Keeps the code for cudaGetLastError. */
cudaError_t refuse(cudaError_t error);

/* ---- device_calls.cpp ---- */

/* The GPU that is current on the calling thread. */
int current_device();

/* ---- order.cpp ---- */

using Clock = std::vector<uint32_t>; /* by stream: how many of its pieces of work come before */

void clock_join(Clock &clock, const Clock &other);
/* Numbers a piece of work for the history of each byte; 0 is nobody. */
uint32_t order_register(unsigned stream, uint32_t number, const char *what);
/* Who touches memory from now on; NULL: nobody that needs an order. */
void order_begin(uint32_t id, const Clock *clock);

/* ---- streams.cpp ---- */

using Work = std::function<cudaError_t()>;

struct Operation {
    const char *what;
    Work work;
    int device;
    uint32_t id;
    Clock clock;
    std::vector<std::shared_ptr<Operation>> before; /* on other streams */
    bool done;
    double ended; /* in simulated milliseconds */
};
using OperationRef = std::shared_ptr<Operation>;

struct Capture {
    CUgraph_st *graph;
    CUstream_st *origin;
    cudaStreamCaptureMode mode;
    std::thread::id thread;
    bool invalid;
};

} // namespace sim

struct CUstream_st {
    unsigned index;
    int device;
    bool blocking; /* takes turns with the legacy stream */
    bool live;
    bool taken;       /* its handle is another stream's by now */
    uint32_t count;   /* pieces of work so far */
    sim::Clock clock; /* what comes before the next one */
    std::deque<sim::OperationRef> queue;
    sim::OperationRef last;
    std::shared_ptr<sim::Capture> capture;
    std::vector<size_t> tail; /* nodes that come before the next one, in a capture */
};

struct CUevent_st {
    bool timed;
    sim::OperationRef record; /* NULL: not recorded */
    std::shared_ptr<sim::Capture> capture;
    std::vector<size_t> nodes;
};

namespace sim
{

/* submit (internal.h) puts work on a stream, or into the graph that the stream captures. The legacy stream's is done
 * at once, and what it returns is returned. */

/* The stream of a handle; NULL after a misuse. */
CUstream_st *find_stream(const char *call, cudaStream_t stream);
/* The GPU that the work in progress is on. */
int working_device();
/* Does queued work until this piece is done. */
void run_until(const OperationRef &operation);
/* Does all of it; the host comes after. */
void run_everything();
/* The host waits for a stream. Returns what went wrong since the last wait. */
cudaError_t wait_for(CUstream_st *stream);

extern std::vector<std::unique_ptr<CUstream_st>> streams; /* 0 is the legacy one; they are kept when destroyed */
extern Clock host_clock;                                  /* what the host has waited for */
extern std::set<cudaEvent_t> events;
size_t live_streams();

/* ---- capture.cpp ---- */

/* True where the calling thread captures in a mode that forbids this call: a failure, and the end of the capture. */
bool capture_forbids(const char *call);
/* A capture that has met a call that it forbids. */
cudaError_t capture_invalidate(Capture &capture, const char *call, const char *what, cudaError_t error);
void capture_add(CUstream_st *stream, const char *what, Work work);
size_t live_graphs();

/* ---- checks.cpp: arguments, when a call is made (bounds) and when its work is done (contents and order) ---- */

enum Use { READS, WRITES };

struct Place {
    const char *call, *argument;
};

/* Rows of `bytes`, `pitch` bytes apart. */
struct Rows {
    const void *address;
    size_t count, bytes, pitch;
};

bool check_device(Place place, const Rows &rows, size_t alignment = 1);
bool check_host(Place place, const void *address, size_t bytes);
/* As the work is done; records what is written. */
bool touch(Place place, const Rows &rows, Use use);
inline Rows one_row(const void *address, size_t bytes)
{
    return { address, 1, bytes, bytes };
}

/* The GPU whose memory it is; only of device memory. */
int device_of(const void *address);
bool is_pinned(const void *address, size_t bytes);
size_t live_pinned();

/* Handles of any library: what is alive, what is used after it was destroyed or never was. */
void handle_add(const void *handle, const char *kind);
bool handle_check(const char *call, const void *handle, const char *kind);
bool handle_remove(const char *call, const void *handle, const char *kind);
size_t live_handles();

} // namespace sim
#endif
