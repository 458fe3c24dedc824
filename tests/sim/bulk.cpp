/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bulk.cpp - barriers with phases in shared memory, and the copy engine.
 *
 * A box lands when it pleases: while a thread of its block waits at a barrier, boxes on their way land in random
 * order, and others run in between. Its destination is poisoned, and marked as in flight, from the start.
 */
#include "tensor_maps.h"

#include "kernels/conv/wgmma_intrinsics.h" /* and group_ops.h */

using namespace sim;

static PhaseBarrier &barrier_at(uint32_t address)
{
    auto found = current->block->phases.find(address);

    if (found == current->block->phases.end()) fail("uses a barrier in shared memory that nobody has initialised");
    return found->second;
}

void tsm_sim_barrier_init(uint32_t barrier, unsigned arrivals)
{
    PhaseBarrier &made = current->block->phases[barrier];

    if (barrier % 8) fail("misaligned barrier in shared memory");
    if (arrivals == 0) fail("a barrier of no arrivals");
    if (!made.waiting.waiting.empty()) fail("initialises a barrier at which others wait");
    made = PhaseBarrier();
    made.arrivals = made.pending = made.waiting.expected = arrivals;
    made.waiting.what = "a barrier in shared memory";
}

static void end_phase(PhaseBarrier &barrier)
{
    if (barrier.pending > 0 || barrier.bytes != 0) return;
    barrier.ended++;
    barrier.pending = barrier.arrivals;
    wake(barrier.waiting);
}

void tsm_sim_barrier_arrive(uint32_t address, uint32_t bytes)
{
    PhaseBarrier &barrier = barrier_at(address);

    if (barrier.pending == 0) fail("arrives once more than its phase expects, which still waits for bytes");
    barrier.bytes += bytes;
    barrier.pending--;
    end_phase(barrier);
}

/* ---- The copy engine ---- */

void tsm_sim_copy_box(uint32_t to, const CUtensorMap *map, uint32_t barrier, const int *at, const int *offsets)
{
    const TensorMap tensor = tensor_map(map);
    const std::vector<int> from(at, at + tensor.rank), taps(offsets, offsets ? offsets + 3 : offsets);
    Block &block = *current->block;
    const size_t bytes = tensor_box_bytes(tensor);

    barrier_at(barrier);
    tensor_box_check(tensor, at, offsets);
    if (to % 128) fail("misaligned box in shared memory: %u bytes past a multiple of 128", to % 128);
    for (size_t i = 0; i < bytes; i++)
        if (arena.state[to + i] != UNWRITTEN && arena.state[to + i] != WRITTEN)
            fail("copies a box of %zu bytes to where byte %zu is %s", bytes, i,
                 arena.state[to + i] == IN_FLIGHT ? "that of another box on its way"
                                                  : device_describe(arena.base + to + i));
    memset(arena.base + to, 0xff, bytes); /* NaN */
    device_mark(arena.base + to, bytes, IN_FLIGHT);
    block.bulk_copies.push_back({ to, barrier, bytes, [tensor, to, from, taps](char *base) {
                                     tensor_box_read(tensor, base, to, from.data(),
                                                     taps.empty() ? nullptr : taps.data());
                                 } });
    for (auto &phase : block.phases) wake(phase.second.waiting); /* they let it land */
}

static void land_one(Block &block)
{
    std::vector<BulkCopy> &copies = block.bulk_copies;
    const size_t chosen = random_bits() % copies.size();
    const BulkCopy copy = copies[chosen];
    PhaseBarrier &barrier = barrier_at(copy.barrier);

    copies.erase(copies.begin() + (ptrdiff_t)chosen);
    copy.read(arena.base);
    device_mark(arena.base + copy.to, copy.bytes, WRITTEN);
    barrier.bytes -= (int64_t)copy.bytes;
    end_phase(barrier);
}

void tsm_sim_barrier_wait(uint32_t address, uint32_t parity, const char *file, int line)
{
    Block &block = *current->block;
    PhaseBarrier &barrier = barrier_at(address);

    if (parity > 1) fail("waits for a phase of parity %u", parity);
    while ((barrier.ended & 1) == parity) {
        if (block.bulk_copies.empty()) {
            park_at(barrier.waiting, { file, line });
            continue;
        }
        if (random_bits() & 1) land_one(block);
        step_aside();
    }
}
