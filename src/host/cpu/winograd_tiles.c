/* SPDX-License-Identifier: Apache-2.0 */
/* winograd_tiles.c - see winograd_tiles.h. */
#include "winograd_tiles.h"

#define SIDE   TSM_WINOGRAD_SIDE
#define POINTS TSM_WINOGRAD_POINTS
#define OUT    TSM_WINOGRAD_OUT
#define LANES  TSM_WINOGRAD_LANES
#define PANEL  TSM_WINOGRAD_PANEL

int64_t tsm_winograd_points_count(int64_t rows, int columns)
{
    return POINTS * (rows * columns + LANES);
}

tsm_winograd_points tsm_winograd_points_in(float *data, int64_t rows, int columns)
{
    return (tsm_winograd_points){ data, rows * columns + LANES, columns };
}

int64_t tsm_winograd_tile_count(const tsm_dims *dims)
{
    const int64_t high = (dims->h + OUT - 1) / OUT, wide = (dims->w + OUT - 1) / OUT;

    return high * wide * dims->t * dims->n;
}

#if defined(__x86_64__)

#include "avx512.h"

#define AVX512 TSM_AVX512
#define INLINE static inline __attribute__((always_inline))

/* The points other than zero and infinity, their squares and cubes. */
#define A  0.75f
#define A2 0.5625f
#define A3 0.421875f
#define B  1.5f
#define B2 2.25f
#define B3 3.375f

/* Where a tile lies: its frame of all frames, and the pixel of its output that comes first. */
typedef struct place {
    int64_t frame;
    int y, x;
} place;

static place place_of(const tsm_dims *dims, int64_t tile)
{
    const int64_t high = (dims->h + OUT - 1) / OUT, wide = (dims->w + OUT - 1) / OUT;

    return (place){ tile / (high * wide), (int)(tile / wide % high) * OUT, (int)(tile % wide) * OUT };
}

/* ---- To the points -------------------------------------------------------------------------------------------- */

INLINE AVX512 void to_points(const __m512 d[SIDE], __m512 v[SIDE])
{
    const __m512 a = _mm512_set1_ps(A), b = _mm512_set1_ps(B), a2 = _mm512_set1_ps(A2), b2 = _mm512_set1_ps(B2);
    const __m512 sum = _mm512_set1_ps(A2 + B2), product = _mm512_set1_ps(A2 * B2);
    const __m512 even_a = _mm512_fnmadd_ps(b2, d[2], d[4]), odd_a = _mm512_fnmadd_ps(b2, d[1], d[3]);
    const __m512 even_b = _mm512_fnmadd_ps(a2, d[2], d[4]), odd_b = _mm512_fnmadd_ps(a2, d[1], d[3]);

    v[0] = _mm512_fmadd_ps(product, d[0], _mm512_fnmadd_ps(sum, d[2], d[4]));
    v[1] = _mm512_fmadd_ps(a, odd_a, even_a);
    v[2] = _mm512_fnmadd_ps(a, odd_a, even_a);
    v[3] = _mm512_fmadd_ps(b, odd_b, even_b);
    v[4] = _mm512_fnmadd_ps(b, odd_b, even_b);
    v[5] = _mm512_fmadd_ps(product, d[1], _mm512_fnmadd_ps(sum, d[3], d[5]));
}

/* The pixels of a tile of input: floats from the frame's first, and whether they are in the frame. Those that are not
 * have the address of one that is, as masked loads from pages that are not there are slow. */
typedef struct window {
    int64_t offset[POINTS];
    __mmask16 inside[POINTS];
} window;

static window window_of(const tsm_dims *dims, place at)
{
    window w;

    for (int i = 0; i < POINTS; i++) {
        const int y = at.y + i / SIDE - 1, x = at.x + i % SIDE - 1;
        const bool inside = y >= 0 && y < dims->h && x >= 0 && x < dims->w;

        w.inside[i] = inside ? 0xffff : 0;
        w.offset[i] = ((int64_t)(inside ? y : at.y) * dims->w + (inside ? x : at.x)) * dims->c;
    }
    return w;
}

/* The frames that the channels of a vector come from, and which come from where. */
typedef struct sources {
    const float *from[3];
    __mmask16 lanes[3];
} sources;

INLINE AVX512 void scatter_vector(const window *w, const sources *s, float *to, int64_t pitch, const int count)
{
    __m512 columns[SIDE][SIDE]; /* by column of pixels, then by point */

    for (int x = 0; x < SIDE; x++) {
        __m512 pixels[SIDE];

#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) {
            const int i = y * SIDE + x;

            pixels[y] = _mm512_maskz_loadu_ps(w->inside[i] & s->lanes[0], s->from[0] + w->offset[i]);
#pragma GCC unroll 2
            for (int k = 1; k < count; k++)
                pixels[y] = _mm512_mask_loadu_ps(pixels[y], w->inside[i] & s->lanes[k], s->from[k] + w->offset[i]);
        }
        to_points(pixels, columns[x]);
    }
    for (int y = 0; y < SIDE; y++) {
        __m512 row[SIDE], points[SIDE];

#pragma GCC unroll 6
        for (int x = 0; x < SIDE; x++) row[x] = columns[x][y];
        to_points(row, points);
#pragma GCC unroll 6
        for (int x = 0; x < SIDE; x++) _mm512_storeu_ps(to + (y * SIDE + x) * pitch, points[x]);
    }
}

AVX512 static void scatter_from_one(const window *w, const sources *s, float *to, int64_t pitch)
{
    scatter_vector(w, s, to, pitch, 1);
}

AVX512 static void scatter_from_three(const window *w, const sources *s, float *to, int64_t pitch)
{
    scatter_vector(w, s, to, pitch, 3);
}

/* Lanes [first, end) of a vector, as far as there are. */
static __mmask16 lanes_between(int first, int end)
{
    const uint32_t below_first = first <= 0 ? 0 : first >= LANES ? 0xffff : (1u << first) - 1;
    const uint32_t below_end = end <= 0 ? 0 : end >= LANES ? 0xffff : (1u << end) - 1;

    return (__mmask16)(below_end & ~below_first);
}

/* The channels of a vector from `channel` on, in three folds; those that have lanes come first, and how many have. */
static int sources_of(const tsm_cpu_winograd *what, int64_t frame, int channel, sources *s)
{
    const tsm_dims *dims = &what->dims;
    const tsm_shift shift = what->shift;
    const int ends[4] = { 0, shift.fold, shift.end, dims->c }, away[3] = { shift.step, -shift.step, 0 };
    int count = 0;

    s->from[0] = what->x; /* of no lane, where none has a channel */
    for (int k = 0; k < 3; k++) {
        const int64_t t = frame % dims->t + away[k];
        const bool there = t >= 0 && t < dims->t;
        const __mmask16 lanes = lanes_between(ends[k] - channel, ends[k + 1] - channel);

        if (!lanes) continue;
        s->from[count] = what->x + (frame + (there ? away[k] : 0)) * dims->h * dims->w * dims->c + channel;
        s->lanes[count++] = there ? lanes : 0;
    }
    for (int k = count; k < 3; k++) {
        s->from[k] = s->from[0];
        s->lanes[k] = 0;
    }
    return count;
}

void tsm_winograd_scatter(const tsm_cpu_winograd *what, int64_t first, int64_t count, const tsm_winograd_points *to,
                          int64_t row)
{
    for (int64_t i = 0; i < count; i++) {
        const place at = place_of(&what->dims, first + i);
        const window w = window_of(&what->dims, at);
        float *points = to->data + (row + i) * to->columns;

        for (int channel = 0; channel < what->dims.c; channel += LANES) {
            sources s;

            if (sources_of(what, at.frame, channel, &s) == 1)
                scatter_from_one(&w, &s, points + channel, to->pitch);
            else
                scatter_from_three(&w, &s, points + channel, to->pitch);
        }
    }
}

/* ---- Products ------------------------------------------------------------------------------------------------- */

/* `rows` rows of `k` floats times a panel of (k, vectors * 16). */
INLINE AVX512 void multiply_rows(const float *x, int64_t k, const float *panel, float *to, int64_t to_pitch,
                                 const int rows, const int vectors)
{
    __m512 sum[TSM_ROWS_MOST][2];

    tsm_rows_clear(sum, rows, vectors);
    tsm_rows_accumulate(sum, x, k, k, panel, rows, vectors);
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) _mm512_storeu_ps(to + r * to_pitch + j * LANES, sum[r][j]);
    }
}

typedef void multiply_function(const float *x, int64_t k, const float *panel, float *to, int64_t to_pitch);

/* One compiled copy per number of rows and width of panel. */
#define MULTIPLY(rows)                                                                                               \
    AVX512 static void multiply_##rows##_1(const float *x, int64_t k, const float *panel, float *to, int64_t pitch)  \
    {                                                                                                                \
        multiply_rows(x, k, panel, to, pitch, rows, 1);                                                              \
    }                                                                                                                \
    AVX512 static void multiply_##rows##_2(const float *x, int64_t k, const float *panel, float *to, int64_t pitch)  \
    {                                                                                                                \
        multiply_rows(x, k, panel, to, pitch, rows, 2);                                                              \
    }
TSM_ROWS_EACH(MULTIPLY)

#define KERNELS(rows) { multiply_##rows##_1, multiply_##rows##_2 },
static multiply_function *const kernels[TSM_ROWS_MOST][2] = { TSM_ROWS_EACH(KERNELS) };

void tsm_winograd_multiply(const tsm_cpu_winograd *what, const tsm_winograd_points *from, int64_t row, int64_t count,
                           int column, const tsm_winograd_points *to, int at)
{
    const int64_t k = what->dims.c;
    const int width = what->n - column < PANEL ? LANES : PANEL;
    const float *panel = what->packed + column * POINTS * k;

    for (int p = 0; p < POINTS; p++, panel += k * width) {
        const float *x = from->data + p * from->pitch + row * k;
        float *out = to->data + p * to->pitch + at;

        for (int64_t i = 0; i < count; i += TSM_ROWS_MOST) {
            const int64_t rows = count - i < TSM_ROWS_MOST ? count - i : TSM_ROWS_MOST;

            kernels[rows - 1][width / LANES - 1](x + i * k, k, panel, out + i * to->columns, to->columns);
        }
    }
}

/* ---- Back ----------------------------------------------------------------------------------------------------- */

INLINE AVX512 void from_points(const __m512 m[SIDE], __m512 y[OUT])
{
    const __m512 sum_a = _mm512_add_ps(m[1], m[2]), less_a = _mm512_sub_ps(m[1], m[2]);
    const __m512 sum_b = _mm512_add_ps(m[3], m[4]), less_b = _mm512_sub_ps(m[3], m[4]);

    y[0] = _mm512_add_ps(m[0], _mm512_add_ps(sum_a, sum_b));
    y[1] = _mm512_fmadd_ps(_mm512_set1_ps(A), less_a, _mm512_mul_ps(_mm512_set1_ps(B), less_b));
    y[2] = _mm512_fmadd_ps(_mm512_set1_ps(A2), sum_a, _mm512_mul_ps(_mm512_set1_ps(B2), sum_b));
    y[3] = _mm512_fmadd_ps(_mm512_set1_ps(A3), less_a, _mm512_fmadd_ps(_mm512_set1_ps(B3), less_b, m[5]));
}

/* A vector of columns of a tile; `to` is its first pixel. */
AVX512 static void collect_vector(const tsm_cpu_winograd *what, const float *from, int64_t pitch, place at,
                                  __m512 bias, float *to)
{
    const int high = what->dims.h - at.y < OUT ? what->dims.h - at.y : OUT;
    const int wide = what->dims.w - at.x < OUT ? what->dims.w - at.x : OUT;
    __m512 columns[SIDE][OUT]; /* by column of points, then by pixel */

    for (int x = 0; x < SIDE; x++) {
        __m512 points[SIDE];

#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) points[y] = _mm512_loadu_ps(from + (y * SIDE + x) * pitch);
        from_points(points, columns[x]);
    }
    for (int y = 0; y < high; y++, to += (int64_t)what->dims.w * what->n) {
        __m512 row[SIDE], pixels[OUT];

#pragma GCC unroll 6
        for (int x = 0; x < SIDE; x++) row[x] = columns[x][y];
        from_points(row, pixels);
#pragma GCC unroll 4
        for (int x = 0; x < OUT; x++) {
            float *pixel = to + x * what->n;
            __m512 value = _mm512_add_ps(pixels[x], bias);

            if (x >= wide) break;
            if (what->sum) value = _mm512_add_ps(value, _mm512_loadu_ps(pixel));
            _mm512_storeu_ps(pixel, tsm_activate(value, what->act));
        }
    }
}

AVX512 void tsm_winograd_collect(const tsm_cpu_winograd *what, int64_t first, int64_t count,
                                 const tsm_winograd_points *from, int column, int width)
{
    const tsm_dims *dims = &what->dims;

    for (int64_t i = 0; i < count; i++) {
        const place at = place_of(dims, first + i);
        float *to = what->out + ((at.frame * dims->h + at.y) * dims->w + at.x) * what->n + column;

        for (int j = 0; j < width; j += LANES) {
            const __m512 bias = what->bias ? _mm512_loadu_ps(what->bias + column + j) : _mm512_setzero_ps();

            collect_vector(what, from->data + i * from->columns + j, from->pitch, at, bias, to + j);
        }
    }
}

#endif
