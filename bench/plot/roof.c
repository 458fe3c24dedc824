/* SPDX-License-Identifier: Apache-2.0 */
/* roof.c - the picture of tsm-bench layers: every layer against the machine's roofline. */
#include <math.h>
#include <string.h>

#include "plot.h"

#define WIDTH  800.0
#define HEIGHT 490.0
#define LEFT   76.0
#define RIGHT  596.0
#define TOP    112.0
#define BOTTOM 422.0

static const char *const kinds[] = {
    "1x1", "shift + 1x1", "conv", "shift + conv", "depthwise", "fc", "grouped conv"
};
static const int kind_series[] = { 0, 2, 4, 6, 3, 5, 7 };
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

static int find_kind(const char *kind)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i], kind) == 0) return i;
    return -1;
}

static void draw_roof(svg *s, const svg_scale *x, const svg_scale *y, double gb_per_s, double gflops,
                      const char *classes)
{
    const double ridge = gflops / gb_per_s, low = fmax(x->low, y->low / gb_per_s);
    const double px[] = { svg_at(x, low), svg_at(x, fmin(fmax(ridge, low), x->high)), svg_at(x, x->high) };
    const double py[] = { svg_at(y, fmin(gflops, low * gb_per_s)), svg_at(y, fmin(gflops, x->high * gb_per_s)),
                          svg_at(y, fmin(gflops, x->high * gb_per_s)) };

    svg_path(s, px, py, 3, classes);
}

static void name_roof(svg *s, const svg_scale *x, const svg_scale *y, double gb_per_s, const char *what)
{
    const double at = fmax(x->low * 1.25, y->low * 2.2 / gb_per_s);

    svg_text(s, svg_at(x, at) + 8, svg_at(y, at * gb_per_s) + 14, "start", "muted small", "%s %.0f GB/s", what,
             gb_per_s);
}

static double fastest_copy(const json_t *result)
{
    double best = bench_json_number(result, "ceilings.gb_per_s");
    size_t index;
    json_t *copy;

    json_array_foreach(bench_json_at(result, "ceilings.copies"), index, copy) best =
        fmax(best, bench_json_number(copy, "gb_per_s"));
    return best;
}

/* The area of a dot is the layer's share of the time. */
static void draw_layers(svg *s, const svg_scale *x, const svg_scale *y, const json_t *rows)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row)
    {
        const double flops = bench_json_number(row, "gflop") * 1e9, bytes = bench_json_number(row, "bytes");
        const double share = bench_json_number(row, "share"), speed = bench_json_number(row, "gflop_per_s");
        const int kind = find_kind(bench_json_text(row, "kind"));
        char classes[24], title[160];

        if (kind < 0 || !(flops > 0)) continue;
        snprintf(classes, sizeof classes, "soft fs%d", kind_series[kind]);
        snprintf(title, sizeof title, "%s: %.3f ms, %.1f%% of the time, %.0f%% of its floor's speed",
                 bench_json_text(row, "layer"), bench_json_number(row, "ms"), 100 * share,
                 100 * bench_json_number(row, "of_floor"));
        svg_dot(s, fmin(fmax(svg_at(x, flops / bytes), LEFT), RIGHT), fmin(svg_at(y, speed), BOTTOM),
                3 + 30 * sqrt(share / M_PI), classes, title);
    }
}

/* All of them are in the picture. */
static void fit_layers(svg_scale *y, const json_t *rows)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row)
    {
        const double speed = bench_json_number(row, "gflop_per_s");

        if (!(speed > 0) || find_kind(bench_json_text(row, "kind")) < 0) continue;
        y->low = fmin(y->low, speed / 1.6);
        y->high = fmax(y->high, speed * 1.2);
    }
}

static void draw_legend(svg *s, const json_t *rows)
{
    double shares[KINDS] = { 0 }, other = 0, place = TOP + 12;
    size_t index;
    json_t *row;
    char classes[24];

    json_array_foreach(rows, index, row)
    {
        const int kind = find_kind(bench_json_text(row, "kind"));

        if (kind >= 0)
            shares[kind] += bench_json_number(row, "share");
        else
            other += bench_json_number(row, "share");
    }
    svg_text(s, RIGHT + 16, place, "start", "muted small", "share of the time");
    for (int i = 0; i < KINDS; i++) {
        if (shares[i] <= 0) continue;
        place += 22;
        snprintf(classes, sizeof classes, "fs%d", kind_series[i]);
        svg_dot(s, RIGHT + 22, place - 4.5, 5, classes, NULL);
        svg_text(s, RIGHT + 34, place, "start", "ink", "%s", kinds[i]);
        svg_text(s, WIDTH - 20, place, "end", "ink", "%.0f%%", 100 * shares[i]);
    }
    place += 22;
    svg_text(s, RIGHT + 34, place, "start", "muted", "no arithmetic");
    svg_text(s, WIDTH - 20, place, "end", "muted", "%.0f%%", 100 * other);
}

bool plot_roofline(const json_t *result, const char *path)
{
    const json_t *rows = json_object_get(result, "rows");
    const double gflops = bench_json_number(result, "ceilings.gflops"),
                 memory = bench_json_number(result, "ceilings.gb_per_s");
    const double cached = fastest_copy(result);
    const svg_scale x = { 0.3, 300, LEFT, RIGHT, true };
    svg_scale y = { gflops / 50, gflops * 1.4, BOTTOM, TOP, true };
    char subtitle[300], what[160];
    svg s;

    fit_layers(&y, rows);
    snprintf(what, sizeof what, "%s, %.0f clip%s, %s; %.0f%% of the floor reached",
             bench_json_text(result, "settings.model"), bench_json_number(result, "settings.batch"),
             bench_json_number(result, "settings.batch") == 1 ? "" : "s",
             bench_json_text(result, "settings.precision"), 100 * bench_json_number(result, "settings.of_floor"));
    plot_subtitle(result, what, subtitle, sizeof subtitle);
    if (!svg_open(&s, path, WIDTH, HEIGHT, "Every layer against the machine's own limits", subtitle)) return false;
    svg_y_axis(&s, &y, LEFT, RIGHT, "GFLOP/s");
    svg_x_axis(&s, &x, TOP, BOTTOM, "FLOP per byte of operands, weights and result");
    draw_roof(&s, &x, &y, memory, gflops, "line lmuted");
    name_roof(&s, &x, &y, memory, "memory");
    if (cached > 1.2 * memory) {
        draw_roof(&s, &x, &y, cached, gflops, "line dash laxis");
        name_roof(&s, &x, &y, cached, "caches");
    }
    svg_text(&s, RIGHT - 6, svg_at(&y, gflops) - 9, "end", "muted small", "matrix product %.0f GFLOP/s", gflops);
    draw_layers(&s, &x, &y, rows);
    draw_legend(&s, rows);
    return svg_close(&s);
}
