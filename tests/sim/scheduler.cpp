/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler.cpp - runs the threads of a launch as fibers, in an order drawn from a seed.
 *
 * Blocks are admitted in random order, a few at a time (all at once for a cooperative launch). A fiber takes a thread
 * that has not begun, runs it until it waits at a barrier or returns, and in the latter case takes the next: a kernel
 * without barriers needs one stack, whatever its grid.
 */
#include "internal.h"

#include <algorithm>
#include <mutex>
#include <stdarg.h>
#include <stdio.h>
#include <string>

namespace sim
{

__thread Thread *current;
Launch launch;

static std::recursive_mutex device_lock;
static uint64_t seed_given = 1, random_state = 1, launches;
static unsigned last_id; /* of launches, and of their parts between barriers of the grid */
static std::string first_failure;
static bool given_up;

static Fiber host; /* the scheduler, on the host thread's stack */
static std::vector<std::unique_ptr<Fiber>> all_fibers;
static std::vector<Fiber *> idle; /* waiting in worker() for a thread to run */
static std::vector<std::unique_ptr<Block>> block_pool;
static std::vector<Block *> free_blocks;
static std::vector<unsigned> blocks_to_come; /* shuffled, taken from the back */
static std::vector<Thread *> unstarted, ready;
static Thread *assigned; /* what the next idle fiber is to run */
static Fiber *running;

uint64_t random_bits()
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u; /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static Thread *draw(std::vector<Thread *> &from)
{
    size_t at = random_bits() % from.size();
    Thread *thread = from[at];

    from[at] = from.back();
    from.pop_back();
    return thread;
}

/* ---- Failures ---- */

void note_failure(const char *text)
{
    if (!first_failure.empty()) return;
    first_failure = text;
    fprintf(stderr, "simulated device: %s\n", text);
}

static void note_failure_of(const Thread *thread, const char *what)
{
    char text[1000];
    const uint3 &b = thread->block->index, &t = thread->index;

    snprintf(text, sizeof text, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): %s (seed %llu)", launch.name, b.x,
             b.y, b.z, t.x, t.y, t.z, what, (unsigned long long)seed_given);
    note_failure(text);
}

void fail(const char *format, ...)
{
    char what[700];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    note_failure_of(current, what);
    given_up = true;
    current = nullptr;
    fiber_switch(*running, host);
    __builtin_unreachable(); /* a launch that is given up never resumes its fibers */
}

/* ---- Threads ---- */

static void release_block(Block *block)
{
    free_blocks.push_back(block);
}

static void run_thread(Thread *thread)
{
    thread->fiber = running;
    current = thread;
    launch.invoke(launch.parameters);
    if (!thread->copies.empty())
        fail("returns while %zu asynchronous copies are on their way", thread->copies.size());
    if (!thread->group_products.empty())
        fail("returns while %zu products of its warpgroup are on their way", thread->group_products.size());
    if (thread->block->live == 1 && !thread->block->bulk_copies.empty())
        fail("ends its block while %zu boxes are on their way", thread->block->bulk_copies.size());
    current = nullptr;
    thread->done = true;
    if (--thread->block->live == 0) release_block(thread->block);
}

/* Whether the next step begins a thread rather than resumes one. */
static bool draw_start()
{
    return !unstarted.empty() && (ready.empty() || (random_bits() & 1));
}

static void worker()
{
    fiber_entered(host);
    for (;;) {
        run_thread(assigned);
        if (draw_start()) {
            assigned = draw(unstarted);
            continue;
        }
        idle.push_back(running);
        fiber_switch(*running, host);
    }
}

static Fiber *idle_fiber()
{
    if (idle.empty()) {
        all_fibers.push_back(std::make_unique<Fiber>());
        fiber_prepare(*all_fibers.back(), worker);
        return all_fibers.back().get();
    }
    Fiber *fiber = idle.back();
    idle.pop_back();
    return fiber;
}

static void resume(Fiber *fiber, Thread *thread)
{
    running = fiber;
    current = thread;
    fiber_switch(host, *fiber);
    current = nullptr;
}

void wait_at(Barrier &barrier, Site site, unsigned *epoch)
{
    Thread *self = current;

    if (barrier.waiting.empty()) barrier.site = site;
    if (!(barrier.site == site))
        fail("divergent barrier: is at %s (%s:%d), while %zu thread(s) wait at %s:%d", barrier.what, site.file,
             site.line, barrier.waiting.size(), barrier.site.file, barrier.site.line);
    barrier.waiting.push_back(self);
    self->waits = &barrier;
    self->site = site;
    if (barrier.waiting.size() == barrier.expected) {
        barrier.generation++;
        if (epoch) ++*epoch;
        wake(barrier);
    }
    current = nullptr;
    fiber_switch(*self->fiber, host);
}

void park_at(Barrier &barrier, Site site)
{
    Thread *self = current;

    barrier.waiting.push_back(self);
    self->waits = &barrier;
    self->site = site;
    current = nullptr;
    fiber_switch(*self->fiber, host);
}

void step_aside()
{
    Thread *self = current;

    ready.push_back(self);
    current = nullptr;
    fiber_switch(*self->fiber, host);
}

void wake(Barrier &barrier)
{
    for (Thread *thread : barrier.waiting) {
        thread->waits = nullptr;
        ready.push_back(thread);
    }
    barrier.waiting.clear();
}

/* ---- Blocks ---- */

static uint3 unflatten(unsigned linear, const uint3 &size)
{
    return { linear % size.x, linear / size.x % size.y, linear / size.x / size.y };
}

static Block *take_block()
{
    if (free_blocks.empty()) {
        block_pool.push_back(std::make_unique<Block>());
        block_pool.back()->shared = shared_create();
        return block_pool.back().get();
    }
    Block *block = free_blocks.back();
    free_blocks.pop_back();
    return block;
}

static void admit_block()
{
    Block *block = take_block();

    block->linear = blocks_to_come.back();
    blocks_to_come.pop_back();
    block->index = unflatten(block->linear, launch.grid);
    block->threads.assign(launch.block_threads, Thread());
    block->warps.assign((launch.block_threads + kWarp - 1) / kWarp, Warp());
    block->barrier = Barrier();
    block->barrier.what = "__syncthreads";
    block->barrier.expected = launch.block_threads;
    block->votes[0] = block->votes[1] = 0;
    block->live = launch.block_threads;
    block->after.clear();
    block->phases.clear();
    block->bulk_copies.clear();
    shared_reset(*block);
    for (unsigned i = 0; i < launch.block_threads; i++) {
        Thread &thread = block->threads[i];
        thread.block = block;
        thread.linear = i;
        thread.index = unflatten(i, launch.block);
        unstarted.push_back(&thread);
    }
}

/* Nothing can go on: some barrier waits for a thread that has returned, or waits elsewhere. */
static void note_deadlock()
{
    for (const auto &block : block_pool) {
        const Thread *waits = nullptr, *missing = nullptr;
        char what[500];

        for (const Thread &thread : block->threads)
            if (thread.waits && !thread.done) waits = &thread;
        if (!waits) continue;
        for (const Thread &thread : block->threads)
            if (thread.waits != waits->waits && (!missing || thread.done)) missing = &thread;
        const Barrier &barrier = *waits->waits;
        const char *where = !missing        ? "other blocks have not come"
                            : missing->done ? "has returned"
                                            : "waits elsewhere";
        const uint3 m = missing ? missing->index : uint3{ 0, 0, 0 };
        snprintf(what, sizeof what,
                 "divergent barrier: waits at %s (%s:%d) with %zu of %u threads; thread (%u,%u,%u) %s", barrier.what,
                 waits->site.file, waits->site.line, barrier.waiting.size(), barrier.expected, m.x, m.y, m.z, where);
        note_failure_of(waits, what);
        return;
    }
}

/* ---- Launches ---- */

static void order_blocks()
{
    unsigned count = launch.grid.x * launch.grid.y * launch.grid.z;

    blocks_to_come.resize(count);
    for (unsigned i = 0; i < count; i++) blocks_to_come[i] = i;
    for (unsigned i = count; i > 1; i--) std::swap(blocks_to_come[i - 1], blocks_to_come[random_bits() % i]);
}

static void schedule()
{
    size_t residents = launch.cooperative ? blocks_to_come.size() : 1 + random_bits() % 3;

    while (!given_up) {
        while (!blocks_to_come.empty() && block_pool.size() - free_blocks.size() < residents) admit_block();
        if (draw_start()) {
            assigned = draw(unstarted);
            resume(idle_fiber(), nullptr);
        } else if (!ready.empty()) {
            Thread *thread = draw(ready);
            resume(thread->fiber, thread);
        } else if (block_pool.size() != free_blocks.size()) {
            note_deadlock();
            given_up = true;
        } else if (blocks_to_come.empty()) {
            return;
        }
    }
}

/* After a launch that was given up: its fibers are somewhere inside a kernel and are made anew. */
static void clean_up()
{
    unstarted.clear();
    ready.clear();
    blocks_to_come.clear();
    idle.clear();
    for (auto &fiber : all_fibers) {
        fiber_prepare(*fiber, worker);
        idle.push_back(fiber.get());
    }
    free_blocks.clear();
    for (auto &block : block_pool) {
        block->threads.clear();
        free_blocks.push_back(block.get());
    }
    given_up = false;
}

static std::map<const void *, size_t> shared_limits; /* by kernel, where it is not kSharedLimit */

static size_t shared_limit_of(const void *kernel)
{
    std::lock_guard<std::recursive_mutex> guard(device_lock);
    auto found = shared_limits.find(kernel);

    return found == shared_limits.end() ? kSharedLimit : found->second;
}

static bool launch_is_possible(const dim3 &grid, const dim3 &block, size_t shared_bytes, size_t shared_limit)
{
    uint64_t threads = (uint64_t)block.x * block.y * block.z;

    return threads >= 1 && threads <= 1024 && block.z <= 64 && grid.x >= 1 && grid.y >= 1 && grid.z >= 1 &&
           grid.x <= 0x7fffffffu && grid.y <= 65535 && grid.z <= 65535 && shared_bytes <= shared_limit &&
           (uint64_t)grid.x * grid.y * grid.z <= 1u << 24; /* more is a mistake of the test */
}

static cudaError_t run(const Launch &what)
{
    std::lock_guard<std::recursive_mutex> guard(device_lock);

    launch = what;
    launches++;
    launch.id = last_id + 1;
    launch.grid_barrier.what = "the barrier of the grid";
    launch.grid_barrier.expected = launch.block_threads * launch.grid.x * launch.grid.y * launch.grid.z;
    order_blocks();
    schedule();
    last_id = launch.id;
    launch.invoke = nullptr;
    if (!given_up) return cudaSuccess;
    clean_up();
    return cudaErrorLaunchFailure;
}

} // namespace sim

cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value)
{
    std::lock_guard<std::recursive_mutex> guard(sim::device_lock);

    if (!kernel || attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        (size_t)value > sim::kSharedMost)
        return cudaErrorInvalidValue;
    sim::shared_limits[kernel] = std::max(sim::kSharedLimit, (size_t)value);
    return cudaSuccess;
}

cudaError_t tsm_sim_launch(const char *name, const void *kernel, bool cooperative, dim3 grid, dim3 block,
                           size_t shared_bytes, cudaStream_t stream, void (*invoke)(void *), void *parameters,
                           size_t parameter_bytes)
{
    sim::Launch what;

    what.shared_limit = sim::shared_limit_of(kernel);
    if (!sim::launch_is_possible(grid, block, shared_bytes, what.shared_limit)) return cudaErrorInvalidConfiguration;
    what.name = name;
    what.grid = { grid.x, grid.y, grid.z };
    what.block = { block.x, block.y, block.z };
    what.block_threads = block.x * block.y * block.z;
    what.shared_bytes = shared_bytes;
    what.cooperative = cooperative;
    what.invoke = invoke;
    what.parameter_bytes = parameter_bytes;
    /* The launcher's copy of the parameters is gone by the time a stream gets to the kernel. */
    auto copy = std::make_shared<std::vector<max_align_t>>(parameter_bytes / sizeof(max_align_t) + 1);
    memcpy(copy->data(), parameters, parameter_bytes);
    return sim::submit(stream, name, [what, copy]() mutable {
        what.parameters = reinterpret_cast<char *>(copy->data());
        return sim::run(what);
    });
}

void tsm_sim_seed(uint64_t seed)
{
    sim::seed_given = sim::random_state = seed;
}

const char *tsm_sim_failure(void)
{
    return sim::first_failure.empty() ? nullptr : sim::first_failure.c_str();
}

void tsm_sim_clear(void)
{
    sim::first_failure.clear();
}

uint64_t tsm_sim_launches(void)
{
    return sim::launches;
}

uint3 tsm_sim_thread_index()
{
    return sim::current->index;
}
uint3 tsm_sim_block_index()
{
    return sim::current->block->index;
}
uint3 tsm_sim_block_size()
{
    return sim::launch.block;
}
uint3 tsm_sim_grid_size()
{
    return sim::launch.grid;
}
