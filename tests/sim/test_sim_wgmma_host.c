/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_wgmma_host.c - the host's part of the convolutions on wgmma: what is refused, ways, and the model of where
 * operands lie (parts, swizzle, descriptors, turns of stages), against formulas of the PTX ISA written otherwise.
 */
#include "wgmma_support.h"

#include "kernels/conv/wgmma_geometry.h"

static tsm_conv_kernel_spec good_spec(void)
{
    tsm_conv_kernel_spec spec = dense_spec(TSM_FLOAT16, 2, 8, 14, 14, 64, 128, 3, 1);

    shift_spec(&spec, 8);
    return spec;
}

static void refused(const tsm_conv_kernel_spec *spec, const char *reason)
{
    char *memory = device_room(64, 0);
    tsm_conv_wgmma_args args = { .conv = { .spec = *spec, .in = memory, .weights = memory, .out = memory },
                                 .way = { 0, 1, false } };
    const char *why = NULL;

    ck_assert_msg(!tsm_conv_wgmma_serves(spec, &why), "served in spite of: %s", reason);
    ck_assert_str_eq(why, reason);
    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaErrorInvalidValue);
    ck_assert_int_eq(tsm_conv_wgmma_run(&args, NULL), cudaErrorInvalidValue);
    device_release(memory, 0);
}

#define REFUSED(reason, ...)                                                                                         \
    do {                                                                                                             \
        tsm_conv_kernel_spec s = good_spec();                                                                        \
        __VA_ARGS__;                                                                                                 \
        refused(&s, reason);                                                                                         \
    } while (0)

START_TEST(reasons)
{
    const tsm_conv_kernel_spec good = good_spec();
    const char *why = "?";

    ck_assert(tsm_conv_wgmma_serves(&good, &why));
    ck_assert_ptr_null(why);
    REFUSED("wgmma would cut tf32's input off, not round it", s.dtype = TSM_FLOAT32);
    REFUSED("its stride is above 8", s.stride = 9);
    REFUSED("a fold is not a multiple of 16 bytes", s.fold = 4, s.end = 8);
    REFUSED("a fold is not a multiple of 16 bytes", s.end = 12);
    REFUSED("it has groups", s.groups = 2);
    REFUSED("its input pixels are not multiples of 16 bytes", s.channels = 4);
}
END_TEST

START_TEST(arguments)
{
    char *memory = device_room(4096, 0);
    const tsm_conv_wgmma_args whole = {
        .conv = { .spec = good_spec(), .in = memory, .weights = memory, .out = memory }, .way = { 0, 1, false }
    };
    tsm_conv_wgmma_args args = whole;

    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaSuccess);
    args = whole, args.conv.in = NULL;
    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaErrorInvalidValue);
    args = whole, args.conv.out = memory + 8;
    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaErrorInvalidValue);
    args = whole, args.way.tile = TSM_WGMMA_TILE_COUNT;
    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaErrorInvalidValue);
    args = whole, args.way.blocks = 0;
    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaErrorInvalidValue);
    args = whole, args.way.tiled = true; /* only where each row is a pixel of its own */
    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaErrorInvalidValue);
    args = whole, args.conv.residual = memory;
    ck_assert_int_eq(tsm_conv_wgmma_prepare(&args), cudaErrorInvalidValue);
    device_release(memory, 0);
}
END_TEST

/* Served and different; both walks where both are possible; no more blocks than tiles. */
START_TEST(ways)
{
    static const int sides[] = { 7, 14, 28 };
    tsm_conv_wgmma_way found[16];

    for (int i = 0; i < 3; i++)
        for (int kernel = 1; kernel <= 3; kernel += 2) {
            const tsm_conv_kernel_spec s = dense_spec(TSM_BFLOAT16, 8, 8, sides[i], sides[i], 512, 512, kernel, 1);
            const int count = tsm_conv_wgmma_ways(found, COUNT_OF(found), &s, 132);

            ck_assert_int_eq(count, TSM_WGMMA_TILE_COUNT * (kernel == 1 ? 2 : 1));
            for (int k = 0; k < count; k++) {
                ck_assert(tsm_conv_wgmma_way_serves(&s, &found[k]));
                ck_assert_int_le(found[k].blocks, 264);
                for (int j = 0; j < k; j++)
                    ck_assert(found[j].tile != found[k].tile || found[j].tiled != found[k].tiled);
            }
        }
    tsm_conv_kernel_spec one = dense_spec(TSM_FLOAT16, 1, 1, 4, 4, 64, 64, 1, 1);
    ck_assert_int_eq(tsm_conv_wgmma_ways(found, 1, &one, 132), 1);
    ck_assert_int_eq(found[0].blocks, 1);
}
END_TEST

/* ---- Where operands lie ---- */

/* The widest box that never crosses the end of a fold: every channel of it has the same source. */
START_TEST(parts)
{
    for (int fold = 0; fold <= 128; fold += 8)
        for (int end = fold; end <= 256; end += 8) {
            const int part = tsm_wgmma_part_bytes(fold * 2, end * 2);
            const int wider = part * 2;
            bool wider_crosses = part == TSM_WGMMA_K_BYTES;

            for (int c = 0; c < 320; c++) {
                const int first = c / (part / 2) * (part / 2), in_wider = c / (wider / 2) * (wider / 2);
                ck_assert_int_eq(tsm_conv_fold_of(c, fold, end), tsm_conv_fold_of(first, fold, end));
                wider_crosses |= tsm_conv_fold_of(c, fold, end) != tsm_conv_fold_of(in_wider, fold, end);
            }
            ck_assert_msg(wider_crosses || fold == end || fold == 0, "fold %d, end %d: parts of %d", fold, end, part);
        }
}
END_TEST

/* Every byte has a place of its own; eight rows at one chunk, which a product reads together, cover all banks where
 * rows are as wide as the banks. */
START_TEST(places)
{
    static const int parts_bytes[] = { 128, 64, 32, 16 };

    for (int p = 0; p < 4; p++)
        for (int rows = 64; rows <= 256; rows *= 2) {
            const int part = parts_bytes[p];
            bool *taken = calloc((size_t)rows * 128, 1);

            for (int row = 0; row < rows; row++)
                for (int k = 0; k < 128; k++) {
                    const uint32_t at = tsm_wgmma_place(row, k, rows, part);
                    ck_assert(at < (uint32_t)rows * 128 && !taken[at]);
                    taken[at] = true;
                }
            for (int chunk = 0; chunk < 8 && part == 128; chunk++) {
                uint32_t banks = 0;
                for (int row = 0; row < 8; row++)
                    banks |= 1u << tsm_wgmma_place(row, chunk * 16, rows, part) / 16 % 8;
                ck_assert_uint_eq(banks, 0xff);
            }
            free(taken);
        }
}
END_TEST

/* Where a descriptor says that the chunk (row, half) of a product lies: the canonical layouts of the PTX ISA. */
static uint32_t descriptor_place(uint64_t descriptor, int row, int half)
{
    const uint32_t start = (uint32_t)(descriptor & 0x3fff) << 4, along_k = (uint32_t)(descriptor >> 16 & 0x3fff) << 4;
    const uint32_t eight_rows = (uint32_t)(descriptor >> 32 & 0x3fff) << 4;

    switch (descriptor >> 62) {
    case 1: { /* 128 bytes: chunk i of row r at i ^ r % 8 */
        const uint32_t at = start + (uint32_t)(row / 8) * eight_rows + (uint32_t)(row % 8 * 128 + half * 16);
        return at / 128 * 128 + ((at / 16 % 8) ^ (at / 128 % 8)) * 16;
    }
    case 2: { /* 64 bytes: at i ^ r / 2 % 4 */
        const uint32_t at = start + (uint32_t)(row / 8) * eight_rows + (uint32_t)(row % 8 * 64 + half * 16);
        return at / 64 * 64 + ((at / 16 % 4) ^ (at / 128 % 4)) * 16;
    }
    case 3: { /* 32 bytes: at i ^ r / 4 % 2 */
        const uint32_t at = start + (uint32_t)(row / 8) * eight_rows + (uint32_t)(row % 8 * 32 + half * 16);
        return at / 32 * 32 + ((at / 16 % 2) ^ (at / 128 % 2)) * 16;
    }
    default: return start + (uint32_t)(row / 8) * eight_rows + (uint32_t)(row % 8 * 16) + (uint32_t)half * along_k;
    }
}

/* Each product of a step finds the chunks that the copy engine has put where tsm_wgmma_place says. */
START_TEST(descriptors)
{
    static const int parts_bytes[] = { 128, 64, 32, 16 };

    for (int p = 0; p < 4; p++)
        for (int group = 0; group < 2; group++) {
            const int rows = 128, part = parts_bytes[p], first_row = group * TSM_WGMMA_ROWS;
            const uint32_t base = 3 * TSM_WGMMA_ALIGN;
            const uint64_t descriptor = tsm_wgmma_descriptor(base + (uint32_t)(first_row * part), rows, part);

            for (int i = 0; i < TSM_WGMMA_PRODUCTS; i++)
                for (int row = 0; row < TSM_WGMMA_ROWS; row++)
                    for (int half = 0; half < 2; half++)
                        ck_assert_uint_eq(
                            descriptor_place(descriptor + tsm_wgmma_product_offset(i, rows, part) / 16, row, half),
                            base + tsm_wgmma_place(first_row + row, i * 32 + half * 16, rows, part));
        }
}
END_TEST

/* ---- Turns ---- */

/* One that fills and one that empties, in every order that their waits allow: neither overtakes the other, a stage is
 * never filled while it is full nor emptied while it is empty, and both come to the end. */
static void run_turns(int stages, int steps, uint32_t seed)
{
    unsigned filled[8] = { 0 }, emptied[8] = { 0 }; /* phases that have ended */
    tsm_wgmma_turn filling = { 0, 0 }, emptying = { 0, 0 };
    int done_filling = 0, done_emptying = 0;

    while (done_emptying < steps) {
        const bool can_fill = done_filling < steps && (emptied[filling.stage] & 1) != (filling.parity ^ 1);
        const bool can_empty = (filled[emptying.stage] & 1) != emptying.parity;

        ck_assert_msg(can_fill || can_empty, "%d stages: nobody can go on at step %d", stages, done_emptying);
        seed = seed * 1664525u + 1013904223u;
        if (can_fill && (!can_empty || seed >> 31)) {
            ck_assert_uint_eq(filled[filling.stage], emptied[filling.stage]);
            filled[filling.stage]++;
            done_filling++;
            tsm_wgmma_next(&filling, stages);
        } else {
            ck_assert_uint_eq(filled[emptying.stage], emptied[emptying.stage] + 1);
            emptied[emptying.stage]++;
            done_emptying++;
            tsm_wgmma_next(&emptying, stages);
        }
        ck_assert(done_filling >= done_emptying && done_filling <= done_emptying + stages);
    }
}

START_TEST(turns)
{
    for (int stages = 1; stages <= 8; stages++)
        for (int steps = 1; steps <= 40; steps += 3)
            for (uint32_t seed = 0; seed < 16; seed++) run_turns(stages, steps, seed * 77 + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wgmma host");
    TCase *tests = tcase_create("host");

    tcase_set_timeout(tests, 0);
    if (has_groups()) tcase_add_test(tests, reasons);
    if (has_groups()) tcase_add_test(tests, arguments);
    tcase_add_test(tests, ways);
    tcase_add_test(tests, parts);
    tcase_add_test(tests, places);
    tcase_add_test(tests, descriptors);
    tcase_add_test(tests, turns);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
