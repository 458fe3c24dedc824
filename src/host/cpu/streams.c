/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams.c - the uni-directional shift of live streams: the frame before is a cache.
 *
 * A shift in place is an exchange: the channels that move go into the cache, what the cache had comes in their place.
 * So one pass reads the old state and writes the new one, and the frame is restored out of the cache, which has just
 * taken it. Folds are an eighth of the channels: a few kilobytes to some hundreds a layer and frame.
 */
#include "ops.h"

#include <string.h>

/* Up to so many moving floats, waking the other threads costs more than they save. */
#define SERIAL_FLOATS 32768

#define CHUNK_PIXELS 128

/* Some pixels of one frame, and where its cache has them. */
typedef struct chunk {
    int64_t first; /* pixel of all frames */
    float *cache;
    int count;
} chunk;

static int64_t chunks_of(const tsm_dims *dims)
{
    return ((int64_t)dims->h * dims->w + CHUNK_PIXELS - 1) / CHUNK_PIXELS;
}

static chunk chunk_at(int64_t i, const tsm_dims *dims, const tsm_cpu_caches *caches, const int *slot)
{
    const int64_t pixels = (int64_t)dims->h * dims->w, clip = i / chunks_of(dims);
    const int64_t first = i % chunks_of(dims) * CHUNK_PIXELS;

    return (chunk){ clip * pixels + first, caches->first + slot[clip] * caches->pitch + first * caches->fold,
                    (int)(pixels - first < CHUNK_PIXELS ? pixels - first : CHUNK_PIXELS) };
}

static bool worth_threads(const tsm_dims *dims, int channels)
{
    return (int64_t)dims->n * dims->h * dims->w * channels > SERIAL_FLOATS;
}

void tsm_cpu_renew(float *x, const tsm_dims *dims, const tsm_cpu_caches *caches, const int *slot)
{
#pragma omp parallel for schedule(static) if (worth_threads(dims, caches->fold))
    for (int64_t i = 0; i < chunks_of(dims) * dims->n; i++) {
        const chunk at = chunk_at(i, dims, caches, slot);
        float *row = x + at.first * dims->c, *cache = at.cache;

        for (int p = 0; p < at.count; p++, row += dims->c, cache += caches->fold)
            for (int c = 0; c < caches->fold; c++) {
                const float before = cache[c];

                cache[c] = row[c];
                row[c] = before;
            }
    }
}

void tsm_cpu_take_back(float *x, const tsm_dims *dims, const tsm_cpu_caches *caches, const int *slot)
{
#pragma omp parallel for schedule(static) if (worth_threads(dims, caches->fold))
    for (int64_t i = 0; i < chunks_of(dims) * dims->n; i++) {
        const chunk at = chunk_at(i, dims, caches, slot);

        for (int p = 0; p < at.count; p++)
            memcpy(x + (at.first + p) * dims->c, at.cache + (int64_t)p * caches->fold,
                   (size_t)caches->fold * sizeof *x);
    }
}

void tsm_cpu_renew_copy(const float *x, float *out, const tsm_dims *dims, const tsm_cpu_caches *caches,
                        const int *slot)
{
    const size_t moving = (size_t)caches->fold * sizeof *x, still = (size_t)dims->c * sizeof *x - moving;

#pragma omp parallel for schedule(static) if (worth_threads(dims, dims->c))
    for (int64_t i = 0; i < chunks_of(dims) * dims->n; i++) {
        const chunk at = chunk_at(i, dims, caches, slot);

        for (int p = 0; p < at.count; p++) {
            const float *from = x + (at.first + p) * dims->c;
            float *to = out + (at.first + p) * dims->c, *cache = at.cache + (int64_t)p * caches->fold;

            memcpy(to, cache, moving);
            memcpy(cache, from, moving);
            memcpy(to + caches->fold, from + caches->fold, still);
        }
    }
}
