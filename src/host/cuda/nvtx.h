/* SPDX-License-Identifier: Apache-2.0 */
/* nvtx.h - named ranges for a profiler's timeline; nothing where the NVTX headers were not at hand. */
#ifndef TSM_CUDA_NVTX_H
#define TSM_CUDA_NVTX_H

void tsm_nvtx_push(const char *name);
void tsm_nvtx_pop(void);

#endif
