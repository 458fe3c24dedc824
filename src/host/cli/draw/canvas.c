/* SPDX-License-Identifier: Apache-2.0 */
#include "canvas.h"

#include "font.h"

#include <string.h>

#define CELL (FONT_WIDTH + 1) /* a glyph and the gap after it */

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

void canvas_fill(canvas *c, int x, int y, int width, int height, uint32_t colour)
{
    int left = clamp(x, 0, c->width), right = clamp(x + width, 0, c->width);
    int top = clamp(y, 0, c->height), bottom = clamp(y + height, 0, c->height);

    for (int row = top; row < bottom; row++) {
        uint8_t *at = c->rgb + ((size_t)row * (size_t)c->width + (size_t)left) * 3;

        for (int column = left; column < right; column++, at += 3) {
            at[0] = (uint8_t)(colour >> 16);
            at[1] = (uint8_t)(colour >> 8);
            at[2] = (uint8_t)colour;
        }
    }
}

void canvas_image(canvas *c, int x, int y, const uint8_t *rgb, int width, int height)
{
    int left = clamp(x, 0, c->width), right = clamp(x + width, 0, c->width);
    int top = clamp(y, 0, c->height), bottom = clamp(y + height, 0, c->height);

    if (left >= right) return;
    for (int row = top; row < bottom; row++) {
        memcpy(c->rgb + ((size_t)row * (size_t)c->width + (size_t)left) * 3,
               rgb + ((size_t)(row - y) * (size_t)width + (size_t)(left - x)) * 3, (size_t)(right - left) * 3);
    }
}

static void draw_glyph(canvas *c, int x, int y, int scale, uint32_t colour, unsigned character)
{
    const uint8_t *rows = font_glyph(character);

    for (int row = 0; row < FONT_HEIGHT; row++) {
        for (int column = 0; column < FONT_WIDTH; column++) {
            if (!(rows[row] >> (FONT_WIDTH - 1 - column) & 1)) continue;
            canvas_fill(c, x + column * scale, y + row * scale, scale, scale, colour);
        }
    }
}

/* The bytes after the first one of a UTF-8 sequence. */
static int is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static int count_characters(const char *text)
{
    int count = 0;

    for (; *text; text++) count += !is_continuation(*text);
    return count;
}

void canvas_text(canvas *c, int x, int y, int width, int scale, uint32_t colour, const char *text)
{
    int room = width / (CELL * scale);
    int shortened = count_characters(text) > room;

    for (int drawn = 0; *text && drawn < room; text++) {
        if (is_continuation(*text)) continue;
        draw_glyph(c, x, y, scale, colour, shortened && drawn >= room - 2 ? '.' : (unsigned char)*text);
        x += CELL * scale;
        drawn++;
    }
}
