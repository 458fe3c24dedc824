/* SPDX-License-Identifier: Apache-2.0 */
#include "canvas.h"

#include <string.h>

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
