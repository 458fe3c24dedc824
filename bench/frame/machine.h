/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - what a figure was measured on. */
#ifndef TSM_BENCH_MACHINE_H
#define TSM_BENCH_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The CPU's name as the system reports it. Static string. */
const char *bench_cpu_name(void);

/* git describe, when the build was configured. */
const char *bench_commit(void);

/* {"cpu", "cpus", "mhz", "governor", "memory_gb", "system", "kernel", "compiler", "libtsm", "commit", "date", ...}.
 */
json_t *bench_machine_json(void);

/* Of the GPU that `device` ("cuda:0") names, as nvidia-smi tells: {"name", "driver", "sm_mhz", "sm_mhz_max",
 * "memory_mhz", "memory_gb", "power_limit_w", "temperature_c"}. NULL where there is none to ask. */
json_t *bench_gpu_json(const char *device);

/* Whether a GPU holds its clocks down at this moment, and why. */
bool bench_gpu_throttles(char *reasons, size_t bytes);

/* The most memory that the process has had resident so far, and what it has now. */
double bench_peak_rss_mb(void);
double bench_rss_mb(void);

/* "lab-epyc-9354": of the CPU's name and the number of CPUs, for the name of a folder. Static string. */
const char *bench_machine_slug(void);

#endif
