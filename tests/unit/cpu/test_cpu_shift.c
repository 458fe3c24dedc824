/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shifts of the CPU backend, by copying, in place and in the load of a product, against the reference. Moving data
 * has no rounding of its own: that must be equal to the bit.
 */
#include <omp.h>

#include "cpu/gather.h"
#include "cpu/ops.h"
#include "cpu_loops.h"
#include "reference/ops.h"

START_TEST(shift_copies)
{
    const tsm_dims *dims = &cases[_i].dims;
    const size_t count = count_of(dims);
    float *x = hashed_array(count, SEED);

    for (int i = 0; i < SHIFTS; i++) {
        const tsm_shift shift = shift_of(_i, i);
        float *want = poisoned_array(count), *got = output_of(count);

        tsm_ref_shift(want, x, dims, shift);
        tsm_cpu_shift_copy(x, got, dims, shift);
        assert_same(got, want, count, "shift by copying");
        assert_guard(got, count);
        free(want);
        free(got);
    }
    free(x);
}
END_TEST

START_TEST(shift_in_place_and_back)
{
    const tsm_dims *dims = &cases[_i].dims;
    const size_t count = count_of(dims);
    float *x = hashed_array(count, SEED);

    for (int i = 0; i < SHIFTS; i++) {
        const tsm_shift shift = shift_of(_i, i);
        const size_t edge_count = tsm_cpu_shift_edge_count(dims, shift);
        float *want = poisoned_array(count), *got = copy_of(x, count), *edges = output_of(edge_count);

        tsm_ref_shift(want, x, dims, shift);
        tsm_cpu_shift_in_place(got, edges, dims, shift);
        assert_same(got, want, count, "shift in place");
        tsm_cpu_unshift_in_place(got, edges, dims, shift);
        assert_same(got, x, count, "shift undone");
        tsm_cpu_shift_in_place(got, NULL, dims, shift);
        assert_same(got, want, count, "shift in place for good");
        assert_guard(got, count);
        assert_guard(edges, edge_count);
        free(want);
        free(got);
        free(edges);
    }
    free(x);
}
END_TEST

/* A sum of k products below 1 in float, in one chain: off by at most k * eps; weights are scaled so that sums stay
 * near 1. */
START_TEST(gathers)
{
    static const int widths[] = { 1, 16, 37, 64, 150 };
    const tsm_dims *dims = &cases[_i].dims;
    const size_t rows = count_of(dims) / (size_t)dims->c;

    if (!tsm_cpu_gather_available()) return;
    for (int i = 0; i < SHIFTS; i++) {
        const int n = widths[i % 5], k = dims->c;
        const tsm_shift shift = shift_of(_i, i);
        const tsm_act act = (tsm_act)((i + _i) % TSM_ACT_COUNT);
        const tsm_node node = { .in_channels = k,
                                .out_channels = n,
                                .groups = 1,
                                .kernel_h = 1,
                                .kernel_w = 1,
                                .stride = 1,
                                .act = act,
                                .bias = i % 2 ? hashed_array((size_t)n, SEED + 2) : NULL };
        float *x = hashed_array(count_of(dims), SEED), *weights = hashed_array((size_t)n * (size_t)k, SEED + 1);
        float *shifted = poisoned_array(count_of(dims)), *want = poisoned_array(rows * (size_t)n);
        float *got = output_of(rows * (size_t)n), *packed = output_of(tsm_cpu_gather_packed_count(n, k));

        tsm_ref_shift(shifted, x, dims, shift);
        tsm_ref_conv(want, shifted, dims, &node, weights, NULL);
        tsm_cpu_gather_pack(weights, packed, n, k);
        assert_guard(packed, tsm_cpu_gather_packed_count(n, k));
        tsm_cpu_gather_run(&(tsm_cpu_gather){ x, packed, node.bias, got, *dims, n, shift, act });
        assert_near(got, want, rows * (size_t)n, (k + 2) * 1.2e-7 * k, "gathered product");
        assert_guard(got, rows * (size_t)n);
        free(x);
        free(weights);
        free(shifted);
        free(want);
        free(got);
        free(packed);
        free(node.bias);
    }
}
END_TEST

/* NaN and infinity go where they go in the reference. */
START_TEST(gather_keeps_nan)
{
    const tsm_dims dims = { 1, 2, 1, 3, 2 };
    const float weights[2] = { 1, 1 };
    float x[12] = { 1, NAN, 2, INFINITY, 3, 4, 5, 6, -7, -8, 9, 1 }, packed[32], got[6];

    if (!tsm_cpu_gather_available()) return;
    tsm_cpu_gather_pack(weights, packed, 1, 2);
    tsm_cpu_gather_run(&(tsm_cpu_gather){ x, packed, NULL, got, dims, 1, { 0 }, TSM_ACT_RELU6 });
    ck_assert(isnan(got[0]));
    ck_assert(got[1] == 6 && got[2] == 6 && got[3] == 6 && got[4] == 0 && got[5] == 6);
    tsm_cpu_gather_run(&(tsm_cpu_gather){ x, packed, NULL, got, dims, 1, { 0 }, TSM_ACT_LEAKY_RELU });
    ck_assert(isnan(got[0]));
    ck_assert(isinf(got[1]) && got[2] == 7 && got[4] == -15 * TSM_LEAKY_SLOPE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_shift");
    TCase *loops = tcase_create("loops");

    printf("seed %u\n", SEED);
    omp_set_num_threads(3); /* so that work does not divide evenly */
    tcase_add_loop_test(loops, shift_copies, 0, CASES);
    tcase_add_loop_test(loops, shift_in_place_and_back, 0, CASES);
    tcase_add_loop_test(loops, gathers, 0, CASES);
    tcase_add_test(loops, gather_keeps_nan);
    suite_add_tcase(suite, loops);
    return run_suite(suite);
}
