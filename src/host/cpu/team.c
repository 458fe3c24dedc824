/* SPDX-License-Identifier: Apache-2.0 */
/* team.c - see team.h. */
#include "team.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool forked; /* a team was made in a parent of this process */

static void after_fork(void)
{
    forked = true;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

/* Threads that wait until all are there. */
typedef struct rehearsal {
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
} rehearsal;

static void *wait_for_end(void *opaque)
{
    rehearsal *r = opaque;

    free(malloc(1)); /* with a thread's first block goes a reserve of addresses, which a limit may count */
    pthread_mutex_lock(&r->lock);
    while (!r->done) pthread_cond_wait(&r->over, &r->lock);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

tsm_status tsm_cpu_rehearse(int threads, tsm_error *error)
{
    rehearsal r = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    pthread_t *made = tsm_alloc_zero((size_t)threads, sizeof *made);
    int count = 0, code = made ? 0 : ENOMEM;

    while (code == 0 && count < threads) {
        code = pthread_create(&made[count], NULL, wait_for_end, &r);
        count += code == 0;
    }
    pthread_mutex_lock(&r.lock);
    r.done = true;
    pthread_cond_broadcast(&r.over);
    pthread_mutex_unlock(&r.lock);
    for (int i = 0; i < count; i++) pthread_join(made[i], NULL);
    tsm_free(made);
    if (code == 0) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory: cpu: %d more threads cannot be had (%s)", threads,
                    strerrordesc_np(code));
}

tsm_status tsm_cpu_check_team(int threads, tsm_error *error)
{
    static _Thread_local int had; /* the largest team of this thread */

    if (threads == 1) return TSM_OK;
    if (forked)
        return tsm_fail(error, TSM_ERROR_ARGUMENT,
                        "cpu: %d threads cannot be had in a child process after fork: make an engine of one thread "
                        "there, or make engines after the fork only",
                        threads);
    if (omp_in_parallel())
        return tsm_fail(error, TSM_ERROR_ARGUMENT,
                        "cpu: an engine of %d threads cannot be used inside an OpenMP parallel region", threads);
    if (threads <= had) return TSM_OK;
    TSM_TRY_RETURN(tsm_cpu_rehearse(threads - 1, error));
    had = threads;
    return TSM_OK;
}

static int usual_threads(void)
{
    const int cpus = tsm_cpu_count(), openmp = omp_get_max_threads();

    return openmp < cpus ? openmp : cpus;
}

tsm_status tsm_cpu_probe_team(int *threads, int wanted, tsm_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    tsm_cpu_threads before;
    int given = 1;

    if (wanted == 0) wanted = usual_threads();
    *threads = 1;
    if (wanted == 1) return TSM_OK;
    TSM_TRY_RETURN(tsm_cpu_check_team(wanted, error));
    pthread_once(&once, watch_forks);
    before = tsm_cpu_threads_enter(wanted);
#pragma omp parallel
#pragma omp single
    given = omp_get_num_threads();
    tsm_cpu_threads_leave(before);
    *threads = given;
    return TSM_OK;
}
