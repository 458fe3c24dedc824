/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - see session.h. */
#include "session.h"

#include <time.h>

#include "networks.h"

double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

tsm_status session_open(session *s, const tsm_backend *backend, const tsm_graph *graph,
                        const tsm_backend_config *config, const tsm_shape *shape, tsm_error *error)
{
    const double begin = now_ms();
    tsm_status status;

    *s = (session){ .backend = backend, .graph = graph };
    s->shapes = must(malloc((size_t)graph->count * sizeof *s->shapes));
    TSM_TRY(tsm_graph_infer(graph, shape, s->shapes, error));
    TSM_TRY(backend->prepare(&s->prepared, graph, config, &s->report, error));
    s->prepare_ms = now_ms() - begin;
    TSM_TRY(backend->worker_create(&s->worker, s->prepared, error));
    TSM_TRY(backend->plan(&s->plan, s->worker, &(tsm_plan_arguments){ .shapes = s->shapes }, error));
    s->plan_ms = now_ms() - begin - s->prepare_ms;
    return TSM_OK;
fail:
    session_close(s);
    return status;
}

void session_close(session *s)
{
    if (!s->backend) return;
    s->backend->plan_release(s->plan);
    s->backend->worker_destroy(s->worker);
    s->backend->release(s->prepared);
    free(s->shapes);
    *s = (session){ 0 };
}

tsm_status session_run(const session *s, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error)
{
    return s->backend->run(s->plan, &(tsm_run_arguments){ .input = input, .output = output }, error);
}

tsm_status session_enqueue(const session *s, const tsm_tensor *input, const tsm_tensor *output, void *stream,
                           tsm_error *error)
{
    const tsm_run_arguments arguments = { .input = input, .output = output, .enqueue = true, .stream = stream };

    return s->backend->run(s->plan, &arguments, error);
}

const tsm_dims *session_input(const session *s)
{
    return &s->shapes[tsm_graph_input(s->graph)];
}

const tsm_dims *session_output(const session *s)
{
    return &s->shapes[s->graph->output];
}

tsm_tensor planes_of(float *data, const tsm_dims *d)
{
    return (tsm_tensor){
        .data = data, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW, .ndim = 5, .dims = { d->n, d->t, d->c, d->h, d->w }
    };
}

tsm_tensor bytes_of(uint8_t *data, const tsm_dims *d)
{
    return (tsm_tensor){
        .data = data, .dtype = TSM_UINT8, .layout = TSM_NTHWC, .ndim = 5, .dims = { d->n, d->t, d->h, d->w, 3 }
    };
}

tsm_tensor logits_of(float *data, const tsm_dims *d)
{
    if (d->t == 1)
        return (
            tsm_tensor){ .data = data, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { d->n, d->c } };
    return (
        tsm_tensor){ .data = data, .dtype = TSM_FLOAT32, .layout = TSM_NTC, .ndim = 3, .dims = { d->n, d->t, d->c } };
}

float *reference_logits(const tsm_graph *graph, const tsm_shape *shape, const tsm_tensor *input)
{
    const tsm_backend_config config = { 0 };
    tsm_tensor output;
    tsm_error error;
    float *logits;
    session s;

    must_ok(session_open(&s, &tsm_backend_reference, graph, &config, shape, &error), &error);
    logits = poisoned_array((size_t)tsm_dims_count(session_output(&s)));
    output = logits_of(logits, session_output(&s));
    must_ok(session_run(&s, input, &output, &error), &error);
    session_close(&s);
    return logits;
}

float *network_logits(const tsm_graph *graph, const tsm_shape *shape, uint32_t seed)
{
    const tsm_dims dims = { shape->n, shape->t, shape->h, shape->w, graph->in_channels };
    float *pixels = hashed_array((size_t)tsm_dims_count(&dims), seed), *logits;
    const tsm_tensor input = planes_of(pixels, &dims);

    logits = reference_logits(graph, shape, &input);
    free(pixels);
    return logits;
}
