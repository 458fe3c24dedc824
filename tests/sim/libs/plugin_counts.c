/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_counts.c - part of the simulated plugin alone: lets a test read the plugin's own count of allocations, which
 * its hidden copy of the core keeps, and fail one of them. */
#include "core/status.h"

__attribute__((visibility("default"))) uint64_t tsm_sim_plugin_allocations(void);
__attribute__((visibility("default"))) void tsm_sim_plugin_fail_allocation(uint64_t n);

uint64_t tsm_sim_plugin_allocations(void)
{
    return tsm_alloc_fail_at(0);
}

void tsm_sim_plugin_fail_allocation(uint64_t n)
{
    tsm_alloc_fail_at(n);
}
