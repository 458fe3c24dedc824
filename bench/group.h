/* SPDX-License-Identifier: Apache-2.0 */
/* group.h - networks that are measured together, in turns: one point of the axes of tsm-bench model. */
#ifndef TSM_BENCH_GROUP_H
#define TSM_BENCH_GROUP_H

#include "bench.h"
#include "network/runner.h"

#define BENCH_MAX_GROUP 16

/* A network with its turns. */
typedef struct bench_member {
    bench_network network;
    bench_runner runner;
    double reference; /* largest difference from the reference, NaN: not looked at */
    double enqueue_us;
    double input_ms, layers_ms; /* of a run, step by step: of the first member only */
} bench_member;

typedef struct bench_group {
    bench_spec spec; /* of all, but for variant and shift */
    bench_limits limits;
    const bench_words *shifts, *against;
    int check_size; /* pixels of the check against the reference; 0: full, -1: none */
    double qps;     /* 0: turns */
    int count;
    bench_member members[BENCH_MAX_GROUP];
    bench_contender turns[BENCH_MAX_GROUP];
    int baseline; /* the member that the others are held against, -1: none */
    tsm_tensor input;
    bench_gemm *gemm;
    double gemm_gflops, gemm_ms, gemm_begin; /* best; time spent on it; when measuring began */
    double peak_rss_mb;
    bench_watch watch;
} bench_group;

/* Opens all networks and checks what they compute; a network that this device cannot run is left out with a warning.
 * `checked` remembers what was held against the reference before. */
tsm_status bench_group_open(bench_group *group, json_t *checked, bench_report *report, tsm_error *error);

/* Measures, and adds a row a network to the report. */
tsm_status bench_group_measure(bench_group *group, bench_report *report, tsm_error *error);

void bench_group_close(bench_group *group);

#endif
