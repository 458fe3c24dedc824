/* SPDX-License-Identifier: Apache-2.0 */
/* shift_narrow.h - tsm_cpu_shift_in_place and its inverse where few channels move. */
#ifndef TSM_CPU_SHIFT_NARROW_H
#define TSM_CPU_SHIFT_NARROW_H

#include "graph/backend.h"

/* Whether it is for a shift, on this CPU. */
bool tsm_cpu_shift_is_narrow(tsm_shift shift);

/* Shifts, or with `back` undoes it. `edges`: as many floats as tsm_cpu_shift_edge_count says, in an order of its own;
 * NULL, where nobody will ask for them back. */
void tsm_cpu_shift_narrow(float *x, float *edges, const tsm_dims *dims, tsm_shift shift, bool back);

#endif
