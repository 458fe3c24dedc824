/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the subcommands of tsm-bench share: options, clocks, statistics, the machine. */
#ifndef TSM_BENCH_BENCH_H
#define TSM_BENCH_BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <tsm/tsm.h>

/* Exit statuses, as the command's. */
enum { BENCH_DONE = 0, BENCH_FAILED = 1, BENCH_USAGE = 2 };

/* One "--name VALUE" or, for FLAG, "--name". */
typedef struct bench_option {
    const char *name;
    enum { BENCH_TEXT, BENCH_COUNT, BENCH_SECONDS, BENCH_FLAG } kind;
    void *value; /* const char **, int *, double *, bool * */
} bench_option;

/* Fills the options' values from argv; positional arguments are moved to the front of argv and counted in
 * *positional. On a mistake prints one line and returns false. */
bool bench_parse(int argc, char **argv, const bench_option *options, int *positional);

/* Prints "tsm-bench: " and one line on stderr; returns BENCH_FAILED. */
int bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

double bench_now_ms(void);

/* Of `count` values, which get sorted; percent in 0..100, nearest rank. */
double bench_percentile(double *values, int count, double percent);
double bench_median(double *values, int count);

/* The most memory that the process has had resident so far. */
double bench_peak_rss_mb(void);

/* The CPU's name as the system reports it. Static string. */
const char *bench_cpu_name(void);

/* Looks for other work on the machine while something is timed. */
typedef struct bench_crowd {
    int looks, crowded;
    double next_ms;
} bench_crowd;

/* Between two runs; not every time. */
void bench_crowd_look(bench_crowd *crowd);

/* The share of the looks that found other work; where it is not small, with a line on stderr. */
double bench_crowd_warn(const bench_crowd *crowd);

/* git describe, when the build was configured. */
const char *bench_commit(void);

/* Writes the object on stdout and releases it. */
void bench_print_json(json_t *object);

/* A large fp32 matrix product on `threads` threads: what the machine can do at best. GFLOP/s of the best of `runs`, 0
 * on failure. (gemm.c) */
typedef struct bench_gemm bench_gemm;
bench_gemm *bench_gemm_create(int threads);
double bench_gemm_run(bench_gemm *gemm, int runs);
void bench_gemm_destroy(bench_gemm *gemm);

/* Subcommands; argv[0] is the first argument after the subcommand's name. */
int bench_model(int argc, char **argv);
int bench_shift(int argc, char **argv);
int bench_layers(int argc, char **argv);
int bench_online(int argc, char **argv);
#ifdef TSM_BENCH_VIDEO
int bench_media(int argc, char **argv);
#endif

#endif
