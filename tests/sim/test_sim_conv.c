/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_conv.c - the depthwise convolution, the residual addition and the scaling of channels on the simulated
 * device. */
#include "device_support.h"

#include "reference/ops.h"

typedef struct depthwise_case {
    int images, h, w, channels, stride;
    tsm_act act;
    bool bias;
} depthwise_case;

static const depthwise_case depthwises[] = {
    { 1, 4, 4, 16, 1, TSM_ACT_RELU6, true },   { 2, 7, 5, 24, 2, TSM_ACT_RELU6, true },
    { 1, 1, 1, 8, 1, TSM_ACT_NONE, true },     { 1, 2, 3, 8, 2, TSM_ACT_RELU, false },
    { 3, 5, 9, 7, 1, TSM_ACT_NONE, false },    { 1, 6, 8, 13, 2, TSM_ACT_RELU6, true },
    { 1, 3, 17, 32, 1, TSM_ACT_RELU, true },   { 1, 3, 18, 32, 2, TSM_ACT_NONE, true },
    { 2, 14, 14, 96, 2, TSM_ACT_RELU6, true }, { 1, 1, 30, 64, 1, TSM_ACT_RELU6, true },
    { 2, 14, 13, 64, 2, TSM_ACT_RELU, true },  { 1, 5, 6, 24, 1, TSM_ACT_LEAKY_RELU, true },
    { 1, 4, 7, 16, 2, TSM_ACT_SIGMOID, true },
};

/* A tolerance of every element of its own: one rounding of the result, which for small halves is half of 2^-24, and
 * float32 rounding of terms up to 1. */
static void assert_near(const float *got, const float *want, size_t count, tsm_dtype dtype, int terms,
                        const char *what)
{
    const double smallest = dtype == TSM_FLOAT16 ? 0.501 * 0x1p-24 : 0;

    for (size_t i = 0; i < count; i++) {
        double allowed = 0.501 * dtype_epsilon(dtype) * fabs((double)want[i]) + smallest + terms * 0x1p-23;
        if (!(fabs((double)got[i] - (double)want[i]) <= allowed))
            ck_abort_msg("%s: element %zu is %.9g, want %.9g", what, i, (double)got[i], (double)want[i]);
    }
}

/* (3,3,C) as the device takes weights to the (C,3,3,1) of the reference. */
static float *by_channel(const float *weights, size_t channels)
{
    float *made = malloc(9 * channels * sizeof *made);

    for (size_t k = 0; k < 9; k++)
        for (size_t c = 0; c < channels; c++) made[c * 9 + k] = weights[k * channels + c];
    return made;
}

static void check_depthwise(const depthwise_case *c, tsm_dtype dtype, size_t offset, unsigned number)
{
    size_t channels = (size_t)c->channels, in_count = (size_t)(c->images * c->h * c->w) * channels;
    size_t out_count = (size_t)(c->images * ((c->h - 1) / c->stride + 1) * ((c->w - 1) / c->stride + 1)) * channels;
    float *in, *weights, *bias, *want = poisoned_array(out_count), *ordered, *got;
    char *device_in = device_values(&in, in_count, number, dtype, offset);
    char *device_weights = device_values(&weights, 9 * channels, number + 1, dtype, offset);
    char *device_bias = device_values(&bias, channels, number + 2, TSM_FLOAT32, 0);
    char *device_out = device_room(out_count * dtype_bytes(dtype), offset);
    tsm_node node = { .kernel_h = 3,
                      .kernel_w = 3,
                      .stride = c->stride,
                      .pad = 1,
                      .groups = c->channels,
                      .in_channels = c->channels,
                      .out_channels = c->channels,
                      .act = c->act };
    tsm_dims dims = { c->images, 1, c->h, c->w, c->channels };

    begin_case(number);
    DEVICE_OK(tsm_kernel_depthwise(&(tsm_kernel_depthwise_args){ .in = device_in,
                                                                 .weights = device_weights,
                                                                 .bias = c->bias ? (const float *)device_bias : NULL,
                                                                 .out = device_out,
                                                                 .images = c->images,
                                                                 .h = c->h,
                                                                 .w = c->w,
                                                                 .channels = c->channels,
                                                                 .stride = c->stride,
                                                                 .act = (tsm_kernel_act)c->act,
                                                                 .dtype = dtype },
                                   NULL));
    node.bias = c->bias ? bias : NULL;
    ordered = by_channel(weights, channels);
    tsm_ref_conv(want, in, &dims, &node, ordered, NULL);
    got = device_result(device_out, out_count, dtype);
    assert_near(got, want, out_count, dtype, 10, "depthwise");
    device_release(device_in, offset);
    device_release(device_weights, offset);
    device_release(device_bias, 0);
    device_release(device_out, offset);
    free(in);
    free(weights);
    free(bias);
    free(want);
    free(ordered);
    free(got);
}

START_TEST(depthwise)
{
    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (size_t offset = 0; offset <= 4; offset += 4)
            check_depthwise(&depthwises[_i], float_types[d], offset, (unsigned)(_i * 32 + d * 8) + (unsigned)offset);
}
END_TEST

/* ---- a + b ---- */

typedef struct add_case {
    int rows, channels, a_gap, b_gap, out_gap;
    tsm_act act;
} add_case;

static const add_case adds[] = {
    { 6, 64, 0, 0, 0, TSM_ACT_RELU },       { 5, 7, 0, 0, 0, TSM_ACT_NONE },
    { 300, 24, 0, 0, 0, TSM_ACT_RELU6 },    { 4, 32, 8, 16, 24, TSM_ACT_RELU },
    { 3, 16, 1, 0, 2, TSM_ACT_RELU6 },      { 1, 1, 0, 0, 0, TSM_ACT_RELU },
    { 9, 20, 4, 4, 4, TSM_ACT_NONE },       { 5, 32, 0, 8, 0, TSM_ACT_RELU },
    { 6, 48, 0, 8, 0, TSM_ACT_LEAKY_RELU }, { 7, 5, 0, 0, 0, TSM_ACT_LEAKY_RELU },
    { 6, 48, 8, 0, 0, TSM_ACT_SIGMOID },    { 7, 5, 0, 0, 0, TSM_ACT_SIGMOID },
};

/* Roundings of float32 in an activation. */
static int act_terms(tsm_act act)
{
    return act == TSM_ACT_SIGMOID ? 4 : 0;
}

static float *values_of_row(const float *row, size_t channels, float *out)
{
    memcpy(out, row, channels * sizeof *out);
    return out + channels;
}

/* b: an operand of its own; NULL; or `in_place`, where out is a. */
static void check_add(const add_case *c, tsm_dtype dtype, bool with_b, bool in_place, unsigned number)
{
    size_t rows = (size_t)c->rows, channels = (size_t)c->channels, count = rows * channels;
    size_t a_pitch = channels + (size_t)c->a_gap, b_pitch = channels + (size_t)c->b_gap;
    size_t out_pitch = in_place ? a_pitch : channels + (size_t)c->out_gap;
    float *a, *b, *left = malloc(count * sizeof *left), *right = malloc(count * sizeof *right);
    float *want = poisoned_array(count), *got, *to_left = left, *to_right = right;
    char *device_a = device_values(&a, rows * a_pitch, number, dtype, 0);
    char *device_b = device_values(&b, rows * b_pitch, number + 1, dtype, 0);
    char *device_out = in_place ? device_a : device_room(rows * out_pitch * dtype_bytes(dtype), 0);

    begin_case(number);
    if (!in_place && c->out_gap)
        DEVICE_OK(cudaMemsetAsync(device_out, 0xff, rows * out_pitch * dtype_bytes(dtype), NULL));
    DEVICE_OK(tsm_kernel_add(&(tsm_kernel_add_args){ .a = device_a,
                                                     .b = with_b ? device_b : NULL,
                                                     .out = device_out,
                                                     .a_pitch = (int64_t)a_pitch,
                                                     .b_pitch = (int64_t)b_pitch,
                                                     .out_pitch = (int64_t)out_pitch,
                                                     .rows = c->rows,
                                                     .channels = c->channels,
                                                     .act = (tsm_kernel_act)c->act,
                                                     .dtype = dtype },
                             NULL));
    for (size_t r = 0; r < rows; r++) {
        to_left = values_of_row(a + r * a_pitch, channels, to_left);
        to_right = values_of_row(b + r * b_pitch, channels, to_right);
    }
    if (with_b) tsm_ref_add(left, left, right, (int64_t)count);
    tsm_ref_act(want, left, (int64_t)count, c->act);
    got = device_result(device_out, rows * out_pitch, dtype);
    for (size_t r = 0; r < rows; r++) {
        assert_near(got + r * out_pitch, want + r * channels, channels, dtype, act_terms(c->act), "add");
        for (size_t i = channels; i < out_pitch; i++)
            if (in_place ? got[r * out_pitch + i] != a[r * a_pitch + i] : !isnan(got[r * out_pitch + i]))
                ck_abort_msg("add writes between rows");
    }
    if (!in_place) device_release(device_out, 0);
    device_release(device_a, 0);
    device_release(device_b, 0);
    free(a);
    free(b);
    free(left);
    free(right);
    free(want);
    free(got);
}

START_TEST(add)
{
    for (int d = 0; d < COUNT_OF(float_types); d++) {
        unsigned number = 1000 + (unsigned)(_i * 32 + d * 8);
        check_add(&adds[_i], float_types[d], true, false, number);
        check_add(&adds[_i], float_types[d], true, true, number + 2);
        check_add(&adds[_i], float_types[d], false, false, number + 4);
    }
}
END_TEST

/* As PyTorch: NaN stays, and infinities have limits. */
START_TEST(special_values)
{
    static const float in[] = { NAN, -INFINITY, INFINITY, -0.0f, 200, -200, 6, -3 };
    static const float want[][8] = {
        [TSM_ACT_RELU] = { NAN, 0, INFINITY, 0, 200, 0, 6, 0 },
        [TSM_ACT_RELU6] = { NAN, 0, 6, 0, 6, 0, 6, 0 },
        [TSM_ACT_LEAKY_RELU] = { NAN, -INFINITY, INFINITY, 0, 200, -2, 6, -0.03f },
        [TSM_ACT_SIGMOID] = { NAN, 0, 1, 0.5f, 1, 0, 0.997527377f, 0.0474258732f },
    };
    char *device_in = device_copy(in, sizeof in, 0), *device_out = device_room(sizeof in, 0);
    tsm_kernel_add_args args = { device_in, NULL, device_out, 8, 8, 8, 1, 8, (tsm_kernel_act)_i, TSM_FLOAT32 };
    float got[8];

    begin_case(1800 + (unsigned)_i);
    DEVICE_OK(tsm_kernel_add(&args, NULL));
    device_read(got, device_out, sizeof got);
    for (int i = 0; i < 8; i++)
        if (isnan(want[_i][i]) ? !isnan(got[i])
                               : !(got[i] == want[_i][i] || fabsf(got[i] - want[_i][i]) <= 0x1p-22f * fabsf(got[i])))
            ck_abort_msg("act %d of %g is %.9g, want %.9g", _i, (double)in[i], (double)got[i], (double)want[_i][i]);
    device_release(device_in, 0);
    device_release(device_out, 0);
}
END_TEST

/* ---- a * factors ---- */

typedef struct scale_case {
    int frames, pixels, channels, in_gap, factor_gap, out_gap;
    tsm_act act;
} scale_case;

static const scale_case scales[] = {
    { 3, 4, 64, 0, 0, 0, TSM_ACT_RELU },     { 1, 1, 8, 0, 0, 0, TSM_ACT_NONE },
    { 5, 7, 7, 0, 0, 0, TSM_ACT_RELU },      { 2, 300, 16, 0, 0, 0, TSM_ACT_NONE },
    { 12, 3, 24, 8, 16, 32, TSM_ACT_RELU6 }, { 2, 5, 32, 1, 0, 0, TSM_ACT_RELU },
    { 2, 5, 32, 0, 2, 3, TSM_ACT_SIGMOID },  { 4, 9, 40, 0, 0, 8, TSM_ACT_LEAKY_RELU },
};

static float *dense_rows(const float *values, size_t rows, size_t channels, size_t pitch)
{
    float *made = malloc(rows * channels * sizeof *made), *to = made;

    ck_assert_ptr_nonnull(made);
    for (size_t r = 0; r < rows; r++) to = values_of_row(values + r * pitch, channels, to);
    return made;
}

static void check_scale(const scale_case *c, tsm_dtype dtype, size_t offset, bool in_place, unsigned number)
{
    size_t frames = (size_t)c->frames, rows = frames * (size_t)c->pixels, channels = (size_t)c->channels;
    size_t in_pitch = channels + (size_t)c->in_gap, factor_pitch = channels + (size_t)c->factor_gap;
    size_t out_pitch = in_place ? in_pitch : channels + (size_t)c->out_gap;
    size_t out_bytes = rows * out_pitch * dtype_bytes(dtype);
    tsm_dims dims = { c->frames, 1, c->pixels, 1, c->channels };
    float *in, *factors, *want = poisoned_array(rows * channels), *got;
    char *device_in = device_values(&in, rows * in_pitch, number, dtype, offset);
    char *device_factors = device_values(&factors, frames * factor_pitch, number + 1, dtype, offset);
    char *device_out = in_place ? device_in : device_room(out_bytes, offset);
    float *dense = dense_rows(in, rows, channels, in_pitch);
    float *dense_factors = dense_rows(factors, frames, channels, factor_pitch);

    begin_case(number);
    if (!in_place && c->out_gap) DEVICE_OK(cudaMemsetAsync(device_out, 0xff, out_bytes, NULL));
    DEVICE_OK(tsm_kernel_scale(&(tsm_kernel_scale_args){ .in = device_in,
                                                         .factors = device_factors,
                                                         .out = device_out,
                                                         .in_pitch = (int64_t)in_pitch,
                                                         .factor_pitch = (int64_t)factor_pitch,
                                                         .out_pitch = (int64_t)out_pitch,
                                                         .frames = c->frames,
                                                         .pixels = c->pixels,
                                                         .channels = c->channels,
                                                         .act = (tsm_kernel_act)c->act,
                                                         .dtype = dtype },
                               NULL));
    tsm_ref_scale(want, dense, dense_factors, &dims, c->act);
    got = device_result(device_out, rows * out_pitch, dtype);
    for (size_t r = 0; r < rows; r++) {
        assert_near(got + r * out_pitch, want + r * channels, channels, dtype, act_terms(c->act), "scale");
        for (size_t i = channels; i < out_pitch; i++)
            if (in_place ? got[r * out_pitch + i] != in[r * in_pitch + i] : !isnan(got[r * out_pitch + i]))
                ck_abort_msg("scale writes between rows");
    }
    if (!in_place) device_release(device_out, offset);
    device_release(device_in, offset);
    device_release(device_factors, offset);
    free(in);
    free(factors);
    free(dense);
    free(dense_factors);
    free(want);
    free(got);
}

START_TEST(scale)
{
    for (int d = 0; d < COUNT_OF(float_types); d++) {
        unsigned number = 3000 + (unsigned)(_i * 32 + d * 8);
        check_scale(&scales[_i], float_types[d], 0, false, number);
        check_scale(&scales[_i], float_types[d], 4, false, number + 2);
        check_scale(&scales[_i], float_types[d], 0, true, number + 4);
    }
}
END_TEST

START_TEST(refuses)
{
    char *m = device_room(256, 0);
    tsm_kernel_depthwise_args good = { m, m, NULL, m, 1, 4, 4, 4, 1, TSM_KERNEL_ACT_NONE, TSM_FLOAT32 }, bad = good;

    begin_case(2000);
    bad.stride = 3;
    ck_assert_int_eq(tsm_kernel_depthwise(&bad, NULL), cudaErrorInvalidValue);
    bad = good;
    bad.weights = NULL;
    ck_assert_int_eq(tsm_kernel_depthwise(&bad, NULL), cudaErrorInvalidValue);
    ck_assert_int_eq(
        tsm_kernel_add(&(tsm_kernel_add_args){ m, m, m, 4, 3, 4, 1, 4, TSM_KERNEL_ACT_NONE, TSM_FLOAT32 }, NULL),
        cudaErrorInvalidValue);
    ck_assert_int_eq(
        tsm_kernel_add(&(tsm_kernel_add_args){ m, m, m, 4, 4, 4, 0, 4, TSM_KERNEL_ACT_NONE, TSM_FLOAT32 }, NULL),
        cudaErrorInvalidValue);
    tsm_kernel_scale_args fine = { m, m, m, 4, 4, 4, 1, 1, 4, TSM_KERNEL_ACT_NONE, TSM_FLOAT32 }, wrong = fine;
    wrong.factors = NULL;
    ck_assert_int_eq(tsm_kernel_scale(&wrong, NULL), cudaErrorInvalidValue);
    wrong = fine;
    wrong.factor_pitch = 3;
    ck_assert_int_eq(tsm_kernel_scale(&wrong, NULL), cudaErrorInvalidValue);
    wrong = fine;
    wrong.frames = 0;
    ck_assert_int_eq(tsm_kernel_scale(&wrong, NULL), cudaErrorInvalidValue);
    wrong = fine;
    wrong.dtype = TSM_UINT8;
    ck_assert_int_eq(tsm_kernel_scale(&wrong, NULL), cudaErrorInvalidValue);
    device_release(m, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel conv");
    TCase *tests = tcase_create("conv");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, depthwise, 0, COUNT_OF(depthwises));
    tcase_add_loop_test(tests, add, 0, COUNT_OF(adds));
    tcase_add_loop_test(tests, special_values, TSM_ACT_RELU, TSM_ACT_COUNT);
    tcase_add_loop_test(tests, scale, 0, COUNT_OF(scales));
    tcase_add_test(tests, refuses);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
