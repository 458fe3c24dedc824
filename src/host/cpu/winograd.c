/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.c - see winograd.h: weights, and how tiles are shared out.
 *
 * Narrow layers: each thread takes a block of tiles through all three parts, its points in the second-level cache.
 * Wide layers, whose weights are many megabytes: all threads transform a group of tiles, then each takes some columns
 * of weights through the products and back, so that weights come from memory once a group.
 */
#include "winograd.h"

#include <omp.h>

#include "winograd_tiles.h"

#define BLOCK_BYTES  (320 * 1024)      /* of input points, in the second-level cache */
#define GROUP_BYTES  (8 * 1024 * 1024) /* of those that threads share, in the third */
#define OUTPUT_BYTES (640 * 1024)      /* of output points */
#define NARROW       (128 * 128)       /* in times out channels whose weights a thread can read once a block */
#define COLUMNS      64                /* of output points at a time */

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f")))
#else
#define WIDE
#endif

bool tsm_cpu_winograd_suits(const tsm_node *node)
{
    return node->op == TSM_OP_CONV && node->kernel_h == 3 && node->kernel_w == 3 && node->stride == 1 &&
           node->pad == 1 && node->groups == 1 && node->in_channels % TSM_WINOGRAD_LANES == 0 &&
           node->out_channels % TSM_WINOGRAD_LANES == 0 && node->act != TSM_ACT_SIGMOID;
}

/* ---- Weights -------------------------------------------------------------------------------------------------- */

uint64_t tsm_cpu_winograd_packed_count(int n, int c)
{
    return (uint64_t)TSM_WINOGRAD_POINTS * (uint64_t)n * (uint64_t)c;
}

/* What a filter is worth at each point of an axis. */
static const double filter_at[TSM_WINOGRAD_SIDE][3] = {
    { 64.0 / 81, 0, 0 },
    { -128.0 / 243, -32.0 / 81, -8.0 / 27 },
    { -128.0 / 243, 32.0 / 81, -8.0 / 27 },
    { 32.0 / 243, 16.0 / 81, 8.0 / 27 },
    { 32.0 / 243, -16.0 / 81, 8.0 / 27 },
    { 0, 0, 1 },
};

/* PANEL filters side by side: (3,3,PANEL) to (36,PANEL), each point `pitch` floats from the next. */
WIDE static void transform_filters(const float filters[9][TSM_WINOGRAD_PANEL], float *to, int64_t pitch, int width)
{
    for (int i = 0; i < TSM_WINOGRAD_SIDE; i++) {
        const double *by = filter_at[i];
        double rows[3][TSM_WINOGRAD_PANEL];

        for (int x = 0; x < 3; x++) {
#pragma omp simd
            for (int j = 0; j < TSM_WINOGRAD_PANEL; j++)
                rows[x][j] = by[0] * filters[x][j] + by[1] * filters[3 + x][j] + by[2] * filters[6 + x][j];
        }
        for (int p = 0; p < TSM_WINOGRAD_SIDE; p++, to += pitch) {
            by = filter_at[p];
#pragma omp simd
            for (int j = 0; j < width; j++)
                to[j] = (float)(by[0] * rows[0][j] + by[1] * rows[1][j] + by[2] * rows[2][j]);
        }
    }
}

/* Input channels [first, first + LANES) of a panel of `width` filters, which `weights` begins with. */
static void pack_channels(const float *weights, float *packed, int first, int c, int width)
{
    static _Thread_local float filters[TSM_WINOGRAD_LANES][9][TSM_WINOGRAD_PANEL];

    for (int j = 0; j < width; j++) {
        for (int q = 0; q < 9; q++) {
            const float *from = weights + ((int64_t)j * 9 + q) * c + first;

            for (int i = 0; i < TSM_WINOGRAD_LANES; i++) filters[i][q][j] = from[i];
        }
    }
    for (int i = 0; i < TSM_WINOGRAD_LANES; i++)
        transform_filters(filters[i], packed + (int64_t)(first + i) * width, (int64_t)c * width, width);
}

void tsm_cpu_winograd_pack(const float *weights, float *packed, int n, int c)
{
    const int panels = (n + TSM_WINOGRAD_PANEL - 1) / TSM_WINOGRAD_PANEL;

#pragma omp parallel for collapse(2) schedule(static)
    for (int panel = 0; panel < panels; panel++) {
        for (int i = 0; i < c; i += TSM_WINOGRAD_LANES) {
            const int first = panel * TSM_WINOGRAD_PANEL, left = n - first;
            const int width = left < TSM_WINOGRAD_PANEL ? left : TSM_WINOGRAD_PANEL;

            pack_channels(weights + (int64_t)first * 9 * c, packed + (int64_t)first * TSM_WINOGRAD_POINTS * c, i, c,
                          width);
        }
    }
}

/* ---- Sharing out ---------------------------------------------------------------------------------------------- */

/* How the tiles of a layer are shared out. */
typedef struct division {
    bool narrow;
    int64_t tiles;
    int64_t group; /* tiles that are transformed together: by a thread, or by all */
    int64_t block; /* tiles of the group that are multiplied together */
    int columns;   /* that are multiplied together */
} division;

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* `count` in as few parts as do not exceed `most`, all parts of about the same size, for each of `sharers`. */
static int64_t even_part(int64_t count, int64_t most, int64_t sharers)
{
    const int64_t rounds = (count + most * sharers - 1) / (most * sharers);

    return (count + rounds * sharers - 1) / (rounds * sharers);
}

static division divide(const tsm_dims *dims, int n, int threads)
{
    const int64_t point_bytes = TSM_WINOGRAD_POINTS * (int64_t)sizeof(float), tile_bytes = point_bytes * dims->c;
    const int64_t block_most = BLOCK_BYTES / tile_bytes + 1, group_most = GROUP_BYTES / tile_bytes + 1;
    division d = { .narrow = (int64_t)dims->c * n <= NARROW, .tiles = tsm_winograd_tile_count(dims) };

    d.columns = (int)at_most(n, COLUMNS);
    d.group = d.narrow ? even_part(d.tiles, block_most, threads) : even_part(d.tiles, group_most, 1);
    d.block = d.narrow ? d.group : even_part(d.group, OUTPUT_BYTES / (point_bytes * d.columns) + 1, 1);
    return d;
}

/* Floats of a thread's own part, and of what all share. */
static int64_t own_count(const division *d, int c)
{
    const int64_t out = tsm_winograd_points_count(d->block, d->columns);

    return d->narrow ? out + tsm_winograd_points_count(d->group, c) : out;
}

static int64_t shared_count(const division *d, int c)
{
    return d->narrow ? 0 : tsm_winograd_points_count(d->group, c);
}

uint64_t tsm_cpu_winograd_scratch_bytes(const tsm_dims *dims, int n, int threads)
{
    const division d = divide(dims, n, threads);

    return (uint64_t)(shared_count(&d, dims->c) + threads * own_count(&d, dims->c)) * sizeof(float);
}

#if defined(__x86_64__)

bool tsm_cpu_winograd_available(void)
{
    return __builtin_cpu_supports("avx512f");
}

/* Some tiles, transformed, times some columns, and back. */
static void multiply_and_collect(const tsm_cpu_winograd *what, const division *d, const tsm_winograd_points *in,
                                 int64_t first, int64_t row, int64_t count, int column, float *scratch)
{
    const tsm_winograd_points out = tsm_winograd_points_in(scratch, d->block, d->columns);
    const int width = (int)at_most(what->n - column, d->columns);

    for (int at = 0; at < width; at += TSM_WINOGRAD_PANEL)
        tsm_winograd_multiply(what, in, row, count, column + at, &out, at);
    tsm_winograd_collect(what, first + row, count, &out, column, width);
}

static void run_narrow(const tsm_cpu_winograd *what, const division *d)
{
    const int64_t groups = (d->tiles + d->group - 1) / d->group;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < groups; i++) {
        float *own = what->scratch + omp_get_thread_num() * own_count(d, what->dims.c);
        const tsm_winograd_points in = tsm_winograd_points_in(own, d->group, what->dims.c);
        const int64_t first = i * d->group, count = at_most(d->tiles - first, d->group);

        tsm_winograd_scatter(what, first, count, &in, 0);
        own += tsm_winograd_points_count(d->group, what->dims.c);
        for (int column = 0; column < what->n; column += d->columns)
            multiply_and_collect(what, d, &in, first, 0, count, column, own);
    }
}

/* Inside a team: a group of tiles. */
static void run_group(const tsm_cpu_winograd *what, const division *d, const tsm_winograd_points *in, int64_t first)
{
    const int64_t count = at_most(d->tiles - first, d->group), blocks = (count + d->block - 1) / d->block;
    const int64_t columns = (what->n + d->columns - 1) / d->columns;
    float *own = what->scratch + shared_count(d, what->dims.c) + omp_get_thread_num() * own_count(d, what->dims.c);

#pragma omp for schedule(static)
    for (int64_t i = 0; i < count; i++) tsm_winograd_scatter(what, first + i, 1, in, i);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < columns * blocks; i++) {
        const int64_t row = i % blocks * d->block;

        multiply_and_collect(what, d, in, first, row, at_most(count - row, d->block), (int)(i / blocks) * d->columns,
                             own);
    }
}

void tsm_cpu_winograd_run(const tsm_cpu_winograd *what)
{
    const division d = divide(&what->dims, what->n, what->threads);
    const tsm_winograd_points in = tsm_winograd_points_in(what->scratch, d.group, what->dims.c);

    if (d.narrow) {
        run_narrow(what, &d);
        return;
    }
#pragma omp parallel
    for (int64_t first = 0; first < d.tiles; first += d.group) run_group(what, &d, &in, first);
}

#else

bool tsm_cpu_winograd_available(void)
{
    return false;
}

void tsm_cpu_winograd_run(const tsm_cpu_winograd *what)
{
    (void)what;
}

#endif
