/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - see machine.h. */
#include "machine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <tsm/tsm.h>
#include <unistd.h>

#include "core/status.h"
#include "cpu/dnnl_shim.h"

#ifdef __clang__
#define COMPILER "Clang " __clang_version__
#else
#define COMPILER "GCC " __VERSION__
#endif

/* The rest of the first line of `path` that begins with `key`, without what separates them and without quotes. */
static bool read_line(const char *path, const char *key, char *text, size_t bytes)
{
    char line[512];
    FILE *file = fopen(path, "r");
    bool found = false;

    while (file && !found && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0) continue;
        char *value = line + strlen(key) + strspn(line + strlen(key), " \t:=\"");

        value[strcspn(value, "\"\n")] = '\0';
        snprintf(text, bytes, "%s", value);
        found = true;
    }
    if (file) fclose(file);
    return found;
}

static double read_figure(const char *path, const char *key)
{
    char text[64];

    return read_line(path, key, text, sizeof text) ? strtod(text, NULL) : 0;
}

const char *bench_cpu_name(void)
{
    static char name[128];

    if (!*name && !read_line("/proc/cpuinfo", "model name", name, sizeof name)) strcpy(name, "unknown CPU");
    return name;
}

const char *bench_commit(void)
{
    return TSM_BENCH_COMMIT;
}

double bench_peak_rss_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024 / 1e6;
}

double bench_rss_mb(void)
{
    return read_figure("/proc/self/status", "VmRSS") * 1024 / 1e6;
}

const char *bench_machine_slug(void)
{
    static char slug[96];
    char name[96];
    size_t used = 0;

    snprintf(name, sizeof name, "%s %d cpus", bench_cpu_name(), tsm_cpu_count());
    for (const char *at = name; *at && used + 1 < sizeof slug; at++) {
        if (strncmp(at, "(R)", 3) == 0 || strncmp(at, "(TM)", 4) == 0)
            at = strchr(at, ')');
        else if (isalnum((unsigned char)*at))
            slug[used++] = (char)tolower((unsigned char)*at);
        else if (used && slug[used - 1] != '-')
            slug[used++] = '-';
    }
    slug[used] = '\0';
    return slug;
}

static const char *today(void)
{
    static char text[32];
    const time_t now = time(NULL);

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    return text;
}

static void set_text(json_t *json, const char *key, const char *path, const char *line)
{
    char text[128];

    if (read_line(path, line, text, sizeof text)) json_object_set_new(json, key, json_string(text));
}

json_t *bench_machine_json(void)
{
    struct utsname kernel = { 0 };
    json_t *json;
    const double mhz = read_figure("/proc/cpuinfo", "cpu MHz");

    uname(&kernel);
    json = json_pack("{s:s, s:i, s:f, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "cpu", bench_cpu_name(), "cpus",
                     tsm_cpu_count(), "memory_gb", read_figure("/proc/meminfo", "MemTotal") * 1024 / 1e9, "kernel",
                     kernel.release, "compiler", COMPILER, "onednn", tsm_dnnl_version(), "libtsm", tsm_version(),
                     "commit", bench_commit(), "date", today(), "slug", bench_machine_slug());
    if (!json) return NULL;
    set_text(json, "system", "/etc/os-release", "PRETTY_NAME");
    if (mhz > 0) json_object_set_new(json, "mhz", json_real(mhz));
    set_text(json, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "");
    if (getenv("OMP_WAIT_POLICY"))
        json_object_set_new(json, "OMP_WAIT_POLICY", json_string(getenv("OMP_WAIT_POLICY")));
    return json;
}

/* ---- The GPU, by nvidia-smi, which is there where the driver is ---- */

/* Fields of the first line that a query answers. */
static int ask_gpu(int index, const char *fields, char text[512], char *values[], int most)
{
    char command[256];
    FILE *answer;
    int count = 0;
    bool there;

    snprintf(command, sizeof command, "nvidia-smi -i %d --query-gpu=%s --format=csv,noheader,nounits 2>/dev/null",
             index, fields);
    answer = popen(command, "r");
    there = answer && fgets(text, 512, answer);
    if (answer && pclose(answer) != 0) there = false;
    if (!there) return 0;
    text[strcspn(text, "\n")] = '\0';
    for (char *at = text; at && count < most; count++) {
        values[count] = at;
        at = strstr(at, ", ");
        if (at) {
            *at = '\0';
            at += 2;
        }
    }
    return count;
}

json_t *bench_gpu_json(const char *device)
{
    static const char *const keys[] = { "sm_mhz",    "sm_mhz_max",    "memory_mhz",
                                        "memory_gb", "power_limit_w", "temperature_c" };
    const char *colon = strchr(device, ':');
    char text[512], *values[8];
    json_t *json;

    if (ask_gpu(colon ? atoi(colon + 1) : 0,
                "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,memory.total,power.limit,temperature.gpu",
                text, values, 8) != 8)
        return NULL;
    json = json_pack("{s:s, s:s}", "name", values[0], "driver", values[1]);
    for (int i = 0; i < 6; i++)
        json_object_set_new(json, keys[i], json_real(strtod(values[i + 2], NULL) * (i == 3 ? 1024e3 * 1.024e-6 : 1)));
    return json;
}

bool bench_gpu_throttles(char *reasons, size_t bytes)
{
    /* Bits of NVML that mean heat or power; an idle GPU or the user's own limit are none. */
    static const struct {
        unsigned long bit;
        const char *name;
    } causes[] = { { 0x4, "power cap" },
                   { 0x8, "hardware slowdown" },
                   { 0x20, "software thermal slowdown" },
                   { 0x40, "hardware thermal slowdown" },
                   { 0x80, "power brake" } };
    char text[512], *values[1];
    unsigned long bits;

    if (ask_gpu(0, "clocks_throttle_reasons.active", text, values, 1) != 1) return false;
    bits = strtoul(values[0], NULL, 16);
    *reasons = '\0';
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (!(bits & causes[i].bit)) continue;
        snprintf(reasons + strlen(reasons), bytes - strlen(reasons), "%s%s", *reasons ? ", " : "", causes[i].name);
    }
    return *reasons != '\0';
}
