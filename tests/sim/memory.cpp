/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.cpp - device memory: one range of addresses, in which an allocation is a few pages between pages without
 * access.
 *
 * Addresses are not reused while anything is allocated, so a stale pointer stays stale for long. Beside each byte of
 * the range stand its state and the history of the race check, in memory that the system provides when it is first
 * touched.
 */
#include "internal.h"

#include <algorithm>
#include <mutex>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#if TSM_SIM_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)   ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

namespace sim
{

static constexpr size_t kArenaBytes = (size_t)8 << 30, kPage = 4096, kAlignment = 256, kReuseAfter = 8 << 20;
static constexpr int kPoison = 0xff; /* NaN in every floating type */

struct Allocation {
    size_t start, bytes; /* what the caller has */
    size_t first, pages; /* what it takes, in bytes, red zones included */
    bool live, shared;
};

static char *reserve(size_t bytes, int protection)
{
    void *memory = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        perror("simulated device: address space");
        exit(1);
    }
    return static_cast<char *>(memory);
}

static Arena arena_create()
{
    Arena made = { reserve(kArenaBytes, PROT_NONE), nullptr, nullptr, kArenaBytes };

    made.state = reinterpret_cast<uint8_t *>(reserve(kArenaBytes, PROT_READ | PROT_WRITE));
    made.history = reinterpret_cast<History *>(reserve(kArenaBytes * sizeof(History), PROT_READ | PROT_WRITE));
    return made;
}

Arena arena = arena_create();

static std::mutex lock;
static std::map<size_t, Allocation> allocations; /* by start; freed ones stay, to be named in failures */
static size_t cursor = kSharedBytes, shared_cursor = kPage, live_count;

static void *take(size_t bytes, bool shared)
{
    size_t size = (bytes + 2 * kAlignment + kPage - 1) / kPage * kPage;
    size_t &at = shared ? shared_cursor : cursor, end = shared ? kSharedBytes : kArenaBytes;

    if (bytes > kArenaBytes || at + size + kPage > end) return nullptr;
    Allocation made = { at + kAlignment, bytes, at, size, true, shared };
    char *first = arena.base + at;
    if (mprotect(first, size, PROT_READ | PROT_WRITE)) return nullptr;
    at += size + kPage;
    allocations[made.start] = made;
    memset(first, kPoison, size);
    memset(arena.state + made.first, RED_ZONE, size);
    memset(arena.state + made.start, UNWRITTEN, bytes);
    ASAN_POISON_MEMORY_REGION(first, kAlignment);
    ASAN_POISON_MEMORY_REGION(arena.base + made.start + bytes, size - kAlignment - bytes);
    return arena.base + made.start;
}

/* The allocation that begins at or before an address; NULL where none does. */
static Allocation *find_below(const void *address)
{
    size_t at = (size_t)(static_cast<const char *>(address) - arena.base);

    if (at >= arena.bytes || allocations.empty()) return nullptr;
    auto next = allocations.upper_bound(at);
    return next == allocations.begin() ? nullptr : &std::prev(next)->second;
}

void *device_allocate(size_t bytes)
{
    std::lock_guard<std::mutex> guard(lock);
    void *memory = take(bytes, false);

    if (memory) live_count++;
    return memory;
}

/* Gives the pages back, and leaves the addresses without access. */
static void drop(Allocation &gone)
{
    char *first = arena.base + gone.first;

    gone.live = false;
    ASAN_UNPOISON_MEMORY_REGION(first, gone.pages);
    mmap(first, gone.pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    memset(arena.state + gone.first, FREED, gone.pages);
}

/* Begins again with the addresses once a good many are used and nothing is allocated, so that memory that the system
 * has given is used again. What the history still holds there is of launches that are over. */
static void reuse_addresses()
{
    constexpr size_t kept = kSharedBytes + kReuseAfter;

    if (live_count > 0 || cursor < kept) return;
    madvise(arena.history + kept, (cursor - kept) * sizeof(History), MADV_DONTNEED);
    allocations.erase(allocations.lower_bound(kSharedBytes), allocations.end());
    cursor = kSharedBytes;
}

bool device_free(void *memory)
{
    std::lock_guard<std::mutex> guard(lock);
    Allocation *found = find_below(memory);

    if (!found || !found->live || found->shared || arena.base + found->start != memory) return false;
    drop(*found);
    live_count--;
    reuse_addresses();
    return true;
}

bool device_owns(const void *address, size_t bytes)
{
    std::lock_guard<std::mutex> guard(lock);
    const Allocation *found = find_below(address);

    if (!found || !found->live || found->shared) return false;
    size_t into = (size_t)(static_cast<const char *>(address) - arena.base) - found->start;
    return into <= found->bytes && bytes <= found->bytes - into;
}

const char *device_describe(const void *address)
{
    static char text[200];
    std::lock_guard<std::mutex> guard(lock);
    const Allocation *found = find_below(address);

    if (!found) {
        snprintf(text, sizeof text, "outside of device memory");
        return text;
    }
    size_t into = (size_t)(static_cast<const char *>(address) - arena.base) - found->start;
    uint8_t state = arena.state[found->start + into];
    if (found->shared)
        snprintf(text, sizeof text, "%s shared memory", state == RED_ZONE ? "outside of the arrays in" : "in");
    else if (into >= found->bytes)
        snprintf(text, sizeof text, "%zu bytes past the end of %s of %zu bytes", into - found->bytes,
                 found->live ? "an allocation" : "a freed allocation", found->bytes);
    else
        snprintf(text, sizeof text, "%zu bytes into %s of %zu bytes", into,
                 found->live ? "an allocation" : "a freed allocation", found->bytes);
    return text;
}

void device_mark(const void *address, size_t bytes, State state)
{
    memset(arena.state + (static_cast<const char *>(address) - arena.base), state, bytes);
}

size_t device_first_unwritten(const void *address, size_t bytes)
{
    const uint8_t *state = arena.state + (static_cast<const char *>(address) - arena.base);

    return (size_t)(std::find_if(state, state + bytes, [](uint8_t s) { return s != WRITTEN; }) - state);
}

/* ---- Shared memory: an arena a resident block, laid out in the order in which its threads come to the arrays ---- */

char *shared_create()
{
    std::lock_guard<std::mutex> guard(lock);
    void *memory = take(kSharedArena, true);

    if (!memory) {
        fprintf(stderr, "simulated device: more than %zu blocks at once\n", kSharedBytes / kSharedArena);
        exit(1);
    }
    device_mark(memory, kSharedArena, RED_ZONE); /* until arrays are placed in it */
    return static_cast<char *>(memory);
}

static char *shared_place(Block &block, size_t bytes, size_t alignment)
{
    const uintptr_t free = reinterpret_cast<uintptr_t>(block.shared) + block.shared_used + kSharedZone;
    size_t at = block.shared_used + kSharedZone + (alignment - free % alignment) % alignment;
    char *memory = block.shared + at;

    if (block.shared_total + bytes > launch.shared_limit || at + bytes + kSharedZone > kSharedArena)
        fail("takes %zu bytes of shared memory, of %zu", block.shared_total + bytes, launch.shared_limit);
    block.shared_used = at + bytes;
    block.shared_total += bytes;
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
    memset(memory, kPoison, bytes);
    device_mark(memory, bytes, UNWRITTEN);
    memset(arena.history + (memory - arena.base), 0, bytes * sizeof(History));
    return memory;
}

void shared_reset(Block &block)
{
    block.shared_sites.clear();
    device_mark(block.shared, block.shared_used, RED_ZONE);
    block.shared_used = block.shared_total = 0;
    ASAN_POISON_MEMORY_REGION(block.shared, kSharedArena);
    block.dynamic = launch.shared_bytes ? shared_place(block, launch.shared_bytes, 1024) : nullptr;
}

} // namespace sim

using namespace sim;

void *tsm_sim_shared(const void *site, size_t bytes, size_t alignment)
{
    Block &block = *current->block;
    auto found = block.shared_sites.find(site);

    if (found != block.shared_sites.end()) return block.shared + found->second;
    char *memory = shared_place(block, bytes, std::max(alignment, (size_t)16));
    block.shared_sites[site] = (size_t)(memory - block.shared);
    return memory;
}

size_t tsm_sim_live_allocations(void)
{
    return live_count;
}
