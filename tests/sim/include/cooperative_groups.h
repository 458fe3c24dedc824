/* SPDX-License-Identifier: Apache-2.0 */
/* cooperative_groups.h - of the simulated device: the barriers of a block and of a cooperative launch. */
#ifndef TSM_SIM_COOPERATIVE_GROUPS_H
#define TSM_SIM_COOPERATIVE_GROUPS_H

#include "cuda_runtime.h"

namespace cooperative_groups
{
struct thread_block {
    void sync(TSM_SIM_SITE) const { tsm_sim_sync_block(file, line); }
};
struct grid_group {
    void sync(TSM_SIM_SITE) const { tsm_sim_sync_grid(file, line); }
};
static inline thread_block this_thread_block()
{
    return {};
}
static inline grid_group this_grid()
{
    return {};
}
} // namespace cooperative_groups

#endif
