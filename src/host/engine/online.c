/* SPDX-License-Identifier: Apache-2.0 */
/* online.c - making the states of live streams, and all that a push needs. */
#include "streams.h"

#define DEFAULT_BATCH 16

/* ---- Options --------------------------------------------------------------------------------------------------- */

static tsm_status check_consensus(const tsm_online_options *options, tsm_error *error)
{
    if ((unsigned)options->consensus > TSM_CONSENSUS_EXPONENTIAL)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "online: no consensus %d", (int)options->consensus);
    if (options->consensus == TSM_CONSENSUS_WINDOW && (options->window < 1 || options->window > TSM_MAX_SEGMENTS))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "online: a window of %d frames, want 1 to %d", options->window,
                        TSM_MAX_SEGMENTS);
    if (options->consensus == TSM_CONSENSUS_EXPONENTIAL && !(options->weight > 0 && options->weight <= 1))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "online: a weight of %g, want more than 0 and at most 1",
                        (double)options->weight);
    return TSM_OK;
}

static tsm_status read_options(tsm_online_options *options, const tsm_online_options *caller, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_options_read(options, sizeof *options, caller, "tsm_online_options", error));
    if (options->slots < 1 || options->slots > TSM_MAX_SLOTS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "online: %d slots, want 1 to %d", options->slots, TSM_MAX_SLOTS);
    if (options->batch < 0 || options->batch > options->slots)
        return tsm_fail(error, TSM_ERROR_ARGUMENT,
                        "online: batches of %d frames, want 1 to the %d slots, 0 for the default", options->batch,
                        options->slots);
    if (options->batch == 0) options->batch = options->slots < DEFAULT_BATCH ? options->slots : DEFAULT_BATCH;
    return check_consensus(options, error);
}

/* ---- Making ---------------------------------------------------------------------------------------------------- */

static tsm_number number_of(tsm_precision precision)
{
    if (precision == TSM_PRECISION_FP16) return TSM_NUMBER_FP16;
    return precision == TSM_PRECISION_BF16 ? TSM_NUMBER_BF16 : TSM_NUMBER_FP32;
}

static tsm_status check_engine(const tsm_engine *engine, tsm_error *error)
{
    tsm_status status = tsm_graph_check_past_only(engine->graph, error);

    if (status != TSM_OK) return tsm_error_prefix(error, status, "online");
    if (!engine->backend->slots_create || engine->precision > TSM_PRECISION_BF16)
        return tsm_fail(error, TSM_ERROR_UNSUPPORTED, "online: %s has no live streams at this precision",
                        engine->device);
    return TSM_OK;
}

static tsm_status make_slots(tsm_online *online, tsm_error *error)
{
    tsm_context *context = online->context;
    const tsm_engine *engine = context->engine;
    const tsm_shape shape = { 1, 1, online->height, online->width };
    size_t bytes;
    tsm_dims *shapes;
    tsm_status status;

    TSM_TRY_RETURN(tsm_shape_check(&shape, error));
    TSM_TRY_RETURN(tsm_graph_shapes(&shapes, engine->graph, &shape, error));
    status = tsm_slot_layout_make(&online->layout, engine->graph, shapes, number_of(engine->precision), error);
    tsm_free(shapes);
    if (status != TSM_OK) return status;
    TSM_TRY_RETURN(tsm_slots_size(&online->layout, online->count, &bytes, error));
    if (engine->max_bytes && bytes > engine->max_bytes)
        return tsm_fail(error, TSM_ERROR_MEMORY, "online: the states of %d streams take %zu bytes, the limit is %llu",
                        online->count, bytes, (unsigned long long)engine->max_bytes);
    TSM_TRY_RETURN(tsm_context_make_worker(context, error));
    return engine->backend->slots_create(&context->slots, context->worker, &online->layout, online->count, error);
}

static tsm_status make_plans(tsm_online *online, const tsm_resize *resize, tsm_error *error)
{
    const tsm_shape largest = { online->batch, 1, online->height, online->width };

    for (int n = 1; n < online->batch; n *= 2) {
        const tsm_shape shape = { n, 1, online->height, online->width };

        TSM_TRY_RETURN(tsm_context_plan_resize(online->context, &shape, resize, error));
    }
    return tsm_context_plan_resize(online->context, &largest, resize, error);
}

static void *allocate(size_t count, size_t size, tsm_status *status, tsm_error *error)
{
    void *memory = tsm_alloc_zero(count ? count : 1, size ? size : 1);

    if (!memory) *status = tsm_fail_memory(error, count * size);
    return memory;
}

static tsm_status make_arrays(tsm_online *online, tsm_error *error)
{
    const size_t count = (size_t)online->count, classes = (size_t)online->rule.classes;
    tsm_status status = TSM_OK;

    online->slots = allocate(count, sizeof *online->slots, &status, error);
    online->kept = allocate(count, tsm_consensus_floats(&online->rule) * sizeof(float), &status, error);
    online->logits = allocate((size_t)online->batch, classes * sizeof(float), &status, error);
    return status;
}

static tsm_status open_online(tsm_online *online, const tsm_engine *engine, const tsm_online_options *caller,
                              tsm_error *error)
{
    tsm_online_options options;

    TSM_TRY_RETURN(read_options(&options, caller, error));
    TSM_TRY_RETURN(check_engine(engine, error));
    online->count = options.slots;
    online->batch = options.batch;
    online->height = options.height;
    online->width = options.width;
    online->rule = (tsm_consensus_rule){ .kind = options.consensus, .classes = engine->graph->classes };
    if (options.consensus == TSM_CONSENSUS_WINDOW) online->rule.window = options.window;
    if (options.consensus == TSM_CONSENSUS_EXPONENTIAL) online->rule.weight = options.weight;
    TSM_TRY_RETURN(tsm_context_create(&online->context, engine, error));
    TSM_TRY_RETURN(make_slots(online, error));
    TSM_TRY_RETURN(make_arrays(online, error));
    TSM_TRY_RETURN(make_plans(online, options.resize, error));
    return tsm_online_reset(online, -1, error); /* what the plans were tried on */
}

tsm_status tsm_online_create(tsm_online **out, const tsm_engine *engine, const tsm_online_options *options,
                             tsm_error *error)
{
    tsm_online *online;
    tsm_status status;

    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "online: nowhere to put it (NULL)");
    *out = NULL;
    if (!engine) return tsm_fail(error, TSM_ERROR_ARGUMENT, "online: no engine (NULL)");
    online = tsm_alloc_zero(1, sizeof *online);
    if (!online) return tsm_fail_memory(error, sizeof *online);
    TSM_TRY(open_online(online, engine, options, error));
    *out = online;
    return TSM_OK;
fail:
    tsm_online_destroy(&online);
    return status;
}

void tsm_online_destroy(tsm_online **online)
{
    if (!online || !*online) return;
    tsm_context_destroy(&(*online)->context);
    tsm_slot_layout_clear(&(*online)->layout);
    tsm_free((*online)->slots);
    tsm_free((*online)->kept);
    tsm_free((*online)->logits);
    tsm_free(*online);
    *online = NULL;
}

tsm_status tsm_online_get_info(const tsm_online *online, tsm_online_info *caller)
{
    tsm_online_info info = TSM_ONLINE_INFO_INIT;

    if (!online || !caller) return TSM_ERROR_ARGUMENT;
    info.slots = online->count;
    info.batch = online->batch;
    info.classes = online->rule.classes;
    info.cache_bytes = online->layout.state_bytes;
    info.consensus_bytes = tsm_consensus_floats(&online->rule) * sizeof(float);
    info.saved_bytes = tsm_online_saved_bytes(online);
    info.workspace_bytes = tsm_context_bytes(online->context);
    return tsm_info_write(caller, &info, sizeof info);
}
