/* SPDX-License-Identifier: Apache-2.0 */
/* waiting.c - see waiting.h. */
#include "waiting.h"

#include <execinfo.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "team.h"

#define WINDOW_MS         5.0  /* of runs that are measured at a time */
#define REST_MS           20.0 /* from one look at the neighbourhood to the next */
#define LEAST_SHARE       0.9  /* of its CPUs' time that a team without neighbours gets */
#define SLACK             16   /* one neighbour for so many CPUs is none: on a large machine something always runs */
#define FIRST_PATIENCE_MS 50.0 /* after a trial that failed; doubled by each more */
#define MOST_PATIENCE_MS  1000.0

/* A thread with a team of its own, which sleeps. */
typedef struct idle_team {
    pthread_t keeper;
    int sleepers;
    bool ready, stopped;
} idle_team;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int holders;
static int cpus; /* as libgomp counts them; 0: how threads wait is not for us to say */
static idle_team *sleeping;
static bool starting;                                      /* one is being made */
static double look_at_ms, patience_ms = FIRST_PATIENCE_MS; /* the next look */

static void *keep_idle_team(void *opaque)
{
    idle_team *c = opaque;
    int count = 0;

    omp_set_dynamic(0);
#pragma omp parallel num_threads(c->sleepers + 1) reduction(+ : count)
    count += omp_get_thread_num();
    pthread_mutex_lock(&lock);
    c->ready = true;
    pthread_cond_broadcast(&news);
    while (!c->stopped) pthread_cond_wait(&news, &lock);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* glibc ends the process where the first thread that leaves a team finds no memory to load what unwinds its stack. A
 * backtrace loads the same, and only says so. */
static bool can_unwind(void)
{
    void *frame;

    return backtrace(&frame, 1) == 1;
}

/* With the lock, which is open while the threads come. Where none can be had waits stay as they are. */
static void start_idle_team(int threads)
{
    const bool wanted = !sleeping && !starting && holders > 0 && can_unwind();
    idle_team *c = wanted ? tsm_alloc_zero(1, sizeof *c) : NULL;
    sigset_t all, before;

    if (!c) return;
    c->sleepers = cpus - threads + 1;
    sigfillset(&all); /* the program's signals are not for these threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (tsm_cpu_rehearse(c->sleepers + 1, NULL) == TSM_OK &&
        pthread_create(&c->keeper, NULL, keep_idle_team, c) == 0) {
        starting = true;
        while (!c->ready) pthread_cond_wait(&news, &lock);
        starting = false;
        sleeping = c;
    } else {
        tsm_free(c);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* With the lock, which is open while the threads go. */
static void stop_idle_team(void)
{
    idle_team *c = sleeping;

    if (!c) return;
    sleeping = NULL;
    c->stopped = true;
    pthread_cond_broadcast(&news);
    pthread_mutex_unlock(&lock);
    pthread_join(c->keeper, NULL);
    tsm_free(c);
    pthread_mutex_lock(&lock);
}

void tsm_cpu_waiting_let_go(void)
{
    pthread_mutex_lock(&lock);
    if (--holders == 0) stop_idle_team();
    pthread_mutex_unlock(&lock);
}

/* A child has no other thread. */
static void after_fork(void)
{
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&news, NULL);
    sleeping = NULL;
    starting = false;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

bool tsm_cpu_waits_briefly(void)
{
    bool briefly;

    pthread_mutex_lock(&lock);
    briefly = sleeping != NULL;
    pthread_mutex_unlock(&lock);
    return briefly;
}

/* ---- Measuring ------------------------------------------------------------------------------------------------ */

static double thread_cpu_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec * 1e-6;
}

static double team_cpu_ms(void)
{
    double sum = 0;

#pragma omp parallel reduction(+ : sum)
    sum += thread_cpu_ms();
    return sum;
}

static void begin_measuring(tsm_cpu_waiting *w)
{
    w->cpu_begin_ms = team_cpu_ms();
    w->wall_begin_ms = tsm_now_ms();
    w->measures = true;
}

static void pause_measuring(tsm_cpu_waiting *w)
{
    w->cpu_ms += team_cpu_ms() - w->cpu_begin_ms;
    w->wall_ms += tsm_now_ms() - w->wall_begin_ms;
    w->measures = false;
}

/* Decides by what a full window has measured. */
static void end_window(tsm_cpu_waiting *w)
{
    const bool alone = w->cpu_ms >= LEAST_SHARE * w->threads * w->wall_ms;

    w->cpu_ms = w->wall_ms = 0;
    pthread_mutex_lock(&lock);
    look_at_ms = tsm_now_ms() + (alone ? REST_MS : patience_ms);
    if (alone) {
        patience_ms = FIRST_PATIENCE_MS;
    } else {
        patience_ms = 2 * patience_ms < MOST_PATIENCE_MS ? 2 * patience_ms : MOST_PATIENCE_MS;
        start_idle_team(w->threads);
    }
    pthread_mutex_unlock(&lock);
}

/* With the lock: looks, where it is time to; true where a window is to be measured. Of the team `awake` threads are
 * runnable. */
static bool look(int threads, int awake)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);

    if (threads == 1 || threads > cpus || tsm_now_ms() < look_at_ms) return false;
    if (tsm_runnable_count() - awake + threads > online + online / SLACK) {
        start_idle_team(threads);
        look_at_ms = tsm_now_ms() + REST_MS;
        return false;
    }
    stop_idle_team();
    return true;
}

void tsm_cpu_waiting_hold(int threads)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
    if (holders++ == 0 && !getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT")) cpus = omp_get_num_procs();
    look(threads, 1);
    pthread_mutex_unlock(&lock);
}

void tsm_cpu_waiting_begin(tsm_cpu_waiting *w, int threads)
{
    bool due = w->wall_ms > 0; /* the window goes on */

    w->threads = threads;
    pthread_mutex_lock(&lock);
    /* All of a team that waits busily are, and of one that sleeps this thread is. */
    due = look(threads, sleeping ? 1 : threads) || (due && !sleeping);
    pthread_mutex_unlock(&lock);
    if (due) begin_measuring(w);
}

void tsm_cpu_waiting_step(tsm_cpu_waiting *w)
{
    if (!w->measures || w->wall_ms + tsm_now_ms() - w->wall_begin_ms < WINDOW_MS) return;
    pause_measuring(w);
    end_window(w);
}

void tsm_cpu_waiting_end(tsm_cpu_waiting *w)
{
    if (!w->measures) return;
    pause_measuring(w);
    if (w->wall_ms >= WINDOW_MS) end_window(w);
}
