/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - tsm-bench compare: what changed between two results, with the noise beside it. */
#include <math.h>
#include <string.h>

#include "bench.h"

static const bench_manual manual = {
    "compare", "what changed between two results, with the noise beside it", "A B",
    "A and B are JSON results of the same command. Rows of the same network, batch, format and\n"
    "so on are paired; \"change\" is that of clips/s from A to B (of layers: of the time, a\n"
    "shorter one being faster), \"noise\" what the medians are uncertain by: the two spreads of\n"
    "the middle half of the runs, each divided by the root of its number of runs and times\n"
    "1.25, added as squares, twice. A change within the noise is no change. Where both rows\n"
    "have a ratio to the baseline of their own run, its change is shown too: it does not suffer\n"
    "from a machine that is slower today. Exit status 0, whatever has changed.\n",
    "  tsm-bench compare bench/results/MACHINE/2026-01-01/model.json bench/results/MACHINE/2026-02-01/model.json\n"
};

/* What makes two rows the same point. */
static const char *const text_keys[] = { "command", "name",  "model", "peer", "precision",
                                         "device",  "layer", "input", NULL };
static const char *const number_keys[] = {
    "batch", "segments", "size", "threads", "streams", "qps", "decoders", NULL
};

static bool same_point(const json_t *a, const json_t *b)
{
    for (int i = 0; text_keys[i]; i++)
        if (strcmp(bench_json_text(a, text_keys[i]), bench_json_text(b, text_keys[i])) != 0) return false;
    for (int i = 0; number_keys[i]; i++) {
        const double x = bench_json_number(a, number_keys[i]), y = bench_json_number(b, number_keys[i]);

        if (x != y && !(isnan(x) && isnan(y))) return false;
    }
    return true;
}

/* Clips a second; layers have the inverse of their time. */
static double speed_of(const json_t *row)
{
    const double speed = bench_json_number(row, "clips_per_s"), ms = bench_json_number(row, "ms");

    return isnan(speed) ? 1 / ms : speed;
}

/* Of a median of runs whose middle half spreads so far, as a part of it: the standard error of a normal sample's
 * median, 1.25 sigma / sqrt(n), sigma being the spread over 1.35. */
static double uncertainty(const json_t *row)
{
    const double spread = bench_json_number(row, "spread"), runs = bench_json_number(row, "runs");

    return spread >= 0 && runs > 0 ? 1.25 * spread / 1.35 / sqrt(runs) : NAN;
}

static void print_pair(const json_t *a, const json_t *b)
{
    const double change = speed_of(b) / speed_of(a) - 1, noise = 2 * hypot(uncertainty(a), uncertainty(b));
    const double ratio_a = bench_json_number(a, "against.ratio"), ratio_b = bench_json_number(b, "against.ratio");
    const char *name = bench_json_text(a, "name"), *layer = bench_json_text(a, "layer"),
               *input = bench_json_text(a, "input");
    char point[96];

    snprintf(point, sizeof point, "%s%s%.40s %s", bench_json_text(a, "peer"), *bench_json_text(a, "peer") ? " " : "",
             *layer   ? layer
             : *input ? input
                      : name,
             bench_json_text(a, "precision"));
    if (bench_json_number(a, "batch") > 0)
        snprintf(point + strlen(point), sizeof point - strlen(point), " batch %.0f", bench_json_number(a, "batch"));
    printf("%-46s %10.3f %10.3f %+8.1f%%", point, speed_of(a), speed_of(b), 100 * change);
    if (isnan(noise))
        printf("  %8s", "-");
    else
        printf("  %7.1f%%", 100 * noise);
    if (!isnan(ratio_a) && !isnan(ratio_b)) printf("  %6.3f -> %.3f", ratio_a, ratio_b);
    puts(isnan(noise) ? "" : fabs(change) <= noise ? "  same" : change > 0 ? "  FASTER" : "  SLOWER");
}

static void print_setting(const char *what, const json_t *a, const json_t *b, const char *path)
{
    const char *x = bench_json_text(a, path), *y = bench_json_text(b, path);

    if (strcmp(x, y) == 0)
        printf("%-10s %s\n", what, x);
    else
        printf("%-10s %s  ->  %s\n", what, x, y);
}

static void compare(const json_t *a, const json_t *b)
{
    const json_t *before = json_object_get(a, "rows"), *after = json_object_get(b, "rows");
    size_t i, k, lonely = 0;
    json_t *x, *y;

    print_setting("machine", a, b, "machine.cpu");
    print_setting("gpu", a, b, "machine.gpu.name");
    print_setting("oneDNN", a, b, "machine.onednn");
    print_setting("compiler", a, b, "machine.compiler");
    print_setting("commit", a, b, "machine.commit");
    print_setting("date", a, b, "machine.date");
    printf("\n%-46s %10s %10s %9s  %8s  %s\n", "", "A", "B", "change", "noise", "of base");
    json_array_foreach(before, i, x)
    {
        bool paired = false;

        json_array_foreach(after, k, y)
        {
            if (paired || !same_point(x, y)) continue;
            print_pair(x, y);
            paired = true;
        }
        lonely += !paired;
    }
    if (lonely) printf("%zu rows of A have no counterpart in B\n", lonely);
    json_array_foreach(json_object_get(b, "warnings"), i, x) printf("B warns: %s\n", json_string_value(x));
}

int bench_compare(int argc, char **argv)
{
    const bench_option options[] = { { 0 } };
    json_t *results[2] = { 0 };
    json_error_t why;
    int positional, failed = 0;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &positional)) return BENCH_USAGE;
    if (positional != 2) return bench_fail("compare: two results are needed"), BENCH_USAGE;
    for (int i = 0; i < 2; i++) {
        results[i] = json_load_file(argv[i], 0, &why);
        if (!json_is_array(json_object_get(results[i], "rows")))
            failed += bench_fail("%s: %s", argv[i], results[i] ? "has no rows" : why.text);
    }
    if (!failed) compare(results[0], results[1]);
    json_decref(results[0]);
    json_decref(results[1]);
    return failed ? BENCH_FAILED : BENCH_DONE;
}
