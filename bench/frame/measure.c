/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - see measure.h. */
#include "measure.h"

#include "core/status.h"
#include "frame.h"

#define DEFAULT_SECONDS 10

double bench_now_ms(void)
{
    return tsm_now_ms();
}

bool bench_limits_settle(bench_limits *limits)
{
    if (limits->iters == 0 || limits->iters > BENCH_MAX_ROUNDS) {
        bench_fail("--iters %d: 1 to %d", limits->iters, BENCH_MAX_ROUNDS);
        return false;
    }
    if (limits->duration_s < 0) limits->duration_s = limits->iters > 0 ? 0 : DEFAULT_SECONDS;
    if (limits->iters < 0) limits->iters = BENCH_LEAST_ROUNDS;
    return true;
}

static tsm_status take_round(bench_rounds *r, int round, tsm_error *error)
{
    for (int i = 0; i < r->count; i++) {
        bench_contender *contender = &r->contenders[(i + round) % r->count];

        if (r->watch) bench_watch_look(r->watch);
        TSM_TRY_RETURN(contender->turn(contender, error));
    }
    return TSM_OK;
}

static bool enough(const bench_rounds *r, int rounds, double begin)
{
    if (rounds >= BENCH_MAX_ROUNDS) return true;
    return rounds >= r->limits.iters && bench_now_ms() - begin >= r->limits.duration_s * 1e3;
}

tsm_status bench_take_turns(bench_rounds *r, tsm_error *error)
{
    double begin;

    for (int i = 0; i < r->limits.warmup; i++) TSM_TRY_RETURN(take_round(r, i, error));
    for (int i = 0; i < r->count; i++) r->contenders[i].turns.count = r->contenders[i].latencies.count = 0;
    begin = bench_now_ms();
    for (int round = 0; round == 0 || !enough(r, round, begin); round++) {
        TSM_TRY_RETURN(take_round(r, round, error));
        if (r->between) r->between(r->user);
    }
    r->seconds = (bench_now_ms() - begin) * 1e-3;
    return TSM_OK;
}

void bench_contender_clear(bench_contender *contender)
{
    bench_samples_clear(&contender->turns);
    bench_samples_clear(&contender->latencies);
}
