/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - the one way in which tsm-bench measures: contenders take turns.
 *
 * In each round everyone has one turn, and who begins changes from round to round, so that a machine that is busy or
 * becomes hot slows all of them, and neighbouring turns can be divided by each other.
 */
#ifndef TSM_BENCH_MEASURE_H
#define TSM_BENCH_MEASURE_H

#include <tsm/tsm.h>

#include "samples.h"
#include "watch.h"

/* When it has been measured enough: at least `iters` rounds and at least `duration_s` seconds, and no more than
 * BENCH_MAX_ROUNDS. Before it at least `warmup` rounds that do not count. */
typedef struct bench_limits {
    int warmup, iters;
    double duration_s;
} bench_limits;

#define BENCH_MAX_ROUNDS   100000
#define BENCH_LEAST_ROUNDS 5
#define BENCH_LIMITS_INIT                                                                                            \
    {                                                                                                                \
        2, -1, -1                                                                                                    \
    } /* not said yet */

/* Puts defaults where nothing was said: 5 rounds and 10 seconds; a number of rounds alone means no more than these.
 * False, with a line on stderr, for no rounds at all. */
bool bench_limits_settle(bench_limits *limits);

typedef struct bench_contender bench_contender;
struct bench_contender {
    /* A turn: adds one value to `turns` and any number to `latencies`. */
    tsm_status (*turn)(bench_contender *contender, tsm_error *error);
    void *user;
    bench_samples turns;     /* ms that a unit of work took: comparable between contenders */
    bench_samples latencies; /* ms from asking to having */
};

typedef struct bench_rounds {
    bench_limits limits;
    bench_contender *contenders;
    int count;
    void (*between)(void *user); /* after each round; NULL: nothing */
    void *user;
    bench_watch *watch;
    double seconds; /* that it took, without warm-up */
} bench_rounds;

/* Errors: those of a turn; MEMORY. */
tsm_status bench_take_turns(bench_rounds *rounds, tsm_error *error);

void bench_contender_clear(bench_contender *contender);

double bench_now_ms(void);

/* The options --warmup, --iters and --duration of `limits`, as a group for a table. */
#define BENCH_LIMIT_OPTIONS(limits)                                                                                  \
    {                                                                                                                \
        { "duration", BENCH_SECONDS, &(limits).duration_s, "S",                                                      \
          "measure for at least so many seconds a point [10]" },                                                     \
            { "iters", BENCH_COUNT, &(limits).iters, "N",                                                            \
              "and for at least so many rounds [5]; without --duration no longer" },                                 \
            { "warmup", BENCH_COUNT, &(limits).warmup, "N", "rounds before, which do not count" },                   \
        {                                                                                                            \
            0                                                                                                        \
        }                                                                                                            \
    }

#endif
