/* SPDX-License-Identifier: Apache-2.0 */
/* prepared.c - see prepared.h. */
#include "prepared.h"

#include <stdlib.h>
#include <string.h>

static tsm_status check_support(const tsm_graph *graph, const tsm_backend_config *config, tsm_error *error)
{
    char why[TSM_SUPPORT_TEXT];

    for (int i = 0; i < graph->count; i++)
        if (!tsm_cuda_supports(config, graph, i, why))
            return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "cuda: %s: %s", graph->nodes[i].name, why);
    return TSM_OK;
}

void tsm_cuda_release(tsm_prepared *prepared)
{
    int previous;
    bool entered;

    if (!prepared) return;
    /* Where the device does not answer any more, what is on the host must go all the same. */
    entered = tsm_cuda_enter(&prepared->device, &previous, NULL) == TSM_OK;
    tsm_cuda_weights_clear(&prepared->weights);
    if (entered) tsm_cuda_leave(previous);
    tsm_tune_cache_close(&prepared->cache);
    tsm_free(prepared);
}

/* TSM_CUDA_CONVS names whose kernels compute what shifts nothing as it reads, where a method is asked for. */
static tsm_cuda_way choose_way(tsm_shift_method method)
{
    const char *whose = getenv("TSM_CUDA_CONVS");
    tsm_cuda_way way = *tsm_cuda_way_of(method);

    if (!whose || method == TSM_SHIFT_AUTO) return way;
    if (strcmp(whose, "libraries") == 0) way.whose = TSM_CONV_LIBRARIES;
    if (strcmp(whose, "any") == 0) way.whose = TSM_CONV_ANY;
    if (strcmp(whose, "ours") == 0) way.whose = TSM_CONV_OURS;
    return way;
}

static tsm_status make_weights(tsm_prepared *prepared, tsm_error *error)
{
    int previous;
    tsm_status status;

    TSM_TRY_RETURN(tsm_cuda_enter(&prepared->device, &previous, error));
    status = tsm_cuda_weights_make(&prepared->weights, prepared->graph, prepared->dtype, prepared->method,
                                   prepared->way.whose, &prepared->cancel, error);
    tsm_cuda_leave(previous);
    return status;
}

tsm_status tsm_cuda_prepare(tsm_prepared **out, const tsm_graph *graph, const tsm_backend_config *config,
                            tsm_backend_report *report, tsm_error *error)
{
    tsm_prepared *prepared;
    tsm_status status;

    *out = NULL;
    TSM_TRY_RETURN(check_support(graph, config, error));
    prepared = tsm_alloc_zero(1, sizeof *prepared);
    if (!prepared) return tsm_fail_memory(error, sizeof *prepared);
    prepared->graph = graph;
    prepared->dtype = tsm_cuda_dtype_of(config->precision);
    prepared->method = config->shift_method;
    prepared->way = choose_way(config->shift_method);
    prepared->graphs = config->graphs;
    prepared->tune = config->tune;
    prepared->wgmma = config->wgmma;
    prepared->ranges = config->ranges;
    prepared->max_bytes = config->max_bytes;
    prepared->cancel = config->cancel;
    TSM_TRY(tsm_cuda_device_open(&prepared->device, config->device_index, error));
    TSM_TRY(
        tsm_tune_cache_open(&prepared->cache, config->cache_dir, &prepared->device, graph, prepared->dtype, error));
    TSM_TRY(make_weights(prepared, error));
    report->library = prepared->device.library;
    report->threads = 1;
    report->shift_method = prepared->method;
    report->weight_bytes = prepared->weights.bytes;
    *out = prepared;
    return TSM_OK;
fail:
    tsm_cuda_release(prepared);
    return status;
}
