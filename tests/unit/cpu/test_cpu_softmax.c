/* SPDX-License-Identifier: Apache-2.0 */
/* The softmax of the CPU backend, and the exponential and the sigmoid that it is made with, against the C library. */
#include <omp.h>

#include "cpu/exp.h"
#include "cpu/ops.h"
#include "cpu_loops.h"

/* exp and what is made of it, against the double one of the C library, in units of the last place. */
START_TEST(exponentials)
{
    double worst = 0, worst_fused = 0, worst_sigmoid = 0;

    for (float x = TSM_EXP_LOWEST; x <= 88; x += 1e-3f + fabsf(x) * 1e-5f) {
        const double power = exp(x), unit = ldexp(1, ilogb((float)power) - 23);
        const double sigmoid = 1 / (1 + exp(-(double)x));

        worst = fmax(worst, fabs(tsm_exp(x, false) - power) / unit);
        worst_fused = fmax(worst_fused, fabs(tsm_exp(x, true) - power) / unit);
        worst_sigmoid = fmax(worst_sigmoid, fabs(tsm_sigmoid(x) - sigmoid) / ldexp(1, ilogb((float)sigmoid) - 23));
    }
    ck_assert_msg(worst <= 1.5 && worst_fused <= 1.5, "exp is off by %g and %g", worst, worst_fused);
    ck_assert_msg(worst_sigmoid <= 3, "the sigmoid is off by %g", worst_sigmoid);
    ck_assert(tsm_exp(0, false) == 1 && tsm_sigmoid(INFINITY) == 1 && tsm_sigmoid(-INFINITY) < 1e-37f);
    ck_assert(isnan(tsm_exp(NAN, false)) && isnan(tsm_sigmoid(NAN)));
}
END_TEST

/* Rows of scores as peaked as they come: the weights sum up to 1, and each is off by the rounding of the sum at
 * most. */
START_TEST(softens)
{
    static const int counts[] = { 1, 2, 15, 16, 17, 391, 1000 };
    const int rows = 3;

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const size_t count = (size_t)counts[i], all = (size_t)rows * count;
        float *scores = hashed_array(all, SEED + (uint32_t)i), *got, *weights = output_of(all);
        float factors[3];

        for (size_t k = 0; k < all; k++) scores[k] *= k / count == 0 ? 1 : k / count == 1 ? 30 : 500;
        got = copy_of(scores, all);
        tsm_cpu_softmax(got, factors, rows, counts[i]);
        assert_guard(got, all);
        tsm_cpu_scale_rows(got, factors, weights, rows, counts[i]);
        assert_guard(weights, all);
        for (int row = 0; row < rows; row++) {
            const float *x = scores + (size_t)row * count, *y = weights + (size_t)row * count;
            double largest = -INFINITY, sum = 0;

            for (size_t k = 0; k < count; k++) largest = fmax(largest, (double)x[k]);
            for (size_t k = 0; k < count; k++) sum += exp(x[k] - largest);
            for (size_t k = 0; k < count; k++) {
                const double want = exp(x[k] - largest) / sum;

                ck_assert_msg(fabs(y[k] - want) <= want * 1e-5 + 2e-38, "weight %zu of %zu: %g for %g", k, count,
                              (double)y[k], want);
            }
        }
        free(scores);
        free(got);
        free(weights);
    }
}
END_TEST

/* As in the reference: a row with a score that is no number has no weights, whatever its sign bit, and so has one
 * with infinity; minus infinity is merely small. */
START_TEST(softmax_keeps_nan)
{
    float scores[4][3] = { { 1, NAN, 2 }, { -NAN, 1, 2 }, { INFINITY, 1, 2 }, { 1, -INFINITY, 1 } }, factors[4];

    tsm_cpu_softmax(&scores[0][0], factors, 4, 3);
    tsm_cpu_scale_rows(&scores[0][0], factors, &scores[0][0], 4, 3);
    for (int i = 0; i < 9; i++) ck_assert(isnan(scores[i / 3][i % 3]));
    ck_assert(scores[3][0] == 0.5f && scores[3][1] < 1e-37f && scores[3][2] == 0.5f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_softmax");
    TCase *loops = tcase_create("loops");

    printf("seed %u\n", SEED);
    omp_set_num_threads(3); /* so that work does not divide evenly */
    tcase_add_test(loops, exponentials);
    tcase_add_test(loops, softens);
    tcase_add_test(loops, softmax_keeps_nan);
    suite_add_tcase(suite, loops);
    return run_suite(suite);
}
