/* SPDX-License-Identifier: Apache-2.0 */
/* plot.c - tsm-bench plot: pictures of results. */
#include "plot.h"

#include <math.h>
#include <string.h>

#include "bench.h"

static const bench_manual manual = {
    "plot", "pictures (SVG) of results", "RESULT.json... [--to DIR]",
    "Writes the pictures that each result can give, named after it, as SVG files that need\n"
    "nothing beside them and are light or dark as the reader's system is:\n"
    "  NAME-throughput.svg   clips/s over batch                  of model with several batches\n"
    "  NAME-shift.svg        ways to shift as share of TSN       of model with --against\n"
    "  NAME-latency.svg      how latency is distributed          of model\n"
    "  NAME-roofline.svg     every layer against the limits      of layers\n"
    "  NAME-peers.svg        libtsm and others                   of script/peers\n",
    "  tsm-bench model --model resnet50 --batch 1..8 --output r50.json && tsm-bench plot r50.json\n"
};

static bool several(const json_t *rows, const char *key)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row) if (bench_json_number(row, key) !=
                                             bench_json_number(json_array_get(rows, 0), key)) return true;
    return false;
}

static bool any(const json_t *rows, const char *key)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row) if (!isnan(bench_json_number(row, key))) return true;
    return false;
}

typedef bool plot_function(const json_t *result, const char *path);

/* Into `to`/NAME-kind.svg; false with a line on stderr. */
static bool write_one(const json_t *result, const char *name, const char *to, const char *kind, plot_function *plot)
{
    char path[4096];
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    const int stem = (int)strcspn(base, "."), folder = slash ? (int)(slash - name) : 0;

    if (to)
        snprintf(path, sizeof path, "%s/%.*s-%s.svg", to, stem, base, kind);
    else
        snprintf(path, sizeof path, "%.*s%s%.*s-%s.svg", folder, name, slash ? "/" : "", stem, base, kind);
    if (!plot(result, path)) return bench_fail("%s: cannot be written", path), false;
    puts(path);
    return true;
}

static bool plot_result(const json_t *result, const char *name, const char *to)
{
    const json_t *rows = json_object_get(result, "rows");
    const char *command = bench_json_text(result, "command");
    bool good = true;

    if (strcmp(command, "layers") == 0) return write_one(result, name, to, "roofline", plot_roofline);
    if (strcmp(command, "peers") == 0) return write_one(result, name, to, "peers", plot_peers);
    if (strcmp(command, "model") != 0)
        return bench_fail("%s: there is no picture of %s", name, *command ? command : "it"), false;
    if (several(rows, "batch") && !any(rows, "qps"))
        good &= write_one(result, name, to, "throughput", plot_throughput);
    if (any(rows, "against.ratio")) good &= write_one(result, name, to, "shift", plot_shift);
    return write_one(result, name, to, "latency", plot_latency) && good;
}

int bench_plot(int argc, char **argv)
{
    const char *to = NULL;
    const bench_option options[] = { { "to", BENCH_TEXT, &to, "DIR", "where to; else beside each result" }, { 0 } };
    int results, failed = 0;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &results)) return BENCH_USAGE;
    if (!results) return bench_fail("plot: no result"), BENCH_USAGE;
    for (int i = 0; i < results; i++) {
        json_error_t why;
        json_t *result = json_load_file(argv[i], 0, &why);

        if (!json_array_size(json_object_get(result, "rows")))
            failed += bench_fail("%s: %s", argv[i], result ? "has no rows" : why.text);
        else
            failed += !plot_result(result, argv[i], to);
        json_decref(result);
    }
    return failed ? BENCH_FAILED : BENCH_DONE;
}
