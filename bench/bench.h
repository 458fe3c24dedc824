/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - the subcommands of tsm-bench, and the machine's limit that several of them measure. */
#ifndef TSM_BENCH_BENCH_H
#define TSM_BENCH_BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <tsm/tsm.h>

#include "frame/frame.h"

/* A large fp32 matrix product on `threads` threads: what the machine can do at best. GFLOP/s of the best of `runs`, 0
 * on failure. (gemm.c) */
typedef struct bench_gemm bench_gemm;
bench_gemm *bench_gemm_create(int threads);
double bench_gemm_run(bench_gemm *gemm, int runs);
void bench_gemm_destroy(bench_gemm *gemm);

/* What the machine does at best with such numbers. (ceilings.c) */
#define BENCH_FOOTPRINTS 5
typedef struct bench_ceilings {
    double flops_per_s;                  /* of a large matrix product; a multiply-add is two */
    double bytes_per_s;                  /* of a copy in memory, read and written */
    double footprints[BENCH_FOOTPRINTS]; /* bytes that a copy reads and writes, rising; 0: not measured */
    double cached[BENCH_FOOTPRINTS];     /* bytes a second of a copy of that size, which caches may hold */
} bench_ceilings;

/* `engine_threads`: as the engine that is held against them. Errors: those of making an engine. */
tsm_status bench_measure_ceilings(bench_ceilings *ceilings, const char *device, const char *precision,
                                  int engine_threads, tsm_error *error);

/* Seconds that so many bytes and multiply-adds take at least; *memory: the bytes take longer. */
double bench_floor_s(const bench_ceilings *ceilings, double bytes, double macs, bool *memory);

json_t *bench_ceilings_json(const bench_ceilings *ceilings);

/* Subcommands; argv[0] is the first argument after the subcommand's name. */
int bench_model(int argc, char **argv);
int bench_shift(int argc, char **argv);
int bench_layers(int argc, char **argv);
int bench_online(int argc, char **argv);
int bench_layers_predicted(int argc, char **argv); /* with --predict */
int bench_make(int argc, char **argv);
int bench_turns(int argc, char **argv);
int bench_plot(int argc, char **argv);
int bench_compare(int argc, char **argv);
#ifdef TSM_BENCH_VIDEO
int bench_media(int argc, char **argv);
int bench_e2e(int argc, char **argv);
#endif

#endif
