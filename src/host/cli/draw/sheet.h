/* SPDX-License-Identifier: Apache-2.0 */
/* sheet.h - a PNG that shows, a row an input, the frames that were sampled and the top scores.
 *
 * Names may be of any script. Rows are drawn and compressed one at a time, so memory does not grow with the number of
 * inputs. */
#ifndef TSM_CLI_DRAW_SHEET_H
#define TSM_CLI_DRAW_SHEET_H

#include <stdint.h>
#include <tsm/tsm.h>

#define SHEET_MAX_HEIGHT 65500 /* pixels: what viewers still open */

typedef struct sheet sheet;

typedef struct sheet_row {
    const char *title;
    const uint8_t *frames; /* (segments, size, size, 3) RGB; NULL where there are none, as for an input that failed */
    int size;
    const char *const *labels; /* `count` names and scores, best first */
    const double *scores;
    int count;
} sheet_row;

/* Opens `path` for `rows` rows of `segments` frames with room for `lines` scores each. Errors: IO, ARGUMENT (the
 * sheet would be too high), UNSUPPORTED (a build that draws no text), MEMORY. */
tsm_status sheet_open(sheet **out, const char *path, int rows, int segments, int lines, tsm_error *error);

/* Draws the next row. Errors: IO, MEMORY. */
tsm_status sheet_add(sheet *s, const sheet_row *row, tsm_error *error);

/* Completes the file after the last row; the sheet is gone either way. Errors: IO. */
tsm_status sheet_commit(sheet **s, tsm_error *error);

/* Drops a sheet and what it has written; NULL is fine. */
void sheet_abort(sheet **s);

#endif
