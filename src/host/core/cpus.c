/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpus.c - see cpus.h.
 *
 * A limit may stand at any level between the process's control group and the root, so all are looked at. In a
 * container /proc names groups that the container does not see; what it sees at the root is its own then.
 */
#include "cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS 65536

static int count_affinity(void)
{
    for (int cpus = 1024; cpus <= MAX_CPUS; cpus *= 2) {
        const size_t bytes = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *set = CPU_ALLOC(cpus);
        int count = 0;

        if (!set) break;
        if (sched_getaffinity(0, bytes, set) == 0) count = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return 1;
}

/* The first `count` numbers of a file; false where there are not as many. "max" is no number. */
static int read_numbers(const char *path, double *numbers, int count)
{
    FILE *file = fopen(path, "re");
    int got = 0;

    if (!file) return 0;
    while (got < count && fscanf(file, "%lf", &numbers[got]) == 1) got++;
    fclose(file);
    return got == count;
}

/* CPUs that the group at `directory` may use: quota by period, in one file or in two. 0: no limit. */
static double limit_of(const char *directory)
{
    char path[PATH_MAX + sizeof "/cpu.cfs_period_us"];
    double quota[2];

    snprintf(path, sizeof path, "%s/cpu.max", directory);
    if (!read_numbers(path, quota, 2)) {
        snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
        if (!read_numbers(path, &quota[0], 1)) return 0;
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
        if (!read_numbers(path, &quota[1], 1)) return 0;
    }
    return quota[0] > 0 && quota[1] > 0 ? quota[0] / quota[1] : 0;
}

/* The least limit of the group `group` below `mount` and of those that it is in. */
static double least_limit(const char *mount, const char *group)
{
    char directory[PATH_MAX];
    size_t length = strlen(mount);
    double least = 0;

    if ((size_t)snprintf(directory, sizeof directory, "%s%s", mount, group) >= sizeof directory) return 0;
    for (;;) {
        const double limit = limit_of(directory);
        char *end = strrchr(directory + length, '/');

        if (limit > 0 && (least == 0 || limit < least)) least = limit;
        if (!end) return least;
        *end = '\0';
    }
}

/* A line of /proc/self/cgroup, "ID:CONTROLLERS:GROUP"; version 2 has no controllers. */
static double limit_of_line(const char *root, char *line)
{
    static const char *const mounts[][2] = { { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" },
                                             { "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct" } };
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL,
         mount[PATH_MAX];
    double limit = 0;
    int version;

    if (!group) return 0;
    *group++ = '\0';
    controllers++;
    version = *controllers ? 1 : 2;
    if (version == 1 && strcmp(controllers, "cpu") != 0 && strncmp(controllers, "cpu,", 4) != 0 &&
        !strstr(controllers, ",cpu"))
        return 0;
    group[strcspn(group, "\n")] = '\0';
    for (int i = 0; i < 2 && limit == 0; i++) {
        snprintf(mount, sizeof mount, "%s%s", root, mounts[version == 1][i]);
        limit = least_limit(mount, group);
    }
    return limit;
}

int tsm_cpu_quota(const char *root)
{
    char path[PATH_MAX], line[PATH_MAX];
    double least = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    file = fopen(path, "re");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        const double limit = limit_of_line(root, line);

        if (limit > 0 && (least == 0 || limit < least)) least = limit;
    }
    fclose(file);
    if (least == 0 || least > MAX_CPUS) return 0;
    return (int)least < least ? (int)least + 1 : (int)least;
}

int tsm_cpu_count(void)
{
    const int affinity = count_affinity(), quota = tsm_cpu_quota("");

    return quota > 0 && quota < affinity ? quota : affinity;
}

int tsm_runnable_count(void)
{
    FILE *file = fopen("/proc/loadavg", "re");
    int count = 1;

    if (!file) return 1;
    if (fscanf(file, "%*f %*f %*f %d", &count) != 1 || count < 1) count = 1;
    fclose(file);
    return count;
}
