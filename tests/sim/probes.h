/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probes.h - one warp that carries out one instruction of src/kernels/conv/intrinsics.h, with all of its registers in
 * memory, so that the simulated device and a GPU can be asked the same.
 */
#ifndef TSM_SIM_PROBES_H
#define TSM_SIM_PROBES_H

#include <cuda_runtime_api.h>
#include <stdint.h>
#include <tsm/tsm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TSM_PROBE_LANES = 32, TSM_PROBE_ROWS = 32, TSM_PROBE_ROW_BYTES = 16 };

/* ldmatrix: 32 rows of 16 bytes, lane l gives the address of row l; out (lanes, 4). */
cudaError_t tsm_probe_load_matrices(const void *rows, uint32_t *out, cudaStream_t stream);

/* mma: a (lanes, 4), b (lanes, 2), d (lanes, 4) += a b. TSM_FLOAT32 is tf32. */
cudaError_t tsm_probe_multiply(tsm_dtype type, const uint32_t *a, const uint32_t *b, float *d, cudaStream_t stream);

/* cp.async: lane l copies `bytes` (4, 8 or 16) at in + 16 l, of which sizes[l] are taken; out (lanes, 16 bytes), what
 * is not copied 0xee. */
cudaError_t tsm_probe_copy(const void *in, const int32_t *sizes, void *out, int bytes, cudaStream_t stream);

/* cvt.rna.tf32: in and out (lanes). */
cudaError_t tsm_probe_round(const uint32_t *in, uint32_t *out, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
