/* SPDX-License-Identifier: Apache-2.0 */
/*
 * svg.h - pictures as SVG that need nothing beside them: shapes, text, axes; light and dark as the reader's system
 * is.
 *
 * Colours are classes: "s0".."s7" are series, which look alike in all pictures; "ink" and "muted" are text. Shapes
 * take them as fill with "f" before the name and as stroke with "l": "fs0", "ls0".
 */
#ifndef TSM_BENCH_SVG_H
#define TSM_BENCH_SVG_H

#include <stdbool.h>
#include <stdio.h>

#define SVG_SERIES 8

typedef struct svg {
    FILE *file;
    double width, height;
} svg;

/* `subtitle` may have several lines. False: the file cannot be written. */
bool svg_open(svg *s, const char *path, double width, double height, const char *title, const char *subtitle);

/* False: it could not be written to its end. */
bool svg_close(svg *s);

/* `anchor` is "start", "middle" or "end"; `classes` such as "ink" or "muted small". */
void svg_text(svg *s, double x, double y, const char *anchor, const char *classes, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void svg_text_up(svg *s, double x, double y, const char *classes, const char *text); /* turned by 90 degrees */
void svg_line(svg *s, double x1, double y1, double x2, double y2, const char *classes);
void svg_rect(svg *s, double x, double y, double width, double height, const char *classes);

/* A dot that tells `title` when pointed at; NULL: nothing. */
void svg_dot(svg *s, double x, double y, double radius, const char *classes, const char *title);
void svg_path(svg *s, const double *x, const double *y, int count, const char *classes);

/* ---- Axes ---- */

/* From values to places. */
typedef struct svg_scale {
    double low, high, from, to; /* values; places */
    bool logarithmic;
} svg_scale;

double svg_at(const svg_scale *scale, double value);

/* Values at which there are ticks: 1, 2 or 5 times a power of ten, or powers of ten. */
int svg_ticks(const svg_scale *scale, double *ticks, int most);

/* Lines across the picture and numbers at them: of y beside the left edge, of x below. */
void svg_y_axis(svg *s, const svg_scale *y, double left, double right, const char *unit);
void svg_x_axis(svg *s, const svg_scale *x, double top, double bottom, const char *unit);

/* A number with as many digits as one reads. */
const char *svg_number(double value, char text[24]);

/* ---- Bars ---- */

typedef struct svg_bar {
    const char *label;
    double value, low, high; /* low and high: whiskers, where they differ */
    char text[48];           /* behind the bar */
    int series;
} svg_bar;

typedef struct svg_bars {
    const char *title; /* of a group; NULL: none */
    svg_bar *bars;
    int count;
} svg_bars;

/* Lying bars from zero, in groups. `mark` > 0: a line there, named. */
bool svg_bar_chart(const char *path, const char *title, const char *subtitle, const char *unit,
                   const svg_bars *groups, int group_count, double mark, const char *mark_name);

#endif
