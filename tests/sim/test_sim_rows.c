/* test_sim_rows.c - softmax and top-k on the simulated device. */
#include "device_support.h"

#include "kernels/reference.h"

static const int shapes[][2] = { { 1, 400 }, { 5, 174 }, { 3, 1 }, { 2, 255 },
                                 { 2, 256 }, { 2, 257 }, { 4, 7 }, { 1, 1100 } };

static void check_softmax(int rows, int classes, tsm_dtype dtype, float scale, bool in_place, unsigned number)
{
    size_t count = (size_t)rows * (size_t)classes;
    float *in = hashed_array(count, number), *want = poisoned_array(count), *got;
    void *encoded;
    char *device_in, *device_out;

    begin_case(number);
    for (size_t i = 0; i < count; i++) in[i] *= scale;
    encoded = encode(in, count, dtype);
    device_in = device_copy(encoded, count * dtype_bytes(dtype), 0);
    device_out = in_place ? device_in : device_room(count * sizeof(float), 0);
    DEVICE_OK(tsm_kernel_softmax(device_in, (float *)device_out, rows, classes, dtype, NULL));
    tsm_kernel_softmax_reference(in, want, rows, classes);
    got = device_result(device_out, count, TSM_FLOAT32);
    /* Relative to 1: exp of a float32 difference is off by its error, sums by a few roundings. */
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= (scale + 16) * 0x1p-24 * (double)want[i] + 0x1p-40))
            ck_abort_msg("softmax %zu is %.9g, want %.9g", i, (double)got[i], (double)want[i]);
    if (!in_place) device_release(device_out, 0);
    device_release(device_in, 0);
    free(in);
    free(want);
    free(got);
    free(encoded);
}

START_TEST(softmax)
{
    const int *s = shapes[_i];

    for (int d = 0; d < COUNT_OF(float_types); d++) {
        check_softmax(s[0], s[1], float_types[d], 4, false, (unsigned)(_i * 8 + d));
        check_softmax(s[0], s[1], float_types[d], 100, false, (unsigned)(_i * 8 + d + 100));
    }
    check_softmax(s[0], s[1], TSM_FLOAT32, 10, true, (unsigned)(_i * 8 + 7));
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
    ck_assert_int_eq(tsm_kernel_softmax(device_in, NULL, 1, 7, TSM_FLOAT32, NULL), cudaErrorInvalidValue);
    device_release(device_in, 0);
    device_release(device_index, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel rows");
    TCase *tests = tcase_create("rows");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, softmax, 0, COUNT_OF(shapes));
    tcase_add_loop_test(tests, topk, 0, COUNT_OF(shapes));
    tcase_add_test(tests, order);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
