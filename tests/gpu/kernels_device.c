/* SPDX-License-Identifier: Apache-2.0 */
/* kernels_device.c - what the kernels' tests ask of the simulated device, on a real one: it has no seed, and notes no
 * failures beside those that its calls return. */
#include "sim/sim.h"

#include <stddef.h>

void tsm_sim_seed(uint64_t seed)
{
    (void)seed;
}

const char *tsm_sim_failure(void)
{
    return NULL;
}

void tsm_sim_clear(void) {}
