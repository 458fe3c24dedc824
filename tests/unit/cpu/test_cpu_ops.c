/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of the CPU backend against the reference ops, over a table of awkward shapes. Outputs are poisoned, and a
 * guard row after each array shows who writes past its end. Moving data, picking a maximum and adding two numbers
 * have no rounding of their own: those must be equal to the bit.
 */
#include <omp.h>

#include "cpu/exp.h"
#include "cpu/gather.h"
#include "cpu/ops.h"
#include "reference/ops.h"
#include "support.h"

#define SEED  20190u
#define GUARD 64

/* fold: odd ones, none, all channels (n_div 1), more than half. */
static const struct {
    tsm_dims dims;
    int fold;
} cases[] = {
    { { 1, 8, 7, 7, 64 }, 8 },   { { 2, 3, 5, 9, 30 }, 3 },      { { 3, 1, 4, 4, 16 }, 2 },
    { { 1, 2, 1, 1, 7 }, 1 },    { { 2, 5, 13, 11, 24 }, 0 },    { { 1, 4, 3, 3, 5 }, 5 },
    { { 2, 4, 6, 2, 10 }, 5 },   { { 1, 3, 2, 5, 9 }, 7 },       { { 1, 1, 9, 9, 3 }, 1 },
    { { 1, 16, 23, 3, 40 }, 5 }, { { 1, 3, 2, 2, 2500 }, 1100 },
};
#define CASES ((int)(sizeof cases / sizeof *cases))

/* Shift number `i` of a case: each direction, folds that differ, one that is empty, none at all. */
static tsm_shift shift_of(int i, int index)
{
    const int fold = cases[i].fold, c = cases[i].dims.c, more = 2 * fold + 1 < c ? 2 * fold + 1 : c;
    const tsm_shift shifts[] = { tsm_shift_both(fold, c), { fold, more, -1 }, { fold, fold, -1 }, { fold, fold, 1 },
                                 { 0, more, 1 },          { c, c, -1 },       { 0, 0, 0 } };

    return shifts[index];
}
#define SHIFTS 7

static size_t count_of(const tsm_dims *dims)
{
    return (size_t)tsm_dims_count(dims);
}

static float *output_of(size_t count)
{
    return poisoned_array(count + GUARD);
}

static void assert_guard(const float *values, size_t count)
{
    const unsigned char *guard = (const unsigned char *)(values + count);
    size_t i = 0;

    while (i < GUARD * sizeof *values && guard[i] == 0xff) i++;
    ck_assert_msg(i == GUARD * sizeof *values, "byte %zu past the end was written", i);
}

static void assert_same(const float *got, const float *want, size_t count, const char *what)
{
    size_t i = 0;

    while (i < count && memcmp(&got[i], &want[i], sizeof *got) == 0) i++;
    if (i < count) ck_abort_msg("%s: element %zu is %.9g, want %.9g", what, i, (double)got[i], (double)want[i]);
}

/* The same up to an absolute error. */
static void assert_near(const float *got, const float *want, size_t count, double tolerance, const char *what)
{
    size_t i = 0;

    while (i < count && fabs((double)got[i] - (double)want[i]) <= tolerance) i++;
    if (i < count) ck_abort_msg("%s: element %zu is %.9g, want %.9g", what, i, (double)got[i], (double)want[i]);
}

/* A copy with a guard behind it. */
static float *copy_of(const float *values, size_t count)
{
    float *copy = output_of(count);

    memcpy(copy, values, count * sizeof *copy);
    return copy;
}

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

START_TEST(picks_pixels)
{
    const tsm_dims *dims = &cases[_i].dims;

    for (int stride = 1; stride <= 3; stride++) {
        const tsm_dims few = { dims->n, dims->t, (dims->h + stride - 1) / stride, (dims->w + stride - 1) / stride,
                               dims->c };
        const size_t count = count_of(&few);
        float *x = hashed_array(count_of(dims), SEED), *want = poisoned_array(count), *got = output_of(count);

        tsm_cpu_pick_pixels(x, got, dims, stride);
        for (size_t i = 0; i < count; i++) {
            const size_t c = i % (size_t)few.c, column = i / (size_t)few.c % (size_t)few.w;
            const size_t row = i / (size_t)few.c / (size_t)few.w, frame = row / (size_t)few.h;
            const size_t y = row % (size_t)few.h * (size_t)stride;
            const size_t pixel = (frame * (size_t)dims->h + y) * (size_t)dims->w + column * (size_t)stride;

            want[i] = x[pixel * (size_t)dims->c + c];
        }
        assert_same(got, want, count, "picked pixels");
        assert_guard(got, count);
        free(x);
        free(want);
        free(got);
    }
}
END_TEST

START_TEST(reads_planes)
{
    const tsm_dims *dims = &cases[_i].dims;
    const size_t count = count_of(dims);
    float *x = hashed_array(count, SEED), *want = poisoned_array(count), *got = output_of(count);

    tsm_ref_input_f32(want, x, dims);
    tsm_cpu_from_ntchw(x, got, dims);
    assert_same(got, want, count, "planes to pixels");
    assert_guard(got, count);
    free(x);
    free(want);
    free(got);
}
END_TEST

START_TEST(reads_bytes)
{
    static const float mean[3] = { 0.485f, 0.456f, 0.406f }, std[3] = { 0.229f, 0.224f, 0.225f };
    const tsm_dims dims = { 2, 3, 17, 5, 3 };
    const size_t count = count_of(&dims);
    uint8_t *x = malloc(count);
    float *want = poisoned_array(count), *got = output_of(count);

    for (size_t i = 0; i < count; i++) x[i] = (uint8_t)(i * 7 % 256);
    tsm_ref_input_u8(want, x, &dims, mean, std);
    tsm_cpu_from_bytes(x, got, &dims, mean, std);
    assert_same(got, want, count, "normalised bytes");
    assert_guard(got, count);
    free(x);
    free(want);
    free(got);
}
END_TEST

START_TEST(pools_maxima)
{
    static const int windows[][3] = { { 3, 2, 1 }, { 2, 2, 0 }, { 3, 1, 1 }, { 1, 1, 0 } };
    const tsm_dims *in = &cases[_i].dims;

    for (int i = 0; i < 4; i++) {
        const tsm_node node = {
            .kernel_h = windows[i][0], .kernel_w = windows[i][0], .stride = windows[i][1], .pad = windows[i][2]
        };
        const int room_h = in->h + 2 * node.pad - node.kernel_h, room_w = in->w + 2 * node.pad - node.kernel_w;
        const tsm_dims dims = { in->n, in->t, room_h / node.stride + 1, room_w / node.stride + 1, in->c };

        if (room_h < 0 || room_w < 0) continue;
        float *x = hashed_array(count_of(in), SEED), *want = poisoned_array(count_of(&dims));
        float *got = output_of(count_of(&dims));
        tsm_ref_maxpool(want, x, in, &node);
        tsm_cpu_maxpool(x, got, in, &dims, &node);
        assert_same(got, want, count_of(&dims), "max pool");
        assert_guard(got, count_of(&dims));
        free(x);
        free(want);
        free(got);
    }
}
END_TEST

/* k summands of magnitude <= 1 in float: the error of the mean is below k/2 * eps; block sums keep it far lower. */
static double mean_tolerance(int64_t k)
{
    return (double)(k < 64 ? k : 64 + k / 64) * 6e-8;
}

START_TEST(means)
{
    const tsm_dims *in = &cases[_i].dims;
    const int64_t pixels = (int64_t)in->h * in->w;
    const size_t count = (size_t)in->n * in->t * (size_t)(pixels * in->c); /* the largest of the three results */
    float *x = hashed_array(count_of(in), SEED), *want = poisoned_array(count), *got = output_of(count);

    for (int over_time = 0; over_time <= 1; over_time++) {
        const size_t values = (size_t)in->n * (over_time ? 1 : in->t) * in->c;

        tsm_ref_avgpool(want, x, in, over_time);
        tsm_cpu_avgpool(x, got, in, over_time);
        assert_near(got, want, values, mean_tolerance(pixels * (over_time ? in->t : 1)), "mean over pixels");
    }
    tsm_ref_tmean(want, x, in);
    tsm_cpu_tmean(x, got, in);
    assert_near(got, want, (size_t)(in->n * pixels * in->c), mean_tolerance(in->t), "mean over time");
    assert_guard(got, count);
    free(x);
    free(want);
    free(got);
}
END_TEST

/* Up to 12 summands in float. */
START_TEST(window_means)
{
    static const int windows[][3] = { { 2, 2, 2 }, { 3, 3, 2 }, { 1, 1, 1 }, { 4, 3, 1 }, { 2, 3, 4 } };
    const tsm_dims *in = &cases[_i].dims;

    for (int i = 0; i < 5; i++) {
        const tsm_node node = { .kernel_h = windows[i][0], .kernel_w = windows[i][1], .stride = windows[i][2] };
        const tsm_dims dims = { in->n, in->t, (in->h + node.stride - 1) / node.stride,
                                (in->w + node.stride - 1) / node.stride, in->c };
        float *x = hashed_array(count_of(in), SEED), *want = poisoned_array(count_of(&dims));
        float *got = output_of(count_of(&dims));

        tsm_ref_window_mean(want, x, in, &node);
        tsm_cpu_window_mean(x, got, in, &dims, &node);
        assert_near(got, want, count_of(&dims), mean_tolerance(12), "mean of windows");
        assert_guard(got, count_of(&dims));
        free(x);
        free(want);
        free(got);
    }
}
END_TEST

START_TEST(tpool_is_the_reference)
{
    const tsm_dims *in = &cases[_i].dims;
    const tsm_dims even = { in->n, in->t + in->t % 2, in->h, in->w, in->c };
    const size_t count = count_of(&even);
    float *x = hashed_array(count, SEED), *want = poisoned_array(count / 2), *got = poisoned_array(count / 2);

    x[count - 1] = NAN;
    tsm_ref_tpool(want, x, &even);
    tsm_cpu_tpool(x, got, &even);
    ck_assert(isnan(got[count / 2 - 1]) && isnan(want[count / 2 - 1]));
    assert_same(got, want, count / 2 - 1, "maximum over time");
    free(x);
    free(want);
    free(got);
}
END_TEST

START_TEST(adds_and_activates)
{
    const size_t count = count_of(&cases[_i].dims);
    float *x = hashed_array(count, SEED), *y = hashed_array(count, SEED + 1);
    float *want = poisoned_array(count), *got = copy_of(x, count);

    tsm_ref_add(want, x, y, (int64_t)count);
    tsm_cpu_add(got, y, got, (int64_t)count);
    assert_same(got, want, count, "sum in place");
    for (size_t i = 0; i < count; i++) x[i] *= 12;
    x[0] = NAN;
    for (tsm_act act = TSM_ACT_NONE; act < TSM_ACT_COUNT; act++) {
        tsm_ref_act(want, x, (int64_t)count, act);
        memcpy(got, x, count * sizeof *x);
        tsm_cpu_act(got, got, (int64_t)count, act);
        if (act == TSM_ACT_SIGMOID) {
            assert_near(got + 1, want + 1, count - 1, 2e-7, "sigmoid in place");
        } else {
            assert_same(got + 1, want + 1, count - 1, "activation in place");
        }
        ck_assert(isnan(got[0]) && isnan(want[0]));
    }
    assert_guard(got, count);
    free(x);
    free(y);
    free(want);
    free(got);
}
END_TEST

/* One product and one activation an element: equal to the bit but for the sigmoid. */
START_TEST(scales)
{
    const tsm_dims *dims = &cases[_i].dims;
    const size_t count = count_of(dims);
    float *x = hashed_array(count, SEED), *factors = hashed_array((size_t)(dims->n * dims->t * dims->c), SEED + 1);

    for (tsm_act act = TSM_ACT_NONE; act < TSM_ACT_COUNT; act++) {
        float *want = poisoned_array(count), *got = output_of(count), *in_place = copy_of(x, count);

        tsm_ref_scale(want, x, factors, dims, act);
        tsm_cpu_scale(x, factors, got, dims, act);
        tsm_cpu_scale(in_place, factors, in_place, dims, act);
        if (act == TSM_ACT_SIGMOID) {
            assert_near(got, want, count, 2e-7, "scaled, sigmoid");
        } else {
            assert_same(got, want, count, "scaled");
        }
        assert_same(in_place, got, count, "scaled in place");
        assert_guard(got, count);
        free(want);
        free(got);
        free(in_place);
    }
    free(x);
    free(factors);
}
END_TEST

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

/* Rows of scores as peaked as they come: the weights sum up to 1, and each is off by the rounding of the sum at most.
 */
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

/* The order of summation is fixed: any number of threads gives the same bits. */
START_TEST(threads_do_not_matter)
{
    const tsm_dims in = { 2, 8, 19, 21, 300 };
    const int threads = omp_get_max_threads();
    float *x = hashed_array(count_of(&in), SEED), *one = poisoned_array(600), *many = poisoned_array(600);

    omp_set_num_threads(1);
    tsm_cpu_avgpool(x, one, &in, true);
    omp_set_num_threads(5);
    tsm_cpu_avgpool(x, many, &in, true);
    omp_set_num_threads(threads);
    assert_same(many, one, 600, "mean with five threads");
    free(x);
    free(one);
    free(many);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_ops");
    TCase *loops = tcase_create("loops");

    printf("seed %u\n", SEED);
    omp_set_num_threads(3); /* so that work does not divide evenly */
    tcase_add_loop_test(loops, shift_copies, 0, CASES);
    tcase_add_loop_test(loops, shift_in_place_and_back, 0, CASES);
    tcase_add_loop_test(loops, picks_pixels, 0, CASES);
    tcase_add_loop_test(loops, gathers, 0, CASES);
    tcase_add_test(loops, gather_keeps_nan);
    tcase_add_loop_test(loops, reads_planes, 0, CASES);
    tcase_add_test(loops, reads_bytes);
    tcase_add_loop_test(loops, pools_maxima, 0, CASES);
    tcase_add_loop_test(loops, means, 0, CASES);
    tcase_add_loop_test(loops, window_means, 0, CASES);
    tcase_add_loop_test(loops, adds_and_activates, 0, CASES);
    tcase_add_loop_test(loops, scales, 0, CASES);
    tcase_add_test(loops, exponentials);
    tcase_add_test(loops, softens);
    tcase_add_test(loops, softmax_keeps_nan);
    tcase_add_loop_test(loops, tpool_is_the_reference, 0, CASES);
    tcase_add_test(loops, threads_do_not_matter);
    suite_add_tcase(suite, loops);
    return run_suite(suite);
}
