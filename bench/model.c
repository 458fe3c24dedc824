/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - tsm-bench model: throughput and latency of a network and, in the same run, of its 2D baseline.
 *
 * The two take turns, first one then the other in front, so that a busy or throttling machine slows both; the ratio
 * is the median of the ratios of neighbouring runs. On a CPU the limit of the machine, a large matrix product, is
 * measured between them.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "engine/engine.h"
#include "model/model.h"

#define MAX_RUNS   100000
#define LEAST_RUNS 5
#define GEMM_SHARE 0.15 /* of the time, for measuring the limit along the way */

typedef struct settings {
    const char *model, *against, *device, *shift;
    int batch, segments, size, threads, warmup, iters;
    double duration_s;
    bool json;
} settings;

/* A network ready to run. */
typedef struct contender {
    const char *name;
    tsm_engine *engine;
    tsm_context *context;
    tsm_engine_info info;
    float *logits, *again;
    size_t logit_count;
    uint64_t macs; /* of a batch */
    double *ms;    /* of each run */
} contender;

typedef struct match {
    settings set;
    tsm_shape shape;
    tsm_tensor input;
    contender tsm, tsn;
    int runs;
    double *ratios;
    double peak_rss_mb, gemm_gflops;
    bench_crowd crowd;
} match;

static bool find_method(const char *name, tsm_shift_method *method)
{
    static const char *const names[] = { "auto", "copy", "overlap", "inplace", "gather" };

    for (int i = 0; i < 5; i++) {
        *method = (tsm_shift_method)i;
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

/* ---- Getting ready ----------------------------------------------------------------------------------------------
 */

static tsm_status count_macs(contender *c, const tsm_model *model, const tsm_shape *shape, tsm_error *error)
{
    tsm_graph *graph = NULL;
    tsm_dims *shapes = NULL;
    tsm_status status;

    TSM_TRY(tsm_model_build_graph(model, false, &graph, error));
    TSM_TRY(tsm_graph_shapes(&shapes, graph, shape, error));
    c->macs = tsm_graph_macs(graph, shapes);
fail:
    tsm_free(shapes);
    tsm_graph_destroy(&graph);
    return status;
}

static tsm_status open_engine(match *m, contender *c, const tsm_model *model, tsm_error *error)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;

    options.device = m->set.device;
    options.threads = m->set.threads;
    if (!find_method(m->set.shift, &options.shift_method))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "--shift %s: no such method", m->set.shift);
    TSM_TRY_RETURN(tsm_engine_create(&c->engine, model, &options, error));
    c->info = (tsm_engine_info)TSM_ENGINE_INFO_INIT;
    return tsm_engine_get_info(c->engine, &c->info);
}

/* Loads the model (as its 2D baseline if asked) and plans it; the model's memory is given back, as a server would. */
static tsm_status open_contender(match *m, contender *c, bool baseline, tsm_error *error)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = NULL;
    tsm_status status;

    options.no_shift = baseline;
    options.segments = m->set.segments;
    TSM_TRY(tsm_model_load(&model, m->set.model, &options, error));
    TSM_TRY(tsm_model_get_info(model, &info));
    c->name = info.shift_div ? "tsm" : "tsn";
    m->shape = (tsm_shape){ m->set.batch, info.segments, m->set.size ? m->set.size : info.input_size,
                            m->set.size ? m->set.size : info.input_size };
    TSM_TRY(count_macs(c, model, &m->shape, error));
    TSM_TRY(open_engine(m, c, model, error));
    c->logit_count = (size_t)m->set.batch * (size_t)info.classes;
    tsm_model_destroy(&model);
    TSM_TRY(tsm_context_create(&c->context, c->engine, error));
    TSM_TRY(tsm_context_plan(c->context, &m->shape, error));
    c->logits = calloc(c->logit_count, sizeof *c->logits);
    c->again = calloc(c->logit_count, sizeof *c->again);
    c->ms = calloc(MAX_RUNS, sizeof *c->ms);
    if (!c->logits || !c->again || !c->ms) status = tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
fail:
    tsm_model_destroy(&model);
    return status;
}

static void close_contender(contender *c)
{
    tsm_context_destroy(&c->context);
    tsm_engine_destroy(&c->engine);
    free(c->logits);
    free(c->again);
    free(c->ms);
}

/* Noise frames, as bytes: what a decoder would hand over. */
static bool make_input(match *m)
{
    const tsm_shape *s = &m->shape;
    const size_t count = (size_t)s->n * (size_t)s->t * (size_t)s->h * (size_t)s->w * 3;
    uint8_t *bytes = malloc(count);
    uint32_t x = 1;

    if (!bytes) return false;
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    m->input = (tsm_tensor){
        .data = bytes, .dtype = TSM_UINT8, .layout = TSM_NTHWC, .ndim = 5, .dims = { s->n, s->t, s->h, s->w, 3 }
    };
    return true;
}

static tsm_status run_once(match *m, contender *c, float *logits, double *ms, tsm_error *error)
{
    const tsm_tensor output = { .data = logits,
                                .dtype = TSM_FLOAT32,
                                .layout = TSM_NC,
                                .ndim = 2,
                                .dims = { m->set.batch, (int64_t)c->logit_count / m->set.batch } };
    const double start = bench_now_ms();
    const tsm_status status = tsm_run(c->context, &m->input, &output, error);

    *ms = bench_now_ms() - start;
    return status;
}

/* What is timed must be right first: finite, not all the same, and the same twice. */
static tsm_status verify(match *m, contender *c, tsm_error *error)
{
    bool flat = true;
    double ms;

    TSM_TRY_RETURN(run_once(m, c, c->logits, &ms, error));
    TSM_TRY_RETURN(run_once(m, c, c->again, &ms, error));
    for (size_t i = 0; i < c->logit_count; i++) {
        if (!isfinite(c->logits[i])) return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: logits are not finite", c->name);
        flat = flat && c->logits[i] == c->logits[0];
    }
    if (flat && c->logit_count > 1) return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: all logits are equal", c->name);
    if (memcmp(c->logits, c->again, c->logit_count * sizeof *c->logits) != 0)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "%s: two runs of the same clip differ", c->name);
    return TSM_OK;
}

/* ---- Timing -----------------------------------------------------------------------------------------------------
 */

static bool enough(const match *m, double start)
{
    if (m->runs >= MAX_RUNS) return true;
    if (m->set.iters) return m->runs >= m->set.iters;
    return m->runs >= LEAST_RUNS && bench_now_ms() - start >= m->set.duration_s * 1e3;
}

static tsm_status time_runs(match *m, bench_gemm *gemm, tsm_error *error)
{
    double start, ignored, gemm_ms = 0;

    for (int i = 0; i < m->set.warmup; i++) {
        TSM_TRY_RETURN(run_once(m, &m->tsm, m->tsm.logits, &ignored, error));
        if (m->tsn.context) TSM_TRY_RETURN(run_once(m, &m->tsn, m->tsn.logits, &ignored, error));
    }
    for (start = bench_now_ms(); !enough(m, start); m->runs++) {
        contender *first = m->runs & 1 && m->tsn.context ? &m->tsn : &m->tsm;
        contender *second = first == &m->tsn ? &m->tsm : &m->tsn;

        bench_crowd_look(&m->crowd);
        TSM_TRY_RETURN(run_once(m, first, first->logits, &first->ms[m->runs], error));
        if (second->context) TSM_TRY_RETURN(run_once(m, second, second->logits, &second->ms[m->runs], error));
        if (m->tsn.context) m->ratios[m->runs] = m->tsn.ms[m->runs] / m->tsm.ms[m->runs];
        if (gemm && gemm_ms <= GEMM_SHARE * (bench_now_ms() - start)) {
            const double before = bench_now_ms();

            m->gemm_gflops = fmax(m->gemm_gflops, bench_gemm_run(gemm, 1));
            gemm_ms += bench_now_ms() - before;
        }
    }
    if (gemm) m->gemm_gflops = fmax(m->gemm_gflops, bench_gemm_run(gemm, LEAST_RUNS));
    return TSM_OK;
}

/* ---- Reporting --------------------------------------------------------------------------------------------------
 */

static double clips_per_s(const match *m, const contender *c)
{
    return m->set.batch / bench_median(c->ms, m->runs) * 1e3;
}

/* Clips a second, if all multiply-adds ran at the limit. */
static double limit_clips_per_s(const match *m, const contender *c)
{
    return m->gemm_gflops * 1e9 * m->set.batch / (2.0 * (double)c->macs);
}

static json_t *latency_json(const match *m, const contender *c)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "p50", bench_percentile(c->ms, m->runs, 50), "p90",
                     bench_percentile(c->ms, m->runs, 90), "p95", bench_percentile(c->ms, m->runs, 95), "p99",
                     bench_percentile(c->ms, m->runs, 99), "min", bench_percentile(c->ms, m->runs, 0));
}

static json_t *report_json(match *m)
{
    const contender *c = &m->tsm;
    const double speed = clips_per_s(m, c);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:o, s:f, s:f, s:f, s:s}", "name",
                  c->name, "device", c->info.device, "library", c->info.library, "cpu", bench_cpu_name(), "precision",
                  "fp32", "threads", c->info.threads, "batch", m->set.batch, "segments", m->shape.t, "size",
                  m->shape.h, "runs", m->runs, "clips_per_s", speed, "frames_per_s", speed * m->shape.t, "latency_ms",
                  latency_json(m, c), "gflop_per_clip", 2e-9 * (double)c->macs / m->set.batch, "peak_rss_mb",
                  m->peak_rss_mb, "crowded", bench_crowd_warn(&m->crowd), "commit", bench_commit());

    if (json && m->gemm_gflops > 0) {
        json_object_set_new(json, "gemm_gflops", json_real(m->gemm_gflops));
        json_object_set_new(json, "gemm_limit_clips_per_s", json_real(limit_clips_per_s(m, c)));
        json_object_set_new(json, "fraction_of_limit", json_real(speed / limit_clips_per_s(m, c)));
    }
    if (json && m->tsn.context)
        json_object_set_new(
            json, "against",
            json_pack("{s:s, s:f, s:f, s:f, s:o}", "name", m->tsn.name, "clips_per_s", clips_per_s(m, &m->tsn),
                      "ratio", bench_median(m->ratios, m->runs), "best_ratio",
                      bench_percentile(m->tsn.ms, m->runs, 0) / bench_percentile(m->tsm.ms, m->runs, 0), "latency_ms",
                      latency_json(m, &m->tsn)));
    return json;
}

static void print_row(FILE *to, const match *m, const contender *c)
{
    fprintf(to, "%-5s %9.3f %9.2f %9.2f %9.2f %9.2f %9.2f", c->name, clips_per_s(m, c),
            clips_per_s(m, c) * m->shape.t, bench_percentile(c->ms, m->runs, 50),
            bench_percentile(c->ms, m->runs, 90), bench_percentile(c->ms, m->runs, 99),
            bench_percentile(c->ms, m->runs, 0));
    if (m->gemm_gflops > 0) fprintf(to, " %9.3f", clips_per_s(m, c) / limit_clips_per_s(m, c));
    fputc('\n', to);
}

static void print_table(FILE *to, match *m)
{
    const contender *c = &m->tsm;

    fprintf(to, "%s: %d x %d x %dx%d on %s (%s, %s, %d threads), %d runs, commit %s\n", m->set.model, m->shape.n,
            m->shape.t, m->shape.h, m->shape.w, c->info.device, c->info.library, bench_cpu_name(), c->info.threads,
            m->runs, bench_commit());
    fprintf(to, "%-5s %9s %9s %9s %9s %9s %9s%s\n", "", "clips/s", "frames/s", "p50 ms", "p90 ms", "p99 ms", "min ms",
            m->gemm_gflops > 0 ? "  of limit" : "");
    print_row(to, m, c);
    if (m->tsn.context) {
        print_row(to, m, &m->tsn);
        fprintf(to, "ratio %9.4f of %s's speed, median of %d pairs\n", bench_median(m->ratios, m->runs), m->tsn.name,
                m->runs);
    }
    if (m->gemm_gflops > 0)
        fprintf(to, "limit %9.3f clips/s: %.1f GFLOP/s in a matrix product, %.2f GFLOP a clip\n",
                limit_clips_per_s(m, c), m->gemm_gflops, 2e-9 * (double)c->macs / m->set.batch);
    fprintf(to, "peak  %9.1f MB resident after the first clips of %s\n", m->peak_rss_mb, c->name);
}

static tsm_status play(match *m, tsm_error *error)
{
    bench_gemm *gemm = NULL;
    tsm_status status;

    TSM_TRY_RETURN(open_contender(m, &m->tsm, false, error));
    m->ratios = calloc(MAX_RUNS, sizeof *m->ratios);
    if (!m->ratios || !make_input(m)) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    TSM_TRY_RETURN(verify(m, &m->tsm, error));
    m->peak_rss_mb = bench_peak_rss_mb(); /* before anything that a user of the library would not have */
    if (m->set.against) {
        TSM_TRY_RETURN(open_contender(m, &m->tsn, true, error));
        TSM_TRY_RETURN(verify(m, &m->tsn, error));
    }
    if (strcmp(m->tsm.info.device, "cpu") == 0) gemm = bench_gemm_create(m->tsm.info.threads);
    status = time_runs(m, gemm, error);
    bench_gemm_destroy(gemm);
    return status;
}

static bool parse(settings *set, int argc, char **argv)
{
    const bench_option options[] = { { "model", BENCH_TEXT, &set->model },
                                     { "against", BENCH_TEXT, &set->against },
                                     { "device", BENCH_TEXT, &set->device },
                                     { "shift", BENCH_TEXT, &set->shift },
                                     { "batch", BENCH_COUNT, &set->batch },
                                     { "segments", BENCH_COUNT, &set->segments },
                                     { "size", BENCH_COUNT, &set->size },
                                     { "threads", BENCH_COUNT, &set->threads },
                                     { "warmup", BENCH_COUNT, &set->warmup },
                                     { "iters", BENCH_COUNT, &set->iters },
                                     { "duration", BENCH_SECONDS, &set->duration_s },
                                     { "json", BENCH_FLAG, &set->json },
                                     { 0 } };
    int positional;

    if (!bench_parse(argc, argv, options, &positional)) return false;
    if (positional || set->batch < 1 || (set->against && strcmp(set->against, "tsn") != 0)) {
        bench_fail(positional       ? "model: unexpected argument %s"
                   : set->batch < 1 ? "--batch: at least one clip"
                                    : "--against: only tsn",
                   argv[0]);
        return false;
    }
    if (!set->model) bench_fail("--model is needed; bench/make_model.py writes a full-size one with random weights");
    return set->model != NULL;
}

int bench_model(int argc, char **argv)
{
    match m = { .set = { .device = "cpu", .shift = "auto", .batch = 1, .warmup = 2, .duration_s = 10 } };
    tsm_error error;
    int result = BENCH_DONE;

    if (!parse(&m.set, argc, argv)) return BENCH_USAGE;
    if (play(&m, &error) != TSM_OK) {
        result = bench_fail("%s", error.text);
    } else {
        print_table(m.set.json ? stderr : stdout, &m);
        if (m.set.json) {
            bench_print_json(report_json(&m));
        } else {
            bench_crowd_warn(&m.crowd);
        }
    }
    close_contender(&m.tsm);
    close_contender(&m.tsn);
    free(m.input.data);
    free(m.ratios);
    return result;
}
