/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_intrinsics.c - ldmatrix, mma, cp.async and the rounding to tf32 of the simulated device, register by
 * register, against matrices that are spread over lanes by fragments.h.
 */
#include "device_support.h"
#include "fragments.h"
#include "probes.h"

enum { LANES = TSM_PROBE_LANES, ROWS = 16, COLUMNS = 8, MAX_K = 16 };

START_TEST(load_matrices)
{
    uint8_t rows[TSM_PROBE_ROWS][TSM_PROBE_ROW_BYTES];
    uint32_t got[LANES][4];
    char *in, *out = device_room(sizeof got, 0);

    for (int i = 0; i < (int)sizeof rows; i++)
        rows[i / TSM_PROBE_ROW_BYTES][i % TSM_PROBE_ROW_BYTES] = (uint8_t)(i * 7 + i / 37);
    in = device_copy(rows, sizeof rows, 0);
    begin_case(1);
    DEVICE_OK(tsm_probe_load_matrices(in, (uint32_t *)out, NULL));
    device_read(got, out, sizeof got);
    for (int lane = 0; lane < LANES; lane++)
        for (int i = 0; i < 4; i++) /* matrix i: row lane / 4 of it, the two halves at columns 2 (lane % 4) */
            ck_assert_mem_eq(&got[lane][i], &rows[i * 8 + lane / 4][lane % 4 * 2 * 2], 4);
    device_release(in, 0);
    device_release(out, 0);
}
END_TEST

typedef struct matrices {
    float a[ROWS][MAX_K], b[MAX_K][COLUMNS], c[ROWS][COLUMNS];
} matrices;

/* Values that the type can hold; some are large, so that the order of a sum shows, some zero. */
static void fill(float *to, size_t count, uint32_t seed, tsm_dtype type)
{
    void *encoded;

    for (size_t i = 0; i < count; i++)
        to[i] = hashed_value((uint32_t)i, seed) * (i % 7 == 0 ? 16.0f : 1.0f) * (float)(i % 11 != 0);
    for (size_t i = 0; i < count && type == TSM_FLOAT32; i++) to[i] = (float)round_to(to[i], 11, -126);
    encoded = encode(to, count, type);
    free(encoded);
}

static void put(void *registers, int i, float value, tsm_dtype type)
{
    uint16_t bits = type == TSM_FLOAT16 ? half_bits(value) : bfloat_bits(value);

    if (type == TSM_FLOAT32)
        memcpy((char *)registers + 4 * i, &value, 4);
    else
        memcpy((char *)registers + 2 * i, &bits, 2);
}

static void multiply_probe(const matrices *m, tsm_dtype type, float d[ROWS][COLUMNS])
{
    const bool tf32 = type == TSM_FLOAT32;
    uint32_t a[LANES][4], b[LANES][2];
    float c[LANES][4];
    char *on_device[3];

    for (int lane = 0; lane < LANES; lane++) {
        for (int i = 0; i < (tf32 ? 4 : 8); i++) {
            fragment_place at = fragment_a(tf32, lane, i);
            put(a[lane], i, m->a[at.row][at.column], type);
        }
        for (int i = 0; i < (tf32 ? 2 : 4); i++) {
            fragment_place at = fragment_b(tf32, lane, i);
            put(b[lane], i, m->b[at.row][at.column], type);
        }
        for (int i = 0; i < 4; i++) c[lane][i] = m->c[fragment_c(lane, i).row][fragment_c(lane, i).column];
    }
    on_device[0] = device_copy(a, sizeof a, 0);
    on_device[1] = device_copy(b, sizeof b, 0);
    on_device[2] = device_copy(c, sizeof c, 0);
    DEVICE_OK(
        tsm_probe_multiply(type, (uint32_t *)on_device[0], (uint32_t *)on_device[1], (float *)on_device[2], NULL));
    device_read(c, on_device[2], sizeof c);
    for (int lane = 0; lane < LANES; lane++)
        for (int i = 0; i < 4; i++) d[fragment_c(lane, i).row][fragment_c(lane, i).column] = c[lane][i];
    for (int i = 0; i < 3; i++) device_release(on_device[i], 0);
}

START_TEST(multiply)
{
    const tsm_dtype type = float_types[_i];
    const int k_count = type == TSM_FLOAT32 ? 8 : 16;
    float d[ROWS][COLUMNS];
    matrices m;

    fill(&m.a[0][0], ROWS * MAX_K, 1, type);
    fill(&m.b[0][0], MAX_K * COLUMNS, 2, type);
    fill(&m.c[0][0], ROWS * COLUMNS, 3, TSM_FLOAT32);
    begin_case((unsigned)_i);
    multiply_probe(&m, type, d);
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            double sum = (double)m.c[row][column], magnitude = fabs(sum);
            for (int k = 0; k < k_count; k++) {
                sum += (double)m.a[row][k] * (double)m.b[k][column];
                magnitude += fabs((double)m.a[row][k] * (double)m.b[k][column]);
            }
            ck_assert_msg(fabs((double)d[row][column] - sum) <= magnitude * 0x1p-23, "(%d,%d) is %g, want %g", row,
                          column, (double)d[row][column], sum);
        }
}
END_TEST

/* Bits that tf32 does not have are not looked at. */
START_TEST(tf32_cuts)
{
    float cut[ROWS][COLUMNS], whole[ROWS][COLUMNS];
    matrices m;
    float *factors = &m.a[0][0];

    fill(&m.a[0][0], ROWS * MAX_K, 4, TSM_FLOAT32);
    fill(&m.b[0][0], MAX_K * COLUMNS, 5, TSM_FLOAT32);
    fill(&m.c[0][0], ROWS * COLUMNS, 6, TSM_FLOAT32);
    begin_case(7);
    multiply_probe(&m, TSM_FLOAT32, cut);
    for (int i = 0; i < ROWS * MAX_K; i++) {
        uint32_t bits;
        memcpy(&bits, factors + i, 4);
        bits |= 0x1fff;
        memcpy(factors + i, &bits, 4);
    }
    multiply_probe(&m, TSM_FLOAT32, whole);
    ck_assert_mem_eq(cut, whole, sizeof cut);
}
END_TEST

START_TEST(copies)
{
    const int bytes = 4 << _i;
    uint8_t in[LANES * 16], got[LANES * 16];
    int32_t sizes[LANES];
    char *device_in, *device_sizes, *out = device_room(sizeof got, 0);

    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 5 + 3);
    for (int lane = 0; lane < LANES; lane++) sizes[lane] = lane % (bytes + 1);
    device_in = device_copy(in, sizeof in, 0);
    device_sizes = device_copy(sizes, sizeof sizes, 0);
    begin_case((unsigned)bytes);
    DEVICE_OK(tsm_probe_copy(device_in, (int32_t *)device_sizes, out, bytes, NULL));
    device_read(got, out, sizeof got);
    for (int i = 0; i < LANES * 16; i++) {
        int lane = i / 16, byte = i % 16;
        ck_assert_int_eq(got[i], byte >= bytes ? 0xee : byte < sizes[lane] ? in[i] : 0);
    }
    device_release(device_in, 0);
    device_release(device_sizes, 0);
    device_release(out, 0);
}
END_TEST

START_TEST(rounding)
{
    static const uint32_t cases[][2] = {
        { 0x3f800000, 0x3f800000 }, { 0x3f800fff, 0x3f800000 }, { 0x3f801000, 0x3f802000 },
        { 0x3f802fff, 0x3f802000 }, { 0xbf803000, 0xbf804000 }, { 0x3fffffff, 0x40000000 },
        { 0x00000fff, 0x00000000 }, { 0x80001000, 0x80002000 }, { 0x7f7fffff, 0x7f800000 },
        { 0x7f800000, 0x7f800000 }, { 0xff800000, 0xff800000 },
    };
    uint32_t in[LANES] = { 0 }, got[LANES];
    char *device_in, *out = device_room(sizeof got, 0);

    for (int i = 0; i < COUNT_OF(cases); i++) in[i] = cases[i][0];
    device_in = device_copy(in, sizeof in, 0);
    begin_case(3);
    DEVICE_OK(tsm_probe_round((uint32_t *)device_in, (uint32_t *)out, NULL));
    device_read(got, out, sizeof got);
    for (int i = 0; i < COUNT_OF(cases); i++) ck_assert_uint_eq(got[i], cases[i][1]);
    device_release(device_in, 0);
    device_release(out, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intrinsics");
    TCase *tests = tcase_create("intrinsics");

    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, load_matrices);
    tcase_add_loop_test(tests, multiply, 0, COUNT_OF(float_types));
    tcase_add_test(tests, tf32_cuts);
    tcase_add_loop_test(tests, copies, 0, 3);
    tcase_add_test(tests, rounding);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
