/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - tsm-bench model: throughput and latency of a network, and what its shift costs, over all axes. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "group.h"

typedef struct settings {
    const char *model, *device, *verify;
    bench_words against, precision, shift;
    bench_list batch, segments, size, threads, streams, qps;
    bench_limits limits;
    bench_output output;
    int verify_size;
} settings;

static const bench_manual manual = {
    "model", "throughput and latency of a network, and what its shift costs", "[--model M] [OPTION]...",
    "Runs batches of clips through a network and, in turns with it, through what it is held\n"
    "against: first one, then the other in front, so that a busy or throttling machine slows\n"
    "both; their ratio is the median of the ratios of neighbouring runs. Before anything is\n"
    "timed its logits are compared with those of a plain-C reference. Every option that takes\n"
    "a LIST is an axis: all combinations are measured, a line each.\n"
    "\n"
    "The columns: clips/s and frames/s at the median; p50, p90, p99 and least of the latency of\n"
    "one batch in ms, - where the runs are too few to say; spread, of the middle half of the\n"
    "runs as a part of the median; the speed as a part of the 2D baseline's; and as a part of\n"
    "what the machine would do if all multiply-adds ran as fast as a large matrix product\n"
    "measured in between (CPU, fp32).\n"
    "\n"
    "--against takes any of\n"
    "  tsn       the same weights without the shift\n"
    "  copy      the shift as a copy of the whole activation, the naive way; also inplace,\n"
    "            overlap and gather\n"
    "  block     the paper's in-place TSM: the shift before the whole block\n"
    "  dense     a dense 3x1x1 convolution over time in the place of each shift\n"
    "  inflated  the first convolution of each block inflated over time, as I3D does\n"
    "  none      nothing\n",
    "  tsm-bench model                                       the model that comes with the command\n"
    "  tsm-bench model --model resnet50 --against tsn,copy,inflated\n"
    "  tsm-bench model --model M.safetensors --batch 1..32 --precision fp16,bf16 --output r.json\n"
    "  tsm-bench model --model resnet18 --threads 1 --streams 1,2\n"
    "  tsm-bench model --model resnet18 --qps 2,4,6          latency under a load\n"
};

/* ---- The table ---- */

#define MAX_COLUMNS 24

static void add_column(bench_column *columns, int *count, bench_column column)
{
    if (*count + 1 < MAX_COLUMNS) columns[(*count)++] = column;
}

/* Axes of one value stand in the heading. */
static void choose_columns(const settings *set, bench_column columns[MAX_COLUMNS])
{
    const bool load = set->qps.count > 0;
    int n = 0;

    memset(columns, 0, MAX_COLUMNS * sizeof *columns);
    add_column(columns, &n, (bench_column){ "network", "name", -12, -1, 0 });
    columns[0].width = 12;
    if (set->precision.count > 1) add_column(columns, &n, (bench_column){ "format", "precision", 6, -1, 0 });
    if (set->segments.count > 1) add_column(columns, &n, (bench_column){ "frames", "segments", 6, 0, 0 });
    if (set->size.count > 1) add_column(columns, &n, (bench_column){ "size", "size", 5, 0, 0 });
    if (set->threads.count > 1) add_column(columns, &n, (bench_column){ "threads", "threads", 7, 0, 0 });
    if (set->streams.count > 1) add_column(columns, &n, (bench_column){ "streams", "streams", 7, 0, 0 });
    if (set->batch.count > 1) add_column(columns, &n, (bench_column){ "batch", "batch", 5, 0, 0 });
    if (load) add_column(columns, &n, (bench_column){ "offered/s", "offered_qps", 9, 2, 0 });
    if (load) add_column(columns, &n, (bench_column){ "done/s", "achieved_qps", 8, 2, 0 });
    add_column(columns, &n, (bench_column){ "clips/s", "clips_per_s", 9, 2, 0 });
    add_column(columns, &n, (bench_column){ "frames/s", "frames_per_s", 9, 1, 0 });
    add_column(columns, &n, (bench_column){ "p50 ms", "latency_ms.p50", 9, 2, 0 });
    add_column(columns, &n, (bench_column){ "p90", "latency_ms.p90", 8, 2, 0 });
    add_column(columns, &n, (bench_column){ "p99", "latency_ms.p99", 8, 2, 0 });
    if (load) {
        add_column(columns, &n, (bench_column){ "max", "latency_ms.max", 8, 2, 0 });
        add_column(columns, &n, (bench_column){ "busy %", "busy", 7, 0, 100 });
        add_column(columns, &n, (bench_column){ "queue", "longest_queue", 6, 0, 0 });
        return;
    }
    add_column(columns, &n, (bench_column){ "min", "latency_ms.min", 8, 2, 0 });
    add_column(columns, &n, (bench_column){ "spread %", "spread", 8, 1, 100 });
    add_column(columns, &n, (bench_column){ "of base", "against.ratio", 8, 3, 0 });
    add_column(columns, &n, (bench_column){ "of limit", "fraction_of_limit", 8, 3, 0 });
}

static void print_heading(const bench_group *g, bench_report *report)
{
    const bench_network *n = &g->members[0].network;

    bench_report_heading(report, "%s, clips of %d x %dx%d in %s, on %s (%s, %s, %d thread%s a stream), commit %s",
                         g->spec.source->name, n->shape.t, n->shape.h, n->shape.w, g->spec.precision, n->info.device,
                         n->info.library, bench_cpu_name(), n->info.threads, n->info.threads == 1 ? "" : "s",
                         bench_commit());
}

static void print_notes(const bench_group *g, bench_report *report)
{
    const json_t *row = json_array_get(report->rows, 0);

    if (g->gemm_gflops > 0)
        bench_report_note(report, "limit: %.1f GFLOP/s in a matrix product; %s has %.2f GFLOP a clip", g->gemm_gflops,
                          bench_json_text(row, "name"), bench_json_number(row, "gflop_per_clip"));
    bench_report_note(report, "memory: %.0f MB resident at the peak after the first clips of %s", g->peak_rss_mb,
                      bench_json_text(row, "name"));
}

/* ---- The axes ---- */

typedef struct sweep {
    const settings *set;
    const bench_source *source;
    bench_report *report;
    json_t *checked; /* what was held against the reference */
    bool headed;
} sweep;

/* Several streams of which nobody said otherwise share the CPUs. */
static int threads_for(const settings *set, int asked, int streams)
{
    if (asked > 0 || streams == 1 || strncmp(set->device, "cuda", 4) == 0) return asked;
    return tsm_cpu_count() > streams ? tsm_cpu_count() / streams : 1;
}

static tsm_status measure_point(sweep *s, const bench_spec *spec, double qps, tsm_error *error)
{
    bench_group group = { .spec = *spec,
                          .limits = s->set->limits,
                          .shifts = &s->set->shift,
                          .against = &s->set->against,
                          .check_size = s->set->verify_size,
                          .qps = qps,
                          .baseline = -1 };
    tsm_status status;

    TSM_TRY(bench_group_open(&group, s->checked, s->report, error));
    if (group.count > 0) {
        if (!s->headed) print_heading(&group, s->report);
        s->headed = true;
        TSM_TRY(bench_group_measure(&group, s->report, error));
        if (json_array_size(s->report->rows) == (size_t)group.count && qps <= 0) print_notes(&group, s->report);
        if (!json_object_get(s->report->machine, "gpu") && group.members[0].network.engine->backend->streams)
            json_object_set_new(s->report->machine, "gpu", bench_gpu_json(group.members[0].network.info.device));
    }
fail:
    bench_group_close(&group);
    return status;
}

static tsm_status sweep_loads(sweep *s, const bench_spec *spec, tsm_error *error)
{
    if (s->set->qps.count == 0) return measure_point(s, spec, 0, error);
    for (int i = 0; i < s->set->qps.count; i++) TSM_TRY_RETURN(measure_point(s, spec, s->set->qps.values[i], error));
    return TSM_OK;
}

/* An axis each: the digits of a number that counts up. */
static tsm_status sweep_all(sweep *s, tsm_error *error)
{
    const settings *set = s->set;
    const int sizes[] = { set->batch.count, set->streams.count,  set->threads.count,
                          set->size.count,  set->segments.count, set->precision.count };
    int at[6] = { 0 }, digit = 0;

    while (digit < 6) {
        const int streams = (int)set->streams.values[at[1]];
        const bench_spec spec = { .source = s->source,
                                  .device = set->device,
                                  .precision = set->precision.values[at[5]],
                                  .shift = set->shift.values[0],
                                  .threads = threads_for(set, (int)set->threads.values[at[2]], streams),
                                  .batch = (int)set->batch.values[at[0]],
                                  .segments = (int)set->segments.values[at[4]],
                                  .size = (int)set->size.values[at[3]],
                                  .streams = streams };

        TSM_TRY_RETURN(sweep_loads(s, &spec, error));
        for (digit = 0; digit < 6 && ++at[digit] == sizes[digit]; digit++) at[digit] = 0;
    }
    return TSM_OK;
}

/* ---- The subcommand ---- */

static bool all_at_least(const bench_list *list, double least, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (list->values[i] < least) {
            bench_fail("--%s %g: at least %g", name, list->values[i], least);
            return false;
        }
    return true;
}

static bool check(settings *set, int positional, char **argv)
{
    if (positional) return bench_fail("model: unexpected argument %s", argv[0]), false;
    if (strcmp(set->verify, "none") == 0)
        set->verify_size = -1;
    else if (strcmp(set->verify, "full") == 0)
        set->verify_size = 0;
    else if (strcmp(set->verify, "quick") == 0)
        set->verify_size = 64;
    else
        return bench_fail("--verify %s: there are quick, full and none", set->verify), false;
    for (int i = 0; i < set->against.count; i++)
        if (strcmp(set->against.values[i], "none") == 0 && set->against.count > 1)
            return bench_fail("--against: none stands alone"), false;
    return bench_limits_settle(&set->limits) && all_at_least(&set->batch, 1, "batch") &&
           all_at_least(&set->streams, 1, "streams") && all_at_least(&set->qps, 0.01, "qps");
}

static int run(const settings *set)
{
    bench_column columns[MAX_COLUMNS];
    bench_source source;
    bench_report report;
    sweep s = { set, &source, &report, NULL, false };
    tsm_error error = { 0 };
    tsm_status status;

    choose_columns(set, columns);
    if (!bench_report_begin(&report, "model", &set->output, columns)) return BENCH_USAGE;
    s.checked = json_object();
    status = bench_source_open(&source, set->model, &error);
    if (status == TSM_OK) status = sweep_all(&s, &error);
    json_decref(s.checked);
    bench_source_close(&source);
    if (status == TSM_OK && json_array_size(report.rows) > 0) return bench_report_end(&report);
    bench_report_drop(&report);
    return status == TSM_OK ? BENCH_FAILED : bench_fail("%s", error.text);
}

int bench_model(int argc, char **argv)
{
    settings set = { .device = "auto",
                     .verify = "quick",
                     .against = bench_words_of("tsn"),
                     .precision = bench_words_of("fp32"),
                     .shift = bench_words_of("auto"),
                     .batch = bench_list_of(1),
                     .segments = bench_list_of(0),
                     .size = bench_list_of(0),
                     .threads = bench_list_of(0),
                     .streams = bench_list_of(1),
                     .limits = BENCH_LIMITS_INIT,
                     .output = BENCH_OUTPUT_INIT };
    const bench_option what[] = {
        { "model", BENCH_TEXT, &set.model, "M",
          "a checkpoint, or resnet18, 34, 50, 101, 152 or mobilenetv2 with random\n"
          "weights; else TSM_MODEL, else the model that comes with the command" },
        { "against", BENCH_WORDS, &set.against, "NAMES", "what it is held against, see above" },
        { "device", BENCH_TEXT, &set.device, "D", "auto, cpu, cuda or cuda:N" },
        { "verify", BENCH_TEXT, &set.verify, "HOW",
          "quick: against the reference at 64x64 pixels; full: at full size,\nwhich takes minutes; none" },
        { 0 }
    };
    const bench_option axes[] = {
        { "batch", BENCH_LIST, &set.batch, "LIST", "clips a batch" },
        { "precision", BENCH_WORDS, &set.precision, "NAMES", "of fp32, tf32, fp16, bf16, int8, fp8" },
        { "shift", BENCH_WORDS, &set.shift, "NAMES", "ways to shift: auto, copy, overlap, inplace, gather" },
        { "segments", BENCH_LIST, &set.segments, "LIST", "frames a clip; 0: as the model says" },
        { "frames", BENCH_LIST, &set.segments, "LIST", "the same" },
        { "size", BENCH_LIST, &set.size, "LIST", "pixels a side; 0: as the model says" },
        { "threads", BENCH_LIST, &set.threads, "LIST", "CPU threads a stream; 0: all CPUs, shared by the streams" },
        { "streams", BENCH_LIST, &set.streams, "LIST", "contexts that run at once, each from its own thread" },
        { "qps", BENCH_REALS, &set.qps, "LIST",
          "offer so many batches a second, at random times, and tell the\nlatency, waiting included" },
        { 0 }
    };
    const bench_option limits[] = BENCH_LIMIT_OPTIONS(set.limits);
    const bench_option outputs[] = BENCH_OUTPUT_OPTIONS(set.output);
    const bench_option options[] = { { NULL, BENCH_GROUP, (void *)what, NULL, "What" },
                                     { NULL, BENCH_GROUP, (void *)axes, NULL, "Axes" },
                                     { NULL, BENCH_GROUP, (void *)limits, NULL, "How long" },
                                     { NULL, BENCH_GROUP, (void *)outputs, NULL, "Output" },
                                     { 0 } };
    int positional;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &positional) || !check(&set, positional, argv)) return BENCH_USAGE;
    return run(&set);
}
