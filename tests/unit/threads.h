/* SPDX-License-Identifier: Apache-2.0 */
/* threads.h - one engine, run by several threads at once, each on a context of its own. */
#ifndef TSM_TESTS_THREADS_H
#define TSM_TESTS_THREADS_H

#include <pthread.h>
#include <stdbool.h>

#include "engines.h"

enum { THREADS_MOST = 4 };

/* What one thread does: `rounds` times it plans and runs, and keeps the logits one after the other. */
typedef struct thread_work {
    const tsm_engine *engine;
    const tsm_shape *shape;
    int classes, rounds;
    uint32_t seed;
    float *logits;
    tsm_error error;
    bool failed;
} thread_work;

static inline size_t thread_logit_count(const thread_work *w)
{
    return (size_t)w->shape->n * (size_t)w->classes;
}

/* Check's assertions are for the main thread only. */
static inline void *thread_run(void *argument)
{
    thread_work *w = argument;
    const tsm_shape *s = w->shape;
    const size_t count = (size_t)s->n * (size_t)s->t * 3 * (size_t)s->h * (size_t)s->w;
    float *data = malloc(count * sizeof *data);
    tsm_tensor input = planes_tensor(data, s->n, s->t, 3, s->h, s->w);
    tsm_context *context = NULL;

    for (size_t i = 0; data && i < count; i++) data[i] = hashed_value((uint32_t)i, w->seed);
    w->failed = !data || tsm_context_create(&context, w->engine, &w->error) != TSM_OK;
    for (int round = 0; round < w->rounds && !w->failed; round++) {
        tsm_tensor output = logits_tensor(w->logits + (size_t)round * thread_logit_count(w), s->n, w->classes);

        w->failed = tsm_context_plan(context, s, &w->error) != TSM_OK ||
                    tsm_run(context, &input, &output, &w->error) != TSM_OK;
    }
    tsm_context_destroy(&context);
    free(data);
    return NULL;
}

static inline thread_work thread_begin(const thread_work *like, uint32_t seed)
{
    thread_work w = *like;

    w.seed = seed;
    w.logits = poisoned_array((size_t)w.rounds * thread_logit_count(&w));
    return w;
}

/* Every thread's logits must be, to the bit and in every round, those that it gets alone; and they differ by thread. */
static inline void assert_threads_agree(const thread_work *like, int count)
{
    const size_t bytes = thread_logit_count(like) * sizeof(float);
    thread_work alone[THREADS_MOST], together[THREADS_MOST];
    pthread_t threads[THREADS_MOST];

    ck_assert_int_le(count, THREADS_MOST);
    for (int i = 0; i < count; i++) {
        alone[i] = thread_begin(like, (uint32_t)i);
        together[i] = thread_begin(like, (uint32_t)i);
        thread_run(&alone[i]);
        ck_assert_msg(!alone[i].failed, "%s", alone[i].error.text);
    }
    for (int i = 0; i < count; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, thread_run, &together[i]), 0);
    for (int i = 0; i < count; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_mem_ne(alone[0].logits, alone[1].logits, bytes);
    for (int i = 0; i < count; i++) {
        ck_assert_msg(!together[i].failed, "%s", together[i].error.text);
        ck_assert_mem_eq(together[i].logits, alone[i].logits, (size_t)like->rounds * bytes);
        ck_assert_mem_eq(alone[i].logits + thread_logit_count(like), alone[i].logits, bytes);
        free(alone[i].logits);
        free(together[i].logits);
    }
}

#endif
