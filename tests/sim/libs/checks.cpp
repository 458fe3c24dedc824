/* SPDX-License-Identifier: Apache-2.0 */
/* checks.cpp - the arguments of calls: ranges of device and host memory, and handles. */
#include "libs.h"

namespace sim
{

static std::map<const void *, const char *> handles; /* NULL: destroyed */

static size_t extent(const Rows &rows)
{
    return rows.count == 0 ? 0 : (rows.count - 1) * rows.pitch + rows.bytes;
}

static bool in_device(const void *address)
{
    return (size_t)(static_cast<const char *>(address) - arena.base) < arena.bytes;
}

bool check_device(Place place, const Rows &rows, size_t alignment)
{
    size_t bytes = extent(rows);

    if (bytes == 0) return true;
    if (!in_device(rows.address)) {
        misuse(place.call, place.argument, rows.address ? "is host memory" : "is NULL", rows.address);
        return false;
    }
    if (!device_owns(rows.address, bytes)) {
        std::string what = "its " + std::to_string(bytes) + " bytes do not lie within a live allocation";
        misuse(place.call, place.argument, what.c_str(), rows.address);
        return false;
    }
    if (reinterpret_cast<uintptr_t>(rows.address) % alignment) {
        std::string what = "is not a multiple of " + std::to_string(alignment) + ", as was promised";
        misuse(place.call, place.argument, what.c_str(), rows.address);
        return false;
    }
    return true;
}

bool check_host(Place place, const void *address, size_t bytes)
{
    if (bytes == 0 || (address && !in_device(address))) return true;
    misuse(place.call, place.argument, address ? "is device memory" : "is NULL", address);
    return false;
}

/* Of one row, as the work is done. */
static bool touch_row(Place place, const char *row, size_t bytes, Use use)
{
    if (use == WRITES) {
        device_mark(row, bytes, WRITTEN);
    } else if (tsm_sim_instrumented()) {
        size_t first = device_first_unwritten(row, bytes);
        if (first < bytes) {
            misuse(place.call, place.argument, "reads what nobody has written", row + first);
            return false;
        }
    }
    return order_access((size_t)(row - arena.base), bytes, use == WRITES);
}

bool touch(Place place, const Rows &rows, Use use)
{
    if (!check_device(place, rows)) return false; /* it may have been freed since the call */
    if (device_of(rows.address) != working_device()) {
        misuse(place.call, place.argument, "is memory of another GPU", rows.address);
        return false;
    }
    if (rows.bytes == rows.pitch)
        return extent(rows) == 0 || touch_row(place, static_cast<const char *>(rows.address), extent(rows), use);
    for (size_t i = 0; i < rows.count; i++)
        if (!touch_row(place, static_cast<const char *>(rows.address) + i * rows.pitch, rows.bytes, use))
            return false;
    return true;
}

void handle_add(const void *handle, const char *kind)
{
    handles[handle] = kind;
}

bool handle_check(const char *call, const void *handle, const char *kind)
{
    auto found = handles.find(handle);

    if (found != handles.end() && found->second && strcmp(found->second, kind) == 0) return true;
    std::string what = std::string("is no ") + kind;
    if (found != handles.end()) what = found->second ? what + " but a " + found->second : what + " any more";
    misuse(call, handle ? what.c_str() : (std::string("NULL instead of a ") + kind).c_str());
    return false;
}

bool handle_remove(const char *call, const void *handle, const char *kind)
{
    if (!handle_check(call, handle, kind)) return false;
    handles[handle] = nullptr;
    return true;
}

size_t live_handles()
{
    size_t live = 0;

    for (const auto &handle : handles) live += handle.second != nullptr;
    return live;
}

} // namespace sim
