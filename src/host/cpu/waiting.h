/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting.h - how long the threads of a team wait for each other before they give up their CPU.
 *
 * Between two loops libgomp's threads wait in a busy loop, for milliseconds, which is what makes runs of many short
 * layers fast. Beside another program it is what makes them slow: threads burn the time that the one they wait for
 * needs. libgomp itself waits briefly where its threads are more than the CPUs, and reads a variable for it once,
 * when it is loaded; a library has no other say.
 *
 * So a run first asks the kernel how many threads want to run. More than there are CPUs: waits are made brief, by
 * adding as many threads to libgomp's count as it takes, asleep in a team of their own. Otherwise they are long; and
 * as control groups and containers may hide what there is, the CPU time that the team gets is measured every now and
 * then. A team whose threads wait busily gets all the time of its CPUs; where it gets less, waits are brief too,
 * until a trial finds the neighbour gone.
 */
#ifndef TSM_CPU_WAITING_H
#define TSM_CPU_WAITING_H

#include <stdbool.h>

/* A measurement by one worker; zeroed at first. */
typedef struct tsm_cpu_waiting {
    int threads;
    bool measures;
    double wall_ms, cpu_ms;             /* so far */
    double wall_begin_ms, cpu_begin_ms; /* of the run that is going on */
} tsm_cpu_waiting;

/* Around a run with a team of `threads`, with its OpenMP settings; `step` between any two of its loops. */
void tsm_cpu_waiting_begin(tsm_cpu_waiting *waiting, int threads);
void tsm_cpu_waiting_step(tsm_cpu_waiting *waiting);
void tsm_cpu_waiting_end(tsm_cpu_waiting *waiting);

/* Around the life of whatever runs, with the number of threads that it wants: looks for neighbours before its first
 * loop; the sleeping threads go with the last. */
void tsm_cpu_waiting_hold(int threads);
void tsm_cpu_waiting_let_go(void);

/* For tests: whether waits are brief at present. */
bool tsm_cpu_waits_briefly(void);

#endif
