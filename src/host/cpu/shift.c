/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift.c - the temporal shift, by copying everything or by moving in place what moves.
 *
 * In place, a chunk of pixels goes through all frames of its clip before the next chunk: fold by fold, in the
 * direction in which a row is read before it is overwritten. The channels that move are read and written once each.
 */
#include "ops.h"
#include "shift_narrow.h"

#include <string.h>

/* Pixels of a chunk: with 64..512 moving channels of 8 frames it stays in the second-level cache. */
#define CHUNK_PIXELS 64

/* Up to so many moving floats, waking the other threads costs more than they save. */
#define SERIAL_FLOATS 16384

/* `bytes` of the frame `away` frames from frame t of a clip of `frames`; zeros where there is none. */
static inline void take(float *to, const float *from, int64_t t, int64_t frames, int away, int64_t frame,
                        size_t bytes)
{
    if ((uint64_t)(t + away) < (uint64_t)frames) { /* a negative one is large */
        memcpy(to, from + away * frame, bytes);
    } else {
        memset(to, 0, bytes);
    }
}

void tsm_cpu_shift_copy(const float *x, float *out, const tsm_dims *dims, tsm_shift shift)
{
    const int64_t pixels = (int64_t)dims->h * dims->w, c = dims->c, frame = pixels * c;
    const int64_t rows = pixels * dims->t * dims->n;
    const size_t first_bytes = (size_t)shift.fold * sizeof *x;
    const size_t second_bytes = (size_t)(shift.end - shift.fold) * sizeof *x;
    const size_t still_bytes = (size_t)(c - shift.end) * sizeof *x;

#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const int64_t t = row / pixels % dims->t;
        const float *in = x + row * c;
        float *to = out + row * c;

        take(to, in, t, dims->t, shift.step, frame, first_bytes);
        take(to + shift.fold, in + shift.fold, t, dims->t, -shift.step, frame, second_bytes);
        memcpy(to + shift.end, in + shift.end, still_bytes);
    }
}

uint64_t tsm_cpu_shift_edge_count(const tsm_dims *dims, tsm_shift shift)
{
    return (uint64_t)dims->n * (uint64_t)dims->h * (uint64_t)dims->w * (uint64_t)shift.end;
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

/* The channels from `first` on, `fold` of them, which frame t takes from frame t + step. */
static void move_fold(float *rows, float *edge, const tsm_dims *dims, int64_t count, int first, int fold, int step,
                      void (*move)(const fold_chunk *))
{
    const int64_t frame = (int64_t)dims->h * dims->w * dims->c;

    if (fold == 0) return;
    rows += first + (step < 0 ? (dims->t - 1) * frame : 0);
    move(&(fold_chunk){ rows, edge, step * frame, dims->c, count, fold, dims->t });
}

static void move_in_place(float *x, float *edges, const tsm_dims *dims, tsm_shift shift,
                          void (*move)(const fold_chunk *))
{
    const int64_t pixels = (int64_t)dims->h * dims->w, c = dims->c, clip_pixels = pixels * dims->t;
    const int64_t chunks = (pixels + CHUNK_PIXELS - 1) / CHUNK_PIXELS, moving = dims->n * clip_pixels * shift.end;
    const int second = shift.end - shift.fold;

#pragma omp parallel for schedule(static) if (moving > SERIAL_FLOATS)
    for (int64_t i = 0; i < chunks * dims->n; i++) {
        const int64_t clip = i / chunks, first = i % chunks * CHUNK_PIXELS;
        const int64_t count = pixels - first < CHUNK_PIXELS ? pixels - first : CHUNK_PIXELS;
        float *rows = x + (clip * clip_pixels + first) * c;
        float *clip_edge = edges ? edges + clip * pixels * shift.end : NULL;
        float *edge = clip_edge ? clip_edge + first * shift.fold : NULL;
        float *second_edge = clip_edge ? clip_edge + pixels * shift.fold + first * second : NULL;

        move_fold(rows, edge, dims, count, 0, shift.fold, shift.step, move);
        move_fold(rows, second_edge, dims, count, shift.fold, second, -shift.step, move);
    }
}

void tsm_cpu_shift_in_place(float *x, float *edges, const tsm_dims *dims, tsm_shift shift)
{
    if (tsm_cpu_shift_is_narrow(shift)) {
        tsm_cpu_shift_narrow(x, edges, dims, shift, false);
    } else {
        move_in_place(x, edges, dims, shift, pull);
    }
}

void tsm_cpu_unshift_in_place(float *x, const float *edges, const tsm_dims *dims, tsm_shift shift)
{
    float *kept = (float *)(uintptr_t)edges;

    if (tsm_cpu_shift_is_narrow(shift)) {
        tsm_cpu_shift_narrow(x, kept, dims, shift, true);
    } else {
        move_in_place(x, kept, dims, shift, push);
    }
}
