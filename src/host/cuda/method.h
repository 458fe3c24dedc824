/* SPDX-License-Identifier: Apache-2.0 */
/* method.h - which way to realise the shift a plan takes: the one that was asked for, or the faster one. */
#ifndef TSM_CUDA_METHOD_H
#define TSM_CUDA_METHOD_H

#include "plan.h"

/* Makes plan->schedule. Where the engine leaves it open the answer is in the cache, or the network is timed both
 * ways, in memory of its own; without timing, or where there is none to spare, it is OVERLAP. Blocking. Errors:
 * UNSUPPORTED, MEMORY, DEVICE, CANCELLED. */
tsm_status tsm_cuda_schedule_best(tsm_plan *plan, const tsm_plan_arguments *arguments, tsm_tuner *tuner,
                                  tsm_error *error);

#endif
