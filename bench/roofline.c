/* SPDX-License-Identifier: Apache-2.0 */
/* roofline.c - tsm-bench layers: where the time of a network goes, layer by layer, beside the machine's limits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "network/network.h"

typedef struct settings {
    const char *model, *device, *shift, *precision;
    int batch, segments, size, threads, runs;
    bool baseline;
    bench_output output;
} settings;

/* A layer, all its steps together. */
typedef struct layer {
    const char *name, *how, *kind;
    double ms, bytes, macs, longest_ms;
    int steps;
} layer;

static const bench_manual manual = {
    "layers", "where the time goes: every layer beside the machine's limits", "[--model M] [OPTION]...",
    "Measures the machine's own limits, a copy and a large matrix product at the precision asked\n"
    "for, then every layer of a network by itself. A layer's floor is the time that its bytes\n"
    "(operands and weights read once, the value written once) and its multiply-adds take at\n"
    "these limits, whichever is longer; \"of floor\" is the floor as a part of the time that it\n"
    "took. Copies that fit into a CPU's caches are faster than those that do not, so the limit\n"
    "for a layer's bytes is that of a copy of its size.\n"
    "\n"
    "With --predict nothing is measured: it tells launches, bytes and floor of every layer on a\n"
    "GPU (--device sm_80 or sm_90, --shift copy, overlap or gather, --no-shift, --json).\n",
    "  tsm-bench layers --model resnet50\n"
    "  tsm-bench layers --model mobilenetv2 --batch 4 --output layers.json\n"
    "  tsm-bench layers --predict --model resnet50.safetensors --device sm_90 --batch 32\n"
};

static const bench_column columns[] = { { "layer", "layer", 38, -1, 0 },       { "ms", "ms", 8, 3, 0 },
                                        { "share %", "share", 7, 1, 100 },     { "MB", "bytes", 7, 2, 1e-6 },
                                        { "GFLOP", "gflop", 7, 3, 0 },         { "GB/s", "gb_per_s", 7, 1, 0 },
                                        { "GFLOP/s", "gflop_per_s", 8, 1, 0 }, { "floor ms", "floor_ms", 8, 3, 0 },
                                        { "of floor", "of_floor", 8, 2, 0 },   { " bound by", "bound", 9, -1, 0 },
                                        { "how", "how", 30, -1, 0 },           { 0 } };

/* What a layer is, for sums. */
static const char *kind_of(const tsm_graph *graph, const char *name)
{
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];

        if (strcmp(node->name, name) != 0) continue;
        if (node->op != TSM_OP_CONV) return tsm_op_name(node->op);
        if (node->groups > 1) return node->groups == node->in_channels ? "depthwise" : "grouped conv";
        if (node->kernel_h > 1) return node->shift.end ? "shift + conv" : "conv";
        return node->shift.end ? "shift + 1x1" : "1x1";
    }
    return "other";
}

static int gather_layers(layer *layers, const tsm_graph *graph, const tsm_profile_row *rows, int count)
{
    int layer_count = 0;

    for (int i = 0; i < count; i++) {
        layer *l = layer_count ? &layers[layer_count - 1] : NULL;

        if (!l || strcmp(l->name, rows[i].layer) != 0) {
            l = &layers[layer_count++];
            *l = (layer){ .name = rows[i].layer, .how = rows[i].how, .kind = kind_of(graph, rows[i].layer) };
        }
        if (rows[i].ms > l->longest_ms) {
            l->longest_ms = rows[i].ms;
            l->how = rows[i].how;
        }
        l->ms += rows[i].ms;
        l->bytes += (double)rows[i].bytes;
        l->macs += (double)rows[i].macs;
        l->steps++;
    }
    return layer_count;
}

static json_t *layer_row(const layer *l, double all_ms, const bench_ceilings *c)
{
    bool memory;
    const double floor_ms = bench_floor_s(c, l->bytes, l->macs, &memory) * 1e3;

    return json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "layer", l->name, "kind",
                     l->kind, "how", l->how, "steps", l->steps, "ms", l->ms, "share", l->ms / all_ms, "bytes",
                     l->bytes, "gflop", 2e-9 * l->macs, "gb_per_s", l->bytes / l->ms * 1e-6, "gflop_per_s",
                     2e-6 * l->macs / l->ms, "floor_ms", floor_ms, "of_floor", floor_ms / l->ms, "bound",
                     memory ? "memory" : "arithmetic");
}

/* All layers of a kind on a line: where the time goes. */
static void report_kinds(const layer *layers, int count, double all_ms, const bench_ceilings *c, bench_report *report)
{
    bool done[count];

    memset(done, 0, sizeof done);
    bench_report_note(report, "\n%-16s %6s %9s %8s %9s %9s", "where it goes", "layers", "ms", "share %", "floor ms",
                      "of floor");
    for (int i = 0; i < count; i++) {
        double ms = 0, floor_ms = 0;
        int members = 0;
        bool memory;

        for (int k = i; k < count; k++) {
            if (done[k] || strcmp(layers[k].kind, layers[i].kind) != 0) continue;
            done[k] = true;
            members++;
            ms += layers[k].ms;
            floor_ms += bench_floor_s(c, layers[k].bytes, layers[k].macs, &memory) * 1e3;
        }
        if (members)
            bench_report_note(report, "%-16s %6d %9.3f %8.1f %9.3f %9.2f", layers[i].kind, members, ms,
                              100 * ms / all_ms, floor_ms, floor_ms / ms);
    }
}

static void report_layers(const bench_network *n, const tsm_profile_row *rows, int count, double run_ms,
                          const bench_ceilings *c, bench_report *report)
{
    layer *layers = calloc((size_t)count, sizeof *layers);
    const int layer_count = layers ? gather_layers(layers, n->engine->graph, rows, count) : 0;
    double all_ms = 0, floor_ms = 0;
    bool memory;

    for (int i = 0; i < layer_count; i++) {
        all_ms += layers[i].ms;
        floor_ms += bench_floor_s(c, layers[i].bytes, layers[i].macs, &memory) * 1e3;
    }
    for (int i = 0; i < layer_count; i++) bench_report_row(report, layer_row(&layers[i], all_ms, c));
    if (layer_count) report_kinds(layers, layer_count, all_ms, c, report);
    bench_report_note(report,
                      "\nall layers %.2f ms step by step, a run %.2f ms; floor %.2f ms: %.2f of it is reached, %.1f "
                      "clips/s are the most",
                      all_ms, run_ms, floor_ms, floor_ms / run_ms, n->shape.n * 1e3 / floor_ms);
    json_object_update_new(report->settings, json_pack("{s:f, s:f, s:f, s:f}", "layers_ms", all_ms, "run_ms", run_ms,
                                                       "floor_ms", floor_ms, "of_floor", floor_ms / run_ms));
    free(layers);
}

static tsm_status time_run(const bench_network *n, const tsm_tensor *input, int runs, bench_watch *watch,
                           bench_summary *summary, tsm_error *error)
{
    bench_samples ms = { 0 };
    double one;

    for (int i = 0; i < runs + 2; i++) {
        bench_watch_look(watch);
        TSM_TRY_RETURN(bench_network_run(n, 0, input, &one, error));
        if (i >= 2 && !bench_samples_add(&ms, one)) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    }
    *summary = bench_summarise(&ms);
    bench_samples_clear(&ms);
    return TSM_OK;
}

static void print_heading(const settings *set, const bench_source *source, const bench_network *n,
                          const bench_ceilings *c, bench_report *report)
{
    bench_report_heading(report,
                         "%s (%s), %d clips of %d x %dx%d in %s on %s (%s, %s, %d threads), commit %s\n"
                         "this machine at best: %.1f GFLOP/s in a matrix product, %.1f GB/s in a copy",
                         source->name, n->name, n->shape.n, n->shape.t, n->shape.h, n->shape.w, set->precision,
                         n->info.device, n->info.library, bench_cpu_name(), n->info.threads, bench_commit(),
                         c->flops_per_s * 1e-9, c->bytes_per_s * 1e-9);
    for (int i = 0; i < BENCH_FOOTPRINTS && c->footprints[i] > 0; i++)
        fprintf(report->table, "%s%.4g MB %.1f GB/s", i ? ", " : "copies by size: ", c->footprints[i] * 1e-6,
                c->cached[i] * 1e-9);
    if (c->footprints[0] > 0) fputs("\n\n", report->table);
}

static tsm_status measure(const settings *set, const bench_source *source, bench_watch *watch, bench_report *report,
                          tsm_error *error)
{
    const bench_spec spec = { source,      set->baseline ? "tsn" : "tsm",
                              set->device, set->precision,
                              set->shift,  set->threads,
                              set->batch,  set->segments,
                              set->size,   1 };
    bench_network n = { 0 };
    tsm_tensor input = { 0 };
    bench_ceilings ceilings;
    tsm_profile_row *rows = NULL;
    tsm_status status;
    bench_summary run = { 0 };
    double worst;
    int count;

    TSM_TRY(bench_check_reference(&spec, 64, &worst, error));
    TSM_TRY(bench_network_open(&n, &spec, error));
    TSM_TRY(bench_make_input(&input, &n, error));
    TSM_TRY(bench_check_repeats(&n, &input, error));
    TSM_TRY(bench_measure_ceilings(&ceilings, n.info.device, set->precision, n.info.threads, error));
    TSM_TRY(time_run(&n, &input, set->runs, watch, &run, error));
    TSM_TRY(tsm_context_profile(n.streams[0].context, &input, set->runs, &rows, &count, error));
    print_heading(set, source, &n, &ceilings, report);
    json_object_update_new(report->ceilings, bench_ceilings_json(&ceilings));
    json_object_update_new(report->settings,
                           json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i}", "model", source->name, "name",
                                     n.name, "device", n.info.device, "precision", set->precision, "threads",
                                     n.info.threads, "batch", n.shape.n, "segments", n.shape.t, "size", n.shape.h));
    report_layers(&n, rows, count, run.median, &ceilings, report);
    bench_warn_samples(report, n.name, &run);
fail:
    tsm_free(rows);
    if (input.data) tsm_engine_release(n.engine, input.data);
    bench_network_close(&n);
    return status;
}

static bool check(const settings *set, int positional)
{
    if (positional) return bench_fail("layers: takes options only"), false;
    if (set->batch < 1) return bench_fail("layers: --batch %d", set->batch), false;
    if (set->runs < 1 || set->runs > 1000) return bench_fail("--runs %d: 1 to 1000", set->runs), false;
    return true;
}

static int run(const settings *set)
{
    bench_source source = { 0 };
    bench_report report;
    tsm_error error = { 0 };
    bench_watch watch;
    bench_seen seen;
    tsm_status status;

    if (!bench_report_begin(&report, "layers", &set->output, columns)) return BENCH_USAGE;
    bench_watch_begin(&watch, false);
    status = bench_source_open(&source, set->model, &error);
    if (status == TSM_OK) status = measure(set, &source, &watch, &report, &error);
    bench_source_close(&source);
    if (status != TSM_OK) {
        bench_report_drop(&report);
        return bench_fail("%s", error.text);
    }
    seen = bench_watch_end(&watch);
    bench_warn_seen(&report, &seen, false);
    return bench_report_end(&report);
}

static bool predicts(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--predict") == 0) return true;
    return false;
}

int bench_layers(int argc, char **argv)
{
    settings set = {
        .device = "auto", .shift = "auto", .precision = "fp32", .batch = 1, .runs = 10, .output = BENCH_OUTPUT_INIT
    };
    const bench_option what[] = {
        { "model", BENCH_TEXT, &set.model, "M", "as in tsm-bench model" },
        { "device", BENCH_TEXT, &set.device, "D", "auto, cpu, cuda or cuda:N" },
        { "precision", BENCH_TEXT, &set.precision, "P", "fp32, tf32, fp16, bf16, int8 or fp8" },
        { "shift", BENCH_TEXT, &set.shift, "W", "auto, copy, overlap, inplace or gather" },
        { "no-shift", BENCH_FLAG, &set.baseline, NULL, "the 2D baseline" },
        { "batch", BENCH_COUNT, &set.batch, "N", "clips a batch" },
        { "segments", BENCH_COUNT, &set.segments, "T", "frames a clip; 0: as the model says" },
        { "size", BENCH_COUNT, &set.size, "S", "pixels a side; 0: as the model says" },
        { "threads", BENCH_COUNT, &set.threads, "N", "CPU threads; 0: all" },
        { "runs", BENCH_COUNT, &set.runs, "N", "runs that a layer's time is the median of" },
        { 0 }
    };
    const bench_option outputs[] = BENCH_OUTPUT_OPTIONS(set.output);
    const bench_option options[] = { { NULL, BENCH_GROUP, (void *)what, NULL, "What" },
                                     { NULL, BENCH_GROUP, (void *)outputs, NULL, "Output" },
                                     { 0 } };
    int positional;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (predicts(argc, argv)) return bench_layers_predicted(argc, argv);
    if (!bench_parse(argc, argv, options, &positional) || !check(&set, positional)) return BENCH_USAGE;
    return run(&set);
}
