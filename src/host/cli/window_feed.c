/* SPDX-License-Identifier: Apache-2.0 */
/* window_feed.c - see window_feed.h. */
#include "window_feed.h"

#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void window_feed_open(window_feed *f, const paths *inputs, uint64_t max_bytes, const tsm_windows_options *options,
                      const tsm_video_options *video)
{
    *f = (window_feed){ .inputs = inputs, .max_bytes = max_bytes, .options = *options, .video = *video };
    f->stream.descriptor = -1;
    f->options.video = &f->video;
}

static void close_input(window_feed *f)
{
    tsm_windows_close(&f->windows);
    if (f->inputs) input_close(&f->stream);
}

/* An item in front of those that are in work; NULL when out of memory. */
static window_item *add_item(window_feed *f)
{
    window_item *item = calloc(1, sizeof *item);

    if (!item) return NULL;
    item->input = f->at;
    item->behind = f->items;
    if (f->items) f->items->before = item;
    f->items = item;
    return item;
}

void window_feed_done(window_feed *f, window_item *item)
{
    if (item->behind) item->behind->before = item->before;
    if (item->before)
        item->before->behind = item->behind;
    else
        f->items = item->behind;
    free(item);
}

void window_feed_close(window_feed *f)
{
    close_input(f);
    while (f->items) {
        window_item *item = f->items;

        f->items = item->behind;
        free(item);
    }
    *f = (window_feed){ 0 };
}

static tsm_status open_input(window_feed *f, const char *path)
{
    tsm_status status = TSM_OK;

    if (input_is_stream(path)) status = input_open(&f->stream, path, f->max_bytes, &f->failure);
    if (status == TSM_OK)
        status = tsm_windows_open(&f->windows, f->stream.descriptor, input_name(path), &f->options, &f->failure);
    return status;
}

/* The next window of the input, opened where it is not yet. *clips is NULL behind the last one. */
static tsm_status next_clips(window_feed *f, const char *path, tsm_clips **clips, tsm_window *where)
{
    tsm_status status = f->windows ? TSM_OK : open_input(f, path);

    *clips = NULL;
    return status == TSM_OK ? tsm_windows_next(f->windows, clips, where, &f->failure) : status;
}

int window_feed_next(void *user, tsm_source *source)
{
    window_feed *f = user;

    while (f->at < f->inputs->count) {
        const char *path = f->inputs->items[f->at];
        window_item *item = add_item(f);
        tsm_status status;

        source->path = input_name(path);
        if (!item) { /* nothing to name the input by: the work ends here */
            report_line("%s: out of memory", source->path);
            return 0;
        }
        status = next_clips(f, path, &source->clips, &item->where);
        item->failed = status != TSM_OK;
        source->user = item;
        if (item->failed) source->failure = &f->failure;
        if (item->failed || !source->clips) {
            close_input(f);
            f->at++;
        }
        if (item->failed || source->clips) return 1;
        window_feed_done(f, item);
    }
    return 0;
}

bool window_length(const char *text, double *seconds, int *frames)
{
    char *end;
    const double value = strtod(text, &end);
    const bool counted = strcmp(end, "f") == 0;

    *seconds = 0;
    *frames = 0;
    if (end == text || !isfinite(value) || value <= 0 || !(counted || !*end || strcmp(end, "s") == 0)) return false;
    if (!counted) {
        *seconds = value;
        return value < 1e7;
    }
    if (value != floor(value) || value > 1 << 26) return false;
    *frames = (int)value;
    return true;
}
