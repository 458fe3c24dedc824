/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tune.h - picks the kernel of a convolution: from the cache, or by trying the candidates.
 *
 * A candidate runs on made-up data; one whose output strays from the first one's is dropped; the fastest of the rest
 * wins. Without timing the first that makes a plan is taken, and nothing is cached.
 */
#ifndef TSM_CUDA_CONV_TUNE_H
#define TSM_CUDA_CONV_TUNE_H

#include "conv.h"
#include "cache.h"

typedef struct tsm_tuner {
    const tsm_cuda_libraries *libraries;
    cudaStream_t stream;
    tsm_tune_cache *cache;
    bool timed;
    bool found; /* something new to save */
} tsm_tuner;

/* Makes `conv` of the best choice for `spec`. Blocking. Errors: UNSUPPORTED (no kernel), DEVICE, MEMORY. */
tsm_status tsm_tune_conv(tsm_conv *conv, tsm_tuner *tuner, const tsm_conv_spec *spec, tsm_error *error);

/* Milliseconds from `begin` to `end`, two timing events that were recorded; blocking. */
tsm_status tsm_tune_elapsed(float *milliseconds, cudaEvent_t begin, cudaEvent_t end, tsm_error *error);

/* "gemm:3", "cudnn:7". */
void tsm_conv_choice_print(tsm_conv_choice choice, char text[TSM_TUNE_VALUE]);
bool tsm_conv_choice_parse(tsm_conv_choice *choice, const char *text);

#endif
