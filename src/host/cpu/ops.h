/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.h - memory-bound loops of the CPU backend: moving channels, pools, sums, and reading the input.
 *
 * Values are dense (N,T,H,W,C) floats. Loops share the work among omp_get_max_threads() threads, but where they say
 * so; pools and sums do their arithmetic in an order that does not depend on how many there are.
 */
#ifndef TSM_CPU_OPS_H
#define TSM_CPU_OPS_H

#include "graph/backend.h"

/* ---- Temporal shift (shift.c) ------------------------------------------------------------------------------- */

/* out = shifted x, every channel copied. */
void tsm_cpu_shift_copy(const float *x, float *out, const tsm_dims *dims, tsm_shift shift);

/* Floats that tsm_cpu_shift_in_place keeps aside: what falls off the ends of each clip. */
uint64_t tsm_cpu_shift_edge_count(const tsm_dims *dims, tsm_shift shift);

/* Shifts x where it lies: only the shift.end channels that move are touched. `edges` takes what falls off, for
 * tsm_cpu_unshift_in_place; NULL: nobody will ask for it back. */
void tsm_cpu_shift_in_place(float *x, float *edges, const tsm_dims *dims, tsm_shift shift);
void tsm_cpu_unshift_in_place(float *x, const float *edges, const tsm_dims *dims, tsm_shift shift)
    __attribute__((nonnull));

/* ---- Shift of live streams (streams.c): x is (n,1,h,w,c), clip i a frame of the stream in slot[i] ------------- */

/* The caches of a layer: of slot s (h*w, fold) from first + s * pitch on. */
typedef struct tsm_cpu_caches {
    float *first;
    int64_t pitch;
    int fold;
} tsm_cpu_caches;

/* out = x with channels [0, fold) out of the caches, which take those of x. */
void tsm_cpu_renew_copy(const float *x, float *out, const tsm_dims *dims, const tsm_cpu_caches *caches,
                        const int *slot);

/* The same in place: channels and caches change places; and, for whoever needs x as it was, back out of the caches,
 * which stay. */
void tsm_cpu_renew(float *x, const tsm_dims *dims, const tsm_cpu_caches *caches, const int *slot);
void tsm_cpu_take_back(float *x, const tsm_dims *dims, const tsm_cpu_caches *caches, const int *slot);

/* ---- Pixels (pixels.c) -------------------------------------------------------------------------------------- */

/* Every stride-th pixel of every stride-th row: `out` has dims.h = ceil(h / stride). */
void tsm_cpu_pick_pixels(const float *x, float *out, const tsm_dims *dims, int stride);

/* float32 (N,T,C,H,W) to (N,T,H,W,C). Returns the first of the N * T frames that has a value that is not finite, or
 * -1. */
int64_t tsm_cpu_from_ntchw(const float *x, float *out, const tsm_dims *dims);

/* uint8 (N,T,H,W,3): (byte / 255 - mean) / std. */
void tsm_cpu_from_bytes(const uint8_t *x, float *out, const tsm_dims *dims, const float mean[3], const float std[3]);

/* ---- Pools (pool.c) ------------------------------------------------------------------------------------------ */

void tsm_cpu_maxpool(const float *x, float *out, const tsm_dims *in, const tsm_dims *dims, const tsm_node *node);
void tsm_cpu_avgpool(const float *x, float *out, const tsm_dims *in, bool over_time);
void tsm_cpu_window_mean(const float *x, float *out, const tsm_dims *in, const tsm_dims *dims, const tsm_node *node);
void tsm_cpu_tmean(const float *x, float *out, const tsm_dims *in);
void tsm_cpu_tpool(const float *x, float *out, const tsm_dims *in);

/* ---- One element at a time (elementwise.c); out may be x ---------------------------------------------------- */

/* out may be y too. */
void tsm_cpu_add(const float *x, const float *y, float *out, int64_t count);
void tsm_cpu_act(const float *x, float *out, int64_t count, tsm_act act);

/* out = act(x * factors), factors (N,T,1,1,C). */
void tsm_cpu_scale(const float *x, const float *factors, float *out, const tsm_dims *dims, tsm_act act);

/* tsm_cpu_act on the calling thread alone. */
void tsm_cpu_act_serial(const float *x, float *out, int64_t count, tsm_act act);

/* ---- Softmax (softmax.c), on the calling thread alone ------------------------------------------------------- */

/* Each of `rows` dense rows of `count` values becomes exp(value - the row's largest); factors[row] is one over their
 * sum. */
void tsm_cpu_softmax(float *x, float *factors, int64_t rows, int64_t count);

/* out[row] = x[row] * factors[row], rows of `count` values. */
void tsm_cpu_scale_rows(const float *x, const float *factors, float *out, int64_t rows, int64_t count);

#endif
