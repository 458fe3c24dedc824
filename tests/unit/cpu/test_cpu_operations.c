/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of operations on the CPU backend: each way to realise the shift, several numbers of threads, with shifts,
 * sums and activations as nodes of their own and as the passes leave them.
 */
#include "operations/operations.h"
#include "support.h"

static const tsm_backend_config configs[] = {
    { .shift_method = TSM_SHIFT_INPLACE, .threads = 2 }, { .shift_method = TSM_SHIFT_COPY, .threads = 2 },
    { .shift_method = TSM_SHIFT_INPLACE, .threads = 1 }, { .shift_method = TSM_SHIFT_AUTO, .threads = 3 },
    { .shift_method = TSM_SHIFT_AUTO, .threads = 5 },
};
#define CONFIGS (sizeof configs / sizeof *configs)

/* The first two feed the same numbers to the same kernels. */
static void check_same_bits(const operation *op)
{
    const size_t count = (size_t)tsm_dims_count(&op->shapes[op->net.graph->output]);
    float *moved = operation_logits(op, &tsm_backend_cpu, &configs[0]);
    float *copied = operation_logits(op, &tsm_backend_cpu, &configs[1]);

    ck_assert_msg(memcmp(moved, copied, count * sizeof *moved) == 0, "%s: the shift methods differ", op->name);
    free(moved);
    free(copied);
}

START_TEST(operations)
{
    char why[OPERATION_TEXT];
    operation op;

    if (operation_size_at(_i / 2) == OPERATION_HUGE) return;
    operation_open(&op, _i / 2, _i % 2 ? OPERATION_OPTIMIZED : OPERATION_DRAWN);
    for (size_t i = 0; i < CONFIGS; i++)
        ck_assert_msg(operation_agrees(&op, &tsm_backend_cpu, &configs[i], why), "%s, configuration %zu: %s", op.name,
                      i, why);
    check_same_bits(&op);
    operation_close(&op);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_operations");
    TCase *tests = tcase_create("operations");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, operations, 0, 2 * operation_count());
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
