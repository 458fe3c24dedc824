/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift_narrow.c - the shift in place where few channels move: a pixel's are a vector or a few, which a thread takes
 * through the frames of a clip with the frames before and after in registers. Row by row, as in shift.c, copies of 8
 * to 64 bytes cost more than what they move, and both folds come to the same lines of the cache.
 */
#include "shift_narrow.h"

#if defined(__x86_64__)

#include "avx512.h"

#define MOST_CHANNELS (4 * TSM_LANES)
#define PIXELS        64    /* of a task */
#define SERIAL_FLOATS 65536 /* up to so many moving ones, waking the other threads costs more than they save */

bool tsm_cpu_shift_is_narrow(tsm_shift shift)
{
    return shift.end <= MOST_CHANNELS && __builtin_cpu_supports("avx512f");
}

/* Lanes [first, end) of a vector, as far as there are. */
static __mmask16 lanes_between(int first, int end)
{
    const uint32_t below_first = first <= 0 ? 0 : first >= TSM_LANES ? 0xffff : (1u << first) - 1;
    const uint32_t below_end = end <= 0 ? 0 : end >= TSM_LANES ? 0xffff : (1u << end) - 1;

    return (__mmask16)(below_end & ~below_first);
}

/* One vector of one pixel in all frames, `frame` floats apart: lanes `next` take what they were in the next frame,
 * lanes `previous` in the one before. What falls off goes to the edge, zeros come in; or back the other way. */
TSM_AVX512_INLINE void move_vector(float *x, float *edge, int frames, int64_t frame, __mmask16 next,
                                   __mmask16 previous, const bool back)
{
    const __mmask16 moving = next | previous;
    const __m512 outside = back ? _mm512_maskz_loadu_ps(moving, edge) : _mm512_setzero_ps();
    __m512 before = outside, now = _mm512_maskz_loadu_ps(moving, x), first = now, last = now;

    for (int t = 0; t < frames; t++, x += frame) {
        const __m512 after = t + 1 < frames ? _mm512_maskz_loadu_ps(moving, x + frame) : outside;

        _mm512_mask_storeu_ps(x, moving, _mm512_mask_mov_ps(before, next, after));
        before = last = now;
        now = after;
    }
    if (!back && edge) _mm512_mask_storeu_ps(edge, moving, _mm512_mask_mov_ps(last, next, first));
}

TSM_AVX512 static void move_pixels(float *x, float *edge, int64_t count, const tsm_dims *dims, tsm_shift shift,
                                   bool back)
{
    const int64_t frame = (int64_t)dims->h * dims->w * dims->c;

    for (int channel = 0; channel < shift.end; channel += TSM_LANES) {
        const __mmask16 first = lanes_between(0 - channel, shift.fold - channel);
        const __mmask16 second = lanes_between(shift.fold - channel, shift.end - channel);
        const bool swapped = (shift.step < 0) != back; /* the first fold comes from the frame before */
        const __mmask16 next = swapped ? second : first, previous = swapped ? first : second;

        for (int64_t i = 0; i < count; i++) {
            float *at = x + i * dims->c + channel, *kept = edge ? edge + i * shift.end + channel : NULL;

            if (back) {
                move_vector(at, kept, dims->t, frame, next, previous, true);
            } else {
                move_vector(at, kept, dims->t, frame, next, previous, false);
            }
        }
    }
}

void tsm_cpu_shift_narrow(float *x, float *edges, const tsm_dims *dims, tsm_shift shift, bool back)
{
    const int64_t pixels = (int64_t)dims->h * dims->w, chunks = (pixels + PIXELS - 1) / PIXELS;

#pragma omp parallel for schedule(static) if (dims->n * dims->t * pixels * shift.end > SERIAL_FLOATS)
    for (int64_t i = 0; i < chunks * dims->n; i++) {
        const int64_t clip = i / chunks, first = i % chunks * PIXELS;
        const int64_t count = pixels - first < PIXELS ? pixels - first : PIXELS;

        move_pixels(x + (clip * dims->t * pixels + first) * dims->c,
                    edges ? edges + (clip * pixels + first) * shift.end : NULL, count, dims, shift, back);
    }
}

#else

bool tsm_cpu_shift_is_narrow(tsm_shift shift)
{
    (void)shift;
    return false;
}

void tsm_cpu_shift_narrow(float *x, float *edges, const tsm_dims *dims, tsm_shift shift, bool back)
{
    (void)x, (void)edges, (void)dims, (void)shift, (void)back;
}

#endif
