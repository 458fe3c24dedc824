/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim_abi.c - the constants and sizes of the simulation's headers are CUDA's. Built where CUDA's headers are. */
#include "abi_table.h"
#include "support.h"

START_TEST(values_are_those_of_cuda)
{
    ck_assert_int_gt(abi_sim_count, 150);
    ck_assert_int_eq(abi_sim_count, abi_real_count);
    for (int i = 0; i < abi_sim_count; i++) {
        ck_assert_str_eq(abi_sim[i].name, abi_real[i].name);
        ck_assert_msg(abi_sim[i].value == abi_real[i].value, "%s is %lld, CUDA has %lld", abi_sim[i].name,
                      abi_sim[i].value, abi_real[i].value);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("headers of the simulation");
    TCase *tests = tcase_create("values");

    tcase_add_test(tests, values_are_those_of_cuda);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
