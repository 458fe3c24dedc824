/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tune.h - picks the kernel of a convolution: from the cache, or by trying the candidates.
 *
 * A candidate runs on made-up data; one whose output is not what the host makes of the same data is dropped; the
 * fastest of the rest wins. Without timing the first that makes a plan is taken, and nothing is cached.
 */
#ifndef TSM_CUDA_CONV_TUNE_H
#define TSM_CUDA_CONV_TUNE_H

#include "cache.h"
#include "family.h"

typedef struct tsm_tuner {
    const tsm_cuda_libraries *libraries;
    cudaStream_t stream;
    tsm_tune_cache *cache;
    const tsm_cancel *cancel; /* heeded between trials; NULL: none */
    size_t l2_bytes;          /* of the device's cache */
    bool timed;
    bool warm;  /* the clocks are up */
    bool found; /* something new to save */
} tsm_tuner;

/* Makes the best conv for `spec`; released with tsm_conv_clear. Blocking. Errors: UNSUPPORTED (no kernel), DEVICE,
 * MEMORY, CANCELLED. */
tsm_status tsm_tune_conv(tsm_conv **conv, tsm_tuner *tuner, const tsm_conv_spec *spec, tsm_error *error);

/* A choice as caches keep it, a family and a place in its list: "gemm:3", "cudnn:7". */
void tsm_tune_choice_print(const tsm_conv *conv, char text[TSM_TUNE_VALUE]);
bool tsm_tune_choice_parse(const tsm_conv_family **family, int *index, const char *text);

#endif
