/* SPDX-License-Identifier: Apache-2.0 */
/* window_feed.h - the windows of long videos on their way into a pipeline, one video after another. */
#ifndef TSM_CLI_WINDOW_FEED_H
#define TSM_CLI_WINDOW_FEED_H

#include "input.h"
#include "paths.h"

#include <stdbool.h>
#include <tsm/pipeline.h>

/* What a result is of; the `user` of its source, until window_feed_done. */
typedef struct window_item window_item;
struct window_item {
    int input;
    bool failed; /* no window: opening the input, or going on in it, failed */
    tsm_window where;
    window_item *before, *behind; /* of those that are in work */
};

typedef struct window_feed {
    const paths *inputs; /* borrowed */
    uint64_t max_bytes;  /* of a stream */
    tsm_video_options video;
    tsm_windows_options options; /* with `video` */
    int at;
    input_file stream;
    tsm_windows *windows; /* of input `at` */
    window_item *items;   /* that are in work, the latest first */
    tsm_error failure;
} window_feed;

void window_feed_open(window_feed *f, const paths *inputs, uint64_t max_bytes, const tsm_windows_options *options,
                      const tsm_video_options *video);
void window_feed_close(window_feed *f);

/* As tsm_pipeline_options.next; `user` is a window_feed. */
int window_feed_next(void *user, tsm_source *source);

/* The result of the item is done with. */
void window_feed_done(window_feed *f, window_item *item);

/* "2.5", "2.5s" or "64f" into seconds or frames, the other becomes 0; false where the text is anything else. */
bool window_length(const char *text, double *seconds, int *frames);

#endif
