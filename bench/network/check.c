/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - what is timed must be right: against itself, against the reference, against each other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

static size_t logit_count(const bench_network *n)
{
    return (size_t)n->shape.n * (size_t)n->classes;
}

static const float *logits_of(const bench_network *n)
{
    return n->streams[0].output.data;
}

static tsm_status look_at(const bench_network *n, tsm_error *error)
{
    const float *logits = logits_of(n);
    bool flat = true;

    for (size_t i = 0; i < logit_count(n); i++) {
        if (!isfinite(logits[i])) return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: logits are not finite", n->name);
        flat = flat && logits[i] == logits[0];
    }
    if (flat && logit_count(n) > 1) return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: all logits are equal", n->name);
    return TSM_OK;
}

tsm_status bench_check_repeats(const bench_network *n, const tsm_tensor *input, tsm_error *error)
{
    const size_t bytes = logit_count(n) * sizeof(float);
    float *before = malloc(bytes);
    tsm_status status;
    double ms;

    if (!before) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    TSM_TRY(bench_network_run(n, 0, input, &ms, error));
    TSM_TRY(look_at(n, error));
    memcpy(before, logits_of(n), bytes);
    for (int i = n->stream_count - 1; i >= 0; i--) {
        TSM_TRY(bench_network_run(n, i, input, &ms, error));
        if (memcmp(before, n->streams[i].output.data, bytes) != 0)
            TSM_TRY(tsm_fail(error, TSM_ERROR_INTERNAL, "%s: two runs of the same clip differ", n->name));
    }
fail:
    free(before);
    return status;
}

double bench_compare_logits(const bench_network *a, const bench_network *b)
{
    double worst = 0, largest = 0;

    for (size_t i = 0; i < logit_count(a); i++) {
        const double x = (double)logits_of(a)[i], y = (double)logits_of(b)[i];

        worst = fmax(worst, isfinite(x - y) ? fabs(x - y) : INFINITY);
        largest = fmax(largest, fabs(x));
    }
    return largest > 0 ? worst / largest : worst;
}

/* What rounding makes of the logits of some fifty layers. */
static double tolerance(const char *precision)
{
    switch (bench_find_precision(precision)) {
    case TSM_PRECISION_FP32: return 2e-4;
    case TSM_PRECISION_TF32:
    case TSM_PRECISION_FP16: return 2e-2;
    case TSM_PRECISION_BF16: return 0.16;
    default: return 0.5; /* eight bits: what it keeps is a matter of calibration */
    }
}

tsm_status bench_check_reference(const bench_spec *wanted, int size, double *worst, tsm_error *error)
{
    bench_network ours = { 0 }, reference = { 0 };
    bench_spec spec = *wanted;
    tsm_tensor input = { 0 };
    tsm_status status;
    double ms;

    spec.batch = spec.streams = 1;
    if (size) spec.size = size;
    TSM_TRY(bench_network_open(&ours, &spec, error));
    spec.device = "reference";
    spec.precision = "fp32";
    spec.shift = "auto";
    if (bench_find_shift(spec.variant) > 0) spec.variant = "tsm";
    TSM_TRY(bench_network_open(&reference, &spec, error));
    TSM_TRY(bench_make_input(&input, &ours, error));
    TSM_TRY(bench_network_run(&ours, 0, &input, &ms, error));
    TSM_TRY(bench_network_run(&reference, 0, &input, &ms, error));
    TSM_TRY(look_at(&ours, error));
    *worst = bench_compare_logits(&reference, &ours);
    if (!(*worst <= tolerance(wanted->precision)))
        TSM_TRY(tsm_fail(error, TSM_ERROR_INTERNAL,
                         "%s in %s: logits are off by %.2g of the largest of the reference", ours.name,
                         wanted->precision, *worst));
fail:
    if (input.data) tsm_engine_release(ours.engine, input.data);
    bench_network_close(&ours);
    bench_network_close(&reference);
    return status;
}
