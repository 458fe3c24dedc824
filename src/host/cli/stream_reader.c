/* SPDX-License-Identifier: Apache-2.0 */
/* stream_reader.c - see stream_reader.h. The queue is a ring; the frame that the caller holds is not part of it. */
#include "stream_reader.h"

#include "clock.h"
#include "input.h"
#include "report.h"
#include "stream_cut.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_WAIT_S = 30, NAP_MS = 50 };

struct stream_reader {
    stream_plan plan;
    tsm_feed *feed; /* of the thread, once that runs */
    char *name;
    stream_cut cut;
    bool live;
    double begin_ms;  /* when frame 1 came */
    double offset_s;  /* of the times of what was opened again */
    double last_s;    /* of the frame read last */
    uint64_t numbers; /* of frames before what was opened again */

    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    stream_frame *ring; /* plan.queue of them, and one more: the caller's */
    stream_frame held;  /* by the caller */
    int first, count;
    uint64_t dropped;
    bool ended, closing;
    tsm_status status;
    tsm_error error;
};

static int wants_to_stop(void *user)
{
    stream_reader *r = user;
    int closing;

    pthread_mutex_lock(&r->lock);
    closing = r->closing;
    pthread_mutex_unlock(&r->lock);
    return closing || r->plan.stopped();
}

static void nap(int ms)
{
    const struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };

    nanosleep(&time, NULL);
}

/* Sleeps until `ms` of clock_ms; false where the end comes first. */
static bool sleep_until(stream_reader *r, double ms)
{
    for (;;) {
        const double left = ms - clock_ms();

        if (left <= 0) return true;
        if (wants_to_stop(r)) return false;
        nap(left < NAP_MS ? (int)left + 1 : NAP_MS);
    }
}

/* ---- The source -------------------------------------------------------------------------------------------------
 */

static tsm_status open_feed(stream_reader *r, tsm_error *error)
{
    tsm_feed_options options = r->plan.feed;

    options.cancel = wants_to_stop;
    options.cancel_user = r;
    if (strcmp(r->plan.source, "-") == 0)
        return tsm_feed_open_descriptor(&r->feed, STDIN_FILENO, input_name("-"), &options, error);
    return tsm_feed_open(&r->feed, r->plan.source, &options, error);
}

/* An address that broke off, for `why`, or that ended: tried again, later each time. */
static tsm_status open_again(stream_reader *r, const tsm_error *why, tsm_error *error)
{
    tsm_status status = why->code;
    int wait_s = 1;

    *error = *why;
    tsm_feed_close(&r->feed);
    r->offset_s = r->last_s;
    for (int attempt = 0; attempt < r->plan.attempts && !wants_to_stop(r); attempt++) {
        report_line("%s; again in %d s", error->text, wait_s);
        if (!sleep_until(r, clock_ms() + wait_s * 1e3)) break;
        status = open_feed(r, error);
        if (status == TSM_OK || status == TSM_ERROR_UNSUPPORTED) return status;
        if (wait_s < LONGEST_WAIT_S) wait_s *= 2;
    }
    return status;
}

static tsm_status next_frame(stream_reader *r, tsm_feed_frame *frame, tsm_error *error)
{
    const uint64_t next = r->numbers + 1;
    const bool wanted = (next - 1) % (uint64_t)r->plan.every == 0;

    for (;;) {
        tsm_status status = tsm_feed_next(r->feed, wanted, frame, error);

        if (status == TSM_OK && frame->number) break;
        if (status == TSM_OK && !r->plan.past_end) return TSM_OK;
        if (!r->live || status == TSM_ERROR_UNSUPPORTED || status == TSM_ERROR_MEMORY || wants_to_stop(r))
            return status;
        if (status == TSM_OK) report_fail(error, TSM_ERROR_IO, "%s: has ended", r->name);
        const tsm_error why = *error;
        status = open_again(r, &why, error);
        if (status != TSM_OK) return status;
    }
    r->numbers = frame->number = next;
    frame->time_s += r->offset_s;
    r->last_s = frame->time_s;
    return TSM_OK;
}

/* ---- The queue --------------------------------------------------------------------------------------------------
 */

static stream_frame *frame_at(stream_reader *r, int index)
{
    return &r->ring[(r->first + index) % r->plan.queue];
}

/* A place at the end; NULL where the end comes first. */
static stream_frame *take_place(stream_reader *r)
{
    stream_frame *place = NULL;

    pthread_mutex_lock(&r->lock);
    while (r->count == r->plan.queue && !r->closing) {
        if (!r->plan.drop_oldest) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        r->first = (r->first + 1) % r->plan.queue;
        r->count--;
        r->dropped++;
    }
    if (!r->closing) place = frame_at(r, r->count);
    pthread_mutex_unlock(&r->lock);
    return place;
}

static void hand_over(stream_reader *r)
{
    pthread_mutex_lock(&r->lock);
    r->count++;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static tsm_status fill(stream_reader *r, stream_frame *place, const tsm_feed_frame *frame, tsm_error *error)
{
    const size_t bytes = (size_t)frame->width * (size_t)frame->height * 3;

    place->number = frame->number;
    place->time_s = frame->time_s;
    place->width = frame->width;
    place->height = frame->height;
    if (r->plan.keep_pixels) {
        if (bytes > place->room) {
            free(place->pixels);
            place->room = 0;
            place->pixels = report_alloc(bytes, 1, error);
            if (!place->pixels) return TSM_ERROR_MEMORY;
            place->room = bytes;
        }
        memcpy(place->pixels, frame->rgb, bytes);
    }
    return stream_cut_run(&r->cut, frame->rgb, frame->width, frame->height, place->crop, error);
}

static tsm_status put_frame(stream_reader *r, const tsm_feed_frame *frame, tsm_error *error)
{
    const bool paced = r->live || r->plan.real_time;
    double due;
    stream_frame *place;
    tsm_status status;

    if (r->begin_ms == 0) r->begin_ms = clock_ms();
    due = r->begin_ms + frame->time_s * 1e3;
    if (!r->live && r->plan.real_time && !sleep_until(r, due)) return TSM_OK;
    const double arrived = clock_ms();
    place = take_place(r);
    if (!place) return TSM_OK;
    status = fill(r, place, frame, error);
    if (status != TSM_OK) {
        report_name(error, r->name);
        return status;
    }
    place->arrived_ms = arrived;
    place->due_ms = paced ? due : 0;
    hand_over(r);
    return TSM_OK;
}

static void *read_all(void *user)
{
    stream_reader *r = user;
    tsm_feed_frame frame = { .struct_size = sizeof frame };
    tsm_status status = TSM_OK;
    tsm_error error = { 0 };

    while (status == TSM_OK && !wants_to_stop(r)) {
        status = next_frame(r, &frame, &error);
        if (status == TSM_OK && !frame.number) break;
        if (status == TSM_OK && frame.rgb) status = put_frame(r, &frame, &error);
    }
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    r->status = r->closing || r->plan.stopped() ? TSM_OK : status;
    r->error = error;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- Outside ----------------------------------------------------------------------------------------------------
 */

static tsm_status open_reader(stream_reader *r, tsm_error *error)
{
    const size_t crop = (size_t)r->plan.crop * (size_t)r->plan.crop * 3;

    r->cut = (stream_cut){ .mode = r->plan.mode, .scale = r->plan.scale, .crop = r->plan.crop };
    r->ring = report_alloc((size_t)r->plan.queue, sizeof *r->ring, error);
    if (!r->ring) return TSM_ERROR_MEMORY;
    for (int i = 0; i < r->plan.queue; i++) {
        r->ring[i].crop = report_alloc(crop, 1, error);
        if (!r->ring[i].crop) return TSM_ERROR_MEMORY;
    }
    r->held.crop = report_alloc(crop, 1, error);
    if (!r->held.crop) return TSM_ERROR_MEMORY;
    const tsm_status status = open_feed(r, error);
    if (status != TSM_OK) return status;
    r->live = tsm_feed_is_live(r->feed);
    r->name = strdup(tsm_feed_name(r->feed));
    if (!r->name) return report_fail(error, TSM_ERROR_MEMORY, "out of memory");
    if (pthread_create(&r->thread, NULL, read_all, r) != 0)
        return report_fail(error, TSM_ERROR_MEMORY, "no thread could be made");
    r->running = true;
    return TSM_OK;
}

tsm_status stream_reader_open(stream_reader **out, const stream_plan *plan, tsm_error *error)
{
    stream_reader *r = report_alloc(1, sizeof *r, error);
    tsm_status status;

    *out = NULL;
    if (!r) return TSM_ERROR_MEMORY;
    r->plan = *plan;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    status = open_reader(r, error);
    if (status == TSM_OK)
        *out = r;
    else
        stream_reader_close(&r);
    return status;
}

/* Waits for a frame or for the end; a signal, which wakes nobody here, is looked for now and then. */
static void wait_for_frame(stream_reader *r)
{
    while (r->count == 0 && !r->ended) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += (long)NAP_MS * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&r->changed, &r->lock, &until);
        if (r->plan.stopped()) return;
    }
}

tsm_status stream_reader_next(stream_reader *r, const stream_frame **frame, tsm_error *error)
{
    tsm_status status = TSM_OK;

    *frame = NULL;
    pthread_mutex_lock(&r->lock);
    wait_for_frame(r);
    if (r->count > 0 && !r->plan.stopped()) {
        const stream_frame next = *frame_at(r, 0);

        *frame_at(r, 0) = r->held;
        r->held = next;
        r->first = (r->first + 1) % r->plan.queue;
        r->count--;
        *frame = &r->held;
        pthread_cond_broadcast(&r->changed);
    } else if (r->ended) {
        status = r->status;
        if (status != TSM_OK) *error = r->error;
    }
    pthread_mutex_unlock(&r->lock);
    return status;
}

uint64_t stream_reader_dropped(stream_reader *r)
{
    uint64_t dropped;

    pthread_mutex_lock(&r->lock);
    dropped = r->dropped;
    pthread_mutex_unlock(&r->lock);
    return dropped;
}

const char *stream_reader_name(const stream_reader *r)
{
    return r->name;
}

static void free_frame(stream_frame *frame)
{
    free(frame->crop);
    free(frame->pixels);
}

void stream_reader_close(stream_reader **at)
{
    stream_reader *r = *at;

    if (!r) return;
    if (r->running) {
        pthread_mutex_lock(&r->lock);
        r->closing = true;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
    }
    tsm_feed_close(&r->feed);
    for (int i = 0; r->ring && i < r->plan.queue; i++) free_frame(&r->ring[i]);
    free_frame(&r->held);
    free(r->ring);
    free(r->name);
    stream_cut_close(&r->cut);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *at = NULL;
}
