/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.cpp - who touched each piece of device memory last, and whether that comes before who touches it now.
 *
 * A piece is 4 bytes. Of the readers since the last write one is kept: the newest, unless it is on the kept one's
 * stream.
 */
#include "libs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

namespace sim
{

static constexpr size_t kPiece = 4;

struct Entry {
    unsigned stream;
    uint32_t number;
    const char *what;
};

struct Touched {
    uint32_t write, read;
};

static std::vector<Entry> entries(1);
static Touched *touched;
static uint32_t now;
static const Clock *now_clock;

void clock_join(Clock &clock, const Clock &other)
{
    if (clock.size() < other.size()) clock.resize(other.size());
    for (size_t i = 0; i < other.size(); i++) clock[i] = std::max(clock[i], other[i]);
}

uint32_t order_register(unsigned stream, uint32_t number, const char *what)
{
    entries.push_back({ stream, number, what });
    return (uint32_t)entries.size() - 1;
}

static Touched *reserve_touched()
{
    size_t bytes = arena.bytes / kPiece * sizeof(Touched);
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        perror("simulated device: address space");
        exit(1);
    }
    return static_cast<Touched *>(memory);
}

void order_begin(uint32_t id, const Clock *clock)
{
    if (!touched) touched = reserve_touched();
    now = id;
    now_clock = clock;
}

static bool is_before(uint32_t id)
{
    if (id == 0 || id == now) return true;
    const Entry &entry = entries[id];
    return entry.stream < now_clock->size() && (*now_clock)[entry.stream] >= entry.number;
}

static void note_unordered(uint32_t other, const char *did, const char *verb, size_t at)
{
    char text[500];
    const Entry &a = entries[other], &b = entries[now];

    snprintf(text, sizeof text, "%s on stream %u %s %s that %s on stream %u %s, and nothing orders the two", b.what,
             b.stream, verb, device_describe(arena.base + at), a.what, a.stream, did);
    misuse("streams without order", text);
}

bool order_access(size_t at, size_t bytes, bool writes)
{
    uint32_t last_good = 0;

    if (!now_clock) return true;
    for (size_t i = at / kPiece; i <= (at + bytes - 1) / kPiece; i++) {
        Touched &piece = touched[i];

        if (piece.write != last_good && !is_before(piece.write)) {
            note_unordered(piece.write, "wrote", writes ? "writes" : "reads", i * kPiece);
            return false;
        }
        last_good = piece.write;
        if (writes) {
            if (piece.read != last_good && !is_before(piece.read)) {
                note_unordered(piece.read, "read", "writes", i * kPiece);
                return false;
            }
            piece = { now, 0 };
        } else {
            piece.read = now;
        }
    }
    return true;
}

} // namespace sim
