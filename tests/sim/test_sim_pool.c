/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_pool.c - maxima and means on the simulated device, in the three floating types. */
#include "device_support.h"

#include "reference/ops.h"
#include "kernels/reference.h"

/* ---- Rows with gaps between them ---- */

/* Rows of channels that a kernel reads, and those that it writes, on the device; `dense` has the former without gaps. */
typedef struct pitched {
    size_t in_rows, out_rows, channels, in_pitch, out_pitch, offset;
    tsm_dtype dtype;
    float *dense, *want;
    char *device_in, *device_out;
} pitched;

/* What stands in the gaps of the output is NaN. */
static void pitched_open(pitched *p, int in_gap, int out_gap, unsigned number)
{
    float *in;

    p->in_pitch = p->channels + (size_t)in_gap;
    p->out_pitch = p->channels + (size_t)out_gap;
    begin_case(number);
    p->device_in = device_values(&in, p->in_rows * p->in_pitch, number, p->dtype, p->offset);
    p->device_out = device_room(p->out_rows * p->out_pitch * dtype_bytes(p->dtype), p->offset);
    if (out_gap)
        DEVICE_OK(cudaMemsetAsync(p->device_out, 0xff, p->out_rows * p->out_pitch * dtype_bytes(p->dtype), NULL));
    p->dense = poisoned_array(p->in_rows * p->channels);
    p->want = poisoned_array(p->out_rows * p->channels);
    for (size_t r = 0; r < p->in_rows; r++)
        memcpy(p->dense + r * p->channels, in + r * p->in_pitch, p->channels * sizeof *in);
    free(in);
}

/* Holds every value against `want`, and the gaps against NaN; `relative` and `absolute` are how far one may be off. */
static void pitched_close(pitched *p, double relative, double absolute, const char *what)
{
    float *got = device_result(p->device_out, p->out_rows * p->out_pitch, p->dtype);

    for (size_t i = 0; i < p->out_rows * p->out_pitch; i++) {
        const size_t row = i / p->out_pitch, channel = i % p->out_pitch;
        const double wanted = channel < p->channels ? (double)p->want[row * p->channels + channel] : NAN;

        if (channel < p->channels ? !(fabs((double)got[i] - wanted) <= relative * fabs(wanted) + absolute)
                                  : !isnan(got[i]))
            ck_abort_msg("%s: row %zu, channel %zu is %.9g, want %.9g", what, row, channel, (double)got[i], wanted);
    }
    device_release(p->device_in, p->offset);
    device_release(p->device_out, p->offset);
    free(p->dense);
    free(p->want);
    free(got);
}

/* ---- Maximum over pixels ---- */

typedef struct maxpool_case {
    int images, h, w, channels, kernel, stride, pad, in_gap, out_gap;
} maxpool_case;

static const maxpool_case maxpools[] = {
    { 2, 8, 8, 16, 3, 2, 1, 0, 0 }, { 1, 7, 9, 24, 3, 2, 1, 0, 0 },  { 1, 1, 1, 8, 3, 2, 1, 0, 0 },
    { 3, 5, 4, 3, 3, 2, 1, 0, 0 },  { 1, 6, 6, 8, 3, 1, 1, 0, 0 },   { 1, 9, 7, 8, 2, 2, 0, 0, 0 },
    { 1, 9, 9, 16, 5, 3, 2, 0, 0 }, { 2, 5, 5, 64, 3, 2, 1, 0, 16 }, { 2, 5, 5, 64, 3, 2, 1, 8, 0 },
    { 1, 4, 5, 16, 3, 2, 1, 0, 3 }, { 1, 3, 3, 8, 3, 3, 0, 0, 0 },   { 1, 6, 40, 64, 3, 2, 1, 0, 0 },
};

static void check_maxpool(const maxpool_case *c, tsm_dtype dtype, size_t offset, unsigned number)
{
    tsm_node node = { .kernel_h = c->kernel, .kernel_w = c->kernel, .stride = c->stride, .pad = c->pad };
    tsm_dims dims = { c->images, 1, c->h, c->w, c->channels };
    int out_h = (c->h + 2 * c->pad - c->kernel) / c->stride + 1,
        out_w = (c->w + 2 * c->pad - c->kernel) / c->stride + 1;
    pitched p = { .in_rows = (size_t)(c->images * c->h * c->w),
                  .out_rows = (size_t)(c->images * out_h * out_w),
                  .channels = (size_t)c->channels,
                  .offset = offset,
                  .dtype = dtype };

    pitched_open(&p, c->in_gap, c->out_gap, number);
    DEVICE_OK(tsm_kernel_maxpool(&(tsm_kernel_maxpool_args){ .in = p.device_in,
                                                             .out = p.device_out,
                                                             .in_pitch = (int64_t)p.in_pitch,
                                                             .out_pitch = (int64_t)p.out_pitch,
                                                             .images = c->images,
                                                             .h = c->h,
                                                             .w = c->w,
                                                             .channels = c->channels,
                                                             .kernel = c->kernel,
                                                             .stride = c->stride,
                                                             .pad = c->pad,
                                                             .dtype = dtype },
                                 NULL));
    tsm_ref_maxpool(p.want, p.dense, &dims, &node);
    pitched_close(&p, 0, 0, "maxpool");
}

START_TEST(maxpool)
{
    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (size_t offset = 0; offset <= 4; offset += 4)
            check_maxpool(&maxpools[_i], float_types[d], offset,
                          (unsigned)(_i * 16 + d * 2) + (unsigned)(offset / 4));
}
END_TEST

/* NaN wins over any number, whichever comes first; minus infinity is a number. */
START_TEST(maxpool_of_special_values)
{
    float in[] = { NAN, 1, -INFINITY, -INFINITY, 2, NAN, -INFINITY, -INFINITY }, got[4];
    char *device_in = device_copy(in, sizeof in, 0), *device_out = device_room(sizeof got, 0);

    begin_case(900);
    DEVICE_OK(tsm_kernel_maxpool(&(tsm_kernel_maxpool_args){ .in = device_in,
                                                             .out = device_out,
                                                             .in_pitch = 4,
                                                             .out_pitch = 4,
                                                             .images = 1,
                                                             .h = 1,
                                                             .w = 2,
                                                             .channels = 4,
                                                             .kernel = 3,
                                                             .stride = 2,
                                                             .pad = 1,
                                                             .dtype = TSM_FLOAT32 },
                                 NULL));
    device_read(got, device_out, sizeof got);
    ck_assert(isnan(got[0]) && isnan(got[1]));
    ck_assert(got[2] == -INFINITY && got[3] == -INFINITY);
    device_release(device_in, 0);
    device_release(device_out, 0);
}
END_TEST

/* ---- Mean over windows ---- */

typedef struct window_case {
    int images, h, w, channels, kernel_h, kernel_w, stride, in_gap, out_gap;
} window_case;

static const window_case windows[] = {
    { 2, 8, 8, 16, 2, 2, 2, 0, 0 }, { 1, 7, 9, 24, 2, 2, 2, 0, 0 }, /* the last windows are cut short */
    { 1, 1, 1, 8, 2, 2, 2, 0, 0 },  { 3, 5, 4, 3, 2, 2, 2, 0, 0 },  { 1, 6, 5, 8, 3, 3, 1, 0, 0 },
    { 1, 9, 7, 40, 3, 2, 2, 0, 0 }, { 1, 9, 9, 16, 2, 2, 3, 0, 0 }, { 2, 5, 5, 64, 2, 2, 2, 8, 16 },
    { 1, 4, 5, 16, 2, 2, 2, 0, 3 }, { 2, 3, 3, 8, 5, 5, 2, 0, 0 },  { 1, 6, 43, 64, 2, 2, 2, 0, 0 },
};

static void check_window(const window_case *c, tsm_dtype dtype, size_t offset, unsigned number)
{
    tsm_node node = { .kernel_h = c->kernel_h, .kernel_w = c->kernel_w, .stride = c->stride };
    tsm_dims dims = { c->images, 1, c->h, c->w, c->channels };
    int out_h = (c->h + c->stride - 1) / c->stride, out_w = (c->w + c->stride - 1) / c->stride;
    pitched p = { .in_rows = (size_t)(c->images * c->h * c->w),
                  .out_rows = (size_t)(c->images * out_h * out_w),
                  .channels = (size_t)c->channels,
                  .offset = offset,
                  .dtype = dtype };

    pitched_open(&p, c->in_gap, c->out_gap, number);
    DEVICE_OK(tsm_kernel_window_mean(&(tsm_kernel_window_mean_args){ .in = p.device_in,
                                                                     .out = p.device_out,
                                                                     .in_pitch = (int64_t)p.in_pitch,
                                                                     .out_pitch = (int64_t)p.out_pitch,
                                                                     .images = c->images,
                                                                     .h = c->h,
                                                                     .w = c->w,
                                                                     .channels = c->channels,
                                                                     .kernel_h = c->kernel_h,
                                                                     .kernel_w = c->kernel_w,
                                                                     .stride = c->stride,
                                                                     .dtype = dtype },
                                     NULL));
    tsm_ref_window_mean(p.want, p.dense, &dims, &node);
    pitched_close(&p, 0.501 * dtype_epsilon(dtype), 6 * 0x1p-24, "mean of windows");
}

START_TEST(window)
{
    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (size_t offset = 0; offset <= 4; offset += 4)
            check_window(&windows[_i], float_types[d], offset,
                         4000 + (unsigned)(_i * 16 + d * 2) + (unsigned)(offset / 4));
}
END_TEST

/* ---- Mean ---- */

static const int
    means[]
         [3] = {
             /* groups, rows, channels */
             { 1, 1, 8 },    { 3, 49, 64 },  { 2, 392, 40 },  { 1, 49, 288 }, { 5, 7, 3 },
             { 2, 16, 33 },  { 1, 15, 1 },   { 2, 100, 256 }, { 7, 2, 24 },   { 1, 17, 264 },
             { 1, 392, 72 }, { 130, 3, 24 }, { 129, 20, 3 }, /* the last two are enough for wide blocks */
         };

static void check_mean(const int *c, tsm_dtype dtype, tsm_dtype out_dtype, size_t offset, unsigned number)
{
    size_t in_count = (size_t)c[0] * (size_t)c[1] * (size_t)c[2], out_count = (size_t)c[0] * (size_t)c[2];
    tsm_dims dims = { c[0], 1, c[1], 1, c[2] };
    float *in, *want = poisoned_array(out_count), *got;
    char *device_in = device_values(&in, in_count, number, dtype, offset);
    char *device_out = device_room(out_count * dtype_bytes(out_dtype), offset);

    begin_case(number);
    DEVICE_OK(tsm_kernel_avgpool(&(tsm_kernel_avgpool_args){ .in = device_in,
                                                             .out = device_out,
                                                             .groups = c[0],
                                                             .rows = c[1],
                                                             .channels = c[2],
                                                             .dtype = dtype,
                                                             .out_dtype = out_dtype },
                                 NULL));
    tsm_ref_avgpool(want, in, &dims, false);
    got = device_result(device_out, out_count, out_dtype);
    /* Sums of values up to 1: their error is of the size of the terms, not of the mean. */
    for (size_t i = 0; i < out_count; i++) {
        double allowed = 0.501 * dtype_epsilon(out_dtype) * fabs((double)want[i]) + (2 + c[1] / 16.0) * 0x1p-24;
        if (!(fabs((double)got[i] - (double)want[i]) <= allowed))
            ck_abort_msg("mean %zu is %.9g, want %.9g", i, (double)got[i], (double)want[i]);
    }
    device_release(device_in, offset);
    device_release(device_out, offset);
    free(in);
    free(want);
    free(got);
}

START_TEST(mean)
{
    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (size_t offset = 0; offset <= 4; offset += 4) {
            unsigned number = 1000 + (unsigned)(_i * 16 + d * 4) + (unsigned)(offset / 4);
            check_mean(means[_i], float_types[d], float_types[d], offset, number);
            check_mean(means[_i], float_types[d], TSM_FLOAT32, offset, number + 2);
        }
}
END_TEST

/* ---- Maximum over frames ---- */

static const int tpools[][3] = {
    { 1, 8, 64 }, { 2, 4, 7 }, { 3, 1, 16 }, { 1, 2, 40 }, { 2, 7, 24 }, { 1, 8, 5000 }
};

static void check_tpool(const int *c, tsm_dtype dtype, size_t offset, unsigned number)
{
    size_t values = (size_t)c[2], in_count = (size_t)c[0] * (size_t)c[1] * values;
    size_t out_count = (size_t)c[0] * (size_t)((c[1] - 1) / 2 + 1) * values;
    float *in, *want = poisoned_array(out_count), *got;
    char *device_in = device_values(&in, in_count, number, dtype, offset);
    char *device_out = device_room(out_count * dtype_bytes(dtype), offset);
    tsm_kernel_tpool_args args = { device_in, device_out, c[0], c[1], c[2], dtype };

    begin_case(number);
    DEVICE_OK(tsm_kernel_tpool(&args, NULL));
    args.in = in;
    args.out = want;
    tsm_kernel_tpool_reference(&args);
    got = device_result(device_out, out_count, dtype);
    assert_bytes(got, want, out_count * sizeof *got, "temporal pool");
    device_release(device_in, offset);
    device_release(device_out, offset);
    free(in);
    free(want);
    free(got);
}

START_TEST(tpool)
{
    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (size_t offset = 0; offset <= 4; offset += 4)
            check_tpool(tpools[_i], float_types[d], offset,
                        2000 + (unsigned)(_i * 16 + d * 2) + (unsigned)(offset / 4));
}
END_TEST

START_TEST(refuses)
{
    char *m = device_room(64, 0);
    tsm_kernel_maxpool_args pool = { m, m, 4, 4, 1, 4, 4, 4, 3, 2, 1, TSM_FLOAT32 }, bad = pool;

    begin_case(3000);
    bad.pad = 2;
    ck_assert_int_eq(tsm_kernel_maxpool(&bad, NULL), cudaErrorInvalidValue);
    bad = pool;
    bad.dtype = TSM_UINT8;
    ck_assert_int_eq(tsm_kernel_maxpool(&bad, NULL), cudaErrorInvalidValue);
    bad = pool;
    bad.kernel = 7;
    ck_assert_int_eq(tsm_kernel_maxpool(&bad, NULL), cudaErrorInvalidValue);
    tsm_kernel_window_mean_args over = { m, m, 4, 4, 1, 4, 4, 4, 2, 2, 2, TSM_FLOAT32 }, wrong = over;
    wrong.stride = 0;
    ck_assert_int_eq(tsm_kernel_window_mean(&wrong, NULL), cudaErrorInvalidValue);
    wrong = over;
    wrong.kernel_w = 0x7fffffff;
    ck_assert_int_eq(tsm_kernel_window_mean(&wrong, NULL), cudaErrorInvalidValue);
    wrong = over;
    wrong.out_pitch = 3;
    ck_assert_int_eq(tsm_kernel_window_mean(&wrong, NULL), cudaErrorInvalidValue);
    ck_assert_int_eq(tsm_kernel_avgpool(&(tsm_kernel_avgpool_args){ m, m, 1, 1, 4, TSM_FLOAT16, TSM_BFLOAT16 }, NULL),
                     cudaErrorInvalidValue);
    ck_assert_int_eq(
        tsm_kernel_avgpool(&(tsm_kernel_avgpool_args){ m, NULL, 1, 1, 4, TSM_FLOAT16, TSM_FLOAT16 }, NULL),
        cudaErrorInvalidValue);
    ck_assert_int_eq(tsm_kernel_tpool(&(tsm_kernel_tpool_args){ m, m, 1, 0, 4, TSM_FLOAT16 }, NULL),
                     cudaErrorInvalidValue);
    device_release(m, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel pool");
    TCase *tests = tcase_create("pool");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, maxpool, 0, COUNT_OF(maxpools));
    tcase_add_test(tests, maxpool_of_special_values);
    tcase_add_loop_test(tests, window, 0, COUNT_OF(windows));
    tcase_add_loop_test(tests, mean, 0, COUNT_OF(means));
    tcase_add_loop_test(tests, tpool, 0, COUNT_OF(tpools));
    tcase_add_test(tests, refuses);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
