/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_types.c - float16 and bfloat16 on the device, all patterns, against arithmetic written otherwise.
 *
 * To float: a mean over one row. From float: float32 planes of one channel.
 */
#include "device_support.h"

enum { PATTERNS = 65536 };

static void check_decode(tsm_dtype dtype)
{
    uint16_t *bits = malloc(PATTERNS * sizeof *bits);
    float *got;
    char *in, *out = device_room(PATTERNS * sizeof(float), 0);

    for (int i = 0; i < PATTERNS; i++) bits[i] = (uint16_t)i;
    in = device_copy(bits, PATTERNS * sizeof *bits, 0);
    DEVICE_OK(tsm_kernel_avgpool(&(tsm_kernel_avgpool_args){ .in = in,
                                                             .out = out,
                                                             .groups = 1,
                                                             .rows = 1,
                                                             .channels = PATTERNS,
                                                             .dtype = dtype,
                                                             .out_dtype = TSM_FLOAT32 },
                                 NULL));
    got = device_result(out, PATTERNS, TSM_FLOAT32);
    for (int i = 0; i < PATTERNS; i++) {
        float want = dtype == TSM_FLOAT16 ? half_value(bits[i]) : bfloat_value(bits[i]);
        if (got[i] != want && !(isnan(got[i]) && isnan(want)))
            ck_abort_msg("pattern %04x is %g, want %g", i, (double)got[i], (double)want);
    }
    free(bits);
    free(got);
    device_release(in, 0);
    device_release(out, 0);
}

/* Every value of the type, the middle between it and the next, and that middle's neighbours. */
static void check_encode(tsm_dtype dtype)
{
    size_t count = 4 * PATTERNS;
    float *values = malloc(count * sizeof *values);
    uint16_t *got = malloc(count * sizeof *got);
    char *in, *out = device_room(count * sizeof *got, 0);

    for (uint32_t i = 0; i < PATTERNS; i++) {
        uint16_t next = (uint16_t)(i + 1);
        double a = dtype == TSM_FLOAT16 ? half_value((uint16_t)i) : bfloat_value((uint16_t)i);
        double b = dtype == TSM_FLOAT16 ? half_value(next) : bfloat_value(next);
        float middle = (float)((a + b) / 2);
        values[4 * i] = (float)a;
        values[4 * i + 1] = middle;
        values[4 * i + 2] = nextafterf(middle, INFINITY);
        values[4 * i + 3] = nextafterf(middle, -INFINITY);
    }
    in = device_copy(values, count * sizeof *values, 0);
    DEVICE_OK(tsm_kernel_planes(&(tsm_kernel_planes_args){ .in = (const float *)in,
                                                           .out = out,
                                                           .images = 1,
                                                           .channels = 1,
                                                           .out_channels = 1,
                                                           .pixels = (int64_t)count,
                                                           .dtype = dtype },
                                NULL));
    device_read(got, out, count * sizeof *got);
    for (size_t i = 0; i < count; i++) {
        uint16_t want = dtype == TSM_FLOAT16 ? half_bits(values[i]) : bfloat_bits(values[i]);
        if (got[i] != want) ck_abort_msg("%.9g becomes %04x, want %04x", (double)values[i], got[i], want);
    }
    free(values);
    free(got);
    device_release(in, 0);
    device_release(out, 0);
}

START_TEST(every_pattern)
{
    begin_case(0);
    check_decode(float_types[_i]);
    check_encode(float_types[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device types");
    TCase *tests = tcase_create("types");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, every_pattern, 1, COUNT_OF(float_types));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
