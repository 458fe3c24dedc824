/* SPDX-License-Identifier: Apache-2.0 */
/*
 * online.c - tsm-bench online: a frame of 1, 2, 4, ... live streams in one call, beside a frame of the plain 2D network
 * and beside what a program does that keeps no state, which is to run the window of the last frames again for each.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/online.h>

#include "bench.h"
#include "network/network.h"

#define FPS 30.0

typedef struct settings {
    const char *model, *device;
    bench_list streams;
    int threads, size, window;
    bench_limits limits;
    bench_output output;
} settings;

typedef struct race {
    const settings *set;
    tsm_engine *engine, *plain; /* with the shift; the same weights without */
    tsm_engine_info info;
    tsm_online *online;
    tsm_online_info online_info;
    tsm_context *frame, *window;
    int size, classes, most;
    uint8_t *pixels; /* frames of the largest call */
    float *logits;
    int *slots;
} race;

/* Who takes turns: so many streams, or a clip of so many frames (0 streams). */
typedef struct entrant {
    race *race;
    const char *name;
    int streams, frames;
    tsm_context *context;
} entrant;

/* ---- Getting ready ---------------------------------------------------------------------------------------------- */

static tsm_status load(tsm_engine **engine, int *size, const race *r, const bench_source *source, bool no_shift,
                       tsm_error *error)
{
    tsm_model_options model_options = TSM_MODEL_OPTIONS_INIT;
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model;
    tsm_status status;

    model_options.shift_direction = TSM_UNIDIRECTIONAL;
    model_options.no_shift = no_shift;
    options.device = r->set->device;
    options.threads = r->set->threads;
    TSM_TRY_RETURN(bench_source_load(&model, source, &model_options, error));
    TSM_TRY(tsm_model_get_info(model, &info));
    *size = info.input_size;
    status = tsm_engine_create(engine, model, &options, error);
fail:
    tsm_model_destroy(&model);
    return status;
}

static tsm_status make_room(race *r, tsm_error *error)
{
    const size_t pixels = (size_t)r->most * (size_t)r->size * (size_t)r->size * 3;

    r->pixels = malloc(pixels);
    r->logits = calloc((size_t)r->most * (size_t)r->classes, sizeof *r->logits);
    r->slots = calloc((size_t)r->most, sizeof *r->slots);
    if (!r->pixels || !r->logits || !r->slots) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    for (size_t i = 0; i < pixels; i++) r->pixels[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < r->most; i++) r->slots[i] = i;
    return TSM_OK;
}

static tsm_status plan(tsm_context **context, const tsm_engine *engine, int frames, int size, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_context_create(context, engine, error));
    return tsm_context_plan(*context, &(tsm_shape){ 1, frames, size, size }, error);
}

static tsm_status open_race(race *r, const bench_source *source, tsm_error *error)
{
    tsm_online_options options = TSM_ONLINE_OPTIONS_INIT;

    TSM_TRY_RETURN(load(&r->engine, &r->size, r, source, false, error));
    TSM_TRY_RETURN(load(&r->plain, &r->size, r, source, true, error));
    if (r->set->size) r->size = r->set->size;
    for (int i = 0; i < r->set->streams.count; i++)
        if ((int)r->set->streams.values[i] > options.slots) options.slots = (int)r->set->streams.values[i];
    options.batch = options.slots;
    options.height = options.width = r->size;
    TSM_TRY_RETURN(tsm_online_create(&r->online, r->engine, &options, error));
    r->info.struct_size = sizeof r->info;
    r->online_info.struct_size = sizeof r->online_info;
    TSM_TRY_RETURN(tsm_engine_get_info(r->engine, &r->info));
    TSM_TRY_RETURN(tsm_online_get_info(r->online, &r->online_info));
    r->classes = r->online_info.classes;
    r->most = options.slots > r->set->window ? options.slots : r->set->window;
    TSM_TRY_RETURN(make_room(r, error));
    TSM_TRY_RETURN(plan(&r->frame, r->plain, 1, r->size, error));
    return plan(&r->window, r->engine, r->set->window, r->size, error);
}

static void close_race(race *r)
{
    tsm_online_destroy(&r->online);
    tsm_context_destroy(&r->frame);
    tsm_context_destroy(&r->window);
    tsm_engine_destroy(&r->engine);
    tsm_engine_destroy(&r->plain);
    free(r->pixels);
    free(r->logits);
    free(r->slots);
}

/* ---- Turns ------------------------------------------------------------------------------------------------------ */

static tsm_tensor pixels_of(const race *r, int n, int t)
{
    return (tsm_tensor){
        .data = r->pixels, .dtype = TSM_UINT8, .layout = TSM_NTHWC, .ndim = 5, .dims = { n, t, r->size, r->size, 3 }
    };
}

static tsm_tensor logits_of(const race *r, int n)
{
    return (tsm_tensor){
        .data = r->logits, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { n, r->classes }
    };
}

static tsm_status run(const entrant *e, tsm_error *error)
{
    const race *r = e->race;
    const int clips = e->streams ? e->streams : 1;
    const tsm_tensor input = pixels_of(r, clips, e->frames), output = logits_of(r, clips);

    if (e->streams) return tsm_online_push(r->online, r->slots, e->streams, &input, &output, NULL, error);
    return tsm_run(e->context, &input, &output, error);
}

/* Milliseconds a new frame; of a window all of it is for one. */
static tsm_status turn(bench_contender *contender, tsm_error *error)
{
    const entrant *e = contender->user;
    const double begin = bench_now_ms();
    double ms;

    TSM_TRY_RETURN(run(e, error));
    ms = bench_now_ms() - begin;
    if (!bench_samples_add(&contender->latencies, ms) ||
        !bench_samples_add(&contender->turns, ms / (e->streams ? e->streams : 1)))
        return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    return TSM_OK;
}

/* A frame after nothing is a clip of one frame, whichever way it runs. */
static tsm_status verify(race *r, tsm_error *error)
{
    float *want = calloc((size_t)r->classes, sizeof *want);
    const entrant one = { r, "1", 1, 1, NULL };
    entrant clip = { r, "clip", 0, 1, NULL };
    double worst = 0, largest = 0;
    tsm_status status = want ? TSM_OK : tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");

    if (status == TSM_OK) status = plan(&clip.context, r->engine, 1, r->size, error);
    if (status == TSM_OK) status = run(&clip, error);
    if (status == TSM_OK) memcpy(want, r->logits, (size_t)r->classes * sizeof *want);
    if (status == TSM_OK) status = run(&one, error);
    for (int i = 0; i < r->classes && status == TSM_OK; i++) {
        worst = fmax(worst, fabs((double)r->logits[i] - want[i]));
        largest = fmax(largest, fabs((double)want[i]));
    }
    if (status == TSM_OK && !(worst <= 1e-4 * largest))
        status = tsm_fail(error, TSM_ERROR_INTERNAL, "a stream's first frame differs from its clip by %g of %g",
                          worst, largest);
    tsm_context_destroy(&clip.context);
    free(want);
    return status;
}

/* ---- Rows ------------------------------------------------------------------------------------------------------- */

static const bench_column columns[] = { { "way", "name", 10, -1, 0 },
                                        { "streams", "streams", 7, 0, 0 },
                                        { "ms a frame", "ms_per_frame", 10, 3, 0 },
                                        { "p50 ms", "latency_ms.p50", 9, 3, 0 },
                                        { "p99", "latency_ms.p99", 9, 3, 0 },
                                        { "at 30 fps", "streams_at_30_fps", 9, 1, 0 },
                                        { "of 2D", "ratio_to_2d", 7, 3, 0 },
                                        { "spread %", "spread", 8, 1, 100 },
                                        { 0 } };

static json_t *make_row(const entrant *e, const bench_contender *contender, const bench_contender *plain)
{
    const bench_summary turns = bench_summarise(&contender->turns), latency = bench_summarise(&contender->latencies);
    const race *r = e->race;

    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:o, s:f, s:f, s:I, s:o, s:i, s:o}", "name", e->name, "device",
                     r->info.device, "threads", r->info.threads, "streams", e->streams ? e->streams : 1, "frames",
                     e->frames, "ms_per_frame", turns.median, "latency_ms", bench_summary_json(&latency),
                     "streams_at_30_fps", 1e3 / FPS / turns.median, "ratio_to_2d",
                     bench_median_ratio(&contender->turns, &plain->turns), "cache_bytes",
                     (json_int_t)r->online_info.cache_bytes, "spread", bench_real(turns.spread), "runs", turns.runs,
                     "samples_ms", bench_samples_json(&contender->turns));
}

static tsm_status measure(race *r, bench_report *report, tsm_error *error)
{
    entrant entrants[BENCH_MAX_VALUES + 2] = { { r, "2D", 0, 1, r->frame },
                                               { r, "window", 0, r->set->window, r->window } };
    bench_contender contenders[BENCH_MAX_VALUES + 2] = { 0 };
    const int count = 2 + r->set->streams.count;
    bench_watch watch;
    bench_rounds rounds = { .limits = r->set->limits, .contenders = contenders, .count = count, .watch = &watch };
    bench_seen seen;
    tsm_status status;

    for (int i = 2; i < count; i++)
        entrants[i] = (entrant){ r, "online", (int)r->set->streams.values[i - 2], 1, NULL };
    for (int i = 0; i < count; i++) contenders[i] = (bench_contender){ .turn = turn, .user = &entrants[i] };
    bench_watch_begin(&watch, r->engine->backend->streams);
    TSM_TRY(bench_take_turns(&rounds, error));
    seen = bench_watch_end(&watch);
    for (int i = 0; i < count; i++) {
        const bench_summary turns = bench_summarise(&contenders[i].turns);

        bench_report_row(report, make_row(&entrants[i], &contenders[i], &contenders[0]));
        bench_warn_samples(report, entrants[i].name, &turns);
    }
    bench_report_note(report, "a stream keeps %llu bytes", (unsigned long long)r->online_info.cache_bytes);
    bench_warn_seen(report, &seen, r->engine->backend->streams);
fail:
    for (int i = 0; i < count; i++) bench_contender_clear(&contenders[i]);
    return status;
}

static tsm_status hold_race(const settings *set, bench_report *report, tsm_error *error)
{
    race r = { .set = set };
    bench_source source = { 0 };
    tsm_status status;

    TSM_TRY(bench_source_open(&source, set->model, error));
    TSM_TRY(open_race(&r, &source, error));
    TSM_TRY(verify(&r, error));
    bench_report_heading(report, "%s, %dx%d, on %s, %d threads, commit %s", source.name, r.size, r.size,
                         bench_cpu_name(), r.info.threads, bench_commit());
    status = measure(&r, report, error);
fail:
    close_race(&r);
    bench_source_close(&source);
    return status;
}

/* ---- The subcommand --------------------------------------------------------------------------------------------- */

static const bench_manual manual = {
    "online", "live streams: what a frame costs, and how many keep up", "[OPTION]...",
    "Takes a frame of several live streams in one call, with the uni-directional shift. Rows take\n"
    "turns: one frame of the same network without its shift (2D), the window of the last frames\n"
    "run again for one new frame, and each number of streams. \"of 2D\" is the median of the ratios\n"
    "of a round.\n",
    "  tsm-bench online --model mobilenetv2 --threads 2\n"
    "  tsm-bench online --model resnet50 --streams 1..32 --json\n"
};

static bool check(const settings *set)
{
    for (int i = 0; i < set->streams.count; i++)
        if (set->streams.values[i] < 1 || set->streams.values[i] > 4096)
            return bench_fail("--streams %g: 1 to 4096", set->streams.values[i]), false;
    return set->window >= 1 || (bench_fail("--window: at least one frame"), false);
}

int bench_online(int argc, char **argv)
{
    settings set = { .device = "auto",
                     .streams = { 4, { 1, 2, 4, 8 } },
                     .window = 8,
                     .limits = BENCH_LIMITS_INIT,
                     .output = BENCH_OUTPUT_INIT };
    const bench_option what[] = {
        { "model", BENCH_TEXT, &set.model, "M", "as in tsm-bench model; taken as uni-directional" },
        { "device", BENCH_TEXT, &set.device, "D", "auto, cpu, cuda or cuda:N" },
        { "streams", BENCH_LIST, &set.streams, "LIST", "streams in one call" },
        { "window", BENCH_COUNT, &set.window, "T", "frames of the window that is run again" },
        { "size", BENCH_COUNT, &set.size, "S", "pixels a side; the model's own unless said" },
        { "threads", BENCH_COUNT, &set.threads, "N", "CPU threads; 0: all" },
        { 0 }
    };
    const bench_option limits[] = BENCH_LIMIT_OPTIONS(set.limits);
    const bench_option outputs[] = BENCH_OUTPUT_OPTIONS(set.output);
    const bench_option options[] = { { NULL, BENCH_GROUP, (void *)what, NULL, "What" },
                                     { NULL, BENCH_GROUP, (void *)limits, NULL, "How long" },
                                     { NULL, BENCH_GROUP, (void *)outputs, NULL, "Output" },
                                     { 0 } };
    tsm_error error = { 0 };
    bench_report report;
    int positional;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &positional) || !check(&set) || !bench_limits_settle(&set.limits))
        return BENCH_USAGE;
    if (positional) return bench_fail("online: unexpected argument %s", argv[0]), BENCH_USAGE;
    if (!bench_report_begin(&report, "online", &set.output, columns)) return BENCH_USAGE;
    if (hold_race(&set, &report, &error) == TSM_OK) return bench_report_end(&report);
    bench_report_drop(&report);
    return bench_fail("%s", error.text);
}
