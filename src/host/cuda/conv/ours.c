/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ours.c - a family: our own kernels (docs/shift-conv.md), for convolutions that shift as they read, and for others
 * where they may be the faster ones.
 *
 * A candidate is a tile and the number of parts that K is cut into; the list is the same for one spec and GPU. Where
 * there are parts, blocks meet at counters that are zero between launches: they belong to what is bound, since an
 * arena's workspace does not stay as it was left, and steps of one conv may run beside each other.
 */
#include "ours.h"

#include <stdio.h>
#include <string.h>

#include "cuda/alignment.h"
#include "family.h"
#include "kernels/conv/conv_kernels.h"

/* Tiles that are tried; a simulated device, to which products are dear, has fewer. */
#ifndef TSM_OURS_WAYS
#define TSM_OURS_WAYS TSM_CONV_MAX_CANDIDATES
#endif

typedef struct ours_list {
    tsm_conv_candidates head;
    tsm_conv_spec spec;
    tsm_conv_kernel_way ways[TSM_CONV_MAX_CANDIDATES];
} ours_list;

typedef struct ours_conv {
    tsm_conv head;
    tsm_conv_kernel_spec spec;
    tsm_conv_kernel_way way;
} ours_conv;

typedef struct ours_bound {
    tsm_conv_bound head;
    tsm_conv_kernel_args args;
} ours_bound;

static tsm_conv_fit serves(const tsm_conv_spec *spec, char why[TSM_CONV_WHY])
{
    const char *reason = "it is left to the libraries";
    tsm_conv_kernel_spec ours;

    if ((tsm_conv_spec_is_ours(spec) || spec->whose == TSM_CONV_ANY) && tsm_conv_ours_spec(&ours, spec, &reason)) {
        snprintf(why, TSM_CONV_WHY, "a convolution of our own%s",
                 tsm_conv_spec_gathers(spec) ? ", shifted as it reads" : "");
        return TSM_CONV_FIT;
    }
    snprintf(why, TSM_CONV_WHY, "no convolution of our own: %s", reason);
    return TSM_CONV_UNFIT;
}

static tsm_status list(tsm_conv_candidates **out, const tsm_cuda_libraries *libraries, const tsm_conv_spec *spec,
                       tsm_error *error)
{
    ours_list *made = tsm_alloc_zero(1, sizeof *made);
    tsm_conv_kernel_spec ours;
    const char *why;

    *out = NULL;
    if (!made) return tsm_fail_memory(error, sizeof *made);
    made->head.family = &tsm_conv_family_ours;
    made->spec = *spec;
    if (tsm_conv_ours_spec(&ours, spec, &why))
        made->head.count =
            tsm_conv_kernel_ways(made->ways, TSM_CONV_MAX_CANDIDATES, &ours, libraries->multiprocessors);
    if (made->head.count > TSM_OURS_WAYS) made->head.count = TSM_OURS_WAYS;
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
    const ours_list *from = (const ours_list *)candidates;
    ours_conv *conv;
    const char *why;

    *out = NULL;
    if (index < 0 || index >= from->head.count)
        return tsm_fail(error, TSM_ERROR_DEVICE, "there are %d tiles, no number %d", from->head.count, index);
    conv = tsm_alloc_zero(1, sizeof *conv);
    if (!conv) return tsm_fail_memory(error, sizeof *conv);
    tsm_conv_ours_spec(&conv->spec, &from->spec, &why); /* it was served when the list was made */
    conv->way = from->ways[index];
    conv->head = (tsm_conv){ &tsm_conv_family_ours, index, from->spec,
                             tsm_cuda_align(tsm_conv_kernel_workspace_bytes(&conv->spec, conv->way)) };
    *out = &conv->head;
    return TSM_OK;
}

static void describe(const tsm_conv *conv, char how[TSM_CONV_HOW])
{
    const tsm_conv_kernel_way way = ((const ours_conv *)conv)->way;
    const tsm_conv_tile *tile = tsm_conv_kernel_tile(way.tile);

    snprintf(how, TSM_CONV_HOW, "our %sconvolution, tile %dx%d, %d part%s",
             tsm_conv_spec_gathers(&conv->spec) ? "shifting " : "", tile->rows, tile->filters, way.parts,
             way.parts > 1 ? "s" : "");
}

static tsm_status make_counters(void **counters, const ours_conv *conv, tsm_error *error)
{
    const size_t bytes = tsm_conv_kernel_counter_bytes(&conv->spec, conv->way);

    if (!bytes) return TSM_OK;
    TSM_CUDA(cudaMalloc(counters, bytes));
    TSM_CUDA(cudaMemsetAsync(*counters, 0, bytes, NULL));
    TSM_CUDA(cudaStreamSynchronize(NULL)); /* the streams to come do not wait for this one */
    return TSM_OK;
}

static void unbind(tsm_conv_bound *bound)
{
    ours_bound *ours = (ours_bound *)bound;

    if (ours->args.counters) cudaFree(ours->args.counters);
    tsm_free(ours);
}

static tsm_status bind(tsm_conv_bound **out, const tsm_conv *head, const tsm_conv_buffers *b, tsm_error *error)
{
    const ours_conv *conv = (const ours_conv *)head;
    ours_bound *bound = tsm_alloc_zero(1, sizeof *bound);
    tsm_status status;

    *out = NULL;
    if (!bound) return tsm_fail_memory(error, sizeof *bound);
    bound->head.conv = head;
    bound->args = (tsm_conv_kernel_args){
        .spec = conv->spec,
        .way = conv->way,
        .in = b->in,
        .weights = b->weights,
        .bias = b->bias,
        .residual = b->residual,
        .joined = b->joined,
        .out = b->out,
        .workspace = b->workspace,
    };
    TSM_TRY(make_counters(&bound->args.counters, conv, error));
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
    TSM_CUDA(tsm_conv_kernel_run(&((const ours_bound *)bound)->args, stream));
    return TSM_OK;
}

const tsm_conv_family tsm_conv_family_ours = {
    .name = "ours",
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
