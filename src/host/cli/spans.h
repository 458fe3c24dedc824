/* SPDX-License-Identifier: Apache-2.0 */
/* spans.h - labels along time: windows with the same best label become one span; subtitles of spans. */
#ifndef TSM_CLI_SPANS_H
#define TSM_CLI_SPANS_H

#include <tsm/tsm.h>
#include <tsm/video.h>

typedef struct span {
    double start_s, end_s;
    int first, frames; /* of the source, from 1 */
    int class, windows;
    double score;      /* the mean of its windows' */
    const char *label; /* of the model, or NULL */
} span;

typedef struct spans {
    span *items;
    int count, room;
    tsm_window last; /* that was added */
} spans;

/* Adds the next window of a video with its best class. Where two windows overlap and differ, the change is in the
 * middle between their centres; a gap between two belongs to neither. `class` of -1 is a window without a label.
 * Errors: MEMORY. */
tsm_status spans_add(spans *s, const tsm_window *where, int class, const char *label, double score, tsm_error *error);

/* Drops the spans, for the next video. */
void spans_clear(spans *s);

/* Writes spans that have a label as SubRip, or as WebVTT where the path ends in ".vtt". A class without a name is
 * "class 17". Errors: IO. */
tsm_status spans_write_subtitles(const spans *s, const char *path, tsm_error *error);

/* The label, or "class 17" in `room`. */
const char *span_label(const span *one, char room[24]);

#endif
