/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal.h - whether the system has so many threads to give. */
#ifndef TSM_CPU_REHEARSAL_H
#define TSM_CPU_REHEARSAL_H

#include "core/status.h"

/* Makes `threads` threads and ends them: libgomp ends the process where it gets none for a team, so this is done
 * before it makes them. Errors: MEMORY. */
tsm_status tsm_cpu_rehearse(int threads, tsm_error *error);

#endif
