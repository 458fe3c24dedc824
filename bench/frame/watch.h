/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - looks for what makes figures wrong while something is measured: other work, stolen time, throttling. */
#ifndef TSM_BENCH_WATCH_H
#define TSM_BENCH_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "samples.h"

typedef struct bench_watch {
    int looks, crowded;
    double next_ms;
    uint64_t busy, stolen; /* of all CPUs at the beginning, ticks */
    uint64_t throttled;    /* events of all CPUs at the beginning */
    bool gpu;              /* ask the GPU too */
} bench_watch;

/* What was seen; each a part of 1. */
typedef struct bench_seen {
    double crowded; /* looks that found more threads that want to run than there are CPUs */
    double stolen;  /* time of the CPUs that the hypervisor gave to others */
    uint64_t throttled;
} bench_seen;

void bench_watch_begin(bench_watch *watch, bool gpu);

/* Between two turns; looks every 20 ms at most. */
void bench_watch_look(bench_watch *watch);

bench_seen bench_watch_end(const bench_watch *watch);

struct bench_report;

/* Warns of what was seen, where it is not small, and of what the samples themselves show: few runs, spread, drift.
 * `name` says whose they are. */
void bench_warn_seen(struct bench_report *report, const bench_seen *seen, bool gpu);
void bench_warn_samples(struct bench_report *report, const char *name, const bench_summary *summary);

#endif
