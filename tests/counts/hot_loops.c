/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hot_loops.c - the loops of the CPU backend, each once, for callgrind to count the instructions of.
 *
 * A function loop_NAME a loop, which must not end in a jump: collecting begins and ends with it. One thread; sizes
 * are those of a small layer. callgrind offers no AVX-512, so what is written for that alone (gather) is not among
 * them.
 */
#include <omp.h>
#include <stdlib.h>

#include "cpu/ops.h"
#include "pixels/pixels.h"

static const tsm_dims dims = { 1, 8, 28, 28, 64 }, half = { 1, 8, 14, 14, 64 }, pixels = { 1, 8, 112, 112, 3 };
static const tsm_shift shift = { 8, 16, 1 };
static float *x, *y, *out, *edges, *factors;
static uint8_t *bytes;

#define LOOP(name, call)                                                                                             \
    __attribute__((noinline)) void loop_##name(void);                                                                \
    void loop_##name(void)                                                                                           \
    {                                                                                                                \
        call;                                                                                                        \
        __asm__ volatile("");                                                                                        \
    }

static const tsm_node pool_node = { .kernel_h = 3, .kernel_w = 3, .stride = 2, .pad = 1 };
static const tsm_node window_node = { .kernel_h = 2, .kernel_w = 2, .stride = 2 };
static const float mean[3] = { 0.5f, 0.4f, 0.3f }, std[3] = { 0.2f, 0.3f, 0.4f };
static tsm_resample resample;
static void *scratch;

LOOP(shift_copy, tsm_cpu_shift_copy(x, out, &dims, shift))
LOOP(shift_in_place, tsm_cpu_shift_in_place(x, edges, &dims, shift))
LOOP(unshift_in_place, tsm_cpu_unshift_in_place(x, edges, &dims, shift))
LOOP(pick_pixels, tsm_cpu_pick_pixels(x, out, &half, 2))
LOOP(from_ntchw, tsm_cpu_from_ntchw(x, out, &pixels))
LOOP(from_bytes, tsm_cpu_from_bytes(bytes, out, &pixels, mean, std))
LOOP(maxpool, tsm_cpu_maxpool(x, out, &dims, &half, &pool_node))
LOOP(avgpool, tsm_cpu_avgpool(x, out, &dims, true))
LOOP(window_mean, tsm_cpu_window_mean(x, out, &dims, &half, &window_node))
LOOP(tmean, tsm_cpu_tmean(x, out, &dims))
LOOP(tpool, tsm_cpu_tpool(x, out, &dims))
LOOP(add, tsm_cpu_add(x, y, out, tsm_dims_count(&dims)))
LOOP(relu, tsm_cpu_act(x, out, tsm_dims_count(&dims), TSM_ACT_RELU))
LOOP(relu6, tsm_cpu_act(x, out, tsm_dims_count(&dims), TSM_ACT_RELU6))
LOOP(scale, tsm_cpu_scale(x, factors, out, &dims, TSM_ACT_RELU))
LOOP(softmax, tsm_cpu_softmax(x, factors, 196, 784))
LOOP(resample, tsm_resample_run(&resample, bytes, scratch, bytes + 320 * 240 * 3))

static void *must(void *memory)
{
    if (!memory) exit(1);
    return memory;
}

int main(void)
{
    const tsm_resample_spec spec = { 320, 240, 150, 112, 19, 0, 112, 112, false };
    const size_t count = (size_t)tsm_dims_count(&dims);

    omp_set_num_threads(1);
    x = must(tsm_alloc_aligned(count, sizeof *x));
    y = must(tsm_alloc_aligned(count, sizeof *y));
    out = must(tsm_alloc_aligned(count, sizeof *out));
    edges = must(tsm_alloc_aligned(count, sizeof *edges));
    factors = must(tsm_alloc_aligned(count, sizeof *factors));
    bytes = must(tsm_alloc_aligned(count, 1));
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)(i * 31 % 127) - 63;
        y[i] = factors[i] = 1;
        bytes[i] = (uint8_t)(i * 7 % 251);
    }
    if (tsm_resample_make(&resample, &spec, NULL) != TSM_OK) return 1;
    scratch = must(tsm_alloc_aligned(tsm_resample_scratch_bytes(&resample), 1));
    loop_shift_copy();
    loop_shift_in_place();
    loop_unshift_in_place();
    loop_pick_pixels();
    loop_from_ntchw();
    loop_from_bytes();
    loop_maxpool();
    loop_avgpool();
    loop_window_mean();
    loop_tmean();
    loop_tpool();
    loop_add();
    loop_relu();
    loop_relu6();
    loop_scale();
    loop_softmax();
    loop_resample();
    tsm_resample_clear(&resample);
    return 0;
}
