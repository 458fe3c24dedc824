/* SPDX-License-Identifier: Apache-2.0 */
/* curves.c - pictures of tsm-bench model: throughput over batch, the price of the shift, the latency's distribution.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

#define WIDTH  800.0
#define HEIGHT 440.0
#define LEFT   76.0
#define RIGHT  616.0
#define TOP    112.0
#define BOTTOM 372.0
#define MOST   64 /* rows of a curve */

int plot_series(const char *name)
{
    static const char *const names[] = { "tsm",         "tsn",      "tsm copy", "tsm gather",
                                         "tsm inplace", "inflated", "dense",    "block" };

    for (int i = 0; i < SVG_SERIES; i++)
        if (strcmp(names[i], name) == 0) return i;
    return SVG_SERIES - 1;
}

const char *plot_label(const char *name)
{
    static const struct {
        const char *name, *label;
    } labels[] = { { "tsm", "TSM" },
                   { "tsn", "TSN (no shift)" },
                   { "tsm copy", "TSM, naive copy" },
                   { "tsm gather", "TSM, gathered" },
                   { "tsm inplace", "TSM, in place" },
                   { "tsm overlap", "TSM, overlapping" },
                   { "block", "in-place TSM (block)" },
                   { "inflated", "inflated (I3D)" },
                   { "dense", "dense 3x1x1" } };

    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcmp(labels[i].name, name) == 0) return labels[i].label;
    return name;
}

/* Without "(R)", "(TM)", "Processor" and "CPU". */
static const char *short_name(const char *cpu, char name[96])
{
    static const char *const noise[] = { "(R)", "(TM)", " Processor", " CPU" };
    size_t used = 0;

    while (*cpu && used < 95) {
        size_t skipped = 0;

        for (size_t i = 0; i < sizeof noise / sizeof *noise && !skipped; i++)
            if (strncmp(cpu, noise[i], strlen(noise[i])) == 0) skipped = strlen(noise[i]);
        if (!skipped) name[used++] = *cpu;
        cpu += skipped ? skipped : 1;
    }
    name[used] = '\0';
    return name;
}

void plot_subtitle(const json_t *result, const char *what, char *text, size_t bytes)
{
    const char *gpu = bench_json_text(result, "machine.gpu.name");
    char name[96];

    snprintf(text, bytes, "%s\n%s, %.0f CPUs \xc2\xb7 %s \xc2\xb7 libtsm %s \xc2\xb7 %.10s", what,
             *gpu ? gpu : short_name(bench_json_text(result, "machine.cpu"), name),
             bench_json_number(result, "machine.cpus"), bench_json_text(result, "machine.onednn"),
             bench_json_text(result, "machine.commit"), bench_json_text(result, "machine.date"));
}

static void describe(const json_t *result, char *text, size_t bytes)
{
    char what[160];
    const json_t *row = json_array_get(json_object_get(result, "rows"), 0);

    snprintf(what, sizeof what, "%s, %.0fx%.0fx%.0f, %s", bench_json_text(row, "model"),
             bench_json_number(row, "segments"), bench_json_number(row, "size"), bench_json_number(row, "size"),
             bench_json_text(row, "precision"));
    plot_subtitle(result, what, text, bytes);
}

/* ---- Throughput over batch ---- */

/* Points of one network, in the order of the rows. */
typedef struct curve {
    const char *name;
    int count;
    double batch[MOST], speed[MOST], low[MOST], high[MOST];
} curve;

static int gather_curves(const json_t *rows, curve *curves, int most)
{
    int count = 0;
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row)
    {
        const char *name = bench_json_text(row, "name");
        const double batch = bench_json_number(row, "batch"), streams = bench_json_number(row, "streams");
        curve *c = NULL;

        if (streams != 1 ||
            strcmp(bench_json_text(row, "precision"), bench_json_text(json_array_get(rows, 0), "precision")) != 0)
            continue;
        for (int i = 0; i < count; i++)
            if (strcmp(curves[i].name, name) == 0) c = &curves[i];
        if (!c && count < most) {
            c = &curves[count++];
            c->name = name;
        }
        if (!c || c->count == MOST || !(batch > 0)) continue;
        c->batch[c->count] = batch;
        c->speed[c->count++] = bench_json_number(row, "clips_per_s");
    }
    return count;
}

/* At the end of each curve; where two would overlap the lower one gives way. */
static void name_curves(svg *s, const curve *curves, int count, const svg_scale *y)
{
    double places[SVG_SERIES];

    for (int i = 0; i < count; i++) {
        double at = svg_at(y, curves[i].speed[curves[i].count - 1]) + 4;
        char classes[16];

        for (int pass = 0; pass < count; pass++)
            for (int k = 0; k < i; k++)
                if (fabs(at - places[k]) < 16) at = places[k] + 16;
        places[i] = at;
        snprintf(classes, sizeof classes, "fs%d", plot_series(curves[i].name));
        svg_dot(s, RIGHT + 20, at - 4.5, 4.5, classes, NULL);
        svg_text(s, RIGHT + 31, at, "start", plot_series(curves[i].name) ? "ink" : "ink strong", "%s",
                 plot_label(curves[i].name));
    }
}

bool plot_throughput(const json_t *result, const char *path)
{
    const json_t *rows = json_object_get(result, "rows");
    curve *curves = calloc(SVG_SERIES, sizeof *curves);
    const int count = curves ? gather_curves(rows, curves, SVG_SERIES) : 0;
    double most = 0, first = INFINITY, last = 0;
    char subtitle[300], text[24];
    bool written;
    svg s;

    for (int i = 0; i < count; i++)
        for (int k = 0; k < curves[i].count; k++) {
            most = fmax(most, curves[i].speed[k]);
            first = fmin(first, curves[i].batch[k]);
            last = fmax(last, curves[i].batch[k]);
        }
    const svg_scale x = { first, last, LEFT + 24, RIGHT - 16, true }, y = { 0, most * 1.08, BOTTOM, TOP, false };
    describe(result, subtitle, sizeof subtitle);
    if (!svg_open(&s, path, WIDTH, HEIGHT, "Clips a second over batch size", subtitle)) return free(curves), false;
    svg_y_axis(&s, &y, LEFT, RIGHT, "clips/s");
    svg_line(&s, LEFT, BOTTOM, RIGHT, BOTTOM, "thin laxis");
    for (int k = 0; count && k < curves[0].count; k++)
        svg_text(&s, svg_at(&x, curves[0].batch[k]), BOTTOM + 18, "middle", "muted small", "%g", curves[0].batch[k]);
    svg_text(&s, (LEFT + RIGHT) / 2, BOTTOM + 40, "middle", "muted small", "clips a batch");
    for (int i = count - 1; i >= 0; i--) {
        double px[MOST], py[MOST];
        char line[24], dot[24], title[64];

        snprintf(line, sizeof line, "line ls%d", plot_series(curves[i].name));
        snprintf(dot, sizeof dot, "fs%d", plot_series(curves[i].name));
        for (int k = 0; k < curves[i].count; k++) {
            px[k] = svg_at(&x, curves[i].batch[k]);
            py[k] = svg_at(&y, curves[i].speed[k]);
        }
        svg_path(&s, px, py, curves[i].count, line);
        for (int k = 0; k < curves[i].count; k++) {
            snprintf(title, sizeof title, "batch %g: %s clips/s", curves[i].batch[k],
                     svg_number(curves[i].speed[k], text));
            svg_dot(&s, px[k], py[k], 4, dot, title);
        }
    }
    name_curves(&s, curves, count, &y);
    written = svg_close(&s);
    free(curves);
    return written;
}

/* ---- The price of the shift ---- */

static bool of_first_point(const json_t *rows, const json_t *row)
{
    static const char *const axes[] = { "batch", "segments", "size", "threads", "streams" };
    const json_t *first = json_array_get(rows, 0);

    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        if (bench_json_number(first, axes[i]) != bench_json_number(row, axes[i])) return false;
    return strcmp(bench_json_text(first, "precision"), bench_json_text(row, "precision")) == 0;
}

bool plot_shift(const json_t *result, const char *path)
{
    const json_t *rows = json_object_get(result, "rows");
    svg_bar bars[SVG_SERIES * 2] = { 0 };
    svg_bars group = { NULL, bars, 0 };
    char subtitle[300];
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row)
    {
        const double ratio = bench_json_number(row, "against.ratio");
        const char *name = bench_json_text(row, "name");

        if (!(ratio > 0) || !of_first_point(rows, row) || group.count == SVG_SERIES * 2) continue;
        bars[group.count] = (svg_bar){ .label = plot_label(name), .value = 100 * ratio, .series = plot_series(name) };
        snprintf(bars[group.count].text, sizeof bars->text, "%.1f%% \xc2\xb7 %.2f clips/s", 100 * ratio,
                 bench_json_number(row, "clips_per_s"));
        group.count++;
    }
    describe(result, subtitle, sizeof subtitle);
    return svg_bar_chart(path, "What order in time costs: speed as a share of the 2D network's", subtitle,
                         "% of TSN's clips/s, median of neighbouring runs", &group, 1, 100, "TSN");
}

/* ---- Latency ---- */

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double *sorted_samples(const json_t *row, int *count)
{
    const json_t *samples = json_object_get(row, "samples_ms");
    double *values;

    *count = (int)json_array_size(samples);
    values = calloc((size_t)*count + 1, sizeof *values);
    for (int i = 0; values && i < *count; i++) values[i] = json_number_value(json_array_get(samples, (size_t)i));
    if (values) qsort(values, (size_t)*count, sizeof *values, compare);
    return values;
}

static void draw_distribution(svg *s, const svg_scale *x, const svg_scale *y, const double *values, int count,
                              int series)
{
    double *px = calloc(2 * (size_t)count + 2, sizeof *px), *py = calloc(2 * (size_t)count + 2, sizeof *py);
    char classes[24];
    int points = 0;

    for (int i = 0; px && py && i < count; i++) {
        if (values[i] > x->high) break;
        px[points] = svg_at(x, values[i]);
        py[points++] = svg_at(y, 100.0 * i / count);
        px[points] = svg_at(x, values[i]);
        py[points++] = svg_at(y, 100.0 * (i + 1) / count);
    }
    snprintf(classes, sizeof classes, "line ls%d", series % SVG_SERIES);
    if (points) svg_path(s, px, py, points, classes);
    free(px);
    free(py);
}

static void name_row(svg *s, const json_t *row, int place, int series, bool load)
{
    char classes[8], text[24], tail[24];
    const double y = TOP + 10 + 46 * place;
    const double p99 = bench_json_number(row, "latency_ms.p99");

    snprintf(classes, sizeof classes, "fs%d", series % SVG_SERIES);
    svg_dot(s, RIGHT + 20, y - 4.5, 4.5, classes, NULL);
    if (load)
        svg_text(s, RIGHT + 31, y, "start", "ink", "%s, %g/s", plot_label(bench_json_text(row, "name")),
                 bench_json_number(row, "qps"));
    else
        svg_text(s, RIGHT + 31, y, "start", "ink", "%s", plot_label(bench_json_text(row, "name")));
    svg_text(s, RIGHT + 31, y + 16, "start", "muted small", "p50 %s \xc2\xb7 p99 %s ms",
             svg_number(bench_json_number(row, "latency_ms.p50"), text), p99 > 0 ? svg_number(p99, tail) : "-");
}

bool plot_latency(const json_t *result, const char *path)
{
    const json_t *rows = json_object_get(result, "rows");
    const bool load = bench_json_number(result, "qps") > 0;
    double low = INFINITY, high = 0, *values[5] = { 0 };
    const json_t *taken[5];
    int counts[5], count = 0;
    char subtitle[300];
    bool written;
    size_t index;
    json_t *row;
    svg s;

    json_array_foreach(rows, index, row)
    {
        if (count == 5 || (!load && !of_first_point(rows, row)) ||
            (load && strcmp(bench_json_text(row, "name"), "tsn") == 0))
            continue;
        values[count] = sorted_samples(row, &counts[count]);
        if (!values[count] || counts[count] < 3) continue;
        low = fmin(low, values[count][0]);
        high = fmax(high, values[count][(counts[count] - 1) * 99 / 100]);
        taken[count++] = row;
    }
    const svg_scale x = { fmax(0, low - 0.04 * (high - low)), high + 0.04 * (high - low) + 1e-9, LEFT, RIGHT, false };
    const svg_scale y = { 0, 100, BOTTOM, TOP, false };
    describe(result, subtitle, sizeof subtitle);
    if (!svg_open(&s, path, WIDTH, HEIGHT, load ? "Latency under a load, waiting included" : "How long a batch takes",
                  subtitle))
        return false;
    svg_y_axis(&s, &y, LEFT, RIGHT, "% of the runs within");
    svg_x_axis(&s, &x, TOP, BOTTOM, "ms");
    for (int i = count - 1; i >= 0; i--) {
        const int series = load ? i : plot_series(bench_json_text(taken[i], "name"));

        draw_distribution(&s, &x, &y, values[i], counts[i], series);
        name_row(&s, taken[i], i, series, load);
    }
    written = svg_close(&s);
    for (int i = 0; i < 5; i++) free(values[i]);
    return written;
}
