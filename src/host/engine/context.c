/* SPDX-License-Identifier: Apache-2.0 */
/* context.c - the workspace of one thread: made empty, then planned for one shape at a time. */
#include "engine.h"

tsm_status tsm_context_create(tsm_context **out, const tsm_engine *engine, tsm_error *error)
{
    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "context: nowhere to put it (NULL)");
    *out = NULL;
    if (!engine) return tsm_fail(error, TSM_ERROR_ARGUMENT, "context: no engine (NULL)");
    *out = tsm_alloc_zero(1, sizeof **out);
    if (!*out) return tsm_fail_memory(error, sizeof **out);
    (*out)->engine = engine;
    return TSM_OK;
}

static void drop_plan(tsm_context *context)
{
    if (context->plan) context->engine->backend->plan_release(context->plan);
    tsm_context_drop_resize(context);
    tsm_graph_destroy(&context->graph);
    context->plan = NULL;
    context->bytes = 0;
}

void tsm_context_destroy(tsm_context **context)
{
    if (!context || !*context) return;
    drop_plan(*context);
    tsm_free(*context);
    *context = NULL;
}

tsm_status tsm_shape_check(const tsm_shape *shape, tsm_error *error)
{
    if (!shape) return tsm_fail(error, TSM_ERROR_ARGUMENT, "shape: none (NULL)");
    if (shape->n >= 1 && shape->t >= 0 && shape->h >= 1 && shape->w >= 1) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "shape: %d clips of %d frames of %dx%d pixels", shape->n, shape->t,
                    shape->h, shape->w);
}

tsm_status tsm_context_plan_resize(tsm_context *context, const tsm_shape *shape, const tsm_resize *resize,
                                   tsm_error *error)
{
    const tsm_engine *engine;
    tsm_status status;

    if (!context) return tsm_fail(error, TSM_ERROR_ARGUMENT, "plan: no context (NULL)");
    engine = context->engine;
    drop_plan(context); /* before the new one is made: two at once might not fit */
    TSM_TRY_RETURN(tsm_shape_check(shape, error));
    context->graph = tsm_graph_clone(engine->graph);
    if (!context->graph) return tsm_fail_memory(error, (size_t)engine->graph->count * sizeof(tsm_node));
    TSM_TRY(tsm_graph_infer(context->graph, shape, error));
    if (resize) TSM_TRY(tsm_context_make_resize(context, resize, error));
    TSM_TRY(engine->backend->plan(&context->plan, engine->state, context->graph, &context->bytes, error));
    context->bytes += tsm_context_resize_bytes(context);
    return TSM_OK;
fail:
    drop_plan(context);
    return status;
}

tsm_status tsm_context_plan(tsm_context *context, const tsm_shape *shape, tsm_error *error)
{
    return tsm_context_plan_resize(context, shape, NULL, error);
}

uint64_t tsm_context_bytes(const tsm_context *context)
{
    return context ? context->bytes : 0;
}
