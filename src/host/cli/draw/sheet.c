/* SPDX-License-Identifier: Apache-2.0 */
#include "sheet.h"

#include "canvas.h"
#include "text.h"
#include "cli/output.h"
#include "cli/report.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/video.h>

/* Pixels. A row: its title, and below it the frames, up to eight side by side, with the scores at their right. */
enum {
    MARGIN = 12,
    GAP = 4,
    FRAME = 112,
    COLUMNS = 8,
    LETTERS = 15,
    TITLE = 26,
    LINE = 24,
    SCORES = 380,
    NUMBER = 60
};

static const uint32_t paper = 0xf7f6f2, ink = 0x22262b, grey = 0x7a8088, bar = 0xbcd6ee, rule = 0xd9d7d0;

struct sheet {
    output_file output;
    png_structp png;
    png_infop info;
    canvas row; /* one row of the sheet */
    uint8_t *thumbnail;
    int segments, columns;
    tsm_error *error; /* of the call in progress, for libpng's error callback */
};

static void png_failed(png_structp png, png_const_charp message)
{
    sheet *s = png_get_error_ptr(png);
    bool io = errno != 0;

    report_fail(s->error, TSM_ERROR_IO, "%s: cannot be written: %s", s->output.path, io ? strerror(errno) : message);
    longjmp(png_jmpbuf(png), 1);
}

static void png_warned(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static int row_height(int segments, int lines)
{
    int frames = (segments + COLUMNS - 1) / COLUMNS * (FRAME + GAP);
    int scores = lines * LINE;

    return MARGIN + TITLE + (frames > scores ? frames : scores) + MARGIN;
}

static tsm_status write_header(sheet *s, int height, tsm_error *error)
{
    s->error = error;
    errno = 0;
    if (setjmp(png_jmpbuf(s->png))) return TSM_ERROR_IO;
    png_init_io(s->png, s->output.file);
    png_set_IHDR(s->png, s->info, (png_uint_32)s->row.width, (png_uint_32)height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(s->png, 6);
    png_write_info(s->png, s->info);
    return TSM_OK;
}

tsm_status sheet_open(sheet **out, const char *path, int rows, int segments, int lines, tsm_error *error)
{
    sheet *s;
    tsm_status status;

    *out = NULL;
    status = text_check(path, error);
    if (status != TSM_OK) return status;
    if (row_height(segments, lines) > SHEET_MAX_HEIGHT / rows) {
        return report_fail(error, TSM_ERROR_ARGUMENT, "%s: %d rows of %d pixels are too many for one sheet", path,
                           rows, row_height(segments, lines));
    }
    s = report_alloc(1, sizeof *s, error);
    if (!s) return TSM_ERROR_MEMORY;
    s->error = error;
    s->segments = segments;
    s->columns = segments < COLUMNS ? segments : COLUMNS;
    s->row.width = MARGIN + s->columns * (FRAME + GAP) + MARGIN + SCORES + MARGIN;
    s->row.height = row_height(segments, lines);
    s->row.rgb = report_alloc((size_t)s->row.width * (size_t)s->row.height, 3, error);
    s->thumbnail = report_alloc((size_t)FRAME * FRAME, 3, error);
    status = s->row.rgb && s->thumbnail ? output_open(&s->output, path, error) : TSM_ERROR_MEMORY;
    if (status == TSM_OK) {
        s->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, s, png_failed, png_warned);
        if (s->png) s->info = png_create_info_struct(s->png);
        status = s->info ? write_header(s, s->row.height * rows, error)
                         : report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", path);
    }
    if (status != TSM_OK) {
        sheet_abort(&s);
        return status;
    }
    *out = s;
    return TSM_OK;
}

static tsm_status draw_frames(sheet *s, const sheet_row *row, tsm_error *error)
{
    size_t frame_bytes = (size_t)row->size * (size_t)row->size * 3;

    for (int i = 0; i < s->segments; i++) {
        int x = MARGIN + i % COLUMNS * (FRAME + GAP), y = MARGIN + TITLE + i / COLUMNS * (FRAME + GAP);
        tsm_status status = tsm_resize_rgb(TSM_MODE_MIT, row->frames + (size_t)i * frame_bytes, row->size, row->size,
                                           s->thumbnail, FRAME, FRAME, error);

        if (status != TSM_OK) return status;
        canvas_image(&s->row, x, y, s->thumbnail, FRAME, FRAME);
    }
    return TSM_OK;
}

static void draw_scores(sheet *s, const sheet_row *row)
{
    int x = MARGIN + s->columns * (FRAME + GAP) + MARGIN;

    for (int i = 0; i < row->count; i++) {
        int y = MARGIN + TITLE + i * LINE;
        char number[16];

        canvas_fill(&s->row, x, y, (int)(row->scores[i] * SCORES + .5), LINE - 2, bar);
        snprintf(number, sizeof number, "%.3f", row->scores[i]);
        text_draw(&s->row, x + GAP, y + 1, NUMBER, LETTERS, ink, number);
        text_draw(&s->row, x + NUMBER, y + 1, SCORES - NUMBER, LETTERS, i ? grey : ink, row->labels[i]);
    }
}

static tsm_status write_row(sheet *s, tsm_error *error)
{
    size_t stride = (size_t)s->row.width * 3;

    s->error = error;
    errno = 0;
    if (setjmp(png_jmpbuf(s->png))) return TSM_ERROR_IO;
    for (int y = 0; y < s->row.height; y++) png_write_row(s->png, s->row.rgb + (size_t)y * stride);
    return TSM_OK;
}

tsm_status sheet_add(sheet *s, const sheet_row *row, tsm_error *error)
{
    tsm_status status = TSM_OK;

    canvas_fill(&s->row, 0, 0, s->row.width, s->row.height, paper);
    canvas_fill(&s->row, MARGIN, s->row.height - 1, s->row.width - 2 * MARGIN, 1, rule);
    text_draw(&s->row, MARGIN, MARGIN, s->row.width - 2 * MARGIN, LETTERS, ink, row->title);
    if (row->frames) status = draw_frames(s, row, error);
    if (status != TSM_OK) return status;
    draw_scores(s, row);
    return write_row(s, error);
}

static tsm_status write_end(sheet *s, tsm_error *error)
{
    s->error = error;
    errno = 0;
    if (setjmp(png_jmpbuf(s->png))) return TSM_ERROR_IO;
    png_write_end(s->png, s->info);
    return TSM_OK;
}

tsm_status sheet_commit(sheet **s, tsm_error *error)
{
    tsm_status status = write_end(*s, error);

    if (status == TSM_OK) status = output_commit(&(*s)->output, error);
    sheet_abort(s);
    return status;
}

void sheet_abort(sheet **s)
{
    if (!*s) return;
    png_destroy_write_struct(&(*s)->png, &(*s)->info);
    output_abort(&(*s)->output);
    free((*s)->row.rgb);
    free((*s)->thumbnail);
    free(*s);
    *s = NULL;
}
