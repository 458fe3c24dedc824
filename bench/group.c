/* SPDX-License-Identifier: Apache-2.0 */
/* group.c - see group.h. */
#include "group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GEMM_SHARE 0.15 /* of the time, for measuring the limit along the way */
#define GEMM_RUNS  5
#define SPLIT_RUNS 2  /* step by step, to see what the input takes */
#define PROBES     20 /* enqueues whose time on the host is taken */

/* ---- Getting ready ---- */

static tsm_status check_member(bench_group *g, const bench_spec *spec, bench_member *m, json_t *checked,
                               tsm_error *error)
{
    const int size = g->check_size > 0 && g->check_size < m->network.shape.h ? g->check_size : 0;
    char key[160];
    json_t *known;

    m->reference = NAN;
    if (g->check_size < 0) return TSM_OK;
    snprintf(key, sizeof key, "%s %s %s %d", m->network.name, spec->precision, spec->device, m->network.shape.t);
    known = json_object_get(checked, key);
    if (!known) {
        TSM_TRY_RETURN(bench_check_reference(spec, size, &m->reference, error));
        json_object_set_new(checked, key, json_real(m->reference));
    } else {
        m->reference = json_number_value(known);
    }
    return TSM_OK;
}

/* What this device or precision cannot do is no failure of the others. */
static bool is_refusal(tsm_status status)
{
    return status == TSM_ERROR_UNSUPPORTED;
}

static tsm_status add_member(bench_group *g, const char *variant, const char *shift, json_t *checked,
                             bench_report *report, tsm_error *error)
{
    bench_member *m = &g->members[g->count];
    bench_spec spec = g->spec;
    tsm_status status;

    if (g->count == BENCH_MAX_GROUP)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "more than %d networks at once", BENCH_MAX_GROUP);
    spec.variant = variant;
    spec.shift = shift;
    status = bench_network_open(&m->network, &spec, error);
    if (is_refusal(status)) {
        bench_report_warn(report, "%s in %s is left out: %s", variant, spec.precision, error->text);
        return TSM_OK;
    }
    if (status != TSM_OK) return status;
    g->count++;
    if (!g->input.data) TSM_TRY_RETURN(bench_make_input(&g->input, &m->network, error));
    TSM_TRY_RETURN(bench_check_repeats(&m->network, &g->input, error));
    /* Before anything that a user of the library would not have. */
    if (g->count == 1) g->peak_rss_mb = bench_peak_rss_mb();
    return check_member(g, &spec, m, checked, error);
}

/* Ways to shift compute the same. */
static bool is_plain(const bench_network *n)
{
    return n->shifts > 0 && strncmp(n->name, "tsm", 3) == 0;
}

static tsm_status check_each_other(const bench_group *g, tsm_error *error)
{
    const double most = strcmp(g->spec.precision, "fp32") == 0 ? 1e-4 : 0.16;
    const bench_network *first = NULL;

    for (int i = 0; i < g->count; i++) {
        const bench_network *n = &g->members[i].network;

        if (!is_plain(n)) continue;
        if (first && !(bench_compare_logits(first, n) <= most))
            return tsm_fail(error, TSM_ERROR_INTERNAL, "%s and %s differ by %.2g of the largest logit", first->name,
                            n->name, bench_compare_logits(first, n));
        first = first ? first : n;
    }
    return TSM_OK;
}

static bool wants(const bench_words *words)
{
    return words->count > 0 && strcmp(words->values[0], "none") != 0;
}

/* "tsn" where it is there, else the first of those after the shifts. */
static void choose_baseline(bench_group *g, int others)
{
    g->baseline = others < g->count ? others : -1;
    for (int i = others; i < g->count; i++)
        if (strcmp(g->members[i].network.name, "tsn") == 0) g->baseline = i;
}

tsm_status bench_group_open(bench_group *g, json_t *checked, bench_report *report, tsm_error *error)
{
    int others;

    for (int i = 0; i < g->shifts->count; i++)
        TSM_TRY_RETURN(add_member(g, "tsm", g->shifts->values[i], checked, report, error));
    others = g->count;
    if (others == 0) return TSM_OK;
    if (g->members[0].network.shifts == 0 && wants(g->against)) {
        bench_report_warn(report, "%s has no shift: there is nothing to hold against it", g->spec.source->name);
    } else if (wants(g->against)) {
        for (int i = 0; i < g->against->count; i++)
            TSM_TRY_RETURN(add_member(g, g->against->values[i], "auto", checked, report, error));
    }
    choose_baseline(g, others);
    TSM_TRY_RETURN(check_each_other(g, error));
    if (strcmp(g->members[0].network.info.device, "cpu") == 0 && strcmp(g->spec.precision, "fp32") == 0)
        g->gemm = bench_gemm_create(g->members[0].network.info.threads * g->spec.streams);
    return TSM_OK;
}

void bench_group_close(bench_group *g)
{
    if (g->input.data) tsm_engine_release(g->members[0].network.engine, g->input.data);
    for (int i = 0; i < g->count; i++) {
        bench_runner_close(&g->members[i].runner);
        bench_contender_clear(&g->turns[i]);
        bench_network_close(&g->members[i].network);
    }
    bench_gemm_destroy(g->gemm);
    g->gemm = NULL;
    g->input.data = NULL;
    g->count = 0;
}

/* ---- Measuring ---- */

static void measure_limit(void *user)
{
    bench_group *g = user;
    const double begin = bench_now_ms();

    if (!g->gemm || g->gemm_ms > GEMM_SHARE * (begin - g->gemm_begin)) return;
    g->gemm_gflops = fmax(g->gemm_gflops, bench_gemm_run(g->gemm, 1));
    g->gemm_ms += bench_now_ms() - begin;
}

/* What putting a batch on a stream takes of the host's time: as much as the GPU's, and the GPU waits for the host. */
static tsm_status probe_enqueue(bench_group *g, bench_member *m, tsm_error *error)
{
    bench_stream *stream = &m->network.streams[0];
    double us[PROBES], ms;

    m->enqueue_us = NAN;
    if (!m->network.engine->backend->streams) return TSM_OK;
    for (int i = 0; i < PROBES; i++) {
        const double begin = bench_now_ms();

        TSM_TRY_RETURN(tsm_enqueue(stream->context, &g->input, &stream->output, NULL, error));
        us[i] = (bench_now_ms() - begin) * 1e3;
        TSM_TRY_RETURN(bench_network_run(&m->network, 0, &g->input, &ms, error)); /* waits for it */
    }
    m->enqueue_us = bench_median(us, PROBES);
    return TSM_OK;
}

/* Where the time of a run goes: reading the input, which on a GPU is copied there, and the layers. */
static tsm_status split_stages(bench_group *g, bench_member *m, tsm_error *error)
{
    tsm_profile_row *rows;
    int count;

    TSM_TRY_RETURN(tsm_context_profile(m->network.streams[0].context, &g->input, SPLIT_RUNS, &rows, &count, error));
    m->input_ms = m->layers_ms = 0;
    for (int i = 0; i < count; i++)
        *(strcmp(rows[i].layer, "input") == 0 ? &m->input_ms : &m->layers_ms) += rows[i].ms;
    tsm_free(rows);
    return TSM_OK;
}

static tsm_status take_turns(bench_group *g, tsm_error *error)
{
    bench_rounds rounds = { .limits = g->limits,
                            .contenders = g->turns,
                            .count = g->count,
                            .between = measure_limit,
                            .user = g,
                            .watch = &g->watch };

    for (int i = 0; i < g->count; i++) {
        TSM_TRY_RETURN(bench_runner_open(&g->members[i].runner, &g->members[i].network, &g->input, error));
        g->turns[i] = (bench_contender){ .turn = bench_runner_turn, .user = &g->members[i].runner };
    }
    g->gemm_begin = bench_now_ms();
    TSM_TRY_RETURN(bench_take_turns(&rounds, error));
    if (g->gemm) g->gemm_gflops = fmax(g->gemm_gflops, bench_gemm_run(g->gemm, GEMM_RUNS));
    for (int i = 0; i < g->count; i++) TSM_TRY_RETURN(probe_enqueue(g, &g->members[i], error));
    return split_stages(g, &g->members[0], error);
}

/* ---- Rows ---- */

/* Clips a second, if all multiply-adds ran at the limit. */
static double limit_of(const bench_group *g, const bench_network *n)
{
    return g->gemm_gflops * 1e9 * n->shape.n / (2.0 * (double)n->macs);
}

static double clips_per_s(const bench_group *g, int member)
{
    return g->spec.batch / bench_summarise(&g->turns[member].turns).median * 1e3;
}

static json_t *describe(const bench_group *g, const bench_member *m)
{
    const bench_network *n = &m->network;
    const bool gpu = n->engine->backend->streams;
    json_t *memory =
        json_pack("{s:f, s:f, s:f, s:f}", gpu ? "device_mb" : "activations_mb", (double)bench_network_bytes(n) * 1e-6,
                  "weights_mb", (double)n->info.weight_bytes * 1e-6, "host_mb", bench_rss_mb(), "host_peak_mb",
                  bench_peak_rss_mb());

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:o, s:o, s:s}", "name",
        n->name, "model", g->spec.source->name, "device", n->info.device, "library", n->info.library, "precision",
        g->spec.precision, "shift", n->shifts ? g->spec.shift : "none", "threads", n->info.threads, "streams",
        n->stream_count, "batch", n->shape.n, "segments", n->shape.t, "size", n->shape.h, "shifts", n->shifts,
        "gflop_per_clip", 2e-9 * (double)n->macs / n->shape.n, "prepare_ms", n->prepare_ms, "plan_ms", n->plan_ms,
        "peak_rss_mb", g->peak_rss_mb, "memory", memory, "reference_error", bench_real(m->reference), "includes",
        gpu ? "copy of 8-bit frames to the GPU, one CUDA graph, copy of logits back"
            : "8-bit frames in memory to logits in memory");
}

static void add_against(const bench_group *g, int member, json_t *row)
{
    const bench_contender *ours = &g->turns[member], *base = &g->turns[g->baseline];
    const bench_summary latency = bench_summarise(&base->latencies), mine = bench_summarise(&ours->turns),
                        theirs = bench_summarise(&base->turns);

    json_object_set_new(row, "against",
                        json_pack("{s:s, s:f, s:o, s:o, s:o}", "name", g->members[g->baseline].network.name,
                                  "clips_per_s", clips_per_s(g, g->baseline), "ratio",
                                  bench_real(bench_median_ratio(&base->turns, &ours->turns)), "best_ratio",
                                  bench_real(theirs.min / mine.min), "latency_ms", bench_summary_json(&latency)));
}

static json_t *make_row(bench_group *g, int member, const bench_seen *seen)
{
    const bench_member *m = &g->members[member];
    const bench_summary latency = bench_summarise(&g->turns[member].latencies),
                        turns = bench_summarise(&g->turns[member].turns);
    const double speed = clips_per_s(g, member);
    json_t *row = describe(g, m);

    if (!row) return NULL;
    json_object_set_new(row, "runs", json_integer(turns.runs));
    json_object_set_new(row, "clips_per_s", bench_real(speed));
    json_object_set_new(row, "frames_per_s", bench_real(speed * m->network.shape.t));
    json_object_set_new(row, "latency_ms", bench_summary_json(&latency));
    json_object_set_new(row, "spread", bench_real(turns.spread));
    json_object_set_new(row, "drift", bench_real(turns.drift));
    json_object_set_new(row, "crowded", json_real(seen->crowded));
    json_object_set_new(row, "stolen", json_real(seen->stolen));
    if (member == 0)
        json_object_set_new(row, "stages_ms", json_pack("{s:f, s:f}", "input", m->input_ms, "layers", m->layers_ms));
    if (isfinite(m->enqueue_us)) json_object_set_new(row, "enqueue_us", json_real(m->enqueue_us));
    if (g->gemm_gflops > 0) {
        json_object_set_new(row, "gemm_gflops", json_real(g->gemm_gflops));
        json_object_set_new(row, "gemm_limit_clips_per_s", bench_real(limit_of(g, &m->network)));
        json_object_set_new(row, "fraction_of_limit", bench_real(speed / limit_of(g, &m->network)));
    }
    if (g->baseline >= 0 && g->baseline != member) add_against(g, member, row);
    json_object_set_new(row, "samples_ms", bench_samples_json(&g->turns[member].latencies));
    return row;
}

static void warn_member(bench_group *g, int member, bench_report *report)
{
    const bench_member *m = &g->members[member];
    const bench_summary turns = bench_summarise(&g->turns[member].turns);

    bench_warn_samples(report, m->network.name, &turns);
    if (m->enqueue_us * 1e-3 > 0.5 * turns.median)
        bench_report_warn(report, "%s: the host takes %.0f us to launch %.0f us of work: the GPU waits for it",
                          m->network.name, m->enqueue_us, turns.median * 1e3);
}

/* ---- A load that is offered ---- */

static tsm_status measure_load(bench_group *g, int member, bench_report *report, tsm_error *error)
{
    bench_member *m = &g->members[member];
    bench_load load = { 0 };
    bench_summary latency;
    json_t *row;

    TSM_TRY_RETURN(bench_offer_load(&load, &m->network, &g->input, g->qps, fmin(1, g->limits.duration_s), &g->watch,
                                    error)); /* warm-up */
    bench_samples_clear(&load.latencies);
    TSM_TRY_RETURN(bench_offer_load(&load, &m->network, &g->input, g->qps, g->limits.duration_s, &g->watch, error));
    latency = bench_summarise(&load.latencies);
    row = describe(g, m);
    if (row) {
        json_object_set_new(row, "qps", json_real(g->qps));
        json_object_set_new(row, "offered_qps", json_real(load.offered));
        json_object_set_new(row, "achieved_qps", json_real(load.achieved));
        json_object_set_new(row, "clips_per_s", json_real(load.achieved * g->spec.batch));
        json_object_set_new(row, "frames_per_s", json_real(load.achieved * g->spec.batch * m->network.shape.t));
        json_object_set_new(row, "busy", json_real(load.busy));
        json_object_set_new(row, "longest_queue", json_integer(load.longest_queue));
        json_object_set_new(row, "runs", json_integer(load.requests));
        json_object_set_new(row, "latency_ms", bench_summary_json(&latency));
        json_object_set_new(row, "samples_ms", bench_samples_json(&load.latencies));
    }
    bench_report_row(report, row);
    if (load.achieved < 0.95 * load.offered)
        bench_report_warn(report, "%s cannot carry %g requests/s, it does %.3g: latency is that of a growing queue",
                          m->network.name, g->qps, load.achieved);
    bench_samples_clear(&load.latencies);
    return TSM_OK;
}

tsm_status bench_group_measure(bench_group *g, bench_report *report, tsm_error *error)
{
    const bool gpu = g->members[0].network.engine->backend->streams;
    bench_seen seen;

    bench_watch_begin(&g->watch, gpu);
    if (g->qps > 0) {
        for (int i = 0; i < g->count; i++) TSM_TRY_RETURN(measure_load(g, i, report, error));
    } else {
        TSM_TRY_RETURN(take_turns(g, error));
    }
    seen = bench_watch_end(&g->watch);
    if (g->qps <= 0) {
        for (int i = 0; i < g->count; i++) bench_report_row(report, make_row(g, i, &seen));
        for (int i = 0; i < g->count; i++) warn_member(g, i, report);
    }
    bench_warn_seen(report, &seen, gpu);
    return TSM_OK;
}
