/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - inputs on their way into a pipeline: files and folders as they are, streams read to their end first. */
#ifndef TSM_CLI_FEED_H
#define TSM_CLI_FEED_H

#include "input.h"
#include "paths.h"

#include <tsm/pipeline.h>

typedef struct feed {
    const paths *inputs; /* borrowed */
    uint64_t max_bytes;  /* of a stream */
    int at;              /* the next to be given */
    input_file *streams; /* (inputs->count), open ones are in work */
    tsm_error failure;   /* of the input that was just given */
} feed;

/* Errors: MEMORY. */
tsm_status feed_open(feed *f, const paths *inputs, uint64_t max_bytes, tsm_error *error);
void feed_close(feed *f);

/* As tsm_pipeline_options.next; `user` is a feed. */
int feed_next(void *user, tsm_source *source);

/* The result of input `index` is done with. */
void feed_done(feed *f, int64_t index);

#endif
