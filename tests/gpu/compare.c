/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - logits of the CUDA backend against the reference's, see check.h. */
#include "check.h"

const float check_mean[3] = { 0.485f, 0.456f, 0.406f }, check_deviation[3] = { 0.229f, 0.224f, 0.225f };

/* Relative to the largest value. float32: sums of a few thousand products in another order, some layers deep; the
 * others: an epsilon or two a layer, with room for what accumulates. */
static double tolerance_of(tsm_precision precision)
{
    static const double tolerances[] = { 2e-4, 1e-2, 1e-2, 8e-2 };

    return tolerances[precision];
}

tsm_backend_config make_config(tsm_precision precision, tsm_shift_method method)
{
    tsm_backend_config config = { .precision = precision, .shift_method = method };

    memcpy(config.mean, check_mean, sizeof config.mean);
    memcpy(config.std, check_deviation, sizeof config.std);
    return config;
}

void compare_logits(const network *net, const tsm_shape *shape, const tsm_backend_config *config,
                    const tsm_tensor *input, const float *want, const char *name)
{
    session s;
    tsm_error error = { 0 };
    tsm_tensor output;
    size_t count;
    float *first, *second;

    if (!check_ok(session_open(&s, tsm_cuda_backend(), net->graph, config, shape, &error), &error, name)) return;
    count = (size_t)tsm_dims_count(session_output(&s));
    first = random_floats(count, 1);
    second = random_floats(count, 2);
    output = logits_of(first, session_output(&s));
    check_ok(session_run(&s, input, &output, &error), &error, name);
    output.data = second;
    check_ok(session_run(&s, input, &output, &error), &error, name);
    check(memcmp(first, second, count * sizeof *first) == 0, name, "two runs differ");
    check(largest_error(first, want, count) <= tolerance_of(config->precision), name,
          "differs by %.3g of the largest logit, allowed are %.3g", largest_error(first, want, count),
          tolerance_of(config->precision));
    free(first);
    free(second);
    session_close(&s);
}
