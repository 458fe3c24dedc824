/* SPDX-License-Identifier: Apache-2.0 */
/* suite_operations.c - the table of operations on the CUDA backend: the rows in which every operation occurs at every
 * precision with every way to shift, the others in one of these ways each, in turn, since making handles and plans is
 * what takes time on a GPU. */
#include "check.h"

static const struct {
    tsm_precision precision;
    tsm_shift_method method;
} ways[] = {
    { TSM_PRECISION_FP16, TSM_SHIFT_OVERLAP }, { TSM_PRECISION_FP32, TSM_SHIFT_COPY },
    { TSM_PRECISION_BF16, TSM_SHIFT_GATHER },  { TSM_PRECISION_TF32, TSM_SHIFT_OVERLAP },
    { TSM_PRECISION_FP16, TSM_SHIFT_GATHER },  { TSM_PRECISION_BF16, TSM_SHIFT_COPY },
    { TSM_PRECISION_FP32, TSM_SHIFT_OVERLAP }, { TSM_PRECISION_TF32, TSM_SHIFT_GATHER },
    { TSM_PRECISION_FP16, TSM_SHIFT_COPY },    { TSM_PRECISION_BF16, TSM_SHIFT_OVERLAP },
    { TSM_PRECISION_TF32, TSM_SHIFT_COPY },
};
#define WAYS ((int)(sizeof ways / sizeof *ways))

static void check_way(const operation *op, int way)
{
    const tsm_backend_config config = make_config(ways[way].precision, ways[way].method);
    char why[OPERATION_TEXT];
    const bool agrees = operation_agrees(op, tsm_cuda_backend(), &config, why);

    check(agrees, op->name, "%s, %s: %s", precision_names[config.precision], method_names[config.shift_method], why);
}

/* In all of these ways. */
static void check_operation(int index, int first, int last)
{
    operation op;

    operation_open(&op, index, OPERATION_OPTIMIZED);
    for (int way = first; way <= last; way++)
        if (!small_sizes || ways[way].precision == TSM_PRECISION_FP16) check_way(&op, way);
    operation_close(&op);
}

void suite_operations(void)
{
    for (int i = 0; i < operation_count(); i++)
        if (operation_size_at(i) == OPERATION_QUICK) check_operation(i, 0, WAYS - 1);
    if (small_sizes) return;
    printf("every operation in every way: %d checks, %d failed\n", checks_made(), checks_failed());
    for (int i = 0; i < operation_count(); i++)
        if (operation_size_at(i) != OPERATION_QUICK) check_operation(i, i % WAYS, i % WAYS);
}
