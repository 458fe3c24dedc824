/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - what tests ask of the simulated device. See docs/simulated-device.md.
 */
#ifndef TSM_SIM_SIM_H
#define TSM_SIM_SIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Seeds the order of blocks and threads of the launches to come. */
void tsm_sim_seed(uint64_t seed);

/* The first failure since the last clear: one line that names kernel, block, thread and seed; NULL where none. */
const char *tsm_sim_failure(void);
void tsm_sim_clear(void);

/* True where the kernels call back at every access, which races and unwritten bytes need; false in ASan builds. */
int tsm_sim_instrumented(void);

size_t tsm_sim_live_allocations(void);
uint64_t tsm_sim_launches(void);

#ifdef __cplusplus
}
#endif
#endif
