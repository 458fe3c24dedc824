/* SPDX-License-Identifier: Apache-2.0 */
/* svg.c - see svg.h. */
#include "svg.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* Light, then dark: background, text, quiet text, grid, axis, series. */
static const struct {
    const char *name, *light, *dark;
} colours[] = { { "bg", "#ffffff", "#0d1117" },   { "ink", "#1f2328", "#e6edf3" },  { "muted", "#656d76", "#9198a1" },
                { "grid", "#e9ebee", "#22282f" }, { "axis", "#9aa2ab", "#59616a" }, { "s0", "#1f6feb", "#5b9dff" },
                { "s1", "#9aa2ab", "#7d8590" },   { "s2", "#e36209", "#ff9b50" },   { "s3", "#2da44e", "#4ac26b" },
                { "s4", "#8957e5", "#b083f0" },   { "s5", "#bf8700", "#e3b341" },   { "s6", "#cf222e", "#ff7b72" },
                { "s7", "#1b7c83", "#39c5cf" } };
#define COLOURS ((int)(sizeof colours / sizeof *colours))

static void write_colours(FILE *to, bool dark)
{
    for (int i = 0; i < COLOURS; i++) {
        const char *colour = dark ? colours[i].dark : colours[i].light;

        fprintf(to, ".f%s{fill:%s}.l%s{stroke:%s}", colours[i].name, colour, colours[i].name, colour);
        if (i == 1 || i == 2) fprintf(to, "text.%s{fill:%s}", colours[i].name, colour);
    }
}

static void write_escaped(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", to);
        else if (*text == '<')
            fputs("&lt;", to);
        else if (*text == '>')
            fputs("&gt;", to);
        else
            fputc(*text, to);
    }
}

bool svg_open(svg *s, const char *path, double width, double height, const char *title, const char *subtitle)
{
    *s = (svg){ fopen(path, "w"), width, height };
    if (!s->file) return false;
    fprintf(
        s->file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" role=\"img\">\n"
        "<title>",
        width, height, width, height);
    write_escaped(s->file, title);
    fputs("</title>\n<style>\ntext{font-family:-apple-system,BlinkMacSystemFont,\"Segoe UI\",\"Noto "
          "Sans\",Helvetica,Arial,"
          "sans-serif;font-size:13px}\n.title{font-size:17px;font-weight:600}.small{font-size:11.5px}.strong{font-"
          "weight:"
          "600}\n.line{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}.thin{fill:none;stroke-"
          "width:1}\n.dash{stroke-dasharray:5 4}.soft{fill-opacity:.72}.halo{paint-order:stroke;stroke-"
          "width:5px;stroke-linejoin:round}\n",
          s->file);
    write_colours(s->file, false);
    fputs("\n@media (prefers-color-scheme:dark){\n", s->file);
    write_colours(s->file, true);
    fputs("\n}\n</style>\n", s->file);
    fprintf(s->file, "<rect width=\"%g\" height=\"%g\" rx=\"8\" class=\"fbg\"/>\n", width, height);
    svg_text(s, 28, 36, "start", "ink title", "%s", title);
    for (int line = 0; *subtitle; line++) {
        const int length = (int)strcspn(subtitle, "\n");

        svg_text(s, 28, 57 + 17 * line, "start", "muted small", "%.*s", length, subtitle);
        subtitle += length + (subtitle[length] == '\n');
    }
    return true;
}

bool svg_close(svg *s)
{
    bool written;

    fputs("</svg>\n", s->file);
    written = !ferror(s->file);
    return fclose(s->file) == 0 && written;
}

void svg_text(svg *s, double x, double y, const char *anchor, const char *classes, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(s->file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, classes);
    write_escaped(s->file, text);
    fputs("</text>\n", s->file);
}

void svg_text_up(svg *s, double x, double y, const char *classes, const char *text)
{
    fprintf(s->file, "<text transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"middle\" class=\"%s\">", x,
            y, classes);
    write_escaped(s->file, text);
    fputs("</text>\n", s->file);
}

void svg_line(svg *s, double x1, double y1, double x2, double y2, const char *classes)
{
    fprintf(s->file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2,
            classes);
}

void svg_rect(svg *s, double x, double y, double width, double height, const char *classes)
{
    fprintf(s->file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2.5\" class=\"%s\"/>\n", x, y,
            fmax(width, 0.5), height, classes);
}

void svg_dot(svg *s, double x, double y, double radius, const char *classes, const char *title)
{
    fprintf(s->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"%s\">", x, y, radius, classes);
    if (title) {
        fputs("<title>", s->file);
        write_escaped(s->file, title);
        fputs("</title>", s->file);
    }
    fputs("</circle>\n", s->file);
}

void svg_path(svg *s, const double *x, const double *y, int count, const char *classes)
{
    fputs("<path d=\"", s->file);
    for (int i = 0; i < count; i++) fprintf(s->file, "%s%.1f %.1f", i ? " L" : "M", x[i], y[i]);
    fprintf(s->file, "\" class=\"%s\"/>\n", classes);
}

/* ---- Axes ---- */

double svg_at(const svg_scale *c, double value)
{
    const double part =
        c->logarithmic ? log(value / c->low) / log(c->high / c->low) : (value - c->low) / (c->high - c->low);

    return c->from + part * (c->to - c->from);
}

static double nice_step(double span)
{
    const double power = pow(10, floor(log10(span))), part = span / power;

    return power * (part > 5 ? 10 : part > 2 ? 5 : part > 1 ? 2 : 1);
}

int svg_ticks(const svg_scale *c, double *ticks, int most)
{
    int count = 0;

    if (c->logarithmic) {
        for (double t = pow(10, ceil(log10(c->low) - 1e-9)); t <= c->high * 1.0001 && count < most; t *= 10)
            ticks[count++] = t;
    } else {
        const double step = nice_step((c->high - c->low) / 6);

        for (double t = ceil(c->low / step - 1e-9) * step; t <= c->high + step * 1e-6 && count < most; t += step)
            ticks[count++] = t;
    }
    return count;
}

const char *svg_number(double value, char text[24])
{
    if (value != 0 && fabs(value) < 0.01)
        snprintf(text, 24, "%.1e", value);
    else if (fabs(value) >= 100 || value == floor(value))
        snprintf(text, 24, "%.0f", value);
    else if (fabs(value) >= 10)
        snprintf(text, 24, "%.1f", value);
    else
        snprintf(text, 24, "%.2f", value);
    return text;
}

static const char *tick_text(double value, char text[24])
{
    snprintf(text, 24, "%g", fabs(value) < 1e-12 ? 0 : value);
    return text;
}

void svg_y_axis(svg *s, const svg_scale *y, double left, double right, const char *unit)
{
    double ticks[16];
    char text[24];

    for (int i = 0, count = svg_ticks(y, ticks, 16); i < count; i++) {
        const double at = svg_at(y, ticks[i]);

        svg_line(s, left, at, right, at, "thin lgrid");
        svg_text(s, left - 9, at + 4, "end", "muted small", "%s", tick_text(ticks[i], text));
    }
    svg_text_up(s, 24, (y->from + y->to) / 2, "muted small", unit);
}

void svg_x_axis(svg *s, const svg_scale *x, double top, double bottom, const char *unit)
{
    double ticks[16];
    char text[24];

    for (int i = 0, count = svg_ticks(x, ticks, 16); i < count; i++) {
        const double at = svg_at(x, ticks[i]);

        svg_line(s, at, top, at, bottom, "thin lgrid");
        svg_text(s, at, bottom + 18, "middle", "muted small", "%s", tick_text(ticks[i], text));
    }
    svg_line(s, x->from, bottom, x->to, bottom, "thin laxis");
    svg_text(s, (x->from + x->to) / 2, bottom + 40, "middle", "muted small", "%s", unit);
}

/* ---- Bars ---- */

#define BAR_LEFT   190.0
#define BAR_RIGHT  190.0
#define BAR_WIDTH  800.0
#define BAR_HEIGHT 19.0
#define BAR_STEP   27.0
#define GROUP_HEAD 30.0
#define GROUP_GAP  12.0
#define BAR_TOP    100.0

static double largest_of(const svg_bars *groups, int group_count, double mark)
{
    double largest = mark;

    for (int g = 0; g < group_count; g++)
        for (int i = 0; i < groups[g].count; i++)
            largest = fmax(largest, fmax(groups[g].bars[i].value, groups[g].bars[i].high));
    return largest > 0 ? largest : 1;
}

static void draw_bar(svg *s, const svg_scale *x, const svg_bar *bar, double y)
{
    const double end = svg_at(x, bar->value), middle = y + BAR_HEIGHT / 2;
    double behind = end;
    char classes[16];

    snprintf(classes, sizeof classes, "fs%d", bar->series % SVG_SERIES);
    svg_text(s, BAR_LEFT - 12, middle + 4.5, "end", bar->series == 0 ? "ink strong" : "ink", "%s", bar->label);
    svg_rect(s, BAR_LEFT, y, end - BAR_LEFT, BAR_HEIGHT, classes);
    if (bar->high > bar->low) {
        const double low = svg_at(x, bar->low), high = svg_at(x, bar->high);

        svg_line(s, low, middle, high, middle, "thin link");
        svg_line(s, low, middle - 4, low, middle + 4, "thin link");
        svg_line(s, high, middle - 4, high, middle + 4, "thin link");
        behind = fmax(end, high);
    }
    svg_text(s, behind + 8, middle + 4.5, "start", bar->series == 0 ? "halo lbg ink strong" : "halo lbg ink", "%s",
             bar->text);
}

bool svg_bar_chart(const char *path, const char *title, const char *subtitle, const char *unit,
                   const svg_bars *groups, int group_count, double mark, const char *mark_name)
{
    svg_scale x = { 0, largest_of(groups, group_count, mark) * 1.02, BAR_LEFT, BAR_WIDTH - BAR_RIGHT, false };
    double y = BAR_TOP + (mark > 0 ? 16 : 0), bottom = y;
    svg s;

    for (int g = 0; g < group_count; g++)
        bottom += (groups[g].title ? GROUP_HEAD : 0) + groups[g].count * BAR_STEP + (g ? GROUP_GAP : 0);
    if (!svg_open(&s, path, BAR_WIDTH, bottom + 66, title, subtitle)) return false;
    svg_x_axis(&s, &x, y - 8, bottom, unit);
    if (mark > 0) {
        svg_line(&s, svg_at(&x, mark), BAR_TOP + 8, svg_at(&x, mark), bottom, "thin dash lmuted");
        svg_text(&s, svg_at(&x, mark), BAR_TOP + 2, "middle", "muted small", "%s", mark_name);
    }
    for (int g = 0; g < group_count; g++) {
        if (g) y += GROUP_GAP;
        if (groups[g].title) {
            svg_text(&s, 28, y + 17, "start", "ink strong", "%s", groups[g].title);
            y += GROUP_HEAD;
        }
        for (int i = 0; i < groups[g].count; i++, y += BAR_STEP) draw_bar(&s, &x, &groups[g].bars[i], y);
    }
    return svg_close(&s);
}
