/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.cpp - barriers, votes and shuffles, on wait_at.
 *
 * Stricter than the hardware where the hardware forgives: every thread of the block must come to a barrier, also
 * those that would have returned, and every lane that a mask names must exist and take part.
 */
#include "internal.h"

using namespace sim;

void tsm_sim_sync_block(const char *file, int line)
{
    Block &block = *current->block;

    wait_at(block.barrier, { file, line });
}

int tsm_sim_block_vote(int predicate, const char *file, int line)
{
    Block &block = *current->block;
    unsigned turn = block.barrier.generation & 1;

    if (block.barrier.waiting.empty()) block.votes[turn] = 0;
    block.votes[turn] += predicate != 0;
    wait_at(block.barrier, { file, line });
    return block.votes[turn];
}

void tsm_sim_sync_grid(const char *file, int line)
{
    if (!launch.cooperative) fail("syncs the grid in a launch that is not cooperative (%s:%d)", file, line);
    wait_at(launch.grid_barrier, { file, line }, &launch.id);
}

const uint64_t *sim::exchange(unsigned mask, uint64_t value, const char *what, Site site)
{
    Thread *self = current;
    Block &block = *self->block;
    unsigned lane = self->linear % kWarp, first = self->linear - lane;
    unsigned lanes = block.threads.size() - first < kWarp ? (unsigned)block.threads.size() - first : kWarp;
    unsigned existing = lanes == kWarp ? 0xffffffffu : (1u << lanes) - 1;

    if (!(mask >> lane & 1))
        fail("%s (%s:%d) with mask %08x, which lacks its own lane", what, site.file, site.line, mask);
    if (mask & ~existing)
        fail("%s (%s:%d) with mask %08x in a warp of %u threads", what, site.file, site.line, mask, lanes);
    Group &group = block.warps[self->linear / kWarp].groups[mask];
    unsigned turn = group.barrier.generation & 1;
    group.barrier.what = what;
    group.barrier.expected = (unsigned)__builtin_popcount(mask);
    group.values[turn][lane] = value;
    wait_at(group.barrier, site);
    return group.values[turn];
}

uint64_t tsm_sim_shuffle(unsigned mask, uint64_t value, int source, const char *what, const char *file, int line)
{
    const uint64_t *values = exchange(mask, value, what, { file, line });

    if (source < 0 || source > 31 || !(mask >> source & 1))
        fail("%s (%s:%d) reads lane %d, which takes no part in mask %08x", what, file, line, source, mask);
    return values[source];
}

unsigned tsm_sim_ballot(unsigned mask, int predicate, const char *what, const char *file, int line)
{
    const uint64_t *values = exchange(mask, predicate != 0, what, { file, line });
    unsigned ballot = 0;

    for (unsigned lane = 0; lane < kWarp; lane++)
        if (mask >> lane & 1 && values[lane]) ballot |= 1u << lane;
    return ballot;
}

/* Orders memory among the lanes. Only a barrier of all lanes of the warp counts for the race check. */
void tsm_sim_sync_warp(unsigned mask, const char *file, int line)
{
    Warp &warp = current->block->warps[current->linear / kWarp];
    unsigned before = warp.groups[mask].barrier.generation;

    exchange(mask, 0, "__syncwarp", { file, line });
    if (mask == 0xffffffffu) warp.epoch = before + 1;
}

void *tsm_sim_shared_dynamic()
{
    Block &block = *current->block;

    if (launch.shared_bytes == 0) fail("uses dynamic shared memory, of which the launch gives none");
    return block.dynamic;
}

void tsm_sim_check_aligned(const void *address, size_t bytes)
{
    uintptr_t at = reinterpret_cast<uintptr_t>(address);

    __asm__ volatile("" : "+r"(at)); /* the type promises alignment: do not let the compiler believe it */
    if (current && at % bytes)
        fail("misaligned vector access: %zu bytes at an address that is %zu past a multiple", bytes,
             (size_t)(at % bytes));
}

void tsm_sim_atomic(const void *address, size_t bytes)
{
    tsm_sim_check_aligned(address, bytes);
    atomic_access(address, bytes);
}
