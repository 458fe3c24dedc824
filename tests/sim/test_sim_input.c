/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_input.c - bytes and planes to padded channels last, and the resize, on the simulated device.
 *
 * The resize is compared with the reference and, byte for byte, with the host's.
 */
#include "device_support.h"

#include "core/status.h"
#include "reference/ops.h"
#include "kernels/index.h"
#include "kernels/reference.h"
#include "pixels/pixels.h"

static uint8_t *noise(size_t bytes, uint32_t seed)
{
    uint8_t *made = malloc(bytes);

    ck_assert_ptr_nonnull(made);
    for (size_t i = 0; i < bytes; i++) made[i] = (uint8_t)(128.0f + hashed_value((uint32_t)i, seed) * 128.0f);
    return made;
}

/* (rows, channels) to (rows, wide), zeros beyond, rounded to the type: what the device must write to the bit. */
static float *widen(const float *in, size_t rows, size_t channels, size_t wide, tsm_dtype dtype)
{
    float *made = calloc(rows * wide, sizeof *made);

    ck_assert_ptr_nonnull(made);
    for (size_t r = 0; r < rows; r++) memcpy(made + r * wide, in + r * channels, channels * sizeof *made);
    free(encode(made, rows * wide, dtype));
    return made;
}

/* ---- Bytes ---- */

static void check_bytes(int pixels, tsm_dtype dtype, size_t in_offset, size_t out_offset, unsigned number)
{
    static const float mean[] = { 0.485f, 0.456f, 0.406f }, std[] = { 0.229f, 0.224f, 0.225f };
    size_t count = (size_t)pixels;
    tsm_dims dims = { 1, 1, 1, pixels, 3 };
    tsm_kernel_bytes_args args = { .pixels = pixels, .dtype = dtype };
    uint8_t *in = noise(3 * count, number);
    float *plain = poisoned_array(3 * count), *want, *got;
    char *device_in = device_copy(in, 3 * count, in_offset);
    char *device_out = device_room(4 * count * dtype_bytes(dtype), out_offset);

    begin_case(number);
    args.in = (const uint8_t *)device_in;
    args.out = device_out;
    memcpy(args.mean, mean, sizeof mean);
    memcpy(args.std, std, sizeof std);
    DEVICE_OK(tsm_kernel_bytes(&args, NULL));
    tsm_ref_input_u8(plain, in, &dims, mean, std);
    want = widen(plain, count, 3, 4, dtype);
    got = device_result(device_out, 4 * count, dtype);
    assert_bytes(got, want, 4 * count * sizeof *got, "bytes");
    device_release(device_in, in_offset);
    device_release(device_out, out_offset);
    free(in);
    free(plain);
    free(want);
    free(got);
}

START_TEST(bytes)
{
    static const int pixels[] = { 1, 2, 3, 4, 5, 63, 1024, 1025, 3000 };

    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (int i = 0; i < COUNT_OF(pixels); i++) {
            unsigned number = (unsigned)(d * 100 + i * 4);
            check_bytes(pixels[i], float_types[d], 0, 0, number);
            check_bytes(pixels[i], float_types[d], 3, 0, number + 1);
            check_bytes(pixels[i], float_types[d], 0, 8, number + 2);
        }
}
END_TEST

/* ---- Planes ---- */

static void check_planes(int images, int channels, int wide, int pixels, tsm_dtype dtype, size_t offset,
                         unsigned number)
{
    tsm_dims dims = { images, 1, 1, pixels, channels };
    size_t rows = (size_t)images * (size_t)pixels, in_count = rows * (size_t)channels,
           out_count = rows * (size_t)wide;
    float *in = hashed_array(in_count, number), *plain = poisoned_array(in_count), *want, *got;
    char *device_in = device_copy(in, in_count * sizeof *in, 0);
    char *device_out = device_room(out_count * dtype_bytes(dtype), offset);

    begin_case(number);
    DEVICE_OK(tsm_kernel_planes(&(tsm_kernel_planes_args){ (const float *)device_in, device_out, images, channels,
                                                           wide, pixels, NULL, dtype },
                                NULL));
    tsm_ref_input_f32(plain, in, &dims);
    want = widen(plain, rows, (size_t)channels, (size_t)wide, dtype);
    got = device_result(device_out, out_count, dtype);
    assert_bytes(got, want, out_count * sizeof *got, "planes");
    device_release(device_in, 0);
    device_release(device_out, offset);
    free(in);
    free(plain);
    free(want);
    free(got);
}

START_TEST(planes)
{
    static const int shape[][4] = {
        { 2, 3, 4, 35 }, { 1, 3, 3, 9 }, { 3, 2, 4, 257 }, { 1, 10, 16, 20 }, { 1, 5, 7, 300 }
    };

    for (int d = 0; d < COUNT_OF(float_types); d++)
        for (int i = 0; i < COUNT_OF(shape); i++)
            for (size_t offset = 0; offset <= 4; offset += 4)
                check_planes(shape[i][0], shape[i][1], shape[i][2], shape[i][3], float_types[d], offset,
                             1000 + (unsigned)(d * 50 + i * 4) + (unsigned)(offset / 4));
}
END_TEST

/* The first image with a value that is none, whatever else there is; what it was before where there is no such. */
START_TEST(planes_not_finite)
{
    enum { IMAGES = 7, CHANNELS = 3, PIXELS = 300, COUNT = IMAGES * CHANNELS * PIXELS };
    static const float none[] = { NAN, INFINITY, -INFINITY };
    static const int places[][2] = {
        { 2, 0 }, { 2, CHANNELS * PIXELS - 1 }, { 0, 5 }, { IMAGES - 1, PIXELS }, { 9, 0 }
    };
    const int image = places[_i][0], at = image * CHANNELS * PIXELS + places[_i][1];
    float *in = hashed_array(COUNT, 1);
    uint32_t found = UINT32_MAX;
    char *device_in, *device_out = device_room(IMAGES * PIXELS * 4 * 2, 0), *first;

    begin_case(1500 + (unsigned)_i);
    in[1] = 3e38f; /* finite, though float16 has no such number */
    if (image < IMAGES) in[at] = none[_i % 3];
    if (image < IMAGES - 2) in[COUNT - 7] = NAN;
    device_in = device_copy(in, COUNT * sizeof *in, 0);
    first = device_copy(&found, sizeof found, 0);
    DEVICE_OK(tsm_kernel_planes(&(tsm_kernel_planes_args){ (const float *)device_in, device_out, IMAGES, CHANNELS, 4,
                                                           PIXELS, (uint32_t *)first, TSM_FLOAT16 },
                                NULL));
    device_read(&found, first, sizeof found);
    ck_assert_uint_eq(found, image < IMAGES ? (uint32_t)image : UINT32_MAX);
    device_release(device_in, 0);
    device_release(device_out, 0);
    device_release(first, 0);
    free(in);
}
END_TEST

/* ---- Resize ---- */

typedef struct table {
    int32_t *first, *count, *weights;
    int taps, size;
} table;

/* A triangle as wide as the scale, normalised, in units of 2^-22; for an axis that keeps its size one tap of 1. */
static table make_table(int in_size, int out_size, int from, int size)
{
    double scale = (double)in_size / out_size, width = scale > 1 ? scale : 1;
    int taps = (int)ceil(width) * 2 + 1;
    table t = { calloc((size_t)size, 4), calloc((size_t)size, 4), calloc((size_t)(size * taps), 4), taps, size };

    for (int i = 0; i < size; i++) {
        double centre = (from + i + 0.5) * scale, sum = 0, w[200];
        int begin = (int)(centre - width + 0.5), end = (int)(centre + width + 0.5);
        begin = begin < 0 ? 0 : begin;
        end = end > in_size ? in_size : end;
        for (int k = begin; k < end; k++) {
            double x = fabs((k - centre + 0.5) * (1 / width));
            sum += w[k - begin] = x < 1 ? 1 - x : 0;
        }
        if (in_size == out_size) begin = from + i, end = begin + 1, w[0] = sum = 1;
        t.first[i] = begin;
        t.count[i] = end - begin;
        for (int k = 0; k < end - begin; k++)
            t.weights[i * taps + k] = (int32_t)(0.5 + w[k] / sum * (1 << TSM_RESIZE_BITS));
    }
    return t;
}

static tsm_kernel_axis device_table(const table *t)
{
    size_t size = (size_t)t->size * sizeof(int32_t);

    return (tsm_kernel_axis){ (const int32_t *)device_copy(t->first, size, 0),
                              (const int32_t *)device_copy(t->count, size, 0),
                              (const int32_t *)device_copy(t->weights, size * (size_t)t->taps, 0), t->taps };
}

static void device_table_release(tsm_kernel_axis axis)
{
    DEVICE_OK(cudaFree((void *)axis.first));
    DEVICE_OK(cudaFree((void *)axis.count));
    DEVICE_OK(cudaFree((void *)axis.weights));
}

static void table_free(table *t)
{
    free(t->first);
    free(t->count);
    free(t->weights);
}

typedef struct resize_case {
    int images, in_w, in_h, out_w, out_h; /* of the whole scaled image */
    tsm_rect part;
} resize_case;

static const resize_case resizes[] = {
    { 2, 34, 25, 27, 20, { 3, 2, 20, 16 } },       { 1, 80, 60, 40, 30, { 0, 0, 40, 30 } },
    { 1, 20, 15, 45, 34, { 10, 5, 24, 24 } },      { 1, 64, 48, 64, 24, { 8, 4, 16, 16 } },
    { 1, 64, 48, 32, 48, { 8, 12, 16, 16 } },      { 3, 300, 9, 290, 8, { 0, 1, 290, 6 } },
    { 1, 128, 72, 7, 4, { 1, 1, 5, 2 } },          { 1, 5, 5, 1, 1, { 0, 0, 1, 1 } },
    { 1, 341, 256, 299, 224, { 37, 0, 224, 40 } },
};

static void check_resize(const resize_case *c, unsigned number)
{
    table columns = make_table(c->in_w, c->out_w, c->part.x, c->part.width);
    table rows = make_table(c->in_h, c->out_h, c->part.y, c->part.height);
    tsm_kernel_resize_args args = { .images = c->images,
                                    .in_h = c->in_h,
                                    .in_w = c->in_w,
                                    .out_h = c->part.height,
                                    .out_w = c->part.width,
                                    .row_begin = rows.first[0],
                                    .row_end = rows.first[rows.size - 1] + rows.count[rows.size - 1] };
    tsm_kernel_resize_args host = args;
    size_t in_image = (size_t)(c->in_w * c->in_h) * 3, out_image = (size_t)(c->part.width * c->part.height) * 3;
    size_t images = (size_t)c->images, between = images * (size_t)((args.row_end - args.row_begin) * args.out_w) * 3;
    uint8_t *in = noise(images * in_image, number), *want = malloc(out_image * images),
            *got = malloc(out_image * images);
    char *device_in = device_copy(in, images * in_image, 0), *device_between = device_room(between, 0);
    char *device_out = device_room(images * out_image, 0);
    const tsm_resize_spec spec = { TSM_MODE_MIT, c->in_w, c->in_h, c->out_w, c->out_h, c->part };
    tsm_resizer resizer = { 0 };
    tsm_error error;

    begin_case(number);
    args.in = (const uint8_t *)device_in;
    args.between = (uint8_t *)device_between;
    args.out = (uint8_t *)device_out;
    args.columns = device_table(&columns);
    args.rows = device_table(&rows);
    DEVICE_OK(tsm_kernel_resize(&args, NULL));
    device_read(got, device_out, images * out_image);
    assert_ok(tsm_resizer_set(&resizer, &spec, &error), &error);
    for (size_t i = 0; i < images; i++) tsm_resizer_run(&resizer, in + i * in_image, want + i * out_image);
    tsm_resizer_clear(&resizer);
    assert_bytes(got, want, images * out_image, "resize against the host");
    host.in = in;
    host.out = want;
    host.between = malloc(between);
    host.columns = (tsm_kernel_axis){ columns.first, columns.count, columns.weights, columns.taps };
    host.rows = (tsm_kernel_axis){ rows.first, rows.count, rows.weights, rows.taps };
    tsm_kernel_resize_reference(&host);
    assert_bytes(got, want, images * out_image, "resize against the reference");
    device_table_release(args.columns);
    device_table_release(args.rows);
    device_release(device_in, 0);
    device_release(device_between, 0);
    device_release(device_out, 0);
    table_free(&columns);
    table_free(&rows);
    free(host.between);
    free(in);
    free(want);
    free(got);
}

START_TEST(resize)
{
    check_resize(&resizes[_i], 2000 + (unsigned)_i);
}
END_TEST

START_TEST(refuses)
{
    char *m = device_room(64, 0);

    begin_case(3000);
    ck_assert_int_eq(tsm_kernel_bytes(&(tsm_kernel_bytes_args){ .in = (uint8_t *)m, .out = m, .pixels = 0 }, NULL),
                     cudaErrorInvalidValue);
    ck_assert_int_eq(
        tsm_kernel_planes(&(tsm_kernel_planes_args){ (float *)m, m, 1, 4, 3, 1, NULL, TSM_FLOAT32 }, NULL),
        cudaErrorInvalidValue);
    ck_assert_int_eq(tsm_kernel_resize(&(tsm_kernel_resize_args){ .in = (uint8_t *)m, .out = (uint8_t *)m }, NULL),
                     cudaErrorInvalidValue);
    device_release(m, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel input");
    TCase *tests = tcase_create("input");

    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, bytes);
    tcase_add_test(tests, planes);
    tcase_add_loop_test(tests, planes_not_finite, 0, 5);
    tcase_add_loop_test(tests, resize, 0, COUNT_OF(resizes));
    tcase_add_test(tests, refuses);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
