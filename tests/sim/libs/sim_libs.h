/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_libs.h - what tests ask of the simulated runtime and libraries, besides sim.h.
 */
#ifndef TSM_SIM_SIM_LIBS_H
#define TSM_SIM_SIM_LIBS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls since the process began; subtract two to have those of a window. */
typedef struct tsm_sim_counters {
    uint64_t allocations;      /* cudaMalloc, cudaMallocHost */
    uint64_t frees;            /* cudaFree, cudaFreeHost */
    uint64_t synchronisations; /* the host waited, also where CUDA does so without being asked */
    uint64_t launches;         /* of kernels of ours, captured ones when they are replayed */
    uint64_t matmuls, convolutions;
    uint64_t copies;   /* memcpy and memset */
    uint64_t pageable; /* cudaMemcpyAsync from or to pageable memory, which waits, and is slow */
    uint64_t graph_launches;
    uint64_t engine_queries; /* of cuDNN's heuristics */
    uint64_t handles;        /* of cuDNN and cuBLASLt that were created */
} tsm_sim_counters;

tsm_sim_counters tsm_sim_count(void);

/* Called with every failure; NULL: none. With TSM_SIM_ABORT=1 in the environment the process aborts where there is
 * none. */
typedef void tsm_sim_hook(const char *failure);
void tsm_sim_set_hook(tsm_sim_hook *hook);

/* "2 allocations, 1 stream"; NULL where nothing is left. A process that ends with something left, or with a failure
 * that nobody cleared, exits with 1. */
const char *tsm_sim_leaks(void);

/* GPUs that the machine has, 1 by default. */
void tsm_sim_set_devices(int count);

/* The n-th cudaMalloc or cudaMallocHost from now fails for lack of memory; 0: none does. */
void tsm_sim_fail_allocation(int n);

#ifdef __cplusplus
}
#endif
#endif
