/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - binds a schedule to an arena: what every node becomes, with its addresses. */
#ifndef TSM_CUDA_EMIT_H
#define TSM_CUDA_EMIT_H

#include "binding.h"

/* Fills `binding` with the steps of all nodes; released with tsm_binding_clear. Errors: MEMORY, DEVICE. */
tsm_status tsm_emit(tsm_binding *binding, const tsm_schedule *schedule, char *arena, tsm_error *error);

#endif
