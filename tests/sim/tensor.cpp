/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor.cpp - asynchronous copies, fragments and their products, and blocks that meet at a counter.
 *
 * A copy takes place as late as it may, when its thread waits for its group; its destination is poisoned at once, so
 * that a read too early and a start while others still read both give a wrong result. Instrumented builds name them.
 *
 * Fragments are those of the PTX ISA (sections on ldmatrix, mma.m16n8k16 and mma.m16n8k8). A product sums in double
 * and rounds once: a GPU's order and rounding of the sum are its own.
 */
#include "internal.h"

#include "kernels/conv/intrinsics.h" /* and tensor_ops.h */

using namespace sim;

uint32_t tsm_sim_shared_address(const void *pointer)
{
    size_t at = (size_t)(static_cast<const char *>(pointer) - arena.base);

    if (at >= kSharedBytes) fail("takes an address outside of shared memory for one inside");
    return (uint32_t)at;
}

/* ---- Copies ---- */

static void check_multiple(const void *address, size_t bytes, const char *what)
{
    size_t past = reinterpret_cast<uintptr_t>(address) % bytes;

    if (past) fail("misaligned %s: %zu bytes at an address that is %zu past a multiple", what, bytes, past);
}

void tsm_sim_copy_async(uint32_t to, const void *from, int bytes, int source_bytes)
{
    AsyncCopy copy = { arena.base + to, static_cast<const char *>(from), (size_t)bytes, (size_t)source_bytes,
                       current->copy_group };

    if (source_bytes < 0 || source_bytes > bytes) fail("copies %d bytes of %d", source_bytes, bytes);
    check_multiple(copy.to, copy.bytes, "asynchronous copy to shared memory");
    check_multiple(copy.from, copy.bytes, "asynchronous copy from global memory");
    write_access(copy.to, copy.bytes);
    memset(copy.to, 0xff, copy.bytes); /* NaN in every type */
    device_mark(copy.to, copy.bytes, IN_FLIGHT);
    current->copies.push_back(copy);
}

void tsm_sim_copy_async_commit()
{
    current->copy_group++;
}

static void complete(const AsyncCopy &copy)
{
    device_mark(copy.to, copy.bytes, UNWRITTEN);
    write_access(copy.to, copy.bytes);
    memset(copy.to, 0, copy.bytes);
    if (copy.source_bytes == 0) return;
    read_access(copy.from, copy.source_bytes);
    memcpy(copy.to, copy.from, copy.source_bytes);
}

void tsm_sim_copy_async_wait(unsigned pending)
{
    std::vector<AsyncCopy> &copies = current->copies;
    size_t done = 0;

    while (done < copies.size() && copies[done].group + pending < current->copy_group) complete(copies[done++]);
    copies.erase(copies.begin(), copies.begin() + (ptrdiff_t)done);
}

/* ---- Fragments ---- */

void tsm_sim_load_matrices(uint32_t *r, uint32_t row, const char *file, int line)
{
    constexpr unsigned rows = 8, row_bytes = 16;
    unsigned lane = current->linear % kWarp;

    check_multiple(arena.base + row, row_bytes, "row of ldmatrix");
    const uint64_t *addresses = exchange(0xffffffffu, row, "ldmatrix", { file, line });
    for (unsigned i = 0; i < 4; i++) {
        const char *from = arena.base + addresses[i * rows + lane / 4] + lane % 4 * sizeof r[i];
        read_access(from, sizeof r[i]);
        memcpy(&r[i], from, sizeof r[i]);
    }
}

/* Element k of a row of 32 bytes, of which the registers that lanes hold are `words` (8 of them). */
static float element(tsm_sim_product type, const uint32_t *words, unsigned k)
{
    float value;

    if (type == TSM_SIM_TF32) {
        uint32_t bits = words[k] & ~0x1fffu; /* the rest is not looked at */
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    uint16_t bits = (uint16_t)(words[k / 2] >> 16 * (k % 2));
    return type == TSM_SIM_FP16 ? __half2float(__half{ bits }) : __bfloat162float(__nv_bfloat16{ bits });
}

/* The 32 bytes of row `row` of A (0 to 15) or of column `row` of B (0 to 7), from the four lanes that share them. */
static void gather_row(uint32_t (&words)[8], const uint64_t *lanes, bool of_b, unsigned row)
{
    for (unsigned word = 0; word < 8; word++) {
        const uint32_t *factors = reinterpret_cast<const uint32_t *>(lanes[row % 8 * 4 + word % 4]);
        words[word] = of_b ? factors[4 + word / 4] : factors[row / 8 + word / 4 * 2];
    }
}

void tsm_sim_multiply(tsm_sim_product type, float *d, const uint32_t *a, uint32_t b0, uint32_t b1, const char *file,
                      int line)
{
    const unsigned lane = current->linear % kWarp, count = type == TSM_SIM_TF32 ? 8 : 16;
    uint32_t *mine = current->factors[current->products++ % 2];
    uint32_t rows[2][8], columns[2][8];

    memcpy(mine, a, 4 * sizeof *a);
    mine[4] = b0;
    mine[5] = b1;
    const uint64_t *lanes = exchange(0xffffffffu, reinterpret_cast<uint64_t>(mine), "mma", { file, line });
    for (unsigned i = 0; i < 2; i++) {
        gather_row(rows[i], lanes, false, lane / 4 + 8 * i);
        gather_row(columns[i], lanes, true, lane % 4 * 2 + i);
    }
    for (unsigned i = 0; i < 4; i++) {
        double sum = d[i];
        for (unsigned k = 0; k < count; k++)
            sum += (double)element(type, rows[i / 2], k) * (double)element(type, columns[i % 2], k);
        d[i] = (float)sum;
    }
}

/* ---- Blocks that meet at a counter ---- */

uint32_t tsm_sim_arrive(uint32_t *counter)
{
    Block &block = *current->block;
    std::vector<bool> &arrived = launch.arrivals[counter];
    size_t blocks = (size_t)launch.grid.x * launch.grid.y * launch.grid.z;

    arrived.resize(blocks);
    block.after.resize(blocks);
    for (size_t i = 0; i < blocks; i++) block.after[i] = block.after[i] || arrived[i];
    arrived[block.linear] = true;
    return atomicAdd(counter, 1u);
}
