/* SPDX-License-Identifier: Apache-2.0 */
/* test_hash.c - every bit and every length counts, wherever the bytes lie. */
#include "core/status.h"
#include "support.h"

enum { MOST = 150 };

static void fill(unsigned char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) data[i] = (unsigned char)(hashed_value((uint32_t)i, 3) * 127);
}

START_TEST(every_bit_counts)
{
    unsigned char data[MOST];

    fill(data, sizeof data);
    for (size_t bytes = 1; bytes <= MOST; bytes++) {
        const uint64_t whole = tsm_hash(TSM_HASH_START, data, bytes);

        ck_assert(whole != tsm_hash(TSM_HASH_START, data, bytes - 1));
        ck_assert(whole != tsm_hash(whole, data, bytes));
        for (size_t bit = 0; bit < 8 * bytes; bit++) {
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            ck_assert_msg(tsm_hash(TSM_HASH_START, data, bytes) != whole, "bit %zu of %zu bytes", bit, bytes);
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
    }
}
END_TEST

/* Zeros are bytes too; words that change places are others. */
START_TEST(zeros_and_places_count)
{
    unsigned char data[MOST] = { 0 };

    for (size_t bytes = 0; bytes < MOST; bytes++)
        ck_assert(tsm_hash(TSM_HASH_START, data, bytes) != tsm_hash(TSM_HASH_START, data, bytes + 1));
    fill(data, 64);
    for (size_t a = 0; a < 8; a++)
        for (size_t b = 0; b < a; b++) {
            unsigned char other[64];

            memcpy(other, data, sizeof other);
            memcpy(other + 8 * a, data + 8 * b, 8);
            memcpy(other + 8 * b, data + 8 * a, 8);
            ck_assert(tsm_hash(TSM_HASH_START, other, 64) != tsm_hash(TSM_HASH_START, data, 64));
        }
}
END_TEST

START_TEST(alignment_does_not_count)
{
    unsigned char data[MOST], moved[MOST + 8];

    fill(data, sizeof data);
    for (size_t by = 0; by < 8; by++) {
        memcpy(moved + by, data, sizeof data);
        ck_assert(tsm_hash(TSM_HASH_START, moved + by, MOST) == tsm_hash(TSM_HASH_START, data, MOST));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, every_bit_counts);
    tcase_add_test(tests, zeros_and_places_count);
    tcase_add_test(tests, alignment_does_not_count);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
