/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_conv_host.c - the host's part of the convolutions: what is refused and why, packed filters, tiles, and the
 * index arithmetic that the kernels share, against the shift's own. */
#include "conv_support.h"

#include "kernels/conv/geometry.h"

static const tsm_conv_kernel_spec good = { .dtype = TSM_FLOAT16,
                                           .n = 2,
                                           .t = 8,
                                           .h = 14,
                                           .w = 14,
                                           .channels = 64,
                                           .filters = 128,
                                           .kernel_h = 3,
                                           .kernel_w = 3,
                                           .stride = 1,
                                           .pad = 1,
                                           .groups = 1,
                                           .in_pitch = 64,
                                           .out_pitch = 128,
                                           .fold = 8,
                                           .end = 16,
                                           .step = 1 };

/* Whether the spec is refused for this reason, by the question and by the launch. */
static void refused(const tsm_conv_kernel_spec *spec, const char *reason)
{
    char *memory = device_room(64, 0);
    const tsm_conv_kernel_args args = {
        .spec = *spec, .way = { 2, 1 }, .in = memory, .weights = memory, .out = memory
    };
    const char *why = NULL;

    ck_assert_msg(!tsm_conv_kernel_serves(spec, &why), "served in spite of: %s", reason);
    ck_assert_str_eq(why, reason);
    ck_assert_int_eq(tsm_conv_kernel_run(&args, NULL), cudaErrorInvalidValue);
    device_release(memory, 0);
}

#define REFUSED(reason, ...)                                                                                         \
    do {                                                                                                             \
        tsm_conv_kernel_spec s = good;                                                                               \
        __VA_ARGS__;                                                                                                 \
        refused(&s, reason);                                                                                         \
    } while (0)

START_TEST(reasons)
{
    const char *why = "?";

    ck_assert(tsm_conv_kernel_serves(&good, &why));
    ck_assert_ptr_null(why);
    REFUSED("the type has no kernel", s.dtype = TSM_UINT8);
    REFUSED("a size is below 1", s.t = 0);
    REFUSED("a size is below 1", s.pad = -1);
    REFUSED("it has groups", s.groups = 64);
    REFUSED("its window is above 8x8", s.kernel_w = 9);
    REFUSED("its padding is not below its window", s.pad = 3);
    REFUSED("its window is above the image", s.h = 1, s.pad = 0);
    REFUSED("a pitch is below the channels", s.in_pitch = 56);
    REFUSED("its input pixels are not multiples of 16 bytes", s.channels = 4);
    REFUSED("its input pixels are not multiples of 16 bytes", s.in_pitch = 68);
    REFUSED("its output pixels are not multiples of 16 bytes", s.filters = 100);
    REFUSED("its output pixels are not multiples of 16 bytes", s.residual_pitch = 132);
    REFUSED("its input is above 8 GiB", s.n = 65536, s.h = s.w = 128);
    REFUSED("its input is above 8 GiB", s.n = s.t = 0x7fffffff, s.h = s.w = 32768);
    REFUSED("its image is above 32768 pixels wide or high", s.w = 0x7fffffff);
    REFUSED("a pitch is above 2^31", s.in_pitch = (int64_t)1 << 62);
    REFUSED("it has too many output pixels", s.n = 1 << 23, s.h = s.w = 1, s.kernel_h = s.kernel_w = 8, s.pad = 7,
            s.channels = s.in_pitch = 16);
    REFUSED("its filters are too large", s.channels = 1 << 28, s.in_pitch = 1 << 28, s.n = s.t = 1, s.h = s.w = 3);
    REFUSED("a fold is above the channels", s.end = 65);
    REFUSED("a fold is above the channels", s.fold = 17);
    REFUSED("a fold is above the channels", s.residual_end = 129);
    REFUSED("its shift is not by one frame", s.step = 2);
    REFUSED("it shifts a residual that it has not", s.residual_end = 8);
    REFUSED("a fold is not a multiple of 4 bytes", s.fold = 3, s.end = 6);
    REFUSED("a fold is not a multiple of 4 bytes", s.fold = 2, s.end = 5);
    REFUSED("a fold of its residual is not a multiple of 16 bytes", s.residual_pitch = 128, s.residual_fold = 4,
            s.residual_end = 8);
}
END_TEST

/* Pointers and ways that a launch refuses though the spec is served. */
START_TEST(arguments)
{
    char *memory = device_room(64, 0);
    const tsm_conv_kernel_args whole = {
        .spec = good, .way = { 2, 1 }, .in = memory, .weights = memory, .out = memory
    };
    tsm_conv_kernel_args args = whole;

    args.in = NULL;
    ck_assert_int_eq(tsm_conv_kernel_run(&args, NULL), cudaErrorInvalidValue);
    args = whole, args.out = memory + 8;
    ck_assert_int_eq(tsm_conv_kernel_run(&args, NULL), cudaErrorInvalidValue);
    args = whole, args.residual = memory;
    ck_assert_int_eq(tsm_conv_kernel_run(&args, NULL), cudaErrorInvalidValue);
    args = whole, args.spec.residual_pitch = 128;
    ck_assert_int_eq(tsm_conv_kernel_run(&args, NULL), cudaErrorInvalidValue);
    args = whole, args.way.parts = 2;
    ck_assert_int_eq(tsm_conv_kernel_run(&args, NULL), cudaErrorInvalidValue);
    args = whole, args.way.tile = TSM_CONV_TILE_COUNT;
    ck_assert_int_eq(tsm_conv_kernel_run(&args, NULL), cudaErrorInvalidValue);
    device_release(memory, 0);
}
END_TEST

START_TEST(packing)
{
    tsm_conv_kernel_spec s = good;
    uint16_t filters[2 * 2 * 40], packed[2 * 2 * 64];
    float values[3 * 8] = { 1.0f, 1.0f + 0x1p-11f, 1.0f + 0x1p-10f, -(1.0f + 0x1p-11f), 0x1p-130f };
    float rounded[3 * 16];

    s.filters = 2, s.kernel_h = 1, s.kernel_w = 2, s.channels = 40;
    for (int i = 0; i < 160; i++) filters[i] = (uint16_t)(i + 1);
    ck_assert_uint_eq(tsm_conv_kernel_packed_bytes(&s), sizeof packed);
    tsm_conv_kernel_pack(packed, filters, NULL, &s);
    for (int i = 0; i < 256; i++) ck_assert_uint_eq(packed[i], i % 64 < 40 ? i / 64 * 40 + i % 64 + 1 : 0);

    s.dtype = TSM_FLOAT32, s.filters = 3, s.kernel_w = 1, s.channels = 8;
    ck_assert_uint_eq(tsm_conv_kernel_packed_bytes(&s), sizeof rounded);
    tsm_conv_kernel_pack(rounded, values, NULL, &s);
    ck_assert(rounded[0] == 1.0f && rounded[1] == 1.0f + 0x1p-10f && rounded[2] == values[2]);
    ck_assert(rounded[3] == -(1.0f + 0x1p-10f) && rounded[16] == 0);
}
END_TEST

/* Ways are served, differ, need what they say, and cut K only where there are too few tiles. */
START_TEST(ways)
{
    static const int images[] = { 1, 32 };
    tsm_conv_kernel_way found[16];

    for (int i = 0; i < 2; i++) {
        tsm_conv_kernel_spec s = dense_spec(TSM_FLOAT16, images[i], 8, 7, 7, 2048, 512, 1, 1);
        int count = tsm_conv_kernel_ways(found, COUNT_OF(found), &s, 132), cut = 0;

        ck_assert_int_ge(count, TSM_CONV_TILE_COUNT);
        for (int k = 0; k < count; k++) {
            ck_assert(tsm_conv_kernel_way_serves(&s, found[k]));
            ck_assert((found[k].parts > 1) == (tsm_conv_kernel_workspace_bytes(&s, found[k]) > 0));
            ck_assert((found[k].parts > 1) == (tsm_conv_kernel_counter_bytes(&s, found[k]) > 0));
            cut += found[k].parts > 1;
            for (int j = 0; j < k; j++) ck_assert(found[j].tile != found[k].tile || found[j].parts != found[k].parts);
        }
        ck_assert_int_eq(cut > 0, images[i] == 1);
        ck_assert_int_eq(found[0].parts > 1, images[i] == 1);
    }
    tsm_conv_kernel_spec narrow = dense_spec(TSM_FLOAT16, 1, 8, 7, 7, 32, 64, 1, 1);
    ck_assert(!tsm_conv_kernel_way_serves(&narrow, (tsm_conv_kernel_way){ 3, 1 })); /* 64 bytes, steps of 128 */
    ck_assert(!tsm_conv_kernel_way_serves(&narrow, (tsm_conv_kernel_way){ 2, 2 })); /* one step, two parts */
    ck_assert_int_eq(tsm_conv_kernel_ways(found, 2, &narrow, 132), 2);
}
END_TEST

/* ---- Geometry ---- */

/* A view grants a tap and a fold exactly where pixel and frame exist, for all small windows and clips. */
static void check_views(int size, int kernel, int stride, int pad, int frames, int step)
{
    for (int o = 0; o < tsm_window_count(size, kernel, stride, pad); o++)
        for (int t = 0; t < frames; t++) {
            const int start = tsm_window_start(o, stride, pad);
            const uint32_t view = tsm_conv_view(start, start, t, size, size, frames, kernel, kernel, step);

            ck_assert_uint_eq(view & TSM_CONV_NEVER, 0);
            for (int r = 0; r < kernel; r++)
                for (int c = 0; c < 3; c++) {
                    const int from = tsm_shift_source(c, t, 1, 2, step);
                    const uint32_t needs = tsm_conv_needs(r, kernel - 1 - r, tsm_conv_fold_of(c, 1, 2));
                    const bool exists = start + r >= 0 && start + r < size && start + kernel - 1 - r >= 0 &&
                                        start + kernel - 1 - r < size && from >= 0 && from < frames;
                    ck_assert_int_eq((view & needs) == needs, exists);
                }
        }
}

START_TEST(views)
{
    for (int size = 1; size <= 9; size++)
        for (int kernel = 1; kernel <= TSM_CONV_MAX_KERNEL; kernel++)
            for (int pad = 0; pad < kernel; pad++)
                for (int frames = 1; frames <= 3; frames++)
                    if (size + 2 * pad >= kernel) {
                        check_views(size, kernel, 1 + frames % 2, pad, frames, 1);
                        check_views(size, kernel, 1 + frames % 2, pad, frames, -1);
                    }
}
END_TEST

/* The 8 rows that ldmatrix reads at once, at one chunk, lie in different banks; and no two chunks at one place. */
START_TEST(swizzle)
{
    for (int k_bytes = 64; k_bytes <= 128; k_bytes += 64)
        for (int first = 0; first < 64; first += 8) {
            const int chunks = k_bytes / TSM_CONV_CHUNK;

            for (int chunk = 0; chunk < chunks; chunk++) {
                uint32_t banks = 0, places = 0;
                for (int row = first; row < first + 8; row++) {
                    const int at = row * k_bytes + tsm_conv_swizzle(row, chunk, k_bytes) * TSM_CONV_CHUNK;
                    banks |= 1u << (at / TSM_CONV_CHUNK % 8);
                }
                for (int other = 0; other < chunks; other++)
                    places |= 1u << tsm_conv_swizzle(first + chunk, other, k_bytes);
                ck_assert_uint_eq(banks, 0xff);
                ck_assert_uint_eq(places, (1u << chunks) - 1);
            }
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("convolution host");
    TCase *tests = tcase_create("host");

    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, reasons);
    tcase_add_test(tests, arguments);
    tcase_add_test(tests, packing);
    tcase_add_test(tests, ways);
    tcase_add_test(tests, views);
    tcase_add_test(tests, swizzle);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
