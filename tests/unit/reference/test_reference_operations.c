/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of operations on the reference backend, which is what every other one is held against: on graphs as the
 * passes leave them it must give the logits of the graphs as they were drawn, and never write where it should not.
 */
#include "operations/operations.h"
#include "support.h"

START_TEST(operations)
{
    char why[OPERATION_TEXT];
    operation op;

    if (operation_size_at(_i) == OPERATION_HUGE) return;
    operation_open(&op, _i, OPERATION_OPTIMIZED);
    ck_assert_msg(operation_agrees(&op, &tsm_backend_reference, &(tsm_backend_config){ 0 }, why), "%s: %s", op.name,
                  why);
    operation_close(&op);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reference_operations");
    TCase *tests = tcase_create("operations");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, operations, 0, operation_count());
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
