/* SPDX-License-Identifier: Apache-2.0 */
/* context.c - the workspace of one thread: a worker, and plans of any number of shapes in its arena. */
#include "engine.h"

#include <string.h>

tsm_status tsm_context_create(tsm_context **out, const tsm_engine *engine, tsm_error *error)
{
    if (!out) return tsm_fail(error, TSM_ERROR_ARGUMENT, "context: nowhere to put it (NULL)");
    *out = NULL;
    if (!engine) return tsm_fail(error, TSM_ERROR_ARGUMENT, "context: no engine (NULL)");
    *out = tsm_alloc_zero(1, sizeof **out);
    if (!*out) return tsm_fail_memory(error, sizeof **out);
    (*out)->engine = (tsm_engine *)(uintptr_t)engine; /* immutable but for the number of its holders */
    tsm_engine_hold((*out)->engine);
    return TSM_OK;
}

static void release_planned(tsm_context *context, tsm_planned *planned)
{
    if (!planned) return;
    context->engine->backend->plan_release(planned->plan);
    tsm_resample_clear(&planned->resize);
    tsm_free(planned->shapes);
    tsm_free(planned);
}

void tsm_context_drop_plans(tsm_context *context)
{
    if (!context) return;
    while (context->plans) {
        tsm_planned *next = context->plans->next;

        release_planned(context, context->plans);
        context->plans = next;
    }
    if (context->slots) context->engine->backend->slots_destroy(context->slots);
    context->slots = NULL;
    context->engine->backend->worker_destroy(context->worker);
    context->worker = NULL;
    tsm_context_free_room(context);
}

void tsm_context_destroy(tsm_context **context)
{
    if (!context || !*context) return;
    tsm_context_drop_plans(*context);
    tsm_engine_let_go((*context)->engine);
    tsm_free(*context);
    *context = NULL;
}

/* Beyond these the libraries below fail in ways of their own, or take minutes to say that they cannot. */
#define MAX_CLIPS  (1 << 20)
#define MAX_FRAMES (1 << 16)

tsm_status tsm_shape_check(const tsm_shape *shape, tsm_error *error)
{
    if (!shape) return tsm_fail(error, TSM_ERROR_ARGUMENT, "shape: none (NULL)");
    if (shape->n < 1 || shape->n > MAX_CLIPS)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "shape: %d clips, want 1 to %d", shape->n, MAX_CLIPS);
    if (shape->t < 0 || shape->t > MAX_FRAMES)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "shape: %d frames a clip, want 0 to %d", shape->t, MAX_FRAMES);
    if (shape->h < 1 || shape->h > TSM_MAX_SIDE || shape->w < 1 || shape->w > TSM_MAX_SIDE)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "shape: frames of %dx%d pixels, want 1 to %d a side", shape->w,
                        shape->h, TSM_MAX_SIDE);
    return TSM_OK;
}

tsm_status tsm_graph_shapes(tsm_dims **out, const tsm_graph *graph, const tsm_shape *shape, tsm_error *error)
{
    tsm_dims *shapes = tsm_alloc_zero((size_t)graph->count, sizeof *shapes);
    tsm_status status;

    *out = NULL;
    if (!shapes) return tsm_fail_memory(error, (size_t)graph->count * sizeof *shapes);
    TSM_TRY(tsm_graph_infer(graph, shape, shapes, error));
    *out = shapes;
    return TSM_OK;
fail:
    tsm_free(shapes);
    return status;
}

/* Frames of the same size for plans of the same shape: where `spec` differs in nothing else they are the same. */
static bool same_input(const tsm_context *context, const tsm_planned *a, const tsm_planned *b)
{
    return memcmp(tsm_planned_input(context, a), tsm_planned_input(context, b), sizeof(tsm_dims)) == 0 &&
           a->resizes == b->resizes && a->resize.spec.in_width == b->resize.spec.in_width &&
           a->resize.spec.in_height == b->resize.spec.in_height;
}

static bool same_spec(const tsm_resample_spec *a, const tsm_resample_spec *b)
{
    return a->scaled_width == b->scaled_width && a->scaled_height == b->scaled_height && a->x == b->x &&
           a->y == b->y && a->mirror == b->mirror;
}

/* What the caller asks for, as a plan that is not made yet. */
static tsm_status describe_plan(tsm_planned *planned, const tsm_context *context, const tsm_shape *shape,
                                const tsm_resize *resize, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_shape_check(shape, error));
    TSM_TRY_RETURN(tsm_graph_shapes(&planned->shapes, context->engine->graph, shape, error));
    planned->resizes = resize != NULL;
    if (!resize) return TSM_OK;
    return tsm_resize_read(&planned->resize.spec, resize, tsm_planned_input(context, planned), error);
}

tsm_status tsm_context_make_worker(tsm_context *context, tsm_error *error)
{
    if (context->worker) return TSM_OK;
    return context->engine->backend->worker_create(&context->worker, context->engine->prepared, error);
}

static tsm_status make_plan(tsm_planned *planned, tsm_context *context, tsm_error *error)
{
    const tsm_backend *backend = context->engine->backend;
    const tsm_resample_spec spec = planned->resize.spec;

    if (planned->resizes) TSM_TRY_RETURN(tsm_resample_make(&planned->resize, &spec, error));
    if (planned->resizes && !backend->resizes) TSM_TRY_RETURN(tsm_context_make_room(context, planned, error));
    TSM_TRY_RETURN(tsm_context_make_worker(context, error));
    const tsm_plan_arguments arguments = { .shapes = planned->shapes,
                                           .resize = planned->resizes && backend->resizes ? &planned->resize : NULL,
                                           .slots = context->slots };
    return backend->plan(&planned->plan, context->worker, &arguments, error);
}

/* The plan that has the input of `like` goes; the one after it becomes what *at points to. */
static void release_replaced(tsm_context *context, const tsm_planned *like, tsm_planned **at)
{
    while (*at && !same_input(context, *at, like)) at = &(*at)->next;
    if (*at) {
        tsm_planned *old = *at;

        *at = old->next;
        release_planned(context, old);
    }
}

static void move_to_front(tsm_context *context, tsm_planned *planned)
{
    tsm_planned **at = &context->plans;

    while (*at != planned) at = &(*at)->next;
    *at = planned->next;
    planned->next = context->plans;
    context->plans = planned;
}

/* The plan that would be made, where there is one already. */
static tsm_planned *find_equal(const tsm_context *context, const tsm_planned *like)
{
    tsm_planned *planned = context->plans;

    while (planned && !(same_input(context, planned, like) && same_spec(&planned->resize.spec, &like->resize.spec)))
        planned = planned->next;
    return planned;
}

static tsm_status plan(tsm_context *context, const tsm_shape *shape, const tsm_resize *resize, tsm_error *error)
{
    tsm_planned *planned = tsm_alloc_zero(1, sizeof *planned), *equal;
    tsm_status status;

    if (!planned) return tsm_fail_memory(error, sizeof *planned);
    TSM_TRY(describe_plan(planned, context, shape, resize, error));
    equal = find_equal(context, planned);
    if (equal) {
        move_to_front(context, equal);
        release_planned(context, planned);
        return TSM_OK;
    }
    TSM_TRY(make_plan(planned, context, error));
    planned->next = context->plans;
    context->plans = planned;
    release_replaced(context, planned, &planned->next);
    return TSM_OK;
fail:
    release_planned(context, planned);
    return status;
}

tsm_status tsm_context_plan_resize(tsm_context *context, const tsm_shape *shape, const tsm_resize *resize,
                                   tsm_error *error)
{
    if (!context) return tsm_fail(error, TSM_ERROR_ARGUMENT, "plan: no context (NULL)");
    return plan(context, shape, resize, error);
}

tsm_status tsm_context_plan(tsm_context *context, const tsm_shape *shape, tsm_error *error)
{
    return tsm_context_plan_resize(context, shape, NULL, error);
}

uint64_t tsm_context_bytes(const tsm_context *context)
{
    if (!context || !context->worker) return 0;
    return context->engine->backend->worker_bytes(context->worker) + context->frame_bytes + context->scratch_bytes;
}
