/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma_probes.h - as probes.h, for src/kernels/conv/wgmma_intrinsics.h: what a warpgroup's products find in shared
 * memory and where their sums are; what a box of a tensor map is, and where it lies.
 */
#ifndef TSM_SIM_WGMMA_PROBES_H
#define TSM_SIM_WGMMA_PROBES_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <tsm/tsm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TSM_PROBE_GROUP_ROWS = 64, TSM_PROBE_GROUP_FILTERS = 128 };

/* A step of K: input (64 x 128 bytes, in parts of `part`) and filters (128 x 128 bytes) as they lie in shared memory,
 * swizzled; out (128 threads, 64 sums each). */
cudaError_t tsm_probe_group(tsm_dtype type, const void *input, const void *filters, float *out, int part,
                            cudaStream_t stream);

/* Coordinates of a box; a tiled map has two beside the channel, im2col four, and a tap, W, H, D. */
typedef struct tsm_probe_place {
    int channel, at[4], tap[3];
} tsm_probe_place;

/* The box there, `bytes` of it, as it lies in shared memory from a multiple of 1024 on. */
cudaError_t tsm_probe_box(const uint64_t map[16], bool im2col, const tsm_probe_place *place, void *out, int bytes,
                          cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
