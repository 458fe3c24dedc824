/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.h - a network's turns: one stream runs in the calling thread; several run at once, each in a thread of its
 * own, and a turn is then so many runs of each that it lasts long enough for its ends not to matter.
 */
#ifndef TSM_BENCH_RUNNER_H
#define TSM_BENCH_RUNNER_H

#include <pthread.h>

#include "frame/frame.h"
#include "network.h"

struct bench_worker;

typedef struct bench_runner {
    const bench_network *network;
    const tsm_tensor *input;
    int repeats; /* runs of each stream a turn; 0: not known yet */
    struct bench_worker *workers;
    int worker_count; /* 0: one stream, in the calling thread */
    pthread_barrier_t begin, end;
    bool stop;
} bench_runner;

/* Starts the threads. Errors: MEMORY. */
tsm_status bench_runner_open(bench_runner *runner, const bench_network *network, const tsm_tensor *input,
                             tsm_error *error);
void bench_runner_close(bench_runner *runner);

/* For bench_contender.turn, whose user is a bench_runner. */
tsm_status bench_runner_turn(bench_contender *contender, tsm_error *error);

/* What came of a load that was offered. */
typedef struct bench_load {
    double offered, achieved; /* requests a second */
    double busy;              /* part of the streams' time */
    int requests;
    int longest_queue;       /* requests that waited at once */
    bench_samples latencies; /* ms from a request's arrival to its result, waiting included */
} bench_load;

/* Offers `qps` requests a second, one batch each, for `seconds`: arrivals are random and independent (exponential
 * gaps, the same each time), and wait in one queue for the first stream that is free. A load that cannot be carried
 * ends after twice the time. */
tsm_status bench_offer_load(bench_load *load, const bench_network *network, const tsm_tensor *input, double qps,
                            double seconds, bench_watch *watch, tsm_error *error);

#endif
