/* SPDX-License-Identifier: Apache-2.0 */
/* binding.c - see binding.h. */
#include "binding.h"

#include <string.h>

#include "nvtx.h"

void *tsm_binding_value(const tsm_binding *binding, int node)
{
    return binding->arena + binding->schedule->memory.offsets[node];
}

void *tsm_binding_scratch(const tsm_binding *binding, int node)
{
    const int64_t offset = binding->schedule->scratch[node];

    return offset < 0 ? NULL : binding->arena + offset;
}

void tsm_binding_clear(tsm_binding *binding)
{
    if (binding->exec) cudaGraphExecDestroy(binding->exec);
    tsm_steps_clear(&binding->steps);
    memset(binding, 0, sizeof *binding);
}

tsm_status tsm_binding_enqueue(const tsm_binding *binding, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                               bool ranges, const tsm_cancel *cancel, tsm_error *error)
{
    TSM_CUDNN(cudnnSetStream(libraries->dnn, stream));
    for (int i = 0; i < binding->steps.count; i++) {
        const tsm_step *step = &binding->steps.list[i];
        tsm_status status;

        if (cancel) TSM_TRY_RETURN(tsm_cancel_check(cancel, error));
        if (ranges) tsm_nvtx_push(step->name);
        status = tsm_step_enqueue(step, libraries, stream, error);
        if (ranges) tsm_nvtx_pop();
        TSM_TRY_RETURN(status);
    }
    return TSM_OK;
}
