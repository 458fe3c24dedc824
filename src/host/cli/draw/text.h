/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - text of any script on a canvas, by Pango and Cairo, with the fonts that the system has. */
#ifndef TSM_CLI_DRAW_TEXT_H
#define TSM_CLI_DRAW_TEXT_H

#include "canvas.h"

#include <tsm/tsm.h>

/* A build without Pango draws none. Errors: UNSUPPORTED, for `what` (a path). */
tsm_status text_check(const char *what, tsm_error *error);

/* Pixels from one line to the next of text whose letters are made for `size` pixels. */
static inline int text_line(int size)
{
    return size + size / 3 + 1;
}

/* Draws one line, its top left corner at (x, y), in at most `width` pixels: longer text ends in an ellipsis. Bytes
 * that are not UTF-8 become U+FFFD; line ends are shown as signs. GLib ends the program
 * where there is no memory for it. */
void text_draw(canvas *c, int x, int y, int width, int size, uint32_t colour, const char *text);

/* Pixels that it would take. */
int text_width(int size, const char *text);

#endif
