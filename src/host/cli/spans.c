/* SPDX-License-Identifier: Apache-2.0 */
/* spans.c - see spans.h. */
#include "spans.h"

#include "output.h"
#include "report.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void spans_clear(spans *s)
{
    free(s->items);
    *s = (spans){ 0 };
}

const char *span_label(const span *one, char room[24])
{
    if (one->label) return one->label;
    snprintf(room, 24, "class %d", one->class);
    return room;
}

static tsm_status make_room(spans *s, tsm_error *error)
{
    int room = s->room ? 2 * s->room : 16;
    span *items;

    if (s->items && s->count < s->room) return TSM_OK;
    items = realloc(s->items, (size_t)room * sizeof *items);
    if (!items) {
        report_fail(error, TSM_ERROR_MEMORY, "spans: out of memory for %d", room);
        return TSM_ERROR_MEMORY;
    }
    s->items = items;
    s->room = room;
    return TSM_OK;
}

static void go_on(span *one, const tsm_window *where, double score)
{
    one->score = (one->score * one->windows + score) / (one->windows + 1);
    one->windows++;
    one->end_s = where->end_s;
    one->frames = where->first + where->frames - one->first;
}

/* Ends the span before where the new one begins: in the middle between the centres of the last window and this. */
static void divide(span *before, span *after, const tsm_window *last, const tsm_window *where)
{
    const double middle = (last->start_s + last->end_s + where->start_s + where->end_s) / 4;
    const int frame = (2 * last->first + last->frames + 2 * where->first + where->frames) / 4;

    if (last->first + last->frames <= where->first) return; /* they do not overlap */
    before->end_s = after->start_s = middle;
    before->frames = frame - before->first;
    after->frames += after->first - frame;
    after->first = frame;
}

tsm_status spans_add(spans *s, const tsm_window *where, int class, const char *label, double score, tsm_error *error)
{
    span *last = s->count ? &s->items[s->count - 1] : NULL;
    tsm_status status;

    if (last && last->class == class && s->last.first + s->last.frames >= where->first) {
        go_on(last, where, score);
        s->last = *where;
        return TSM_OK;
    }
    status = make_room(s, error);
    if (status != TSM_OK) return status;
    s->items[s->count] = (span){ .start_s = where->start_s,
                                 .end_s = where->end_s,
                                 .first = where->first,
                                 .frames = where->frames,
                                 .class = class,
                                 .windows = 1,
                                 .score = score,
                                 .label = label };
    if (s->count > 0) divide(&s->items[s->count - 1], &s->items[s->count], &s->last, where);
    s->count++;
    s->last = *where;
    return TSM_OK;
}

/* ---- Subtitles ----------------------------------------------------------------------------------------------- */

static void print_time(FILE *out, double seconds, char point)
{
    const long long ms = llround(seconds * 1e3);

    fprintf(out, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, point, ms % 1000);
}

/* A label on one line, and with nothing that the format takes for its own. */
static void print_label(FILE *out, const char *text, bool vtt)
{
    for (; *text; text++) {
        if (vtt && *text == '&')
            fputs("&amp;", out);
        else if (vtt && *text == '<')
            fputs("&lt;", out);
        else if (vtt && *text == '>')
            fputs("&gt;", out);
        else
            fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
}

tsm_status spans_write_subtitles(const spans *s, const char *path, tsm_error *error)
{
    const size_t length = strlen(path);
    const bool vtt = length >= 4 && strcmp(path + length - 4, ".vtt") == 0;
    output_file out = { 0 };
    tsm_status status = output_open(&out, path, error);
    int number = 0;
    char room[24];

    if (status != TSM_OK) return status;
    if (vtt) fputs("WEBVTT\n\n", out.file);
    for (int i = 0; i < s->count; i++) {
        const span *one = &s->items[i];

        if (one->class < 0) continue;
        if (!vtt) fprintf(out.file, "%d\n", ++number);
        print_time(out.file, one->start_s, vtt ? '.' : ',');
        fputs(" --> ", out.file);
        print_time(out.file, one->end_s, vtt ? '.' : ',');
        fputc('\n', out.file);
        print_label(out.file, span_label(one, room), vtt);
        fputs("\n\n", out.file);
    }
    return output_commit(&out, error);
}
