/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma.c - a family: our own kernels on wgmma and the copy engine of sm_90 (docs/shift-conv.md), for convolutions that
 * shift as they read, and for others where they may be the faster ones.
 *
 * Nothing of it has run on a GPU yet, so it is asked only where an engine wants it (tsm_cuda_libraries.wgmma). What
 * the copy engine is told of the buffers is made when they are bound.
 */
#include <stdio.h>
#include <string.h>

#include "family.h"
#include "kernels/conv/wgmma.h"
#include "ours.h"

typedef struct wgmma_list {
    tsm_conv_candidates head;
    tsm_conv_spec spec;
    tsm_conv_wgmma_way ways[TSM_CONV_MAX_CANDIDATES];
} wgmma_list;

typedef struct wgmma_conv {
    tsm_conv head;
    tsm_conv_kernel_spec spec;
    tsm_conv_wgmma_way way;
} wgmma_conv;

typedef struct wgmma_bound {
    tsm_conv_bound head;
    tsm_conv_wgmma_args args;
} wgmma_bound;

static bool spec_of(tsm_conv_kernel_spec *ours, const tsm_conv_spec *spec, const char **why)
{
    return tsm_conv_ours_spec(ours, spec, why) && tsm_conv_wgmma_serves(ours, why);
}

static tsm_conv_fit serves(const tsm_conv_spec *spec, char why[TSM_CONV_WHY])
{
    const char *reason = "it is left to the libraries";
    tsm_conv_kernel_spec ours;

    if ((tsm_conv_spec_is_ours(spec) || spec->whose == TSM_CONV_ANY) && spec_of(&ours, spec, &reason)) {
        snprintf(why, TSM_CONV_WHY, "a convolution of our own%s",
                 tsm_conv_spec_gathers(spec) ? ", shifted as it reads" : "");
        return TSM_CONV_FIT;
    }
    snprintf(why, TSM_CONV_WHY, "no convolution of our own on wgmma: %s", reason);
    return TSM_CONV_UNFIT;
}

static tsm_status list(tsm_conv_candidates **out, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                       tsm_error *error)
{
    wgmma_list *made = tsm_alloc_zero(1, sizeof *made);
    tsm_conv_kernel_spec ours;
    const char *why;

    *out = NULL;
    if (!made) return tsm_fail_memory(error, sizeof *made);
    made->head.family = &tsm_conv_family_wgmma;
    made->spec = *spec;
    if (libraries->wgmma && spec_of(&ours, spec, &why))
        made->head.count =
            tsm_conv_wgmma_ways(made->ways, TSM_CONV_MAX_CANDIDATES, &ours, libraries->multiprocessors);
    *out = &made->head;
    return TSM_OK;
}

static void drop(tsm_conv_candidates *list)
{
    tsm_free(list);
}

static void clear(tsm_conv *conv)
{
    tsm_free(conv);
}

static tsm_status make(tsm_conv **out, const tsm_conv_candidates *candidates, int index, tsm_error *error)
{
    const wgmma_list *from = (const wgmma_list *)candidates;
    wgmma_conv *conv;
    const char *why;

    *out = NULL;
    if (index < 0 || index >= from->head.count)
        return tsm_fail(error, TSM_ERROR_DEVICE, "there are %d ways, no number %d", from->head.count, index);
    conv = tsm_alloc_zero(1, sizeof *conv);
    if (!conv) return tsm_fail_memory(error, sizeof *conv);
    spec_of(&conv->spec, &from->spec, &why); /* it was served when the list was made */
    conv->way = from->ways[index];
    conv->head = (tsm_conv){ &tsm_conv_family_wgmma, index, from->spec, 0 };
    *out = &conv->head;
    return TSM_OK;
}

static void describe(const tsm_conv *conv, char how[TSM_CONV_HOW])
{
    const tsm_conv_wgmma_way way = ((const wgmma_conv *)conv)->way;
    const tsm_conv_tile *tile = tsm_conv_wgmma_tile(way.tile);

    snprintf(how, TSM_CONV_HOW, "our %sconvolution on wgmma, tile %dx%d, %s",
             tsm_conv_spec_gathers(&conv->spec) ? "shifting " : "", tile->rows, tile->filters,
             way.tiled ? "by clips" : "im2col");
}

static void unbind(tsm_conv_bound *bound)
{
    tsm_free(bound);
}

static tsm_status bind(tsm_conv_bound **out, const tsm_conv *head, const tsm_conv_buffers *b, tsm_error *error)
{
    const wgmma_conv *conv = (const wgmma_conv *)head;
    wgmma_bound *bound = tsm_alloc_zero(1, sizeof *bound);
    tsm_status status;

    *out = NULL;
    if (!bound) return tsm_fail_memory(error, sizeof *bound);
    bound->head.conv = head;
    bound->args.way = conv->way;
    bound->args.conv = (tsm_conv_kernel_args){ .spec = conv->spec,
                                               .in = b->in,
                                               .weights = b->weights,
                                               .bias = b->bias,
                                               .residual = b->residual,
                                               .out = b->out };
    TSM_CUDA_TRY(tsm_conv_wgmma_prepare(&bound->args));
    *out = &bound->head;
    return TSM_OK;
fail:
    unbind(&bound->head);
    return status;
}

static tsm_status enqueue(const tsm_conv_bound *bound, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                          tsm_error *error)
{
    (void)libraries;
    TSM_CUDA(tsm_conv_wgmma_run(&((const wgmma_bound *)bound)->args, stream));
    return TSM_OK;
}

const tsm_conv_family tsm_conv_family_wgmma = {
    .name = "wgmma",
    .serves = serves,
    .list = list,
    .drop = drop,
    .make = make,
    .clear = clear,
    .describe = describe,
    .bind = bind,
    .unbind = unbind,
    .enqueue = enqueue,
};
