/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - logits of the CUDA backend against the reference's, see check.h. */
#include "check.h"

/* Relative to the largest value. float32: sums of a few thousand products in another order, up to fifty layers deep;
 * the others: an epsilon or two a layer, with room for what accumulates. */
static double tolerance_of(tsm_precision precision)
{
    static const double tolerances[] = { 2e-4, 1e-2, 1e-2, 8e-2 };

    return tolerances[precision];
}

void compare_logits(const tsm_graph *graph, const tsm_shape *shape, const tsm_backend_config *config,
                    const tsm_tensor *input, const float *want, const char *name)
{
    const double tolerance = tolerance_of(config->precision);
    session s;
    tsm_error error = { 0 };
    tsm_tensor output;
    difference d;
    size_t count;
    float *first, *second;

    if (!check_ok(session_open(&s, tsm_cuda_backend(), graph, config, shape, &error), &error, name)) return;
    count = (size_t)tsm_dims_count(session_output(&s));
    first = poisoned_array(count);
    second = poisoned_array(count);
    output = logits_of(first, session_output(&s));
    check_ok(session_run(&s, input, &output, &error), &error, name);
    output.data = second;
    check_ok(session_run(&s, input, &output, &error), &error, name);
    check(memcmp(first, second, count * sizeof *first) == 0, name, "two runs differ");
    d = largest_difference(first, want, count);
    check(d.worst <= tolerance * d.largest, name, "logit %zu is %.9g, want %.9g; allowed are %g of %g", d.at,
          (double)first[d.at], (double)want[d.at], tolerance, d.largest);
    free(first);
    free(second);
    session_close(&s);
}
