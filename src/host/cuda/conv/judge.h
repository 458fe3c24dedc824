/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.h - whether a kernel computed the convolution of the made-up operands (operands.h): parts of its output are
 * all numbers, and samples of them are what the host makes of the same operands, one sum at a time.
 */
#ifndef TSM_CUDA_CONV_JUDGE_H
#define TSM_CUDA_CONV_JUDGE_H

#include "operands.h"

#define TSM_JUDGE_PARTS   3  /* of the output that are looked at: the beginning, the middle, the end */
#define TSM_JUDGE_SAMPLES 32 /* of a part */

typedef struct tsm_judge_sample {
    int64_t index; /* in the output, gaps counted */
    double want;
} tsm_judge_sample;

typedef struct tsm_judge {
    tsm_conv_spec spec;
    size_t part_count; /* elements of a part */
    size_t begins[TSM_JUDGE_PARTS];
    void *parts; /* host: the output's parts, one behind the other */
    tsm_judge_sample samples[TSM_JUDGE_PARTS * TSM_JUDGE_SAMPLES];
    int sample_count;
    double tolerance; /* of any sample */
} tsm_judge;

/* Makes the samples. Errors: MEMORY. */
tsm_status tsm_judge_open(tsm_judge *judge, const tsm_conv_spec *spec, tsm_error *error);
void tsm_judge_close(tsm_judge *judge);

/* Brings the parts of an output home. Blocking. Errors: DEVICE. */
tsm_status tsm_judge_fetch(tsm_judge *judge, const void *out, cudaStream_t stream, tsm_error *error);

/* On what was fetched. */
bool tsm_judge_agrees(const tsm_judge *judge);

#endif
