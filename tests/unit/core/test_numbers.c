/* SPDX-License-Identifier: Apache-2.0 */
/* test_numbers.c - float16 and bfloat16: every bit pattern to float, and back by the nearest one. */
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "support.h"

/* Every bit pattern, against the definition, and back. */
START_TEST(every_half)
{
    for (uint32_t bits = 0; bits < 65536; bits++) {
        int exponent = bits >> 10 & 31, mantissa = bits & 1023;
        double sign = bits >> 15 ? -1 : 1, want;
        float got = tsm_half_to_float((uint16_t)bits);

        ck_assert_int_eq(tsm_half_is_finite((uint16_t)bits), isfinite(got) != 0);
        if (exponent == 31 && mantissa) {
            ck_assert(isnan(got) && isnan(tsm_half_to_float(tsm_float_to_half(got))));
            continue;
        }
        want = exponent == 31 ? INFINITY : exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
        ck_assert_msg((double)got == sign * want && !signbit(got) == (sign > 0), "half %04x is %.9g", bits,
                      (double)got);
        ck_assert_uint_eq(tsm_float_to_half(got), bits);
    }
}
END_TEST

START_TEST(every_bfloat)
{
    ck_assert(tsm_bfloat_to_float(0x3fc0) == 1.5f);
    ck_assert(tsm_bfloat_to_float(0xc000) == -2.0f);
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = tsm_bfloat_to_float((uint16_t)bits);

        if (isnan(value))
            ck_assert(isnan(tsm_bfloat_to_float(tsm_float_to_bfloat(value))));
        else
            ck_assert_uint_eq(tsm_float_to_bfloat(value), bits);
    }
}
END_TEST

/* Between two neighbours the nearer is taken, and the even one in the middle; the largest is followed by infinity. */
START_TEST(rounds_to_nearest_even)
{
    for (uint32_t bits = 0; bits < 0x7bff; bits++) {
        float low = tsm_half_to_float((uint16_t)bits), high = tsm_half_to_float((uint16_t)(bits + 1));
        float middle = low + (high - low) / 2;

        ck_assert_uint_eq(tsm_float_to_half(middle), bits + (bits & 1));
        ck_assert_uint_eq(tsm_float_to_half(nextafterf(middle, 0)), bits);
        ck_assert_uint_eq(tsm_float_to_half(-nextafterf(middle, INFINITY)), (bits + 1) | 0x8000);
    }
    ck_assert_uint_eq(tsm_float_to_half(65519.99f), 0x7bff);
    ck_assert_uint_eq(tsm_float_to_half(65520), 0x7c00);
    ck_assert_uint_eq(tsm_float_to_half(-1e30f), 0xfc00);
    ck_assert_uint_eq(tsm_float_to_bfloat(1.00390625f), 0x3f80); /* 1 + 2^-8: between 1 and the next */
    ck_assert_uint_eq(tsm_float_to_bfloat(1.01171875f), 0x3f82);
    ck_assert_uint_eq(tsm_float_to_bfloat(3.4e38f), 0x7f80);
}
END_TEST

/* Arrays of each type, one byte off their alignment. */
START_TEST(arrays_at_any_address)
{
    static const tsm_dtype types[] = { TSM_FLOAT32, TSM_FLOAT16, TSM_BFLOAT16 };
    static const float values[] = { 1.5f, -2, 0.25f };
    float out[3];
    char bytes[16];

    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const size_t size = tsm_dtype_bytes(types[k]);

        for (size_t i = 0; i < 3; i++) {
            uint16_t half = types[k] == TSM_FLOAT16 ? tsm_float_to_half(values[i]) : tsm_float_to_bfloat(values[i]);

            memcpy(bytes + 1 + i * size, size == 4 ? (const void *)&values[i] : &half, size);
        }
        tsm_numbers_to_float(bytes + 1, types[k], 3, out);
        ck_assert_mem_eq(out, values, sizeof values);
        ck_assert(tsm_number_at(bytes + 1, types[k], 2) == values[2]);
    }
    ck_assert_uint_eq(tsm_dtype_bytes(TSM_UINT8), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numbers");
    TCase *cases = tcase_create("numbers");

    tcase_add_test(cases, every_half);
    tcase_add_test(cases, every_bfloat);
    tcase_add_test(cases, rounds_to_nearest_even);
    tcase_add_test(cases, arrays_at_any_address);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
