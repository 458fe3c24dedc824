/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.h - one convolution on made-up operands: does a kernel compute it, and how long does it take.
 *
 * It is timed as it will run, captured in a CUDA graph, several launches a graph, each on buffers of its own: all of
 * them together are larger than the L2 cache, in which a kernel would otherwise find what the last run of it left.
 */
#ifndef TSM_CUDA_CONV_TRIAL_H
#define TSM_CUDA_CONV_TRIAL_H

#include "verifier.h"
#include "operands.h"

/* Simulated runs make them small. */
#ifndef TSM_TRIAL_LAUNCHES
#define TSM_TRIAL_LAUNCHES 16 /* of a graph, at least */
#endif
#ifndef TSM_TRIAL_ROUND_US
#define TSM_TRIAL_ROUND_US 300 /* of a round, at least: events are no finer than half a microsecond */
#endif
#ifndef TSM_TRIAL_WARM_US
#define TSM_TRIAL_WARM_US 50000 /* of work before the first time counts, so that the clocks are up */
#endif

#define TSM_TRIAL_MOST_SETS 64

typedef struct tsm_trial {
    tsm_conv_spec spec;
    const tsm_cuda_libraries *libraries;
    cudaStream_t stream;
    cudaEvent_t begin, end;
    tsm_operands operands;
    tsm_verifier verifier;
    char *workspace; /* device; grows */
    size_t workspace_bytes;
} tsm_trial;

/* `l2_bytes`: of the device's cache. Errors: MEMORY, DEVICE. */
tsm_status tsm_trial_open(tsm_trial *trial, const tsm_conv_spec *spec, size_t l2_bytes,
                          const tsm_cuda_libraries *libraries, cudaStream_t stream, tsm_error *error);
void tsm_trial_close(tsm_trial *trial);

/* Runs a kernel; *agrees where its output is right, and then *milliseconds of one launch. *warm: whether the clocks
 * are up, which they are afterwards. Blocking. Errors: DEVICE, MEMORY. */
tsm_status tsm_trial_run(tsm_trial *trial, const tsm_conv *conv, bool *warm, bool *agrees, float *milliseconds,
                         tsm_error *error);

#endif
