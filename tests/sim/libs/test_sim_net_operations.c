/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_operations.c - the table of operations on the CUDA plugin, on the simulated device: both ways to
 * shift, float32 everywhere, every precision where more than a convolution is at stake.
 */
#include "graph_support.h"
#include "operations/operations.h"

#define RANDOM_GRAPHS 16 /* of them; the CPU does all */

static void check(const operation *op, tsm_precision precision, tsm_shift_method method)
{
    const tsm_backend_config config = cuda_config(precision, method);
    char why[OPERATION_TEXT];

    ck_assert_msg(operation_agrees(op, cuda_backend(), &config, why), "%s, precision %d, method %d: %s", op->name,
                  precision, method, why);
    assert_nothing_left();
}

/* Beside float32 with both ways to shift: networks in each precision with both, attention, where it is the softmax
 * that takes the time, with one of them in turn. `gather` multiplies on tensor cores, which the simulation does
 * slowly and a GPU not in float32. */
START_TEST(operations)
{
    const int precision = TSM_PRECISION_TF32 + _i % 3;
    operation op;

    if (operation_size_at(_i) >= OPERATION_LARGE) return;
    begin_case((unsigned)_i);
    operation_open(&op, _i, OPERATION_OPTIMIZED);
    for (int p = TSM_PRECISION_FP32; p <= TSM_PRECISION_BF16; p++)
        for (int method = TSM_SHIFT_COPY; method <= TSM_SHIFT_OVERLAP; method++)
            if (p == TSM_PRECISION_FP32 || op.group == &operations_of_networks ||
                (op.group == &operations_of_attention && (p + method + _i) % 2))
                check(&op, (tsm_precision)p, (tsm_shift_method)method);
    check(&op, (tsm_precision)precision, TSM_SHIFT_GATHER);
    operation_close(&op);
}
END_TEST

int main(void)
{
    const int left_out = operations_at_random.count() - RANDOM_GRAPHS; /* they are the last */
    Suite *suite = suite_create("the plugin's operations");
    TCase *tests = tcase_create("operations");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, operations, 0, operation_count() - left_out);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
