/* SPDX-License-Identifier: Apache-2.0 */
/* method.c - see method.h. */
#include "method.h"

#include <stdio.h>
#include <string.h>

#include "emit.h"

#define ROUNDS    5 /* of each way in turn, so that clocks drift for both alike */
#define LEAST_MS  2 /* of a round: events are no finer than some microseconds */
#define MOST_RUNS 64

/* One way to run the network, in the memory of a comparison. */
typedef struct contender {
    tsm_schedule *schedule;
    tsm_binding binding;
    int runs; /* a round */
    float best_ms;
} contender;

static tsm_status enqueue_runs(const contender *c, const tsm_worker *worker, int runs, tsm_error *error)
{
    for (int i = 0; i < runs; i++) {
        if (c->binding.exec)
            TSM_CUDA(cudaGraphLaunch(c->binding.exec, worker->stream));
        else
            TSM_TRY_RETURN(tsm_binding_enqueue(&c->binding, &worker->libraries, worker->stream, false, NULL, error));
    }
    return TSM_OK;
}

static tsm_status time_runs(float *ms, const contender *c, const tsm_worker *worker, const cudaEvent_t events[2],
                            int runs, tsm_error *error)
{
    TSM_CUDA(cudaEventRecord(events[0], worker->stream));
    TSM_TRY_RETURN(enqueue_runs(c, worker, runs, error));
    TSM_CUDA(cudaEventRecord(events[1], worker->stream));
    TSM_TRY_RETURN(tsm_cuda_elapsed(ms, events[0], events[1], error));
    *ms /= (float)runs;
    return TSM_OK;
}

/* Binds it, and finds how many runs make a round; what that takes is its warm-up. */
static tsm_status prepare(contender *c, const tsm_plan *plan, char *arena, const cudaEvent_t events[2],
                          tsm_error *error)
{
    const tsm_worker *worker = plan->worker;
    float ms;

    TSM_TRY_RETURN(tsm_emit(&c->binding, c->schedule, arena, error));
    TSM_CUDA(cudaMemsetAsync(arena, 0, c->schedule->memory.arena_bytes, worker->stream));
    TSM_TRY_RETURN(tsm_binding_enqueue(&c->binding, &worker->libraries, worker->stream, false, NULL, error));
    TSM_CUDA(cudaStreamSynchronize(worker->stream));
    if (worker->prepared->graphs)
        TSM_TRY_RETURN(tsm_binding_capture(&c->binding, &worker->libraries, worker->stream, &worker->side, error));
    TSM_TRY_RETURN(time_runs(&ms, c, worker, events, 2, error));
    c->runs = ms * MOST_RUNS < LEAST_MS ? MOST_RUNS : (int)(LEAST_MS / ms) + 1;
    return TSM_OK;
}

static tsm_status compare(contender pair[2], const tsm_plan *plan, char *arena, const cudaEvent_t events[2],
                          tsm_error *error)
{
    for (int i = 0; i < 2; i++) TSM_TRY_RETURN(prepare(&pair[i], plan, arena, events, error));
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2; i++) {
            float ms;

            TSM_TRY_RETURN(tsm_cancel_check(&plan->worker->prepared->cancel, error));
            TSM_TRY_RETURN(time_runs(&ms, &pair[i], plan->worker, events, pair[i].runs, error));
            if (round == 0 || ms < pair[i].best_ms) pair[i].best_ms = ms;
        }
    return TSM_OK;
}

/* *faster: whether `other` beats the plan's own schedule. */
static tsm_status is_faster(bool *faster, tsm_plan *plan, tsm_schedule *other, char *arena, tsm_error *error)
{
    contender pair[2] = { { .schedule = &plan->schedule }, { .schedule = other } };
    cudaEvent_t events[2] = { NULL, NULL };
    tsm_status status;

    for (int i = 0; i < 2; i++) TSM_CUDA_TRY(cudaEventCreateWithFlags(&events[i], cudaEventDefault));
    TSM_TRY(compare(pair, plan, arena, events, error));
    *faster = pair[1].best_ms < pair[0].best_ms;
    status = TSM_OK;
fail:
    cudaStreamSynchronize(plan->worker->stream);
    for (int i = 0; i < 2; i++) {
        tsm_binding_clear(&pair[i].binding);
        if (events[i]) cudaEventDestroy(events[i]);
    }
    return status;
}

/* The plan has the schedule of an overlap; takes that of a copy where it is faster. */
static tsm_status try_copy(tsm_plan *plan, const tsm_plan_arguments *arguments, tsm_tuner *tuner, const char *name,
                           tsm_error *error)
{
    const uint64_t bytes = plan->schedule.memory.arena_bytes;
    tsm_schedule copy;
    char *arena = NULL;
    bool faster = false;
    tsm_status status;

    TSM_TRY_RETURN(tsm_schedule_make(&copy, plan->worker->prepared, arguments, TSM_SHIFT_COPY, tuner, error));
    if (cudaMalloc((void **)&arena, copy.memory.arena_bytes > bytes ? copy.memory.arena_bytes : bytes) !=
        cudaSuccess) {
        cudaGetLastError();
        tsm_schedule_clear(&copy);
        return TSM_OK; /* untried */
    }
    status = is_faster(&faster, plan, &copy, arena, error);
    cudaFree(arena);
    if (status == TSM_OK) {
        tsm_tune_cache_set(tuner->cache, name, faster ? "copy" : "overlap");
        tuner->found = true;
    }
    if (faster) {
        const tsm_schedule slower = plan->schedule;

        plan->schedule = copy;
        copy = slower;
    }
    tsm_schedule_clear(&copy);
    return status;
}

static void name_shape(const tsm_plan_arguments *arguments, const tsm_graph *graph, char name[TSM_TUNE_NAME])
{
    const tsm_dims *d = &arguments->shapes[tsm_graph_input(graph)];

    snprintf(name, TSM_TUNE_NAME, "shift,%dx%dx%dx%d", d->n, d->t, d->h, d->w);
}

tsm_status tsm_cuda_schedule_best(tsm_plan *plan, const tsm_plan_arguments *arguments, tsm_tuner *tuner,
                                  tsm_error *error)
{
    const tsm_prepared *prepared = plan->worker->prepared;
    char name[TSM_TUNE_NAME], value[TSM_TUNE_VALUE];
    tsm_shift_method method = prepared->method;
    bool known = true;

    if (arguments->slots) { /* a trial would run over their states */
        method = method == TSM_SHIFT_AUTO || method == TSM_SHIFT_OVERLAP ? TSM_SHIFT_OVERLAP : TSM_SHIFT_COPY;
    } else if (method == TSM_SHIFT_AUTO) {
        name_shape(arguments, prepared->graph, name);
        known = tsm_tune_cache_get(tuner->cache, name, value);
        method = known && strcmp(value, "copy") == 0 ? TSM_SHIFT_COPY : TSM_SHIFT_OVERLAP;
    }
    TSM_TRY_RETURN(tsm_schedule_make(&plan->schedule, prepared, arguments, method, tuner, error));
    if (known || !tuner->timed || !tsm_schedule_overlaps(&plan->schedule)) return TSM_OK;
    return try_copy(plan, arguments, tuner, name, error);
}
