/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs the steps of a plan. */
#include <string.h>

#include "plan.h"

/* Tells who listens that step `at` is done, which began at `begin`. */
static void tell_step(const tsm_plan *plan, int at, const tsm_run_arguments *arguments, double begin)
{
    const tsm_cpu_step *step = &plan->bound.steps[at];
    const bool last = at + 1 == plan->bound.count || step[1].index != step->index;
    const tsm_profiler *profiler = arguments->profiler;
    const tsm_visitor *visitor = arguments->visitor;
    char how[TSM_CPU_HOW_BYTES];

    if (profiler) profiler->step(profiler->user, step->index, tsm_cpu_step_how(step, how), tsm_now_ms() - begin);
    if (visitor && last && step->value) visitor->value(visitor->user, step->index, &step->dims, step->value);
}

static tsm_status read_input(const tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error)
{
    const int index = tsm_graph_input(plan->graph);
    const tsm_node *node = &plan->graph->nodes[index];
    const tsm_dims *dims = &plan->shapes[index];
    const tsm_tensor *input = arguments->input;
    const double begin = tsm_now_ms();
    int64_t bad = -1;

    if (input->dtype == TSM_UINT8) {
        tsm_cpu_from_bytes(input->data, plan->bound.input, dims, node->input_mean, node->input_std);
    } else {
        bad = tsm_cpu_from_ntchw(input->data, plan->bound.input, dims);
    }
    if (bad >= 0) return tsm_fail_input(error, dims, bad);
    if (arguments->profiler)
        arguments->profiler->step(arguments->profiler->user, index, "loop", tsm_now_ms() - begin);
    if (arguments->visitor) arguments->visitor->value(arguments->visitor->user, index, dims, plan->bound.input);
    return TSM_OK;
}

static tsm_status run_steps(const tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error)
{
    const bool told = arguments->profiler || arguments->visitor;

    TSM_TRY_RETURN(read_input(plan, arguments, error));
    for (int i = 0; i < plan->bound.count; i++) {
        const tsm_cpu_step *step = &plan->bound.steps[i];
        const double begin = told ? tsm_now_ms() : 0;
        tsm_status status;

        TSM_TRY_RETURN(tsm_cancel_check(&plan->worker->prepared->cancel, error));
        status = step->kind->run(step, error);
        if (status != TSM_OK) return tsm_error_prefix(error, status, step->node->name);
        if (told) tell_step(plan, i, arguments, begin);
        tsm_cpu_waiting_step(&plan->worker->waiting);
    }
    return TSM_OK;
}

tsm_status tsm_cpu_run(tsm_plan *plan, const tsm_run_arguments *arguments, tsm_error *error)
{
    const tsm_prepared *prepared = plan->worker->prepared;
    const tsm_dims *logits = &plan->shapes[plan->graph->output];
    tsm_cpu_threads before;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cpu_check_team(prepared->threads, error));
    before = tsm_cpu_threads_enter(prepared->threads);
    tsm_cpu_waiting_begin(&plan->worker->waiting, prepared->threads);
    plan->slot = arguments->slot;
    status = run_steps(plan, arguments, error);
    tsm_cpu_waiting_end(&plan->worker->waiting);
    tsm_cpu_threads_leave(before);
    if (status == TSM_OK)
        memcpy(arguments->output->data, plan->bound.logits, (size_t)tsm_dims_count(logits) * sizeof(float));
    return status;
}
