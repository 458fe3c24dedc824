/* SPDX-License-Identifier: Apache-2.0 */
/* font.h - a small bitmap font for printable ASCII. */
#ifndef TSM_CLI_DRAW_FONT_H
#define TSM_CLI_DRAW_FONT_H

#include <stdint.h>

#define FONT_WIDTH  5
#define FONT_HEIGHT 8 /* seven rows above the base line's end, one for descenders */

/* The rows of a character from the top; bit 4 is the leftmost pixel. Anything that is not printable ASCII gives a
 * hollow box. */
const uint8_t *font_glyph(unsigned character);

#endif
