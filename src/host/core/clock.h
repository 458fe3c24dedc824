/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - a clock that only goes forward. */
#ifndef TSM_CORE_CLOCK_H
#define TSM_CORE_CLOCK_H

#include <time.h>

/* Milliseconds, of use only against one another. */
static inline double tsm_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

#endif
