/* SPDX-License-Identifier: Apache-2.0 */
/* team.h - when a team of threads can be had, and the OpenMP settings that it is had with. */
#ifndef TSM_CPU_TEAM_H
#define TSM_CPU_TEAM_H

#include <omp.h>

#include "core/status.h"

/* Both oneDNN and our loops take their number of threads from the calling thread's OpenMP settings. */
typedef struct tsm_cpu_threads {
    int threads, dynamic;
} tsm_cpu_threads;

static inline tsm_cpu_threads tsm_cpu_threads_enter(int threads)
{
    const tsm_cpu_threads before = { omp_get_max_threads(), omp_get_dynamic() };

    omp_set_dynamic(0); /* a primitive must run with as many threads as it was compiled for */
    omp_set_num_threads(threads);
    return before;
}

static inline void tsm_cpu_threads_leave(tsm_cpu_threads before)
{
    omp_set_num_threads(before.threads);
    omp_set_dynamic(before.dynamic);
}

/* Whether a team of `threads` can work now. Errors: ARGUMENT. Not inside somebody's parallel region, where OpenMP
 * would give a team of one, and primitives compiled for more would do a part of their work only. Not in a child after
 * a fork, where the threads of the parent's teams are gone, and OpenMP would wait for them for ever. MEMORY where the
 * system gives no more threads, which is tried before a thread's first team of that size. */
tsm_status tsm_cpu_check_team(int threads, tsm_error *error);

/* Makes `threads` threads and ends them: libgomp ends the process where it gets none for a team, so this is done
 * before it makes them. Errors: MEMORY. */
tsm_status tsm_cpu_rehearse(int threads, tsm_error *error);

/* How many threads a team of `wanted` (0: as many as the process may run on) really gets: limits on it would
 * otherwise leave work undone. Errors as above. */
tsm_status tsm_cpu_probe_team(int *threads, int wanted, tsm_error *error);

#endif
