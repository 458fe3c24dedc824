/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - see bench.h. */
#include "bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/status.h"
#include "cpu/waiting.h"

#define LOOK_MS      20.0 /* between looks, which take a moment themselves */
#define MOST_CROWDED 0.1  /* of all looks */

int bench_fail(const char *format, ...)
{
    va_list args;

    fputs("tsm-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return BENCH_FAILED;
}

static bool read_number(const char *text, double low, double high, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && !*end && *value >= low && *value <= high;
}

static bool set_option(const bench_option *option, const char *text)
{
    double number;

    switch (option->kind) {
    case BENCH_TEXT: *(const char **)option->value = text; return true;
    case BENCH_FLAG: *(bool *)option->value = true; return true;
    case BENCH_COUNT:
        if (!read_number(text, 0, 1e6, &number) || number != floor(number)) return false;
        *(int *)option->value = (int)number;
        return true;
    case BENCH_SECONDS:
        if (!read_number(text, 0, 1e6, &number)) return false;
        *(double *)option->value = number;
        return true;
    }
    return false;
}

static const bench_option *find_option(const bench_option *options, const char *argument)
{
    for (; options->name; options++) {
        if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, options->name) == 0) return options;
    }
    return NULL;
}

bool bench_parse(int argc, char **argv, const bench_option *options, int *positional)
{
    *positional = 0;
    for (int i = 0; i < argc; i++) {
        const bench_option *option = find_option(options, argv[i]);

        if (!option && argv[i][0] == '-') {
            bench_fail("unknown option %s", argv[i]);
            return false;
        }
        if (!option) {
            argv[(*positional)++] = argv[i];
            continue;
        }
        const char *text = option->kind == BENCH_FLAG ? "" : i + 1 < argc ? argv[++i] : NULL;
        if (!text || !set_option(option, text)) {
            bench_fail("--%s: %s", option->name, text ? "not a value it can take" : "needs a value");
            return false;
        }
    }
    return true;
}

double bench_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

double bench_percentile(double *values, int count, double percent)
{
    int rank = (int)ceil(percent / 100 * count);

    qsort(values, (size_t)count, sizeof *values, compare);
    if (rank < 1) rank = 1;
    return values[rank - 1];
}

double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double bench_peak_rss_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024 / 1e6;
}

const char *bench_cpu_name(void)
{
    static char name[128] = "unknown";
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "model name : %127[^\n]", name) == 1) break;
    }
    if (file) fclose(file);
    return name;
}

void bench_crowd_look(bench_crowd *crowd)
{
    const double now = bench_now_ms();

    if (now < crowd->next_ms) return;
    /* Waiting for each other, ours are runnable too, unless the engine has found others itself. */
    crowd->crowded += tsm_cpu_waits_briefly() || tsm_runnable_count() > sysconf(_SC_NPROCESSORS_ONLN);
    crowd->looks++;
    crowd->next_ms = now + LOOK_MS;
}

double bench_crowd_warn(const bench_crowd *crowd)
{
    const double share = crowd->looks ? (double)crowd->crowded / crowd->looks : 0;

    if (share > MOST_CROWDED)
        fprintf(stderr, "tsm-bench: other work wanted the CPUs in %d of %d looks: times are too long\n",
                crowd->crowded, crowd->looks);
    return share;
}

const char *bench_commit(void)
{
    return TSM_BENCH_COMMIT;
}

void bench_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(object);
}
