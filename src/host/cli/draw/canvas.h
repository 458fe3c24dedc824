/* SPDX-License-Identifier: Apache-2.0 */
/* canvas.h - drawing on an RGB image in memory; whatever falls outside is cut off. */
#ifndef TSM_CLI_DRAW_CANVAS_H
#define TSM_CLI_DRAW_CANVAS_H

#include <stddef.h>
#include <stdint.h>

typedef struct canvas {
    uint8_t *rgb; /* (height, width, 3), dense */
    int width, height;
} canvas;

/* Colours are 0xRRGGBB. */
void canvas_fill(canvas *c, int x, int y, int width, int height, uint32_t colour);

/* Copies an RGB image of (height, width, 3). */
void canvas_image(canvas *c, int x, int y, const uint8_t *rgb, int width, int height);

#endif
