/* SPDX-License-Identifier: Apache-2.0 */
/* test_cpus.c - how many CPUs may be used: affinity, and the limits of control groups of both versions. */
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"
#include "support.h"

static char root[] = "/tmp/tsm-cpus-XXXXXX";

/* Writes a file below the root, with the folders that it is in. */
static void put(const char *path, const char *text)
{
    char full[512];
    FILE *file;

    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static int clear(void)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf %s/*", root);
    return system(command);
}

START_TEST(version_2)
{
    ck_assert_int_eq(clear(), 0);
    ck_assert_int_eq(tsm_cpu_quota(root), 0); /* nothing there */
    put("/proc/self/cgroup", "0::/user.slice/job\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 0);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 0);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "250000 100000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 3);
    put("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 2);
    put("/sys/fs/cgroup/user.slice/cpu.max", "1000 100000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 1);
}
END_TEST

/* A container that does not see the group that it is in: its own is at the root. */
START_TEST(container)
{
    ck_assert_int_eq(clear(), 0);
    put("/proc/self/cgroup", "0::/docker/0123456789\n");
    put("/sys/fs/cgroup/cpu.max", "400000 100000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 4);
}
END_TEST

START_TEST(version_1)
{
    ck_assert_int_eq(clear(), 0);
    put("/proc/self/cgroup", "4:memory:/other\n2:cpu,cpuacct:/job\n1:name=systemd:/\n0::/\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "500000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 5);
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "700000\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 7); /* where both are mounted they are one */
    put("/proc/self/cgroup", "nonsense\n:\n::\n2:cpuset:/job\n");
    ck_assert_int_eq(tsm_cpu_quota(root), 0);
}
END_TEST

START_TEST(affinity)
{
    const int all = tsm_cpu_count();
    cpu_set_t before, one;

    ck_assert_int_ge(all, 1);
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(tsm_cpu_count(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
    ck_assert_int_eq(tsm_cpu_count(), all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpus");
    TCase *cpus = tcase_create("cpus");
    int failed;

    if (!mkdtemp(root)) return 1;
    tcase_add_test(cpus, version_2);
    tcase_add_test(cpus, container);
    tcase_add_test(cpus, version_1);
    tcase_add_test(cpus, affinity);
    suite_add_tcase(suite, cpus);
    failed = run_suite(suite);
    return clear() || rmdir(root) || failed;
}
