/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather.c - see gather.h. A matrix product in the usual shape: a panel of 64 columns of the weights, packed so that
 * one k is four vectors side by side, meets 6 rows of the input at a time; 24 accumulators stay in registers over all
 * of k.
 *
 * The shift is in the rows' addresses: k runs over three segments, [0, fold) read `step` frames later, [fold, end) as
 * many earlier, the rest in place. Past the ends of a clip a row of zeros stands in.
 */
#include "gather.h"

#include "ops.h"

#include <string.h>

#define ROWS        6  /* of x at a time */
#define LANES       16 /* floats of a vector */
#define VECTORS     4  /* of a panel */
#define PANEL       (LANES * VECTORS)
#define CHUNK_BYTES (256 * 1024) /* of x that meet all panels while they are in the second-level cache */

uint64_t tsm_cpu_gather_packed_count(int n, int k)
{
    return ((uint64_t)n + LANES - 1) / LANES * LANES * (uint64_t)k;
}

/* Vectors of the panel that begins at column `first`. */
static int panel_vectors(int n, int first)
{
    const int left = (n - first + LANES - 1) / LANES;

    return left < VECTORS ? left : VECTORS;
}

void tsm_cpu_gather_pack(const float *weights, float *packed, int n, int k)
{
    for (int first = 0; first < n; first += PANEL) {
        const int width = panel_vectors(n, first) * LANES;

        for (int i = 0; i < k; i++) {
            for (int j = 0; j < width; j++, packed++)
                *packed = first + j < n ? weights[(int64_t)(first + j) * k + i] : 0.0f;
        }
    }
}

#if defined(__x86_64__)

#include "avx512.h"

#define AVX512 TSM_AVX512
#define INLINE static inline __attribute__((always_inline))

bool tsm_cpu_gather_available(void)
{
    return __builtin_cpu_supports("avx512f");
}

/* What stands in for frames before the first and after the last; folds longer than this are read in pieces. */
#define ZEROS 1024
static const float zeros[ZEROS];

/* Some rows of x and some columns of the weights. */
typedef struct tile {
    const tsm_cpu_gather *what;
    const float *panel; /* weights, (k, vectors * LANES) */
    int64_t row;        /* the first */
    int column;         /* the first */
    int t[ROWS];        /* frame of each row within its clip */
} tile;

/* sum += rows * panel over `count` values of k. The same columns of the next rows, `ahead` floats further, are
 * fetched meanwhile: in pieces of a fold the hardware would not see them coming. */
INLINE AVX512 void accumulate(__m512 sum[ROWS][VECTORS], const float *const rows[ROWS], const float *panel, int count,
                              int64_t ahead, const int row_count, const int vectors)
{
    for (int k = 0; k < count; k++, panel += vectors * LANES) {
        __m512 weights[VECTORS];

        if (k % LANES < row_count) { /* an address as a number: it may lie past the end */
            const uintptr_t from = (uintptr_t)rows[k % LANES];

            __builtin_prefetch((const void *)(from + (uintptr_t)(k / LANES * LANES + ahead) * sizeof(float)));
        }
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) weights[j] = _mm512_loadu_ps(panel + j * LANES);
#pragma GCC unroll 6
        for (int r = 0; r < row_count; r++) {
            const __m512 value = _mm512_set1_ps(rows[r][k]);

#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++) sum[r][j] = _mm512_fmadd_ps(value, weights[j], sum[r][j]);
        }
    }
}

/* Columns [first, end) of k, read `frames` frames away. */
INLINE AVX512 void segment(__m512 sum[ROWS][VECTORS], const tile *at, int first, int end, int frames,
                           const int row_count, const int vectors)
{
    const tsm_dims *dims = &at->what->dims;
    const int64_t away = (int64_t)frames * dims->h * dims->w;

    for (int k = first, step; k < end; k += step) {
        const float *rows[ROWS];

        step = frames && end - k > ZEROS ? ZEROS : end - k;
        for (int r = 0; r < row_count; r++) {
            const int t = at->t[r] + frames;

            rows[r] = t >= 0 && t < dims->t ? at->what->x + (at->row + r + away) * dims->c + k : zeros;
        }
        accumulate(sum, rows, at->panel + (int64_t)k * vectors * LANES, step, (int64_t)dims->c * ROWS, row_count,
                   vectors);
    }
}

INLINE AVX512 void store(__m512 sum[ROWS][VECTORS], const tile *at, const int row_count, const int vectors,
                         const tsm_act act)
{
    const tsm_cpu_gather *what = at->what;

#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) {
        const int left = what->n - at->column - j * LANES;
        const __mmask16 mask = left >= LANES ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
        const __m512 bias =
            what->bias ? _mm512_maskz_loadu_ps(mask, what->bias + at->column + j * LANES) : _mm512_setzero_ps();

#pragma GCC unroll 6
        for (int r = 0; r < row_count; r++) {
            const __m512 value = tsm_activate(_mm512_add_ps(sum[r][j], bias), act);

            _mm512_mask_storeu_ps(what->out + (at->row + r) * what->n + at->column + j * LANES, mask, value);
        }
    }
}

INLINE AVX512 void compute(const tile *at, const int row_count, const int vectors)
{
    const tsm_shift shift = at->what->shift;
    __m512 sum[ROWS][VECTORS];

#pragma GCC unroll 6
    for (int r = 0; r < row_count; r++) {
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) sum[r][j] = _mm512_setzero_ps();
    }
    segment(sum, at, 0, shift.fold, shift.step, row_count, vectors);
    segment(sum, at, shift.fold, shift.end, -shift.step, row_count, vectors);
    segment(sum, at, shift.end, at->what->dims.c, 0, row_count, vectors);
    switch (at->what->act) {
    case TSM_ACT_RELU: store(sum, at, row_count, vectors, TSM_ACT_RELU); break;
    case TSM_ACT_RELU6: store(sum, at, row_count, vectors, TSM_ACT_RELU6); break;
    case TSM_ACT_LEAKY_RELU: store(sum, at, row_count, vectors, TSM_ACT_LEAKY_RELU); break;
    default: store(sum, at, row_count, vectors, TSM_ACT_NONE);
    }
}

/* One compiled copy per width of panel, for full tiles and for single rows. */
#define COMPUTE(vectors)                                                                                             \
    AVX512 static void compute_##vectors(const tile *at)                                                             \
    {                                                                                                                \
        compute(at, ROWS, vectors);                                                                                  \
    }                                                                                                                \
    AVX512 static void compute_row_##vectors(const tile *at)                                                         \
    {                                                                                                                \
        compute(at, 1, vectors);                                                                                     \
    }
COMPUTE(1)
COMPUTE(2)
COMPUTE(3)
COMPUTE(4)

typedef void compute_function(const tile *at);
static compute_function *const kernels[2][VECTORS] = {
    { compute_row_1, compute_row_2, compute_row_3, compute_row_4 },
    { compute_1, compute_2, compute_3, compute_4 },
};

static void finish_sigmoid(const tile *at, int row_count)
{
    const int left = at->what->n - at->column, width = left < PANEL ? left : PANEL;

    for (int r = 0; r < row_count; r++) {
        float *row = at->what->out + (at->row + r) * at->what->n + at->column;

        tsm_cpu_act_serial(row, row, width, TSM_ACT_SIGMOID);
    }
}

static void run_rows(const tsm_cpu_gather *what, int64_t row, int64_t end, int column)
{
    const int64_t pixels = (int64_t)what->dims.h * what->dims.w;
    const int vectors = panel_vectors(what->n, column);
    tile at = { .what = what, .panel = what->packed + (int64_t)column * what->dims.c, .column = column };

    while (row < end) {
        const int count = end - row >= ROWS ? ROWS : 1;

        at.row = row;
        for (int r = 0; r < count; r++) at.t[r] = (int)((row + r) / pixels % what->dims.t);
        kernels[count == ROWS][vectors - 1](&at);
        if (what->act == TSM_ACT_SIGMOID) finish_sigmoid(&at, count);
        row += count;
    }
}

void tsm_cpu_gather_run(const tsm_cpu_gather *what)
{
    const int64_t rows = (int64_t)what->dims.n * what->dims.t * what->dims.h * what->dims.w;
    const int64_t row_bytes = (int64_t)what->dims.c * (int64_t)sizeof(float);
    const int64_t chunk = (CHUNK_BYTES / row_bytes / ROWS + 1) * ROWS, chunks = (rows + chunk - 1) / chunk;
    const int64_t panels = (what->n + PANEL - 1) / PANEL;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < chunks * panels; i++) {
        const int64_t first = i / panels * chunk, end = first + chunk < rows ? first + chunk : rows;

        run_rows(what, first, end, (int)(i % panels) * PANEL);
    }
}

#else

bool tsm_cpu_gather_available(void)
{
    return false;
}

void tsm_cpu_gather_run(const tsm_cpu_gather *what)
{
    (void)what;
}

#endif
