/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - see watch.h. */
#include "watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "cpu/waiting.h"
#include "frame.h"

#define LOOK_MS 20.0 /* between looks, which take a moment themselves */

/* Beyond these there is a warning. */
#define MOST_CROWDED 0.1
#define MOST_STOLEN  0.01
#define MOST_SPREAD  0.05
#define MOST_DRIFT   0.05
#define LEAST_RUNS   5

/* Ticks of all CPUs: at work for anybody here, and given to other guests of the same host. */
static void read_ticks(uint64_t *busy, uint64_t *stolen)
{
    uint64_t t[8] = { 0 };
    FILE *file = fopen("/proc/stat", "r");

    if (file &&
        fscanf(file,
               "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
        memset(t, 0, sizeof t);
    if (file) fclose(file);
    *busy = t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
    *stolen = t[7];
}

static uint64_t read_throttled(void)
{
    uint64_t sum = 0, count;
    char path[96];

    for (int cpu = 0; cpu < 1024; cpu++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count", cpu);
        FILE *file = fopen(path, "r");

        if (!file) break;
        if (fscanf(file, "%" SCNu64, &count) == 1) sum += count;
        fclose(file);
    }
    return sum;
}

void bench_watch_begin(bench_watch *watch, bool gpu)
{
    memset(watch, 0, sizeof *watch);
    watch->gpu = gpu;
    read_ticks(&watch->busy, &watch->stolen);
    watch->throttled = read_throttled();
}

void bench_watch_look(bench_watch *watch)
{
    const double now = bench_now_ms();

    if (now < watch->next_ms) return;
    /* Waiting for each other, ours are runnable too, unless the engine has found others itself. */
    watch->crowded += tsm_cpu_waits_briefly() || tsm_runnable_count() > sysconf(_SC_NPROCESSORS_ONLN);
    watch->looks++;
    watch->next_ms = now + LOOK_MS;
}

bench_seen bench_watch_end(const bench_watch *watch)
{
    bench_seen seen = { 0 };
    uint64_t busy, stolen;

    read_ticks(&busy, &stolen);
    if (watch->looks) seen.crowded = (double)watch->crowded / watch->looks;
    if (busy > watch->busy) seen.stolen = (double)(stolen - watch->stolen) / (double)(busy - watch->busy);
    seen.throttled = read_throttled() - watch->throttled;
    return seen;
}

void bench_warn_seen(bench_report *report, const bench_seen *seen, bool gpu)
{
    char reasons[128];

    if (seen->crowded > MOST_CROWDED)
        bench_report_warn(report, "other work wanted the CPUs in %.0f%% of the looks: times are too long",
                          100 * seen->crowded);
    if (seen->stolen > MOST_STOLEN)
        bench_report_warn(report, "the hypervisor gave %.1f%% of the CPUs' time to others: times are too long",
                          100 * seen->stolen);
    if (seen->throttled)
        bench_report_warn(report, "the CPU throttled %" PRIu64 " times, being too hot", seen->throttled);
    if (gpu && bench_gpu_throttles(reasons, sizeof reasons))
        bench_report_warn(report, "the GPU holds its clocks down (%s)", reasons);
}

void bench_warn_samples(bench_report *report, const char *name, const bench_summary *s)
{
    if (s->runs < LEAST_RUNS) bench_report_warn(report, "%s: %d runs are too few to judge by", name, s->runs);
    if (s->spread > MOST_SPREAD)
        bench_report_warn(report, "%s: the middle half of the runs spreads over %.0f%% of the median", name,
                          100 * s->spread);
    if (fabs(s->drift) > MOST_DRIFT)
        bench_report_warn(report, "%s: the second half of the runs was %.0f%% %s than the first", name,
                          100 * fabs(s->drift), s->drift > 0 ? "slower (throttling, or a neighbour)" : "faster");
}
