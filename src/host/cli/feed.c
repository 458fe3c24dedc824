/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - see feed.h. */
#include "feed.h"

#include "report.h"

#include <stdlib.h>

tsm_status feed_open(feed *f, const paths *inputs, uint64_t max_bytes, tsm_error *error)
{
    *f = (feed){ .inputs = inputs, .max_bytes = max_bytes };
    f->streams = report_alloc((size_t)inputs->count, sizeof *f->streams, error);
    if (!f->streams) return TSM_ERROR_MEMORY;
    for (int i = 0; i < inputs->count; i++) f->streams[i].descriptor = -1;
    return TSM_OK;
}

void feed_close(feed *f)
{
    for (int i = 0; f->streams && i < f->inputs->count; i++) input_close(&f->streams[i]);
    free(f->streams);
    *f = (feed){ 0 };
}

int feed_next(void *user, tsm_source *source)
{
    feed *f = user;
    const char *path;
    input_file *stream;

    if (f->at == f->inputs->count) return 0;
    path = f->inputs->items[f->at];
    stream = &f->streams[f->at++];
    source->path = input_name(path);
    if (!input_is_stream(path)) return 1;
    if (input_open(stream, path, f->max_bytes, &f->failure) == TSM_OK)
        source->descriptor = stream->descriptor;
    else
        source->failure = &f->failure;
    return 1;
}

void feed_done(feed *f, int64_t index)
{
    input_close(&f->streams[index]);
}
