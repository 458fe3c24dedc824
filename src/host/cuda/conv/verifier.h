/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier.h - whether a kernel computed the convolution of the made-up operands (operands.h): parts of its output are
 * all numbers, and samples of them are what the host makes of the same operands, one sum at a time.
 */
#ifndef TSM_CUDA_CONV_VERIFIER_H
#define TSM_CUDA_CONV_VERIFIER_H

#include "operands.h"

#define TSM_VERIFIER_PARTS   3  /* of the output that are looked at: the beginning, the middle, the end */
#define TSM_VERIFIER_SAMPLES 32 /* of a part */

typedef struct tsm_verifier_sample {
    int64_t index; /* in the output, gaps counted */
    double want;
} tsm_verifier_sample;

typedef struct tsm_verifier {
    tsm_conv_spec spec;
    size_t part_count; /* elements of a part */
    size_t begins[TSM_VERIFIER_PARTS];
    void *parts; /* host: the output's parts, one behind the other */
    tsm_verifier_sample samples[TSM_VERIFIER_PARTS * TSM_VERIFIER_SAMPLES];
    int sample_count;
    double tolerance; /* of any sample */
} tsm_verifier;

/* Makes the samples. Errors: MEMORY. */
tsm_status tsm_verifier_open(tsm_verifier *verifier, const tsm_conv_spec *spec, tsm_error *error);
void tsm_verifier_close(tsm_verifier *verifier);

/* Brings the parts of an output home. Blocking. Errors: DEVICE. */
tsm_status tsm_verifier_fetch(tsm_verifier *verifier, const void *out, cudaStream_t stream, tsm_error *error);

/* On what was fetched. */
bool tsm_verifier_agrees(const tsm_verifier *verifier);

#endif
