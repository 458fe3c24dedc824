/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - what the checks of a GPU share: counting, networks of the published architectures, and comparisons.
 *
 * No test framework: the program must run on machines where nothing can be installed. It is linked with the CUDA
 * backend itself, so that the same checks run on a GPU and on the simulated device.
 */
#ifndef TSM_GPU_CHECK_H
#define TSM_GPU_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/cuda_calls.h"
#include "graph/backend.h"
#include "operations/operations.h"
#include "operations/session.h"

/* What the plugin exports. */
const tsm_backend *tsm_cuda_backend(void);

/* Counts and prints; a case that failed is named with its reason. Returns `ok`. */
bool check(bool ok, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool check_ok(tsm_status status, const tsm_error *error, const char *name);

/* The call must fail with `code` and name `word` in one line. */
bool check_refused(tsm_status status, const tsm_error *error, tsm_status code, const char *word, const char *name);

bool check_cuda(cudaError_t code, const char *name);

int checks_made(void);
int checks_failed(void);

/* How main was called. Few and small cases are for a simulated device, and for tools that slow a GPU down; `plain` is
 * kernel by kernel, for tools that do not look into CUDA graphs; `on_wgmma` adds our kernels on wgmma. */
extern bool small_sizes, plain, on_wgmma;

extern const char *const precision_names[];
extern const char *const method_names[];

/* With CUDA graphs unless `plain`; nothing is tuned, so that the same kernels run each time. */
tsm_backend_config make_config(tsm_precision precision, tsm_shift_method method);

/* With kernels that were timed; in small sizes not those of `gather` and `auto`, of which a simulated device does few. */
tsm_backend_config make_tuned_config(tsm_precision precision, tsm_shift_method method);

/* ---- networks.c ---- */

/* What to build, with random weights; optimised. Zeroes are plain: bi-directional, no attention, logits of clips. */
typedef struct network_spec {
    const char *arch;
    int width, classes;
    int shift_div; /* 0: TSN */
    tsm_shift_place place;
    tsm_shift_direction direction;
    tsm_nonlocal nonlocal;
    bool per_frame;
} network_spec;

/* A ResNet as the loader builds it; "resnet50_vd" is PP-TSM's. Released with network_free. */
network network_of_arch(const network_spec *spec);

/* ---- compare.c ---- */

/* Runs on the CUDA backend twice, the second time on an arena full of the first run's values: the same bits must
 * come, and those of `want` within the tolerance of the precision. */
void compare_logits(const tsm_graph *graph, const tsm_shape *shape, const tsm_backend_config *config,
                    const tsm_tensor *input, const float *want, const char *name);

/* ---- suites: each returns after counting its checks ---- */

void suite_smoke(void);      /* one small network: is anything right at all? */
void suite_operations(void); /* the table of operations */
void suite_networks(void);   /* the published architectures */
void suite_tuned(void);      /* two of them, with kernels that were timed */
void suite_resize(void);     /* frames that the GPU resizes */
void suite_rules(void);      /* memory, streams, threads, several plans */
void suite_refusals(void);   /* what is refused, lack of memory, the cache of choices */

/* ---- device.c, bench/gpu: print what they measure as soon as it is there, return the exit status ---- */

int describe_device(void);
int bench_networks(int argc, char **argv);
int bench_layers(int argc, char **argv);
int bench_shift(int argc, char **argv);
int bench_convolutions(int argc, char **argv);

#endif
