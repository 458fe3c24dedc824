/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - see steps.h. */
#include "steps.h"

#include <stdio.h>

tsm_step *tsm_steps_append(tsm_steps *steps, tsm_step_kind kind, int node, const char *name)
{
    tsm_step *step;

    if (steps->count == steps->capacity) {
        int capacity = steps->capacity ? 2 * steps->capacity : 64;
        tsm_step *list = tsm_realloc(steps->list, (size_t)capacity, sizeof *list);

        if (!list) return NULL;
        steps->list = list;
        steps->capacity = capacity;
    }
    step = &steps->list[steps->count++];
    *step = (tsm_step){ .kind = kind, .node = node, .name = name };
    return step;
}

void tsm_steps_clear(tsm_steps *steps)
{
    for (int i = 0; i < steps->count; i++)
        if (steps->list[i].kind == TSM_STEP_CONV) tsm_conv_unbind(steps->list[i].conv);
    tsm_free(steps->list);
    *steps = (tsm_steps){ 0 };
}

static tsm_status launch(const tsm_step *step, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                         tsm_error *error)
{
    switch (step->kind) {
    case TSM_STEP_CONV: return tsm_conv_enqueue(step->conv, libraries, stream, error);
    case TSM_STEP_SHIFT: TSM_CUDA(tsm_kernel_shift(&step->shift, stream)); break;
    case TSM_STEP_SHIFT_ONLINE: TSM_CUDA(tsm_kernel_shift_online(&step->shift_online, stream)); break;
    case TSM_STEP_MAXPOOL: TSM_CUDA(tsm_kernel_maxpool(&step->maxpool, stream)); break;
    case TSM_STEP_AVGPOOL: TSM_CUDA(tsm_kernel_avgpool(&step->avgpool, stream)); break;
    case TSM_STEP_WINDOW_MEAN: TSM_CUDA(tsm_kernel_window_mean(&step->window_mean, stream)); break;
    case TSM_STEP_TPOOL: TSM_CUDA(tsm_kernel_tpool(&step->tpool, stream)); break;
    case TSM_STEP_DEPTHWISE: TSM_CUDA(tsm_kernel_depthwise(&step->depthwise, stream)); break;
    case TSM_STEP_ADD: TSM_CUDA(tsm_kernel_add(&step->add, stream)); break;
    case TSM_STEP_SCALE: TSM_CUDA(tsm_kernel_scale(&step->scale, stream)); break;
    case TSM_STEP_PRODUCT:
        return tsm_product_run(step->product.plan, libraries->blas, &step->product.buffers, stream, error);
    case TSM_STEP_SOFTMAX: TSM_CUDA(tsm_kernel_softmax(&step->softmax, stream)); break;
    }
    return TSM_OK;
}

tsm_status tsm_step_enqueue(const tsm_step *step, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                            tsm_error *error)
{
    tsm_status status = launch(step, libraries, stream, error);

    return status == TSM_OK ? TSM_OK : tsm_error_prefix(error, status, step->name);
}

void tsm_step_describe(const tsm_step *step, char how[TSM_STEP_HOW])
{
    static const char *const names[] = {
        [TSM_STEP_SHIFT] = "shift kernel",
        [TSM_STEP_SHIFT_ONLINE] = "shift kernel of streams",
        [TSM_STEP_MAXPOOL] = "max-pool kernel",
        [TSM_STEP_AVGPOOL] = "mean kernel",
        [TSM_STEP_WINDOW_MEAN] = "window mean kernel",
        [TSM_STEP_TPOOL] = "temporal pool kernel",
        [TSM_STEP_DEPTHWISE] = "depthwise kernel",
        [TSM_STEP_ADD] = "add kernel",
        [TSM_STEP_SCALE] = "scale kernel",
        [TSM_STEP_PRODUCT] = "cuBLASLt batched product",
        [TSM_STEP_SOFTMAX] = "softmax kernel",
    };

    if (step->kind == TSM_STEP_CONV)
        step->conv->conv->family->describe(step->conv->conv, how);
    else if (step->kind == TSM_STEP_ADD && !step->add.b)
        snprintf(how, TSM_STEP_HOW, "activation kernel");
    else
        snprintf(how, TSM_STEP_HOW, "%s", names[step->kind]);
}
