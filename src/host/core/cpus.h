/* SPDX-License-Identifier: Apache-2.0 */
/* cpus.h - how many CPUs the process may use. */
#ifndef TSM_CORE_CPUS_H
#define TSM_CORE_CPUS_H

/* Those of the calling thread's affinity mask, or fewer where a control group gives the process less time than they
 * have. At least 1. */
int tsm_cpu_count(void);

/* The part that control groups have in it, rounded up; 0 where they set no limit. `root` stands before the paths that
 * are read: "", but for tests. */
int tsm_cpu_quota(const char *root);

/* Threads of the whole machine that run or want to, the caller's among them; 1 where that is not known. */
int tsm_runnable_count(void);

#endif
