/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - one network on the GPU, timed. */
#ifndef TSM_BENCH_GPU_MEASURE_H
#define TSM_BENCH_GPU_MEASURE_H

#include "../../tests/gpu/check.h"

#ifndef TSM_BENCH_COMMIT
#define TSM_BENCH_COMMIT "unknown"
#endif

typedef struct bench_case {
    const tsm_graph *graph;
    tsm_backend_config config;
    tsm_shape shape;
    double seconds;    /* of measuring, besides what it takes to warm up */
    const float *want; /* the logits, by bench_judge */
} bench_case;

typedef struct measurement {
    double prepare_ms, plan_ms, enqueue_us, p50, p90, p99, least, clips_per_s;
    uint64_t bytes, weight_bytes;
    int runs;
} measurement;

/* Logits of the same pixels in float32 by the first kernels that there are, with shifts as copies: other kernels than
 * those that are measured, which a wrong one would have to agree with. malloc'ed; NULL after a check that failed. */
float *bench_judge(const bench_case *c);

/* No transfers are timed: input and logits are in device memory. Logits must be near those of the judge, and the same
 * before and after. False, after a check that failed, where nothing was measured. */
bool measure_case(const bench_case *c, measurement *m);

#endif
