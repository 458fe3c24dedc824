/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.cpp - what happens at every load and store of a kernel in instrumented builds.
 *
 * The kernels are compiled with -fsanitize=thread, so the compiler calls __tsan_read4(address) and its like before
 * each access; this file, not the ThreadSanitizer runtime, answers. An access must lie in a live allocation or in the
 * block's shared arrays, be aligned, and not read what nobody wrote. Two accesses race when they touch a byte, one of
 * them writes, not both are atomic, and no barrier stands between them: threads of a block are ordered by
 * __syncthreads, lanes of a warp also by __syncwarp, blocks by nothing but the barrier of a cooperative grid.
 */
#include "internal.h"

#include <link.h>

namespace sim
{

enum Kind { READ, WRITE, ATOMIC };

/* An access as 64 bits: launch 20, block 16, thread 10, barrier 10, warp barrier 7, atomic 1. 0 is none. */
static uint64_t access_id(Kind kind)
{
    const Block &block = *current->block;
    uint64_t id = launch.id & 0xfffff;

    id = id << 16 | (block.linear & 0xffff);
    id = id << 10 | current->linear;
    id = id << 10 | (block.barrier.generation & 0x3ff);
    id = id << 7 | (block.warps[current->linear / kWarp].epoch & 0x7f);
    return id << 1 | (kind == ATOMIC);
}

static unsigned thread_of(uint64_t id)
{
    return id >> 18 & 0x3ff;
}
static unsigned block_of(uint64_t id)
{
    return id >> 28 & 0xffff;
}

/* Whether the current block has met, at a counter, a block that came there before it. */
static bool came_before(unsigned block)
{
    const std::vector<bool> &after = current->block->after;

    return block < after.size() && after[block];
}

static bool races(uint64_t old, uint64_t now)
{
    if (old == 0 || old >> 44 != now >> 44) return false; /* another launch */
    if (old >> 18 == now >> 18) return false;             /* the same thread */
    if (old & now & 1) return false;                      /* both atomic */
    if (block_of(old) != block_of(now)) return !came_before(block_of(old));
    if ((old >> 8 & 0x3ff) != (now >> 8 & 0x3ff)) return false; /* a barrier between */
    if (thread_of(old) / kWarp != thread_of(now) / kWarp) return true;
    return (old >> 1 & 0x7f) == (now >> 1 & 0x7f);
}

static const char *const kVerb[] = { "reads", "writes", "updates" };

[[noreturn]] static void fail_race(const void *address, Kind kind, uint64_t other, const char *did)
{
    fail("race: %s a byte %s that thread %u of block %u (both linear) %s with no barrier between", kVerb[kind],
         device_describe(address), thread_of(other), block_of(other), did);
}

static void check_history(History &history, const void *address, Kind kind, uint64_t id)
{
    if (races(history.write, id)) fail_race(address, kind, history.write, "has written");
    if (kind == READ) {
        if (history.reads[0] >> 18 != id >> 18) history.reads[1] = history.reads[0];
        history.reads[0] = id;
        return;
    }
    for (uint64_t read : history.reads)
        if (races(read, id)) fail_race(address, kind, read, "has read");
    history.write = id;
}

static void device_access(size_t at, size_t bytes, Kind kind)
{
    uint64_t id = access_id(kind);

    for (size_t i = at; i < at + bytes; i++) {
        const void *address = arena.base + i;
        uint8_t state = arena.state[i];

        if (state == IN_FLIGHT)
            fail("%s what an asynchronous copy is still writing, %s", kVerb[kind], device_describe(address));
        if (state != WRITTEN && state != UNWRITTEN)
            fail("%s %zu bytes, of which byte %zu is %s", kVerb[kind], bytes, i - at, device_describe(address));
        if (state == UNWRITTEN && kind != WRITE)
            fail("%s what nobody has written, %s", kVerb[kind], device_describe(address));
        arena.state[i] = kind == READ ? state : (uint8_t)WRITTEN;
        check_history(arena.history[i], address, kind, id);
    }
    /* Shared memory is a block's own: that another launch had the same arena before orders nothing. */
    if (at >= kSharedBytes && !order_access(at, bytes, kind != READ))
        fail("%s what another stream uses", kVerb[kind]);
}

/* ---- Host memory that a kernel may touch: its stack, its parameters, constants of the program ---- */

struct Range {
    uintptr_t begin, end;
};
static std::vector<Range> images;

static int add_image(struct dl_phdr_info *info, size_t, void *)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const auto &header = info->dlpi_phdr[i];
        if (header.p_type == PT_LOAD && !(header.p_flags & PF_W))
            images.push_back({ info->dlpi_addr + header.p_vaddr, info->dlpi_addr + header.p_vaddr + header.p_memsz });
    }
    return 0;
}

static bool in_images(uintptr_t at)
{
    for (const Range &range : images)
        if (at >= range.begin && at < range.end) return true;
    return false;
}

static bool in_constants(uintptr_t at)
{
    if (in_images(at)) return true;
    images.clear(); /* a library may have been loaded since */
    dl_iterate_phdr(add_image, nullptr);
    return in_images(at);
}

static void check_access(const void *address, size_t bytes, bool aligned, Kind kind)
{
    if (!current) return; /* host code of a kernel's source file */
    uintptr_t at = reinterpret_cast<uintptr_t>(address);
    size_t in_arena = at - reinterpret_cast<uintptr_t>(arena.base);
    if (in_arena < arena.bytes) {
        if (aligned && at % bytes) fail("misaligned access: %zu bytes, %s", bytes, device_describe(address));
        device_access(in_arena, bytes, kind);
        return;
    }
    if (at - reinterpret_cast<uintptr_t>(current->fiber->stack) < current->fiber->bytes) return;
    if (at - reinterpret_cast<uintptr_t>(launch.parameters) < launch.parameter_bytes) return;
    if (kind == READ && in_constants(at)) return;
    fail("%s %zu bytes of host memory", kVerb[kind], bytes);
}

void atomic_access(const void *address, size_t bytes)
{
    if (!TSM_SIM_ASAN) check_access(address, bytes, true, ATOMIC);
}

void read_access(const void *address, size_t bytes)
{
    if (!TSM_SIM_ASAN) check_access(address, bytes, false, READ);
}

void write_access(const void *address, size_t bytes)
{
    if (!TSM_SIM_ASAN) check_access(address, bytes, false, WRITE);
}

} // namespace sim

using namespace sim;

/* What the compiler calls. */
#define TSM_SIM_HOOKS(bytes)                                                                                         \
    void __tsan_read##bytes(void *address)                                                                           \
    {                                                                                                                \
        check_access(address, bytes, true, READ);                                                                    \
    }                                                                                                                \
    void __tsan_write##bytes(void *address)                                                                          \
    {                                                                                                                \
        check_access(address, bytes, true, WRITE);                                                                   \
    }                                                                                                                \
    void __tsan_unaligned_read##bytes(void *address)                                                                 \
    {                                                                                                                \
        check_access(address, bytes, false, READ);                                                                   \
    }                                                                                                                \
    void __tsan_unaligned_write##bytes(void *address)                                                                \
    {                                                                                                                \
        check_access(address, bytes, false, WRITE);                                                                  \
    }

#if !TSM_SIM_ASAN
#pragma GCC diagnostic ignored "-Wmissing-declarations"
extern "C" {
TSM_SIM_HOOKS(1)
TSM_SIM_HOOKS(2)
TSM_SIM_HOOKS(4)
TSM_SIM_HOOKS(8)
TSM_SIM_HOOKS(16)
void __tsan_read_range(void *address, size_t bytes)
{
    check_access(address, bytes, false, READ);
}
void __tsan_write_range(void *address, size_t bytes)
{
    check_access(address, bytes, false, WRITE);
}
void __tsan_func_entry(void *) {}
void __tsan_func_exit(void) {}
void __tsan_init(void) {}
}
#endif

int tsm_sim_instrumented(void)
{
    return !TSM_SIM_ASAN;
}
