/* SPDX-License-Identifier: Apache-2.0 */
/* runner.c - see runner.h. */
#include "runner.h"

#include <stdlib.h>
#include <string.h>

#define TURN_MS     100.0
#define MAX_REPEATS 1000

typedef struct bench_worker {
    bench_runner *runner;
    int stream;
    pthread_t thread;
    bench_samples ms; /* of the runs of a turn */
    tsm_status status;
    tsm_error error;
} bench_worker;

static void run_repeats(bench_worker *w)
{
    const bench_runner *r = w->runner;
    double ms;

    w->ms.count = 0;
    w->status = TSM_OK;
    for (int i = 0; i < r->repeats && w->status == TSM_OK; i++) {
        w->status = bench_network_run(r->network, w->stream, r->input, &ms, &w->error);
        if (w->status == TSM_OK && !bench_samples_add(&w->ms, ms))
            w->status = tsm_fail(&w->error, TSM_ERROR_MEMORY, "out of memory");
    }
}

static void *work(void *user)
{
    bench_worker *w = user;

    for (;;) {
        pthread_barrier_wait(&w->runner->begin);
        if (w->runner->stop) return NULL;
        run_repeats(w);
        pthread_barrier_wait(&w->runner->end);
    }
}

tsm_status bench_runner_open(bench_runner *r, const bench_network *network, const tsm_tensor *input, tsm_error *error)
{
    const int count = network->stream_count;

    *r = (bench_runner){ .network = network, .input = input };
    if (count == 1) return TSM_OK;
    r->workers = calloc((size_t)count, sizeof *r->workers);
    if (!r->workers) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    pthread_barrier_init(&r->begin, NULL, (unsigned)count + 1);
    pthread_barrier_init(&r->end, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++) {
        r->workers[i] = (bench_worker){ .runner = r, .stream = i };
        if (pthread_create(&r->workers[i].thread, NULL, work, &r->workers[i]) != 0) {
            /* Those that run wait at a barrier that will not open: the process is about to end. */
            return tsm_fail(error, TSM_ERROR_MEMORY, "stream %d: no thread for it", i);
        }
        r->worker_count++;
    }
    return TSM_OK;
}

void bench_runner_close(bench_runner *r)
{
    if (r->network && r->worker_count == r->network->stream_count) {
        r->stop = true;
        pthread_barrier_wait(&r->begin);
        for (int i = 0; i < r->worker_count; i++) {
            pthread_join(r->workers[i].thread, NULL);
            bench_samples_clear(&r->workers[i].ms);
        }
        pthread_barrier_destroy(&r->begin);
        pthread_barrier_destroy(&r->end);
        free(r->workers);
    }
    memset(r, 0, sizeof *r);
}

static tsm_status take_alone(bench_contender *c, const bench_runner *r, tsm_error *error)
{
    double ms;

    TSM_TRY_RETURN(bench_network_run(r->network, 0, r->input, &ms, error));
    if (!bench_samples_add(&c->turns, ms) || !bench_samples_add(&c->latencies, ms))
        return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    return TSM_OK;
}

/* All streams at once, `repeats` runs each. */
static tsm_status take_together(bench_contender *c, bench_runner *r, double *ms, tsm_error *error)
{
    const double begin = bench_now_ms();

    pthread_barrier_wait(&r->begin);
    pthread_barrier_wait(&r->end);
    *ms = bench_now_ms() - begin;
    for (int i = 0; i < r->worker_count; i++) {
        const bench_worker *w = &r->workers[i];

        if (w->status != TSM_OK) {
            *error = w->error;
            return w->status;
        }
        for (int k = 0; k < w->ms.count; k++)
            if (!bench_samples_add(&c->latencies, w->ms.values[k]))
                return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    }
    return TSM_OK;
}

tsm_status bench_runner_turn(bench_contender *c, tsm_error *error)
{
    bench_runner *r = c->user;
    double ms;

    if (r->worker_count == 0) return take_alone(c, r, error);
    if (r->repeats == 0) {
        r->repeats = 1;
        TSM_TRY_RETURN(take_together(c, r, &ms, error)); /* the first run of a thread makes its team */
        TSM_TRY_RETURN(take_together(c, r, &ms, error));
        r->repeats = ms > TURN_MS ? 1 : ms * MAX_REPEATS < TURN_MS ? MAX_REPEATS : (int)(TURN_MS / ms);
    }
    TSM_TRY_RETURN(take_together(c, r, &ms, error));
    if (!bench_samples_add(&c->turns, ms / (r->repeats * r->worker_count)))
        return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    return TSM_OK;
}
