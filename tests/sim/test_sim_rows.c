/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_rows.c - softmax and top-k on the simulated device. */
#include "device_support.h"

#include "kernels/reference.h"

static const int shapes[][2] = { { 1, 400 }, { 5, 174 }, { 3, 1 }, { 2, 255 },
                                 { 2, 256 }, { 2, 257 }, { 4, 7 }, { 1, 1100 } };

/* Rows of an attention: as in layer2 and layer3 at 8 frames, and shapes that no vector fits. */
static const struct {
    int rows, count, in_gap, out_gap;
} score_shapes[] = { { 9, 1568, 0, 0 }, { 20, 392, 0, 0 }, { 8, 13, 3, 3 }, { 17, 100, 4, 12 }, { 3, 131, 1, 5 } };

typedef struct softmax_case {
    int rows, count, in_gap, out_gap;
    tsm_dtype dtype, out_dtype;
    float scale;
    bool in_place;
} softmax_case;

/* Relative to the value: exp of a float32 difference is off by its error, sums by a few roundings, and the result is
 * rounded once; halves have no numbers between 0 and 2^-24. */
static double softmax_tolerance(const softmax_case *c, double want)
{
    double rounding = c->out_dtype == TSM_FLOAT32 ? 0 : 0.501 * dtype_epsilon(c->out_dtype);

    return (rounding + ((double)c->scale + 24) * 0x1p-24) * want + (c->out_dtype == TSM_FLOAT16 ? 0x1p-25 : 0x1p-40);
}

static void check_softmax(const softmax_case *c, size_t offset, unsigned number)
{
    const size_t rows = (size_t)c->rows, in_pitch = (size_t)(c->count + c->in_gap);
    const size_t out_pitch = c->in_place ? in_pitch : (size_t)(c->count + c->out_gap);
    const size_t out_bytes = rows * out_pitch * dtype_bytes(c->out_dtype);
    float *in = hashed_array(rows * in_pitch, number), *want = poisoned_array(rows * out_pitch), *got;
    void *encoded;
    char *device_in, *device_out;
    tsm_kernel_softmax_args a = { .in_pitch = (int64_t)in_pitch,
                                  .out_pitch = (int64_t)out_pitch,
                                  .rows = c->rows,
                                  .count = c->count,
                                  .dtype = c->dtype,
                                  .out_dtype = c->out_dtype };

    begin_case(number);
    for (size_t i = 0; i < rows * in_pitch; i++) in[i] *= c->scale;
    encoded = encode(in, rows * in_pitch, c->dtype);
    a.in = device_in = device_copy(encoded, rows * in_pitch * dtype_bytes(c->dtype), offset);
    a.out = device_out = c->in_place ? device_in : device_room(out_bytes, offset);
    if (!c->in_place && c->out_gap) DEVICE_OK(cudaMemsetAsync(device_out, 0xff, out_bytes, NULL));
    DEVICE_OK(tsm_kernel_softmax(&a, NULL));
    a.in = in;
    a.out = want;
    tsm_kernel_softmax_reference(&a);
    got = device_result(device_out, rows * out_pitch, c->out_dtype);
    for (size_t i = 0; i < rows * out_pitch; i++) {
        if (i % out_pitch >= (size_t)c->count) {
            if (c->in_place ? got[i] != in[i] : !isnan(got[i])) ck_abort_msg("softmax writes between rows");
        } else if (!(fabs((double)got[i] - (double)want[i]) <= softmax_tolerance(c, (double)want[i]))) {
            ck_abort_msg("softmax %zu is %.9g, want %.9g", i, (double)got[i], (double)want[i]);
        }
    }
    if (!c->in_place) device_release(device_out, offset);
    device_release(device_in, offset);
    free(in);
    free(want);
    free(got);
    free(encoded);
}

START_TEST(softmax)
{
    softmax_case c = { .rows = shapes[_i][0], .count = shapes[_i][1], .out_dtype = TSM_FLOAT32 };

    for (int d = 0; d < COUNT_OF(float_types); d++) {
        c.dtype = float_types[d];
        c.scale = 4;
        check_softmax(&c, 0, (unsigned)(_i * 8 + d));
        c.scale = 100;
        check_softmax(&c, 4, (unsigned)(_i * 8 + d + 100));
    }
    c.dtype = TSM_FLOAT32;
    c.scale = 10;
    c.in_place = true;
    check_softmax(&c, 0, (unsigned)(_i * 8 + 7));
}
END_TEST

/* float32 scores to weights of each type, float32 ones in place as well. */
START_TEST(softmax_of_scores)
{
    softmax_case c = { .rows = score_shapes[_i].rows,
                       .count = score_shapes[_i].count,
                       .in_gap = score_shapes[_i].in_gap,
                       .out_gap = score_shapes[_i].out_gap,
                       .dtype = TSM_FLOAT32,
                       .scale = 20 };

    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (size_t offset = 0; offset <= 4; offset += 4) {
            c.out_dtype = float_types[d];
            check_softmax(&c, offset, 3000 + (unsigned)(_i * 16 + d * 2) + (unsigned)(offset / 4));
        }
    c.out_dtype = TSM_FLOAT32;
    c.in_place = true;
    check_softmax(&c, 0, 3008 + (unsigned)(_i * 16));
}
END_TEST

START_TEST(softmax_refuses)
{
    char *m = device_room(256, 0);
    const tsm_kernel_softmax_args good = { m, m, 4, 4, 2, 4, TSM_FLOAT32, TSM_FLOAT32 };
    tsm_kernel_softmax_args bad[6];

    begin_case(3900);
    for (int i = 0; i < COUNT_OF(bad); i++) bad[i] = good;
    bad[0].out = NULL;
    bad[1].count = 0;
    bad[2].in_pitch = 3;
    bad[3].dtype = TSM_UINT8;
    bad[4].dtype = bad[4].out_dtype = TSM_FLOAT16;
    bad[5].rows = (int64_t)1 << 31;
    for (int i = 0; i < COUNT_OF(bad); i++)
        ck_assert_int_eq(tsm_kernel_softmax(&bad[i], NULL), cudaErrorInvalidValue);
    device_release(m, 0);
}
END_TEST

/* `levels` distinct values at most, so that ties are common. */
static void check_topk(int rows, int classes, int k, tsm_dtype dtype, float levels, unsigned number)
{
    size_t count = (size_t)rows * (size_t)classes, found = (size_t)rows * (size_t)k;
    float *in = hashed_array(count, number), *want = poisoned_array(found), *got;
    int32_t *want_index = malloc(found * sizeof *want_index), *got_index = malloc(found * sizeof *got_index);
    void *encoded;
    char *device_in, *device_out = device_room(found * sizeof *want, 0);
    char *device_index = device_room(found * sizeof *got_index, 0);

    begin_case(number);
    for (size_t i = 0; levels > 0 && i < count; i++) in[i] = floorf(in[i] * levels) / levels;
    if (classes > 4) in[2] = NAN, in[3] = INFINITY, in[4] = -0.0f;
    encoded = encode(in, count, dtype);
    device_in = device_copy(encoded, count * dtype_bytes(dtype), 0);
    DEVICE_OK(
        tsm_kernel_topk(device_in, (float *)device_out, (int32_t *)device_index, rows, classes, k, dtype, NULL));
    tsm_kernel_topk_reference(in, want, want_index, rows, classes, k);
    device_read(got_index, device_index, found * sizeof *got_index);
    assert_bytes(got_index, want_index, found * sizeof *got_index, "indices of top-k");
    got = device_result(device_out, found, TSM_FLOAT32);
    for (size_t i = 0; i < found; i++)
        if (got[i] != want[i] && !(isnan(got[i]) && isnan(want[i]))) ck_abort_msg("value %zu of top-k is wrong", i);
    device_release(device_in, 0);
    device_release(device_out, 0);
    device_release(device_index, 0);
    free(in);
    free(want);
    free(got);
    free(want_index);
    free(got_index);
    free(encoded);
}

START_TEST(topk)
{
    int classes = shapes[_i][1], k = classes < 5 ? classes : 5;

    for (int d = 0; d < COUNT_OF(float_types); d++) {
        unsigned number = 1000 + (unsigned)(_i * 16 + d * 4);
        check_topk(shapes[_i][0], classes, k, float_types[d], 0, number);
        check_topk(shapes[_i][0], classes, k, float_types[d], 3, number + 1);
        if (classes < 10) check_topk(shapes[_i][0], classes, classes, float_types[d], 2, number + 2);
    }
}
END_TEST

/* By hand: larger first, equal ones by index, -0 equal to 0, NaN last. */
START_TEST(order)
{
    static const float in[] = { NAN, -0.0f, 3, 0, 3, -INFINITY, -1 };
    static const int32_t want[] = { 2, 4, 1, 3, 6, 5, 0 };
    int32_t got[7];
    char *device_in = device_copy(in, sizeof in, 0), *device_index = device_room(sizeof got, 0);

    begin_case(2000);
    DEVICE_OK(tsm_kernel_topk(device_in, NULL, (int32_t *)device_index, 1, 7, 7, TSM_FLOAT32, NULL));
    device_read(got, device_index, sizeof got);
    assert_bytes(got, want, sizeof want, "order");
    ck_assert_int_eq(tsm_kernel_topk(device_in, NULL, NULL, 1, 7, 7, TSM_FLOAT32, NULL), cudaErrorInvalidValue);
    ck_assert_int_eq(tsm_kernel_topk(device_in, NULL, (int32_t *)device_index, 1, 7, 8, TSM_FLOAT32, NULL),
                     cudaErrorInvalidValue);
    device_release(device_in, 0);
    device_release(device_index, 0);
}
END_TEST

/* The first row that has one, in whichever column; rows beyond a block, columns beyond a warp. */
START_TEST(not_finite)
{
    static const int cases[][4] = { /* rows, columns, row, column; a row beyond the last: none */
                                    { 1, 1, 0, 0 },     { 1, 400, 0, 399 }, { 37, 5, 12, 4 },
                                    { 37, 33, 36, 32 }, { 9, 64, 8, 3 },    { 20, 11, 20, 0 }
    };
    const int rows = cases[_i][0], count = cases[_i][1], row = cases[_i][2];
    float *in = hashed_array((size_t)rows * (size_t)count, 1);
    uint32_t found = UINT32_MAX;
    char *device_in, *first;

    begin_case(2100 + (unsigned)_i);
    if (row < rows) in[row * count + cases[_i][3]] = _i % 2 ? NAN : -INFINITY;
    if (row < rows) in[rows * count - 1] = NAN;
    device_in = device_copy(in, (size_t)rows * (size_t)count * sizeof *in, 0);
    first = device_copy(&found, sizeof found, 0);
    DEVICE_OK(tsm_kernel_not_finite((const float *)device_in, rows, count, (uint32_t *)first, NULL));
    device_read(&found, first, sizeof found);
    ck_assert_uint_eq(found, row < rows ? (uint32_t)row : UINT32_MAX);
    ck_assert_int_eq(tsm_kernel_not_finite((const float *)device_in, rows, count, NULL, NULL), cudaErrorInvalidValue);
    device_release(device_in, 0);
    device_release(first, 0);
    free(in);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel rows");
    TCase *tests = tcase_create("rows");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, softmax, 0, COUNT_OF(shapes));
    tcase_add_loop_test(tests, softmax_of_scores, 0, COUNT_OF(score_shapes));
    tcase_add_test(tests, softmax_refuses);
    tcase_add_loop_test(tests, topk, 0, COUNT_OF(shapes));
    tcase_add_test(tests, order);
    tcase_add_loop_test(tests, not_finite, 0, 6);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
