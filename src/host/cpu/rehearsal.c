/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal.c - see rehearsal.h. */
#include "rehearsal.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
