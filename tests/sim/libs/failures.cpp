/* SPDX-License-Identifier: Apache-2.0 */
/* failures.cpp - misuse with its place, and the verdict at the end of the process: failures and leaks. */
#include "libs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace sim
{

static std::recursive_mutex api;
tsm_sim_counters counters;
static tsm_sim_hook *hook;

static void fail_with(const char *text)
{
    const char *abort_wanted = getenv("TSM_SIM_ABORT");

    note_failure(text);
    if (hook)
        hook(text);
    else if (abort_wanted && *abort_wanted == '1')
        abort();
}

void misuse(const char *call, const char *argument, const char *what, const void *address)
{
    char text[600];

    snprintf(text, sizeof text, "%s: %s: %s, %s (%p)", call, argument, what, device_describe(address), address);
    fail_with(text);
}

void misuse(const char *call, const char *what)
{
    char text[600];

    snprintf(text, sizeof text, "%s: %s", call, what);
    fail_with(text);
}

static char left[300];

static void append(size_t count, const char *what)
{
    size_t used = strlen(left);

    if (count) snprintf(left + used, sizeof left - used, "%s%zu %s", used ? ", " : "", count, what);
}

static void verdict()
{
    const char *leaks = tsm_sim_leaks(), *failure = tsm_sim_failure();

    if (!leaks && !failure) return;
    fflush(NULL);
    if (failure) fprintf(stderr, "simulated device: failed: %s\n", failure);
    if (leaks) fprintf(stderr, "simulated device: left at exit: %s\n", leaks);
    _exit(1);
}

ApiGuard::ApiGuard()
{
    static bool registered;

    api.lock();
    if (registered) return;
    registered = true;
    atexit(verdict); /* runs before static objects go, since they were all made before */
}

ApiGuard::~ApiGuard()
{
    api.unlock();
}

} // namespace sim

using namespace sim;

const char *tsm_sim_leaks(void)
{
    TSM_SIM_API;
    left[0] = '\0';
    append(tsm_sim_live_allocations(), "allocation(s)");
    append(live_pinned(), "pinned allocation(s)");
    append(live_streams(), "stream(s)");
    append(events.size(), "event(s)");
    append(live_graphs(), "graph(s)");
    append(live_handles(), "library object(s)");
    return left[0] ? left : nullptr;
}

void tsm_sim_set_hook(tsm_sim_hook *wanted)
{
    TSM_SIM_API;
    hook = wanted;
}

tsm_sim_counters tsm_sim_count(void)
{
    TSM_SIM_API;
    tsm_sim_counters now = counters;

    now.launches = tsm_sim_launches();
    return now;
}
