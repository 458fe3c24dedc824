/* SPDX-License-Identifier: Apache-2.0 */
/* method.h - which way a plan takes: the one that was asked for, or the fastest. */
#ifndef TSM_CUDA_METHOD_H
#define TSM_CUDA_METHOD_H

#include "plan.h"

/* Makes plan->schedule. Where the engine leaves it open the answer is in the cache, or the network is timed in all
 * ways that differ, each against the fastest so far, in memory of its own; without timing, or where there is none to
 * spare, it is the first way. Blocking. Errors: UNSUPPORTED, MEMORY, DEVICE, CANCELLED. */
tsm_status tsm_cuda_schedule_best(tsm_plan *plan, const tsm_plan_arguments *arguments, tsm_tuner *tuner,
                                  tsm_error *error);

#endif
