/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay.h"

#include "canvas.h"
#include "text.h"
#include "cli/output.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <tsm/record.h>

enum { LEAST_LETTERS = 10, LETTERS_OF_HEIGHT = 18, SCORE_LETTERS = 4 };

static const uint32_t white = 0xffffff, band = 0x000000, bar = 0x3fa7d6;

struct overlay {
    output_file output;
    tsm_recorder *recorder; /* from the first frame on */
    int width, height;
};

tsm_status overlay_open(overlay **out, const char *path, tsm_error *error)
{
    overlay *o;
    tsm_status status = text_check(path, error);

    *out = NULL;
    if (status != TSM_OK) return status;
    o = report_alloc(1, sizeof *o, error);
    if (!o) return TSM_ERROR_MEMORY;
    status = output_open(&o->output, path, error);
    if (status == TSM_OK)
        *out = o;
    else
        overlay_abort(&o);
    return status;
}

/* A band along the bottom: how sure it is as a line, the label, and the score at the right. */
static void draw_label(canvas *c, const char *label, double score)
{
    const int letters = c->height / LETTERS_OF_HEIGHT > LEAST_LETTERS ? c->height / LETTERS_OF_HEIGHT : LEAST_LETTERS;
    const int line = text_line(letters), margin = letters / 2, top = c->height - line - margin;
    const int room = letters * SCORE_LETTERS;
    char number[16];

    snprintf(number, sizeof number, "%.2f", score);
    canvas_fill(c, 0, top, c->width, c->height - top, band);
    canvas_fill(c, 0, top, (int)(score * c->width + .5), 2, bar);
    text_draw(c, margin, top + margin / 2, c->width - room - 2 * margin, letters, white, label);
    text_draw(c, c->width - room, top + margin / 2, room - margin, letters, white, number);
}

tsm_status overlay_add(overlay *o, uint8_t *rgb, int width, int height, double time_s, const char *label,
                       double score, tsm_error *error)
{
    canvas c = { rgb, width, height };

    if (!o->recorder) {
        const tsm_status status =
            tsm_recorder_open(&o->recorder, fileno(o->output.file), o->output.path, width, height, error);

        if (status != TSM_OK) return status;
        o->width = width;
        o->height = height;
    }
    if (width != o->width || height != o->height)
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: a frame of %d x %d pixels after one of %d x %d",
                           o->output.path, width, height, o->width, o->height);
    draw_label(&c, label, score);
    return tsm_recorder_put(o->recorder, rgb, time_s, error);
}

tsm_status overlay_commit(overlay **o, tsm_error *error)
{
    tsm_status status = TSM_OK;

    if ((*o)->recorder) {
        status = tsm_recorder_finish((*o)->recorder, error);
        if (status == TSM_OK) status = output_commit(&(*o)->output, error);
    }
    overlay_abort(o);
    return status;
}

void overlay_abort(overlay **o)
{
    if (!*o) return;
    tsm_recorder_close(&(*o)->recorder);
    output_abort(&(*o)->output);
    free(*o);
    *o = NULL;
}
