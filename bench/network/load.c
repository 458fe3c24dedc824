/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - latency under a load that is offered, see runner.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner.h"

/* One load, shared by the threads of its streams; `lock` is for what changes. */
typedef struct offer {
    const bench_network *network;
    const tsm_tensor *input;
    double *arrivals; /* ms from the beginning */
    int count, next, queue, longest_queue;
    double begin, give_up_ms, busy_ms;
    bench_samples latencies;
    tsm_status status;
    tsm_error error;
    pthread_mutex_t lock;
} offer;

typedef struct server {
    offer *offer;
    int stream;
    pthread_t thread;
} server;

static void sleep_until(double ms)
{
    const struct timespec until = { (time_t)(ms / 1e3), (long)(fmod(ms, 1e3) * 1e6) };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* The next request, or -1 where there are no more. */
static int take(offer *o)
{
    int index = -1, waiting = 0;

    pthread_mutex_lock(&o->lock);
    if (o->next < o->count && o->status == TSM_OK && bench_now_ms() < o->give_up_ms) {
        const double now = bench_now_ms() - o->begin;

        index = o->next++;
        while (index + waiting < o->count && o->arrivals[index + waiting] < now) waiting++;
        if (waiting > o->longest_queue) o->longest_queue = waiting;
    }
    pthread_mutex_unlock(&o->lock);
    return index;
}

static void put_down(offer *o, tsm_status status, const tsm_error *error, double ms, double latency)
{
    pthread_mutex_lock(&o->lock);
    o->busy_ms += ms;
    if (status != TSM_OK && o->status == TSM_OK) {
        o->status = status;
        o->error = *error;
    } else if (status == TSM_OK && !bench_samples_add(&o->latencies, latency)) {
        o->status = tsm_fail(&o->error, TSM_ERROR_MEMORY, "out of memory");
    }
    pthread_mutex_unlock(&o->lock);
}

static void *serve(void *user)
{
    const server *s = user;
    offer *o = s->offer;
    tsm_status status;
    tsm_error error;
    double ms;

    for (int i; (i = take(o)) >= 0;) {
        sleep_until(o->begin + o->arrivals[i]);
        status = bench_network_run(o->network, s->stream, o->input, &ms, &error);
        put_down(o, status, &error, ms, bench_now_ms() - o->begin - o->arrivals[i]);
    }
    return NULL;
}

/* Exponential gaps. */
static tsm_status make_arrivals(offer *o, double qps, double seconds, tsm_error *error)
{
    double at = 0;
    uint32_t x = 1;

    o->count = (int)ceil(qps * seconds);
    o->arrivals = malloc((size_t)o->count * sizeof *o->arrivals);
    if (!o->arrivals) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    for (int i = 0; i < o->count; i++) {
        x = x * 1664525u + 1013904223u;
        at -= log(((double)(x >> 8) + 0.5) / 16777216.0) * 1e3 / qps;
        o->arrivals[i] = at;
    }
    return TSM_OK;
}

static tsm_status run_servers(offer *o, server *servers, bench_watch *watch, tsm_error *error)
{
    int started = 0;

    o->begin = bench_now_ms() + 5; /* when all threads are there */
    o->give_up_ms = o->begin + 2 * o->arrivals[o->count - 1] + 1e3;
    for (; started < o->network->stream_count; started++) {
        servers[started] = (server){ .offer = o, .stream = started };
        if (pthread_create(&servers[started].thread, NULL, serve, &servers[started]) != 0) break;
    }
    for (bool more = true; more && started > 0;) {
        bench_watch_look(watch);
        sleep_until(bench_now_ms() + 25);
        pthread_mutex_lock(&o->lock);
        more = o->next < o->count && o->status == TSM_OK && bench_now_ms() < o->give_up_ms;
        pthread_mutex_unlock(&o->lock);
    }
    for (int i = 0; i < started; i++) pthread_join(servers[i].thread, NULL);
    if (started < o->network->stream_count) return tsm_fail(error, TSM_ERROR_MEMORY, "no threads for the streams");
    if (o->status != TSM_OK && error) *error = o->error;
    return o->status;
}

tsm_status bench_offer_load(bench_load *load, const bench_network *network, const tsm_tensor *input, double qps,
                            double seconds, bench_watch *watch, tsm_error *error)
{
    offer o = { .network = network, .input = input, .lock = PTHREAD_MUTEX_INITIALIZER };
    server *servers = calloc((size_t)network->stream_count, sizeof *servers);
    tsm_status status = TSM_OK;
    double wall_s;

    if (!servers) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    TSM_TRY(make_arrivals(&o, qps, seconds, error));
    TSM_TRY(run_servers(&o, servers, watch, error));
    wall_s = (bench_now_ms() - o.begin) * 1e-3;
    *load = (bench_load){ .offered = o.count / (o.arrivals[o.count - 1] * 1e-3),
                          .achieved = o.latencies.count / wall_s,
                          .busy = o.busy_ms * 1e-3 / (wall_s * network->stream_count),
                          .requests = o.latencies.count,
                          .longest_queue = o.longest_queue,
                          .latencies = o.latencies };
    memset(&o.latencies, 0, sizeof o.latencies);
fail:
    free(o.arrivals);
    free(servers);
    bench_samples_clear(&o.latencies);
    return status;
}
