/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 3x3 convolutions by Winograd's algorithm against the reference, over a table of awkward shapes: images that tiles
 * do not divide, widths of one vector, one panel and more, every kind of shift, activation and residual. Outputs are
 * poisoned and guarded. Neither threads nor the batch that a clip is in may change a bit.
 */
#include <math.h>
#include <omp.h>

#include "cpu/winograd.h"
#include "reference/ops.h"
#include "support.h"

#define SEED      2016u
#define GUARD     64
#define TOLERANCE 6e-6 /* of the largest value: some 3e-6 is what 512 channels lose */

static const struct {
    tsm_dims dims;
    int n, fold;
} cases[] = {
    { { 1, 8, 7, 7, 64 }, 64, 8 },   { { 2, 3, 5, 9, 16 }, 48, 2 },   { { 3, 1, 4, 4, 32 }, 16, 4 },
    { { 1, 2, 1, 1, 16 }, 16, 16 },  { { 2, 5, 13, 11, 48 }, 32, 0 }, { { 1, 4, 3, 2, 80 }, 112, 17 },
    { { 2, 4, 6, 2, 144 }, 128, 5 }, { { 1, 3, 2, 8, 512 }, 64, 64 }, { { 1, 16, 23, 3, 32 }, 32, 3 },
};
#define CASES ((int)(sizeof cases / sizeof *cases))

/* Shift number `index` of a case: each direction, folds that differ, one that is empty, none at all. */
static tsm_shift shift_of(int i, int index)
{
    const int fold = cases[i].fold, c = cases[i].dims.c, more = 2 * fold + 1 < c ? 2 * fold + 1 : c;
    const tsm_shift shifts[] = { tsm_shift_both(fold, c), { fold, more, -1 }, { fold, fold, -1 },
                                 { 0, more, 1 },          { c, c, -1 },       { 0, 0, 0 } };

    return shifts[index];
}
#define SHIFTS 6

static size_t count_of(const tsm_dims *dims)
{
    return (size_t)tsm_dims_count(dims);
}

static tsm_node node_of(int c, int n, tsm_act act, float *bias)
{
    return (tsm_node){ .op = TSM_OP_CONV,
                       .in_channels = c,
                       .out_channels = n,
                       .groups = 1,
                       .kernel_h = 3,
                       .kernel_w = 3,
                       .stride = 1,
                       .pad = 1,
                       .act = act,
                       .bias = bias };
}

static void assert_guard(const float *values, size_t count)
{
    const unsigned char *guard = (const unsigned char *)(values + count);
    size_t i = 0;

    while (i < GUARD * sizeof *values && guard[i] == 0xff) i++;
    ck_assert_msg(i == GUARD * sizeof *values, "byte %zu past the end was written", i);
}

/* Such that sums of `c` times nine products are about two: some clipped by ReLU6, most not. */
static float *weights_of(int c, int n)
{
    float *weights = hashed_array((size_t)(9 * n * c), SEED + 1);

    for (size_t i = 0; i < (size_t)(9 * n * c); i++) weights[i] *= 6 / sqrtf(9.0f * (float)c);
    return weights;
}

/* Runs with as many threads as OpenMP is set to. */
static void run(const float *x, const float *packed, const float *bias, float *out, const tsm_dims *dims, int n,
                tsm_shift shift, tsm_act act, bool sum)
{
    const int threads = omp_get_max_threads();
    const size_t count = tsm_cpu_winograd_scratch_bytes(dims, n, threads) / sizeof(float);
    float *scratch = poisoned_array(count + GUARD);

    tsm_cpu_winograd_run(&(tsm_cpu_winograd){ x, packed, bias, out, scratch, *dims, n, threads, shift, act, sum });
    assert_guard(scratch, count);
    free(scratch);
}

START_TEST(convolves)
{
    static const tsm_act acts[] = { TSM_ACT_NONE, TSM_ACT_RELU, TSM_ACT_RELU6, TSM_ACT_LEAKY_RELU };
    const tsm_dims *dims = &cases[_i].dims;
    const int n = cases[_i].n, c = dims->c;
    const size_t packed_count = tsm_cpu_winograd_packed_count(n, c), count = count_of(dims) / (size_t)c * (size_t)n;
    float *x = hashed_array(count_of(dims), SEED), *weights = weights_of(c, n);
    float *residual = hashed_array(count, SEED + 2), *packed = poisoned_array(packed_count + GUARD);

    if (!tsm_cpu_winograd_available()) return;
    tsm_cpu_winograd_pack(weights, packed, n, c);
    assert_guard(packed, packed_count);
    for (int i = 0; i < SHIFTS; i++) {
        const tsm_shift shift = shift_of(_i, i);
        const tsm_act act = acts[(i + _i) % 4];
        const bool sum = (i + _i) % 3 == 0;
        float *bias = i % 2 ? hashed_array((size_t)n, SEED + 3) : NULL;
        const tsm_node node = node_of(c, n, act, bias);
        float *shifted = poisoned_array(count_of(dims)), *want = poisoned_array(count);
        float *got = poisoned_array(count + GUARD);

        ck_assert(tsm_cpu_winograd_suits(&node));
        tsm_ref_shift(shifted, x, dims, shift);
        tsm_ref_conv(want, shifted, dims, &node, weights, sum ? residual : NULL);
        if (sum) memcpy(got, residual, count * sizeof *got);
        run(x, packed, bias, got, dims, n, shift, act, sum);
        assert_close(got, want, count, TOLERANCE, "winograd");
        assert_guard(got, count);
        free(bias);
        free(shifted);
        free(want);
        free(got);
    }
    free(x);
    free(weights);
    free(residual);
    free(packed);
}
END_TEST

/* So many tiles that they make several blocks, or with `wide` layers several groups. */
static void compare_batches(int c, int n)
{
    const tsm_dims all = { 3, 4, 26, 27, c }, one = { 1, 4, 26, 27, c };
    const size_t in = count_of(&one), out = in / (size_t)c * (size_t)n;
    const int threads = omp_get_max_threads();
    const tsm_shift shift = tsm_shift_both(c / 8, c);
    float *x = hashed_array(3 * in, SEED), *weights = weights_of(c, n);
    float *packed = poisoned_array(tsm_cpu_winograd_packed_count(n, c));
    float *together = poisoned_array(3 * out), *alone = poisoned_array(out);

    tsm_cpu_winograd_pack(weights, packed, n, c);
    run(x, packed, NULL, together, &all, n, shift, TSM_ACT_RELU, false);
    for (int clip = 0; clip < 3; clip++) {
        omp_set_num_threads(clip + 1);
        run(x + (size_t)clip * in, packed, NULL, alone, &one, n, shift, TSM_ACT_RELU, false);
        ck_assert_msg(memcmp(alone, together + (size_t)clip * out, out * sizeof *alone) == 0,
                      "clip %d of %d to %d channels is another alone", clip, c, n);
    }
    omp_set_num_threads(threads);
    free(x);
    free(weights);
    free(packed);
    free(together);
    free(alone);
}

START_TEST(threads_and_batches_do_not_matter)
{
    if (!tsm_cpu_winograd_available()) return;
    compare_batches(64, 64);
    compare_batches(256, 80);
}
END_TEST

/* A tile that reads a value that is no number has none in its output. */
START_TEST(keeps_nan)
{
    const tsm_dims dims = { 1, 1, 8, 8, 16 };
    float *x = hashed_array(count_of(&dims), SEED), *weights = weights_of(16, 16);
    float *packed = poisoned_array(tsm_cpu_winograd_packed_count(16, 16)), *got = poisoned_array(count_of(&dims));

    if (!tsm_cpu_winograd_available()) return;
    tsm_cpu_winograd_pack(weights, packed, 16, 16);
    x[0] = NAN;
    run(x, packed, NULL, got, &dims, 16, (tsm_shift){ 0 }, TSM_ACT_RELU6, false);
    for (int i = 0; i < 8 * 8; i++) ck_assert_int_eq(isnan(got[16 * i]) != 0, i / 8 < 4 && i % 8 < 4);
    free(x);
    free(weights);
    free(packed);
    free(got);
}
END_TEST

START_TEST(refuses_other_convolutions)
{
    tsm_node node = node_of(32, 32, TSM_ACT_NONE, NULL);

    ck_assert(tsm_cpu_winograd_suits(&node));
    node.stride = 2;
    ck_assert(!tsm_cpu_winograd_suits(&node));
    node = node_of(24, 32, TSM_ACT_NONE, NULL);
    ck_assert(!tsm_cpu_winograd_suits(&node));
    node = node_of(32, 24, TSM_ACT_NONE, NULL);
    ck_assert(!tsm_cpu_winograd_suits(&node));
    node = node_of(32, 32, TSM_ACT_SIGMOID, NULL);
    ck_assert(!tsm_cpu_winograd_suits(&node));
    node = node_of(32, 32, TSM_ACT_NONE, NULL);
    node.groups = 32;
    ck_assert(!tsm_cpu_winograd_suits(&node));
    node = node_of(32, 32, TSM_ACT_NONE, NULL);
    node.kernel_w = 1;
    ck_assert(!tsm_cpu_winograd_suits(&node));
    node = node_of(32, 32, TSM_ACT_NONE, NULL);
    node.pad = 0;
    ck_assert(!tsm_cpu_winograd_suits(&node));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_winograd");
    TCase *winograd = tcase_create("winograd");

    printf("seed %u\n", SEED);
    omp_set_num_threads(3); /* so that work does not divide evenly */
    tcase_add_loop_test(winograd, convolves, 0, CASES);
    tcase_add_test(winograd, threads_and_batches_do_not_matter);
    tcase_add_test(winograd, keeps_nan);
    tcase_add_test(winograd, refuses_other_convolutions);
    suite_add_tcase(suite, winograd);
    return run_suite(suite);
}
