/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h - one convolution on made-up data: does a kernel compute what the first one did, and how long does it take.
 */
#ifndef TSM_CUDA_CONV_TRIAL_H
#define TSM_CUDA_CONV_TRIAL_H

#include "family.h"

typedef struct tsm_trial {
    const tsm_conv_spec *spec;
    const tsm_cuda_libraries *libraries;
    cudaStream_t stream;
    cudaEvent_t begin, end;
    char *memory; /* device: all buffers */
    tsm_conv_buffers buffers;
    char *workspace; /* device; grows */
    size_t workspace_bytes;
    void *want, *got; /* host: the first and the last outputs, of the first kernel and of this one */
    size_t sample;    /* elements of each end */
    bool has_want;
} tsm_trial;

/* Allocates and fills the operands. Errors: MEMORY, DEVICE. */
tsm_status tsm_trial_open(tsm_trial *trial, const tsm_conv_spec *spec, const tsm_cuda_libraries *libraries,
                          cudaStream_t stream, tsm_error *error);
void tsm_trial_close(tsm_trial *trial);

/* Runs a kernel; *agrees where it is the first one or its output is that of the first, to the precision; then
 * *milliseconds of one run. Blocking. */
tsm_status tsm_trial_run(tsm_trial *trial, const tsm_conv *conv, bool *agrees, float *milliseconds, tsm_error *error);

#endif
