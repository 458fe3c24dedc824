/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - a network of a spec, ready to run. */
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame/frame.h"
#include "model/model.h"

static const char *const precisions[] = { "fp32", "tf32", "fp16", "bf16", "int8", "fp8", NULL };
static const char *const shifts[] = { "auto", "copy", "overlap", "inplace", "gather", NULL };

static int find(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

int bench_find_precision(const char *name)
{
    return find(precisions, name);
}

int bench_find_shift(const char *name)
{
    return find(shifts, name);
}

typedef enum rewriting { AS_IT_IS, DENSE, INFLATED } rewriting;

/* A spec's words, understood. */
typedef struct wanted {
    tsm_model_options model;
    tsm_engine_options engine;
    rewriting rewriting;
} wanted;

static tsm_status read_variant(wanted *w, const bench_spec *spec, tsm_error *error)
{
    const char *variant = spec->variant, *shift = spec->shift;

    if (strcmp(variant, "tsn") == 0)
        w->model.no_shift = 1;
    else if (strcmp(variant, "block") == 0)
        w->model.shift_place = TSM_PLACE_BLOCK;
    else if (strcmp(variant, "dense") == 0)
        w->rewriting = DENSE;
    else if (strcmp(variant, "inflated") == 0)
        w->rewriting = INFLATED;
    else if (bench_find_shift(variant) > 0)
        shift = variant;
    else if (strcmp(variant, "tsm") != 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT,
                        "%s: no such network; there are tsm, tsn, block, copy, overlap, inplace, gather, dense and "
                        "inflated",
                        variant);
    if (bench_find_shift(shift) < 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "--shift %s: there are auto, copy, overlap, inplace and gather",
                        shift);
    w->engine.shift_method = (tsm_shift_method)bench_find_shift(shift);
    return TSM_OK;
}

static tsm_status read_spec(wanted *w, const bench_spec *spec, tsm_error *error)
{
    *w = (wanted){ TSM_MODEL_OPTIONS_INIT, TSM_ENGINE_OPTIONS_INIT, AS_IT_IS };
    TSM_TRY_RETURN(read_variant(w, spec, error));
    if (bench_find_precision(spec->precision) < 0)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "--precision %s: there are fp32, tf32, fp16, bf16, int8 and fp8",
                        spec->precision);
    w->engine.precision = (tsm_precision)bench_find_precision(spec->precision);
    w->engine.device = spec->device;
    w->engine.threads = spec->threads;
    w->model.segments = spec->segments;
    return TSM_OK;
}

static tsm_status build_graph(tsm_graph **graph, float **weights, const tsm_model *model, rewriting how,
                              tsm_error *error)
{
    TSM_TRY_RETURN(tsm_model_build_graph(model, false, graph, error));
    if (how == DENSE) return bench_make_dense(graph, weights, error);
    if (how == INFLATED) return bench_make_inflated(graph, error);
    return TSM_OK;
}

static tsm_status open_engine(bench_network *n, const wanted *w, const tsm_model *model, tsm_error *error)
{
    const double begin = bench_now_ms();
    tsm_graph *graph = NULL;
    tsm_dims *shapes = NULL;
    float *weights = NULL;
    tsm_status status;

    TSM_TRY(build_graph(&graph, &weights, model, w->rewriting, error));
    TSM_TRY(tsm_graph_shapes(&shapes, graph, &n->shape, error));
    n->macs = tsm_graph_macs(graph, shapes);
    /* As a program would, wherever there is a model of it. */
    if (w->rewriting == AS_IT_IS)
        TSM_TRY(tsm_engine_create(&n->engine, model, &w->engine, error));
    else
        TSM_TRY(tsm_engine_create_of_graph(&n->engine, &graph, &w->engine, error));
    n->prepare_ms = bench_now_ms() - begin;
    n->info = (tsm_engine_info)TSM_ENGINE_INFO_INIT;
    status = tsm_engine_get_info(n->engine, &n->info);
fail:
    tsm_graph_destroy(&graph);
    tsm_free(shapes);
    tsm_free(weights);
    return status;
}

static tsm_status open_stream(bench_network *n, bench_stream *stream, tsm_error *error)
{
    const double begin = bench_now_ms();
    const int clips = n->shape.n;

    TSM_TRY_RETURN(tsm_context_create(&stream->context, n->engine, error));
    TSM_TRY_RETURN(tsm_context_plan(stream->context, &n->shape, error));
    n->plan_ms = bench_now_ms() - begin;
    stream->output = (tsm_tensor){ .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { clips, n->classes } };
    return tsm_engine_allocate(n->engine, (size_t)clips * (size_t)n->classes * sizeof(float), &stream->output.data,
                               &stream->output.memory, error);
}

static void set_name(bench_network *n, const bench_spec *spec)
{
    const bool shifted = strcmp(spec->variant, "tsm") == 0 || strcmp(spec->variant, "block") == 0;

    if (bench_find_shift(spec->variant) > 0)
        snprintf(n->name, sizeof n->name, "tsm %s", spec->variant);
    else if (shifted && strcmp(spec->shift, "auto") != 0)
        snprintf(n->name, sizeof n->name, "%s %s", spec->variant, spec->shift);
    else
        snprintf(n->name, sizeof n->name, "%s", spec->variant);
    if (n->shifts == 0 && strcmp(spec->variant, "tsm") == 0) strcpy(n->name, "tsn");
}

/* The model's memory is given back, as a server would. */
static tsm_status open_network(bench_network *n, const bench_spec *spec, tsm_error *error)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = NULL;
    tsm_status status;
    wanted w;

    TSM_TRY(read_spec(&w, spec, error));
    TSM_TRY(bench_source_load(&model, spec->source, &w.model, error));
    TSM_TRY(tsm_model_get_info(model, &info));
    n->classes = info.classes;
    n->shifts = info.shifts;
    set_name(n, spec);
    n->shape = (tsm_shape){ spec->batch, info.segments, spec->size ? spec->size : info.input_size,
                            spec->size ? spec->size : info.input_size };
    TSM_TRY(open_engine(n, &w, model, error));
    tsm_model_destroy(&model);
    n->streams = calloc((size_t)spec->streams, sizeof *n->streams);
    if (!n->streams) TSM_TRY(tsm_fail(error, TSM_ERROR_MEMORY, "out of memory"));
    for (int i = 0; i < spec->streams; i++, n->stream_count++) TSM_TRY(open_stream(n, &n->streams[i], error));
fail:
    tsm_model_destroy(&model);
    return status;
}

tsm_status bench_network_open(bench_network *n, const bench_spec *spec, tsm_error *error)
{
    tsm_status status;

    memset(n, 0, sizeof *n);
    status = open_network(n, spec, error);
    if (status != TSM_OK) bench_network_close(n);
    return status;
}

void bench_network_close(bench_network *n)
{
    for (int i = 0; i < n->stream_count; i++) {
        if (n->streams[i].output.data) tsm_engine_release(n->engine, n->streams[i].output.data);
        tsm_context_destroy(&n->streams[i].context);
    }
    free(n->streams);
    tsm_engine_destroy(&n->engine);
    memset(n, 0, sizeof *n);
}

tsm_status bench_make_input(tsm_tensor *input, const bench_network *n, tsm_error *error)
{
    const tsm_shape *s = &n->shape;
    const size_t count = (size_t)s->n * (size_t)s->t * (size_t)s->h * (size_t)s->w * 3;
    uint32_t x = 1;

    *input =
        (tsm_tensor){ .dtype = TSM_UINT8, .layout = TSM_NTHWC, .ndim = 5, .dims = { s->n, s->t, s->h, s->w, 3 } };
    TSM_TRY_RETURN(tsm_engine_allocate(n->engine, count, &input->data, &input->memory, error));
    for (size_t i = 0; i < count; i++)
        ((uint8_t *)input->data)[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    return TSM_OK;
}

tsm_status bench_network_run(const bench_network *n, int stream, const tsm_tensor *input, double *ms,
                             tsm_error *error)
{
    const double begin = bench_now_ms();
    const tsm_status status = tsm_run(n->streams[stream].context, input, &n->streams[stream].output, error);

    *ms = bench_now_ms() - begin;
    return status;
}

uint64_t bench_network_bytes(const bench_network *n)
{
    uint64_t bytes = 0;

    for (int i = 0; i < n->stream_count; i++) bytes += tsm_context_bytes(n->streams[i].context);
    return bytes;
}
