/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - what a caller asks of an engine, checked, and completed from the environment. */

#include <stdlib.h>
#include <string.h>

#include "engine.h"

static tsm_status check_options(const tsm_engine_options *options, tsm_error *error)
{
    const tsm_toggle toggles[] = { options->cuda_graphs, options->cuda_tuning, options->cuda_ranges };

    if ((unsigned)options->precision > TSM_PRECISION_FP8)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: no precision %d", (int)options->precision);
    if ((unsigned)options->shift_method > TSM_SHIFT_GATHER)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: no shift method %d", (int)options->shift_method);
    if (options->threads < 0 || options->threads > TSM_MAX_THREADS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%d threads: 1 to %d are possible, 0 for the default",
                        options->threads, TSM_MAX_THREADS);
    for (size_t i = 0; i < sizeof toggles / sizeof *toggles; i++)
        if ((unsigned)toggles[i] > TSM_TOGGLE_OFF)
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "engine: no toggle %d", (int)toggles[i]);
    return TSM_OK;
}

/* A toggle that the options leave open is as its variable says ("on" or "off"), or as usual. */
static bool resolve(tsm_toggle toggle, const char *variable, bool usual)
{
    const char *text = toggle == TSM_TOGGLE_DEFAULT ? getenv(variable) : NULL;

    if (toggle != TSM_TOGGLE_DEFAULT) return toggle == TSM_TOGGLE_ON;
    if (text && strcmp(text, "on") == 0) return true;
    return text && strcmp(text, "off") == 0 ? false : usual;
}

static const char *cache_dir(const tsm_engine_options *options)
{
    const char *variable = getenv("TSM_CACHE_DIR");

    if (options->cache_dir) return options->cache_dir;
    return variable && *variable ? variable : NULL;
}

/* More threads than CPUs only wait for each other. */
static int limit_threads(int threads)
{
    const int cpus = threads ? tsm_cpu_count() : 0;

    return threads < cpus ? threads : cpus;
}

tsm_status tsm_engine_options_check(tsm_engine_options *options, tsm_backend_config *config, tsm_device *device,
                                    const tsm_engine_options *caller, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_options_read(options, sizeof *options, caller, "tsm_engine_options", error));
    TSM_TRY_RETURN(check_options(options, error));
    TSM_TRY_RETURN(tsm_device_parse(device, options->device, error));
    *config = (tsm_backend_config){
        .device_index = device->index,
        .precision = options->precision,
        .threads = limit_threads(options->threads),
        .shift_method = options->shift_method,
        .graphs = resolve(options->cuda_graphs, "TSM_CUDA_GRAPH", true),
        .tune = resolve(options->cuda_tuning, "TSM_CUDA_TUNE", true),
        .wgmma = resolve(TSM_TOGGLE_DEFAULT, "TSM_CUDA_WGMMA", false),
        .ranges = resolve(options->cuda_ranges, "TSM_CUDA_NVTX", false),
        .max_bytes = options->max_bytes,
        .cancel = { options->cancel, options->cancel_user },
        .cache_dir = cache_dir(options),
    };
    return TSM_OK;
}
