/*
 * shift.c - the temporal shift, by copying everything or by moving a quarter in place.
 *
 * In place, a chunk of pixels goes through all frames of its clip before the next chunk: fold by fold, in the
 * direction in which a row is read before it is overwritten. 2 * fold of C channels are read and written, once each.
 */
#include "ops.h"

#include <string.h>

/* Channels of the second fold: as many as the first, or what is left (n_div 1: none). */
static int second_fold(const tsm_dims *dims, int fold)
{
    return dims->c - fold < fold ? dims->c - fold : fold;
}

/* Pixels of a chunk: with 64..512 moving channels of 8 frames it stays in the second-level cache. */
#define CHUNK_PIXELS 64

/* Up to so many moving floats, waking the other threads costs more than they save. */
#define SERIAL_FLOATS 16384

void tsm_cpu_shift_copy(const float *x, float *out, const tsm_dims *dims, int fold)
{
    const int64_t pixels = (int64_t)dims->h * dims->w, c = dims->c, frame = pixels * c;
    const int64_t rows = pixels * dims->t * dims->n;
    const int second = second_fold(dims, fold), still = fold + second;
    const size_t first_bytes = (size_t)fold * sizeof *x, second_bytes = (size_t)second * sizeof *x;
    const size_t still_bytes = (size_t)(c - still) * sizeof *x;

#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const int64_t t = row / pixels % dims->t;
        const float *in = x + row * c;
        float *to = out + row * c;

        if (t + 1 < dims->t) {
            memcpy(to, in + frame, first_bytes);
        } else {
            memset(to, 0, first_bytes);
        }
        if (t > 0) {
            memcpy(to + fold, in - frame + fold, second_bytes);
        } else {
            memset(to + fold, 0, second_bytes);
        }
        memcpy(to + still, in + still, still_bytes);
    }
}

uint64_t tsm_cpu_shift_edge_count(const tsm_dims *dims, int fold)
{
    return 2 * (uint64_t)dims->n * (uint64_t)dims->h * (uint64_t)dims->w * (uint64_t)fold;
}

/* One fold of one chunk of one clip: `count` rows of each frame, `fold` floats every `c`. Frames are `frame` floats
 * apart. */
typedef struct fold_chunk {
    float *first; /* of the frame where the move begins */
    float *edge;  /* dense (count, fold), or NULL */
    int64_t frame, c, count;
    int fold, t;
} fold_chunk;

static inline void copy_rows_of(float *to, int64_t to_pitch, const float *from, int64_t from_pitch, int64_t count,
                                size_t bytes)
{
    for (int64_t i = 0; i < count; i++) memcpy(to + i * to_pitch, from + i * from_pitch, bytes);
}

/* Narrow folds are a few bytes a row: with the size known to the compiler a row is a move, not a call. */
static void copy_rows(float *to, int64_t to_pitch, const float *from, int64_t from_pitch, int64_t count, size_t bytes)
{
    switch (bytes) {
    case 8: copy_rows_of(to, to_pitch, from, from_pitch, count, 8); break;
    case 16: copy_rows_of(to, to_pitch, from, from_pitch, count, 16); break;
    case 32: copy_rows_of(to, to_pitch, from, from_pitch, count, 32); break;
    case 64: copy_rows_of(to, to_pitch, from, from_pitch, count, 64); break;
    default: copy_rows_of(to, to_pitch, from, from_pitch, count, bytes);
    }
}

/* Every frame takes the fold of the next one along `frame`; the first's goes to the edge, the last becomes zero. */
static void pull(const fold_chunk *chunk)
{
    const size_t bytes = (size_t)chunk->fold * sizeof(float);
    float *to = chunk->first;

    if (chunk->edge) copy_rows(chunk->edge, chunk->fold, to, chunk->c, chunk->count, bytes);
    for (int t = 0; t + 1 < chunk->t; t++, to += chunk->frame)
        copy_rows(to, chunk->c, to + chunk->frame, chunk->c, chunk->count, bytes);
    for (int64_t i = 0; i < chunk->count; i++) memset(to + i * chunk->c, 0, bytes);
}

/* The reverse of pull. */
static void push(const fold_chunk *chunk)
{
    const size_t bytes = (size_t)chunk->fold * sizeof(float);
    float *to = chunk->first + (chunk->t - 1) * chunk->frame;

    for (int t = 0; t + 1 < chunk->t; t++, to -= chunk->frame)
        copy_rows(to, chunk->c, to - chunk->frame, chunk->c, chunk->count, bytes);
    copy_rows(to, chunk->c, chunk->edge, chunk->fold, chunk->count, bytes);
}

static void move_in_place(float *x, float *edges, const tsm_dims *dims, int fold, void (*move)(const fold_chunk *))
{
    const int64_t pixels = (int64_t)dims->h * dims->w, c = dims->c, frame = pixels * c;
    const int64_t chunks = (pixels + CHUNK_PIXELS - 1) / CHUNK_PIXELS, clip_edge = 2 * pixels * fold;
    const int second = second_fold(dims, fold);

#pragma omp parallel for schedule(static) if (2 * dims->n * dims->t * pixels * fold > SERIAL_FLOATS)
    for (int64_t i = 0; i < chunks * dims->n; i++) {
        const int64_t clip = i / chunks, first = i % chunks * CHUNK_PIXELS;
        const int64_t count = pixels - first < CHUNK_PIXELS ? pixels - first : CHUNK_PIXELS;
        float *rows = x + clip * dims->t * frame + first * c;
        float *edge = edges ? edges + clip * clip_edge + first * fold : NULL;

        move(&(fold_chunk){ rows, edge, frame, c, count, fold, dims->t });
        rows += (dims->t - 1) * frame + fold;
        if (edge) edge += pixels * fold;
        move(&(fold_chunk){ rows, edge, -frame, c, count, second, dims->t });
    }
}

void tsm_cpu_shift_in_place(float *x, float *edges, const tsm_dims *dims, int fold)
{
    move_in_place(x, edges, dims, fold, pull);
}

void tsm_cpu_unshift_in_place(float *x, const float *edges, const tsm_dims *dims, int fold)
{
    move_in_place(x, (float *)(uintptr_t)edges, dims, fold, push);
}
