/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - the kinds of steps: how each calls the loop or the primitive that does it. */
#include "steps.h"

#include <stdio.h>
#include <string.h>

static tsm_status run_attention(const tsm_cpu_step *step, tsm_error *error)
{
    return tsm_cpu_attention_run(step->attention, error);
}

static tsm_status run_product(const tsm_cpu_step *step, tsm_error *error)
{
    TSM_DNNL(tsm_dnnl_execute(&step->product));
    return TSM_OK;
}

const tsm_cpu_step_kind tsm_cpu_step_attention = { run_attention, "oneDNN matmul by tiles" };
const tsm_cpu_step_kind tsm_cpu_step_product = { run_product, NULL };

/* A kind that is a loop of ours and cannot fail. */
#define LOOP(name, how, call)                                                                                        \
    static tsm_status run_##name(const tsm_cpu_step *step, tsm_error *error)                                         \
    {                                                                                                                \
        (void)error;                                                                                                 \
        call;                                                                                                        \
        return TSM_OK;                                                                                               \
    }                                                                                                                \
    const tsm_cpu_step_kind tsm_cpu_step_##name = { run_##name, how };

static size_t value_bytes(const tsm_cpu_step *step)
{
    return (size_t)tsm_dims_count(&step->dims) * sizeof(float);
}

LOOP(copy, "copy of the residual", memcpy(step->out, step->x, value_bytes(step)))
LOOP(shift_copy, "shift, copied", tsm_cpu_shift_copy(step->x, step->out, &step->in, step->node->shift))
LOOP(shift, "shift, in place", tsm_cpu_shift_in_place(step->out, step->edges, &step->in, step->node->shift))
LOOP(unshift, "shift, back", tsm_cpu_unshift_in_place(step->out, step->edges, &step->in, step->node->shift))
LOOP(renew_copy, "shift of streams, copied",
     tsm_cpu_renew_copy(step->x, step->out, &step->in, &step->caches, *step->slot))
LOOP(renew, "shift of streams, in place", tsm_cpu_renew(step->out, &step->in, &step->caches, *step->slot))
LOOP(take_back, "shift of streams, back", tsm_cpu_take_back(step->out, &step->in, &step->caches, *step->slot))
LOOP(pick, "pixels of the stride", tsm_cpu_pick_pixels(step->x, step->out, &step->in, step->node->stride))
LOOP(gather, "gather 1x1 AVX-512", tsm_cpu_gather_run(&step->gather))
LOOP(winograd, "winograd 3x3 AVX-512", tsm_cpu_winograd_run(&step->winograd))
LOOP(inverted, "inverted residual AVX-512", tsm_cpu_inverted_run(&step->inverted))
LOOP(add, "loop", tsm_cpu_add(step->x, step->y, step->out, tsm_dims_count(&step->dims)))
LOOP(act, "loop", tsm_cpu_act(step->x, step->out, tsm_dims_count(&step->dims), step->node->act))
LOOP(scale, "loop", tsm_cpu_scale(step->x, step->y, step->out, &step->in, step->node->act))
LOOP(maxpool, "loop", tsm_cpu_maxpool(step->x, step->out, &step->in, &step->dims, step->node))
LOOP(avgpool, "loop", tsm_cpu_avgpool(step->x, step->out, &step->in, step->node->over_time))
LOOP(window_mean, "loop", tsm_cpu_window_mean(step->x, step->out, &step->in, &step->dims, step->node))
LOOP(tmean, "loop", tsm_cpu_tmean(step->x, step->out, &step->in))
LOOP(tpool, "loop", tsm_cpu_tpool(step->x, step->out, &step->in))

const char *tsm_cpu_step_how(const tsm_cpu_step *step, char text[TSM_CPU_HOW_BYTES])
{
    if (step->kind->how) return step->kind->how;
    snprintf(text, TSM_CPU_HOW_BYTES, "oneDNN %s", tsm_dnnl_op_how(step->product.op));
    return text;
}
