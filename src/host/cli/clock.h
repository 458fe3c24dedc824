/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time for rates and limits. */
#ifndef TSM_CLI_CLOCK_H
#define TSM_CLI_CLOCK_H

#include <time.h>

/* Milliseconds of a clock that only runs forward. */
static inline double clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

#endif
