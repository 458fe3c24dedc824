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

/* Times `other` against the schedule of the plan, in memory of its own, and leaves the faster one there. *tried: not
 * where there is no memory to spare. */
static tsm_status keep_faster(bool *tried, tsm_plan *plan, tsm_schedule *other, tsm_error *error)
{
    const uint64_t bytes = plan->schedule.memory.arena_bytes, others = other->memory.arena_bytes;
    char *arena = NULL;
    bool faster = false;
    tsm_status status;

    *tried = cudaMalloc((void **)&arena, others > bytes ? others : bytes) == cudaSuccess;
    if (!*tried) {
        cudaGetLastError();
        return TSM_OK;
    }
    status = is_faster(&faster, plan, other, arena, error);
    cudaFree(arena);
    if (faster) {
        const tsm_schedule slower = plan->schedule;

        plan->schedule = *other;
        *other = slower;
    }
    return status;
}

/* The same where the other way makes another schedule at all; what cannot be made is passed over. */
static tsm_status try_way(bool *tried, tsm_plan *plan, const tsm_plan_arguments *arguments, const tsm_cuda_way *way,
                          tsm_tuner *tuner, tsm_error *error)
{
    tsm_schedule other;
    tsm_error why = { 0 };
    tsm_status status = tsm_schedule_make(&other, plan->worker->prepared, arguments, way, tuner, &why);

    if (status != TSM_OK) return tsm_cancel_check(&plan->worker->prepared->cancel, error);
    if (!tsm_schedule_same(&plan->schedule, &other)) status = keep_faster(tried, plan, &other, error);
    tsm_schedule_clear(&other);
    return status;
}

/* The plan has the schedule of the first way. */
static tsm_status try_others(tsm_plan *plan, const tsm_plan_arguments *arguments, tsm_tuner *tuner, const char *name,
                             tsm_error *error)
{
    const tsm_cuda_way *way;
    bool tried = true;

    for (int i = 1; tried && (way = tsm_cuda_way_at(i)) != NULL; i++)
        TSM_TRY_RETURN(try_way(&tried, plan, arguments, way, tuner, error));
    if (!tried) return TSM_OK;
    tsm_tune_cache_set(tuner->cache, name, plan->schedule.way.name);
    tuner->found = true;
    return TSM_OK;
}

static void name_shape(const tsm_plan_arguments *arguments, const tsm_graph *graph, char name[TSM_TUNE_NAME])
{
    const tsm_dims *d = &arguments->shapes[tsm_graph_input(graph)];

    snprintf(name, TSM_TUNE_NAME, "shift,%dx%dx%dx%d", d->n, d->t, d->h, d->w);
}

/* What an earlier run found; NULL where it found nothing. */
static const tsm_cuda_way *find_way(const tsm_tuner *tuner, const char *name)
{
    char value[TSM_TUNE_VALUE];

    return tsm_tune_cache_get(tuner->cache, name, value) ? tsm_cuda_way_find(value) : NULL;
}

tsm_status tsm_cuda_schedule_best(tsm_plan *plan, const tsm_plan_arguments *arguments, tsm_tuner *tuner,
                                  tsm_error *error)
{
    const tsm_prepared *prepared = plan->worker->prepared;
    const bool open = prepared->method == TSM_SHIFT_AUTO;
    const tsm_cuda_way *known = open ? NULL : &prepared->way;
    char name[TSM_TUNE_NAME];

    name_shape(arguments, prepared->graph, name);
    if (arguments->slots) /* a trial would run over their states */
        known = tsm_cuda_way_of(prepared->method == TSM_SHIFT_GATHER ? TSM_SHIFT_COPY : prepared->method);
    else if (open)
        known = find_way(tuner, name);
    TSM_TRY_RETURN(
        tsm_schedule_make(&plan->schedule, prepared, arguments, known ? known : tsm_cuda_way_at(0), tuner, error));
    return known || !tuner->timed ? TSM_OK : try_others(plan, arguments, tuner, name, error);
}
