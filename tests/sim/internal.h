/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - the parts of the simulated device among themselves: fibers, scheduler, barriers, memory, access
 * checks.
 *
 * One launch runs at a time, on the host thread that made it, under one lock; everything here belongs to that thread.
 */
#ifndef TSM_SIM_INTERNAL_H
#define TSM_SIM_INTERNAL_H

#include "include/cuda_runtime.h"
#undef threadIdx
#undef blockIdx
#undef blockDim
#undef gridDim
#include "sim.h"

#include <functional>
#include <map>
#include <memory>
#include <setjmp.h>
#include <ucontext.h>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define TSM_SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TSM_SIM_ASAN 1
#endif
#endif
#ifndef TSM_SIM_ASAN
#define TSM_SIM_ASAN 0
#endif

namespace sim
{

/* ---- fiber.cpp: a stack with its place of execution ---- */

struct Fiber {
    ucontext_t context; /* where it is entered; under ASan, where it goes on */
    jmp_buf place;      /* where it goes on */
    bool entered = false;
    char *stack = nullptr;        /* NULL: the host thread's own */
    const void *bottom = nullptr; /* as ASan is told */
    size_t bytes = 0;
    void *fake_stack = nullptr;
};

/* Makes or remakes a fiber that will run entry(), which must never return, when it is first switched to. */
void fiber_prepare(Fiber &fiber, void (*entry)());
void fiber_switch(Fiber &from, Fiber &to);
/* First thing on a fresh fiber: tells ASan that the switch from `from` is over. */
void fiber_entered(Fiber &from);

/* ---- scheduler.cpp: threads, blocks, launches ---- */

constexpr unsigned kWarp = 32;

struct Site {
    const char *file;
    int line;
    bool operator==(const Site &o) const { return line == o.line && (file == o.file || !strcmp(file, o.file)); }
};

struct Block;
struct Barrier;

/* A copy to shared memory that a thread has started and not yet waited for. */
struct AsyncCopy {
    char *to;
    const char *from;
    size_t bytes, source_bytes;
    unsigned group;
};

/* A box on its way from the copy engine to shared memory; bulk.cpp. */
struct BulkCopy {
    uint32_t to, barrier;
    size_t bytes;
    std::function<void(char *)> read; /* makes its bytes, as they will lie */
};

/* A product of a warpgroup that has been started; groups.cpp. */
struct GroupProduct {
    bool bfloat, adds;
    int fragments;
    uint64_t a, b;
    unsigned group;
};

struct Thread {
    Block *block = nullptr;
    unsigned linear = 0; /* within the block */
    uint3 index = {};
    Fiber *fiber = nullptr;
    Barrier *waits = nullptr;
    Site site = {};
    bool done = false;
    std::vector<AsyncCopy> copies;
    unsigned copy_group = 0; /* that the next copy belongs to */
    unsigned products = 0;   /* begun so far */
    uint32_t factors[2][6];  /* of the newest two products: what the other lanes read */
    std::vector<GroupProduct> group_products;
    unsigned product_group = 0; /* that the next product belongs to */
    bool sums_settled = false;  /* group_begin since the sums were last there */
    float *sums = nullptr;      /* of the products on their way: poisoned, their values are kept here */
    std::vector<float> kept_sums;
};

/* All of `expected` threads must come, and come to the same place in the source. */
struct Barrier {
    const char *what = "";
    unsigned expected = 0;
    unsigned generation = 0; /* completed so far */
    Site site = {};
    std::vector<Thread *> waiting;
};

/* A barrier in shared memory, whose phases end when arrivals and bytes are there; bulk.cpp. */
struct PhaseBarrier {
    unsigned arrivals = 0, pending = 0; /* of a phase; still to come */
    int64_t bytes = 0;                  /* announced and not landed */
    unsigned ended = 0;                 /* phases so far */
    Barrier waiting;
};

/* Lanes that exchange values under one mask; two sets, as a lane may post its next value before others read the
 * last. */
struct Group {
    Barrier barrier;
    uint64_t values[2][kWarp];
};

struct Warp {
    std::map<unsigned, Group> groups; /* by mask */
    unsigned epoch = 0;               /* __syncwarp of the whole warp so far */
};

struct Block {
    unsigned linear = 0;
    uint3 index = {};
    std::vector<Thread> threads;
    std::vector<Warp> warps;
    Barrier barrier;
    int votes[2] = { 0, 0 };
    unsigned live = 0;
    char *shared = nullptr;                   /* arena of the block's shared memory */
    size_t shared_used = 0, shared_total = 0; /* with and without red zones */
    std::map<const void *, size_t> shared_sites;
    char *dynamic = nullptr;
    std::map<uint32_t, PhaseBarrier> phases; /* by shared address */
    std::vector<BulkCopy> bulk_copies;       /* on their way */
    std::vector<bool> after; /* by block: whether what it did is ordered before what this one does (arrive) */
};

struct Launch {
    const char *name = "";
    uint3 grid = {}, block = {};
    unsigned block_threads = 0, id = 0;
    size_t shared_bytes = 0;
    bool cooperative = false;
    void (*invoke)(void *) = nullptr;
    char *parameters = nullptr;
    size_t parameter_bytes = 0;
    size_t shared_limit = 0; /* of a block */
    Barrier grid_barrier;
    std::map<const void *, std::vector<bool>> arrivals; /* by counter: the blocks that have come */
};

extern __thread Thread *current; /* the simulated thread that runs; NULL outside kernels */
extern Launch launch;            /* the launch in progress */

uint64_t random_bits();
/* Blocks the current thread until the barrier completes. */
void wait_at(Barrier &barrier, Site site, unsigned *epoch = nullptr);
/* Waits until somebody calls wake; lets other threads go first; wakes all that wait. */
void park_at(Barrier &barrier, Site site);
void step_aside();
void wake(Barrier &barrier);
/* Posts a value to the lanes of `mask`, waits for theirs, and returns all 32. */
const uint64_t *exchange(unsigned mask, uint64_t value, const char *what, Site site);
/* The current kernel is wrong: records why and gives up its launch. Outside kernels use note_failure. */
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note_failure(const char *text);

/* ---- memory.cpp: device memory ---- */

/* State of a byte; only instrumented builds keep `written`. */
enum State : uint8_t { NEVER = 0, UNWRITTEN, WRITTEN, FREED, RED_ZONE, IN_FLIGHT /* a copy is on its way */ };

/* The newest accesses of a byte, for the race check; see access.cpp. */
struct History {
    uint64_t write, reads[2];
};

struct Arena {
    char *base;
    uint8_t *state;
    History *history;
    size_t bytes;
};
extern Arena arena;

/* A block's shared memory: without and with cudaFuncSetAttribute (sm_90's; kernels for all targets keep to 99 KiB by
 * themselves), and its arena. */
constexpr size_t kSharedLimit = 48 * 1024, kSharedMost = 227 * 1024, kSharedZone = 64, kSharedArena = 2 * kSharedMost;
constexpr size_t kSharedBytes = 256 << 20; /* the first of the range of device memory are for arenas */

char *shared_create();
void shared_reset(Block &block);
void *device_allocate(size_t bytes);
bool device_free(void *memory);
/* True when [address, address + bytes) lies in one live allocation. */
bool device_owns(const void *address, size_t bytes);
/* "12 bytes past the end of an allocation of 256 bytes" */
const char *device_describe(const void *address);
void device_mark(const void *address, size_t bytes, State state);
/* Offset of the first byte that nothing has written, or `bytes`. */
size_t device_first_unwritten(const void *address, size_t bytes);

/* ---- access.cpp: every load and store of an instrumented kernel ---- */

void atomic_access(const void *address, size_t bytes);
/* An access that the executor makes in a thread's name; alignment is the caller's. */
void read_access(const void *address, size_t bytes);
void write_access(const void *address, size_t bytes);

/* ---- libs/streams.cpp, libs/order.cpp: kernels are queued as all work on streams, and ordered by it ---- */

cudaError_t submit(cudaStream_t stream, const char *what, std::function<cudaError_t()> work);

/* False, and a failure, where an access of device memory has no order to one before it on another stream. */
bool order_access(size_t at, size_t bytes, bool writes);

} // namespace sim
#endif
