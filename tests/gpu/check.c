/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - see check.h. */
#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <time.h>

static int made, failed;

bool small_sizes;

const char *const precision_names[] = { "fp32", "tf32", "fp16", "bf16", "int8", "fp8" };
const char *const method_names[] = { "auto", "copy", "overlap", "inplace", "gather" };

bool check(bool ok, const char *name, const char *format, ...)
{
    va_list arguments;

    made++;
    if (ok) return true;
    failed++;
    printf("FAILED %s: ", name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    return false;
}

bool check_ok(tsm_status status, const tsm_error *error, const char *name)
{
    return check(status == TSM_OK, name, "%s", status == TSM_OK ? "" : error->text);
}

bool check_refused(tsm_status status, const tsm_error *error, tsm_status code, const char *word, const char *name)
{
    if (!check(status == code, name, "status %d, want %d (%s)", (int)status, (int)code, error->text)) return false;
    return check(strstr(error->text, word) && !strchr(error->text, '\n'), name, "\"%s\" does not name \"%s\"",
                 error->text, word);
}

int checks_made(void)
{
    return made;
}

int checks_failed(void)
{
    return failed;
}

void *must(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "out of memory\n");
    exit(2);
}

double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

float random_value(uint32_t i, uint32_t seed)
{
    uint32_t x = i * 2654435761u + seed * 40503u;

    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    x ^= x >> 16;
    return (float)((x >> 8) * (1.0 / 8388608.0) - 1.0);
}

float *random_floats(size_t count, uint32_t seed)
{
    float *values = must(malloc((count ? count : 1) * sizeof *values));

    for (size_t i = 0; i < count; i++) values[i] = random_value((uint32_t)i, seed);
    return values;
}

double largest_error(const float *got, const float *want, size_t count)
{
    double largest = 1e-30, worst = 0;

    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - (double)want[i]);

        if (!(difference <= worst)) worst = difference;
        if (isnan(difference)) return INFINITY;
    }
    return worst / largest;
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

tsm_status session_open(session *s, const tsm_backend *backend, const tsm_graph *graph,
                        const tsm_backend_config *config, const tsm_shape *shape, tsm_error *error)
{
    double begin = now_ms();
    tsm_status status;

    memset(s, 0, sizeof *s);
    s->backend = backend;
    s->shaped = must(tsm_graph_clone(graph));
    TSM_TRY(tsm_graph_infer(s->shaped, shape, error));
    TSM_TRY(backend->prepare(&s->state, graph, config, &s->report, error));
    s->prepare_ms = now_ms() - begin;
    begin = now_ms();
    TSM_TRY(backend->plan(&s->plan, s->state, s->shaped, &s->bytes, error));
    s->plan_ms = now_ms() - begin;
    return TSM_OK;
fail:
    session_close(s);
    return status;
}

void session_close(session *s)
{
    if (s->plan) s->backend->plan_release(s->plan);
    if (s->state) s->backend->release(s->state);
    tsm_graph_destroy(&s->shaped);
    memset(s, 0, sizeof *s);
}

tsm_status session_run(const session *s, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error)
{
    return s->backend->run(s->plan, input, output, error);
}

tsm_status session_enqueue(const session *s, const tsm_tensor *input, const tsm_tensor *output, cudaStream_t stream,
                           tsm_error *error)
{
    return s->backend->enqueue(s->plan, input, output, stream, error);
}

const tsm_dims *session_input(const session *s)
{
    return &s->shaped->nodes[0].dims;
}

const tsm_dims *session_output(const session *s)
{
    return &s->shaped->nodes[s->shaped->output].dims;
}

float *reference_logits(const tsm_graph *graph, const tsm_shape *shape, const tsm_tensor *input, const float mean[3],
                        const float std[3])
{
    tsm_backend_config config = { 0 };
    session s;
    tsm_error error;
    tsm_tensor output;
    float *logits;

    memcpy(config.mean, mean, sizeof config.mean);
    memcpy(config.std, std, sizeof config.std);
    if (session_open(&s, &tsm_backend_reference, graph, &config, shape, &error) != TSM_OK) {
        fprintf(stderr, "reference: %s\n", error.text);
        exit(2);
    }
    logits = must(malloc((size_t)tsm_dims_count(session_output(&s)) * sizeof *logits));
    output = logits_of(logits, session_output(&s));
    session_run(&s, input, &output, &error);
    session_close(&s);
    return logits;
}
