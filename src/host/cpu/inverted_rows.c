/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inverted_rows.c - the loops of inverted.h. A thread goes down a band of rows of a frame: the wide rows that the
 * next output row needs come into a ring of three, then the depthwise convolution, then the narrow product. Rings
 * have a pixel of zeros on either side, and rows above and below the image are a row of zeros.
 */
#include "inverted.h"

#include <omp.h>
#include <string.h>

#define RING 3

/* Floats of a padded wide row, and of a thread's scratch. */
static int64_t row_count(const tsm_cpu_inverted *what)
{
    return ((int64_t)what->in.w + 2) * what->hidden;
}

static int64_t own_count(const tsm_cpu_inverted *what)
{
    return RING * row_count(what) + (int64_t)what->dims.w * what->hidden;
}

uint64_t tsm_cpu_inverted_scratch_bytes(const tsm_cpu_inverted *what)
{
    return (uint64_t)(row_count(what) + what->threads * own_count(what)) * sizeof(float);
}

#if defined(__x86_64__)

#include "avx512.h"

#define INLINE TSM_AVX512_INLINE
#define LANES  TSM_LANES
#define ROWS   TSM_ROWS_MOST
#define PANEL  32
#define PIXELS 4 /* of the depthwise convolution at a time */

/* ---- Wide ----------------------------------------------------------------------------------------------------- */

/* The input of a row of pixels: where each fold is read, and how many channels it has. */
typedef struct folds {
    const float *from[3];
    int count[3];
} folds;

static folds folds_of(const tsm_cpu_inverted *what, int64_t frame, int y)
{
    const tsm_dims *in = &what->in;
    const int ends[4] = { 0, what->shift.fold, what->shift.end, in->c };
    const int away[3] = { what->shift.step, -what->shift.step, 0 };
    folds f;

    for (int i = 0; i < 3; i++) {
        const int64_t t = frame % in->t + away[i];
        const bool there = t >= 0 && t < in->t;
        const int64_t from = frame + (there ? away[i] : 0);

        f.from[i] = what->x + ((from * in->h + y) * in->w) * in->c + ends[i];
        f.count[i] = there ? ends[i + 1] - ends[i] : 0;
    }
    return f;
}

/* Zeros from past the ends of a clip would change no sum: they are left out. */
INLINE void expand_tile(const tsm_cpu_inverted *what, const folds *f, int64_t pixel, int column, float *to,
                        const int rows, const int vectors)
{
    const int64_t c = what->in.c;
    const int ends[3] = { 0, what->shift.fold, what->shift.end };
    const float *panel = what->packed[0] + column * c, *bias = what->bias[0];
    __m512 sum[ROWS][2];

    tsm_rows_clear(sum, rows, vectors);
    for (int i = 0; i < 3; i++)
        tsm_rows_accumulate(sum, f->from[i] + pixel * c, c, f->count[i], panel + ends[i] * vectors * LANES, rows,
                            vectors);
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) {
        const __m512 add = bias ? _mm512_loadu_ps(bias + column + j * LANES) : _mm512_setzero_ps();

#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
            _mm512_storeu_ps(to + (pixel + r) * what->hidden + column + j * LANES,
                             tsm_activate(_mm512_add_ps(sum[r][j], add), TSM_ACT_RELU6));
    }
}

/* ---- Narrow --------------------------------------------------------------------------------------------------- */

INLINE void project_tile(const tsm_cpu_inverted *what, const float *x, int64_t pixel, int column, int64_t first,
                         const int rows, const int vectors)
{
    const int64_t n = what->dims.c;
    const float *bias = what->bias[2];
    __m512 sum[ROWS][2];

    tsm_rows_clear(sum, rows, vectors);
    tsm_rows_accumulate(sum, x + pixel * what->hidden, what->hidden, what->hidden,
                        what->packed[2] + (int64_t)column * what->hidden, rows, vectors);
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) {
        const int64_t at = column + j * LANES, left = n - at;
        const __mmask16 mask = left >= LANES ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
        const __m512 add = bias ? _mm512_maskz_loadu_ps(mask, bias + at) : _mm512_setzero_ps();

#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            const int64_t offset = (first + pixel + r) * n + at;
            __m512 value = _mm512_add_ps(sum[r][j], add);

            if (what->residual) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, what->residual + offset));
            _mm512_mask_storeu_ps(what->out + offset, mask, value);
        }
    }
}

typedef void expand_function(const tsm_cpu_inverted *what, const folds *f, int64_t pixel, int column, float *to);
typedef void project_function(const tsm_cpu_inverted *what, const float *x, int64_t pixel, int column, int64_t first);

/* One compiled copy per number of rows and width of panel. */
#define TILES_OF(rows, vectors)                                                                                      \
    TSM_AVX512 static void expand_##rows##_##vectors(const tsm_cpu_inverted *what, const folds *f, int64_t pixel,    \
                                                     int column, float *to)                                          \
    {                                                                                                                \
        expand_tile(what, f, pixel, column, to, rows, vectors);                                                      \
    }                                                                                                                \
    TSM_AVX512 static void project_##rows##_##vectors(const tsm_cpu_inverted *what, const float *x, int64_t pixel,   \
                                                      int column, int64_t first)                                     \
    {                                                                                                                \
        project_tile(what, x, pixel, column, first, rows, vectors);                                                  \
    }
#define TILES(rows) TILES_OF(rows, 1) TILES_OF(rows, 2)
TSM_ROWS_EACH(TILES)

#define EXPAND(rows)  { expand_##rows##_1, expand_##rows##_2 },
#define PROJECT(rows) { project_##rows##_1, project_##rows##_2 },
static expand_function *const expand_tiles[ROWS][2] = { TSM_ROWS_EACH(EXPAND) };
static project_function *const project_tiles[ROWS][2] = { TSM_ROWS_EACH(PROJECT) };

static int at_most(int a, int b)
{
    return a < b ? a : b;
}

/* Row y of a frame, widened where there is that layer, behind the padding of `to`. */
static void expand_row(const tsm_cpu_inverted *what, int64_t frame, int y, float *to)
{
    const folds f = folds_of(what, frame, y);

    if (!what->packed[0]) {
        memcpy(to + what->hidden, f.from[2], (size_t)what->in.w * (size_t)what->hidden * sizeof *to);
        return;
    }
    for (int pixel = 0; pixel < what->in.w; pixel += ROWS) {
        const int rows = at_most(what->in.w - pixel, ROWS);

        for (int column = 0; column < what->hidden; column += PANEL)
            expand_tiles[rows - 1][what->hidden - column > LANES](what, &f, pixel, column, to + what->hidden);
    }
}

/* Output row y of a frame from its wide values. */
static void project_row(const tsm_cpu_inverted *what, const float *x, int64_t frame, int y)
{
    const int64_t first = (frame * what->dims.h + y) * what->dims.w;

    for (int pixel = 0; pixel < what->dims.w; pixel += ROWS) {
        const int rows = at_most(what->dims.w - pixel, ROWS);

        for (int column = 0; column < what->dims.c; column += PANEL)
            project_tiles[rows - 1][what->dims.c - column > LANES](what, x, pixel, column, first);
    }
}

/* ---- Depthwise ------------------------------------------------------------------------------------------------ */

/* `count` pixels of a row from `pixel` on, all channels. */
INLINE void depthwise_pixels(const tsm_cpu_inverted *what, const float *const rows[3], float *to, int64_t pixel,
                             const int count)
{
    const int64_t c = what->hidden, first = pixel * what->stride * c, step = what->stride * c;

    for (int64_t channel = 0; channel < c; channel += LANES) {
        const float *weights = what->packed[1] + channel, *bias = what->bias[1];
        const __m512 add = bias ? _mm512_loadu_ps(bias + channel) : _mm512_setzero_ps();
        __m512 sum[PIXELS];

#pragma GCC unroll 4
        for (int i = 0; i < count; i++) sum[i] = _mm512_setzero_ps();
#pragma GCC unroll 9
        for (int tap = 0; tap < 9; tap++) {
            const __m512 weight = _mm512_loadu_ps(weights + tap * c);
            const float *x = rows[tap / 3] + first + tap % 3 * c + channel;

#pragma GCC unroll 4
            for (int i = 0; i < count; i++) sum[i] = _mm512_fmadd_ps(_mm512_loadu_ps(x + i * step), weight, sum[i]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < count; i++)
            _mm512_storeu_ps(to + (pixel + i) * c + channel, tsm_activate(_mm512_add_ps(sum[i], add), TSM_ACT_RELU6));
    }
}

TSM_AVX512 static void depthwise_row(const tsm_cpu_inverted *what, const float *const rows[3], float *to)
{
    int pixel = 0;

    for (; pixel + PIXELS <= what->dims.w; pixel += PIXELS) depthwise_pixels(what, rows, to, pixel, PIXELS);
    for (; pixel < what->dims.w; pixel++) depthwise_pixels(what, rows, to, pixel, 1);
}

/* ---- Sharing out ---------------------------------------------------------------------------------------------- */

/* Output rows [y, end) of a frame, in a thread's scratch. */
static void run_band(const tsm_cpu_inverted *what, int64_t frame, int y, int end, const float *zeros, float *ring)
{
    const int64_t row = row_count(what);
    const int h = what->in.h, stride = what->stride;
    float *wide = ring + RING * row;
    int next = y * stride > 0 ? y * stride - 1 : 0;

    for (; y < end; y++) {
        const float *rows[3];

        for (; next <= y * stride + 1 && next < h; next++) expand_row(what, frame, next, ring + next % RING * row);
        for (int i = 0; i < 3; i++) {
            const int at = y * stride + i - 1;

            rows[i] = at >= 0 && at < h ? ring + at % RING * row : zeros;
        }
        depthwise_row(what, rows, wide);
        project_row(what, wide, frame, y);
    }
}

static void clear_sides(const tsm_cpu_inverted *what, float *ring)
{
    const size_t bytes = (size_t)what->hidden * sizeof *ring;

    for (int i = 0; i < RING; i++, ring += row_count(what)) {
        memset(ring, 0, bytes);
        memset(ring + row_count(what) - what->hidden, 0, bytes);
    }
}

void tsm_cpu_inverted_run(const tsm_cpu_inverted *what)
{
    const int64_t frames = (int64_t)what->dims.n * what->dims.t;
    const int h = what->dims.h, most = (int)((4 * what->threads + frames - 1) / frames);
    const int bands = frames % what->threads == 0 ? 1 : at_most(most, h), band = (h + bands - 1) / bands;

    memset(what->scratch, 0, (size_t)row_count(what) * sizeof(float));
#pragma omp parallel
    {
        float *own = what->scratch + row_count(what) + omp_get_thread_num() * own_count(what);

        clear_sides(what, own);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < frames * bands; i++) {
            const int y = (int)(i % bands) * band;

            run_band(what, i / bands, y, at_most(y + band, h), what->scratch, own);
        }
    }
}

#else

void tsm_cpu_inverted_run(const tsm_cpu_inverted *what)
{
    (void)what;
}

#endif
