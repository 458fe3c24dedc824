/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of the CPU backend that read the input, pool, sum and activate, against the reference ops. Moving data,
 * picking a maximum and adding two numbers have no rounding of their own: those must be equal to the bit.
 */
#include <omp.h>

#include "cpu/ops.h"
#include "cpu_loops.h"
#include "reference/ops.h"

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
    tcase_add_loop_test(loops, picks_pixels, 0, CASES);
    tcase_add_loop_test(loops, reads_planes, 0, CASES);
    tcase_add_test(loops, reads_bytes);
    tcase_add_loop_test(loops, pools_maxima, 0, CASES);
    tcase_add_loop_test(loops, means, 0, CASES);
    tcase_add_loop_test(loops, window_means, 0, CASES);
    tcase_add_loop_test(loops, adds_and_activates, 0, CASES);
    tcase_add_loop_test(loops, scales, 0, CASES);
    tcase_add_loop_test(loops, tpool_is_the_reference, 0, CASES);
    tcase_add_test(loops, threads_do_not_matter);
    suite_add_tcase(suite, loops);
    return run_suite(suite);
}
