/* SPDX-License-Identifier: Apache-2.0 */
/* eval_picture.c - the confusion matrix as an SVG: a square a cell, the darker the larger its share of the row. */
#include "evaluation.h"
#include "output.h"
#include "report.h"

#include <stdio.h>

enum { MOST_NAMES = 100, CELL = 18, SMALL_CELL = 4, MARGIN = 12, NAME_WIDTH = 230 };

static void print_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        default: fputc((unsigned char)*text < 0x20 ? '?' : *text, out);
        }
    }
}

static void draw_names(const evaluation *e, FILE *out, int left, int top, int cell)
{
    char room[24];

    for (int i = 0; i < e->classes; i++) {
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", left - 4, top + i * cell + cell * 3 / 4);
        print_text(out, eval_class_name(e, i, room));
        fprintf(out, "</text>\n<text transform=\"translate(%d %d) rotate(-60)\">", left + i * cell + cell * 3 / 4,
                top - 4);
        print_text(out, eval_class_name(e, i, room));
        fprintf(out, "</text>\n");
    }
}

static void draw_cells(const evaluation *e, FILE *out, int left, int top, int cell)
{
    for (int row = 0; row < e->classes; row++) {
        for (int column = 0; column < e->classes; column++) {
            const unsigned count = e->metrics.confusion[(size_t)row * (size_t)e->classes + (size_t)column];

            if (count == 0) continue;
            fprintf(out,
                    "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\" fill-opacity=\"%.3f\">"
                    "<title>%d to %d: %u of %d</title></rect>\n",
                    left + column * cell, top + row * cell, cell, cell, row == column ? "#1b6e3c" : "#b3261e",
                    0.08 + 0.92 * metrics_share((int)count, e->metrics.of_class[row]), row, column, count,
                    e->metrics.of_class[row]);
        }
    }
}

static void draw(const evaluation *e, FILE *out)
{
    const int named = e->classes <= MOST_NAMES, cell = named ? CELL : SMALL_CELL;
    const int left = named ? NAME_WIDTH : MARGIN, top = left, side = e->classes * cell;

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
            "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            left + side + NAME_WIDTH / 2, top + side + MARGIN);
    draw_cells(e, out, left, top, cell);
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"black\"/>\n", left, top,
            side, side);
    if (named) draw_names(e, out, left, top, cell);
    fprintf(out, "</svg>\n");
}

tsm_status eval_write_picture(const evaluation *e, tsm_error *error)
{
    output_file out = { 0 };
    tsm_status status;

    if (!e->options->picture) return TSM_OK;
    if (!e->metrics.confusion)
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: a confusion matrix of more than %d classes",
                           e->options->picture, METRICS_MAX_CONFUSION);
    status = output_open(&out, e->options->picture, error);
    if (status != TSM_OK) return status;
    draw(e, out.file);
    return output_commit(&out, error);
}
