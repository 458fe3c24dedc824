/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - the arena of a worker as plans come and go: as large as the largest has needed. */
#ifndef TSM_CUDA_ARENA_H
#define TSM_CUDA_ARENA_H

#include "plan.h"

/* Binds a plan that has a schedule to the arena, which grows where it has to, and adds it to the worker's. Where it
 * grows, all plans are bound to the new arena before any lets go of the old one; on failure neither worker nor plans
 * have changed. Blocking. Errors: MEMORY, DEVICE, CANCELLED. */
tsm_status tsm_cuda_arena_add(tsm_worker *worker, tsm_plan *plan, tsm_error *error);

/* Takes it out again, after its work is done; the arena keeps its size. */
void tsm_cuda_arena_remove(tsm_worker *worker, tsm_plan *plan);

#endif
