/* SPDX-License-Identifier: Apache-2.0 */
/*
 * online.c - tsm-bench online: a frame of 1, 2, 4, ... live streams in one call, beside a frame of the plain 2D
 * network and beside what a program does that has no state, which is to run the window of the last frames again for
 * each.
 *
 * In each round everything has its turn, so that a busy machine slows all alike; ratios are medians of a round's.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/online.h>

#include "bench.h"
#include "core/status.h"

#define MOST_COUNTS 8
#define MAX_ROUNDS  10000
#define LEAST       5
#define FPS         30.0

typedef struct settings {
    const char *model, *device;
    int size, threads, streams, window, iters;
    double duration_s;
    bool json;
} settings;

/* A number of streams, and what a push took in each round. */
typedef struct row {
    int streams;
    double *ms;
} row;

typedef struct race {
    settings set;
    tsm_engine *engine, *plain; /* with the shift; the same weights without */
    tsm_context *frame, *window;
    tsm_online *online;
    tsm_online_info info;
    tsm_engine_info engine_info;
    float *logits;
    uint8_t *frames; /* as many as the largest call takes */
    int *slots;
    int classes, rows, rounds;
    row table[MOST_COUNTS];
    double *frame_ms, *window_ms, *ratios;
    bench_crowd crowd;
} race;

static tsm_status load(tsm_engine **engine, const race *r, bool no_shift, tsm_error *error)
{
    tsm_model_options model_options = TSM_MODEL_OPTIONS_INIT;
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model *model;
    tsm_status status;

    model_options.shift_direction = TSM_UNIDIRECTIONAL;
    model_options.no_shift = no_shift;
    options.device = r->set.device;
    options.threads = r->set.threads;
    TSM_TRY_RETURN(tsm_model_load(&model, r->set.model, &model_options, error));
    status = tsm_engine_create(engine, model, &options, error);
    tsm_model_destroy(&model);
    return status;
}

static tsm_tensor frames_of(const race *r, int n, int t)
{
    return (tsm_tensor){ .data = r->frames,
                         .dtype = TSM_UINT8,
                         .layout = TSM_NTHWC,
                         .ndim = 5,
                         .dims = { n, t, r->set.size, r->set.size, 3 } };
}

static tsm_tensor logits_of(const race *r, int n)
{
    return (tsm_tensor){
        .data = r->logits, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { n, r->classes }
    };
}

static tsm_status push(race *r, int streams, tsm_error *error)
{
    const tsm_tensor input = frames_of(r, streams, 1), output = logits_of(r, streams);

    return tsm_online_push(r->online, r->slots, streams, &input, &output, NULL, error);
}

static tsm_status run(race *r, tsm_context *context, int t, tsm_error *error)
{
    const tsm_tensor input = frames_of(r, 1, t), output = logits_of(r, 1);

    return tsm_run(context, &input, &output, error);
}

/* The first frame of a stream has nothing before it: it is a clip of one frame. */
static tsm_status verify(race *r, tsm_error *error)
{
    float *want = calloc((size_t)r->classes, sizeof *want);
    double worst = 0, largest = 0;
    tsm_context *clip = NULL;
    tsm_status status = want ? TSM_OK : tsm_fail_memory(error, (size_t)r->classes * sizeof *want);

    if (status == TSM_OK) status = tsm_context_create(&clip, r->engine, error);
    if (status == TSM_OK) status = tsm_context_plan(clip, &(tsm_shape){ 1, 1, r->set.size, r->set.size }, error);
    if (status == TSM_OK) status = run(r, clip, 1, error);
    if (status == TSM_OK) memcpy(want, r->logits, (size_t)r->classes * sizeof *want);
    if (status == TSM_OK) status = push(r, 1, error);
    for (int i = 0; i < r->classes && status == TSM_OK; i++) {
        worst = fmax(worst, fabs((double)r->logits[i] - want[i]));
        largest = fmax(largest, fabs((double)want[i]));
    }
    if (status == TSM_OK && !(worst <= 1e-4 * largest))
        status = tsm_fail(error, TSM_ERROR_INTERNAL, "online: the first frame differs from its clip by %g of %g",
                          worst, largest);
    tsm_context_destroy(&clip);
    free(want);
    return status;
}

static bool make_room(race *r)
{
    const int most = r->set.streams > r->set.window ? r->set.streams : r->set.window;
    const size_t pixels = (size_t)most * (size_t)r->set.size * (size_t)r->set.size * 3;

    r->frames = malloc(pixels);
    r->slots = calloc((size_t)r->set.streams, sizeof *r->slots);
    r->logits = calloc((size_t)most * (size_t)r->classes, sizeof *r->logits);
    r->frame_ms = calloc(MAX_ROUNDS, sizeof *r->frame_ms);
    r->window_ms = calloc(MAX_ROUNDS, sizeof *r->window_ms);
    r->ratios = calloc(MAX_ROUNDS, sizeof *r->ratios);
    for (int n = 1; r->rows < MOST_COUNTS && n <= r->set.streams; n *= 2, r->rows++)
        r->table[r->rows] = (row){ n, calloc(MAX_ROUNDS, sizeof(double)) };
    if (!r->frames || !r->slots || !r->logits || !r->frame_ms || !r->window_ms || !r->ratios) return false;
    for (size_t i = 0; i < pixels; i++) r->frames[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < r->set.streams; i++) r->slots[i] = i;
    return true;
}

static tsm_status start(race *r, tsm_error *error)
{
    tsm_online_options options = TSM_ONLINE_OPTIONS_INIT;
    const int size = r->set.size;

    options.slots = options.batch = r->set.streams;
    options.height = options.width = size;
    TSM_TRY_RETURN(load(&r->engine, r, false, error));
    TSM_TRY_RETURN(load(&r->plain, r, true, error));
    TSM_TRY_RETURN(tsm_online_create(&r->online, r->engine, &options, error));
    r->info.struct_size = sizeof r->info;
    r->engine_info.struct_size = sizeof r->engine_info;
    TSM_TRY_RETURN(tsm_online_get_info(r->online, &r->info));
    TSM_TRY_RETURN(tsm_engine_get_info(r->engine, &r->engine_info));
    r->classes = r->info.classes;
    if (!make_room(r)) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    TSM_TRY_RETURN(tsm_context_create(&r->frame, r->plain, error));
    TSM_TRY_RETURN(tsm_context_plan(r->frame, &(tsm_shape){ 1, 1, size, size }, error));
    TSM_TRY_RETURN(tsm_context_create(&r->window, r->engine, error));
    TSM_TRY_RETURN(tsm_context_plan(r->window, &(tsm_shape){ 1, r->set.window, size, size }, error));
    return verify(r, error);
}

static tsm_status time_round(race *r, int round, tsm_error *error)
{
    double begin = bench_now_ms();

    TSM_TRY_RETURN(run(r, r->frame, 1, error));
    r->frame_ms[round] = bench_now_ms() - begin;
    for (int i = 0; i < r->rows; i++) {
        begin = bench_now_ms();
        TSM_TRY_RETURN(push(r, r->table[i].streams, error));
        r->table[i].ms[round] = bench_now_ms() - begin;
    }
    begin = bench_now_ms();
    TSM_TRY_RETURN(run(r, r->window, r->set.window, error));
    r->window_ms[round] = bench_now_ms() - begin;
    r->ratios[round] = r->table[0].ms[round] / r->frame_ms[round];
    return TSM_OK;
}

static tsm_status race_all(race *r, tsm_error *error)
{
    double end;

    TSM_TRY_RETURN(start(r, error));
    for (int i = 0; i < 2; i++) TSM_TRY_RETURN(time_round(r, 0, error)); /* warm-up */
    end = bench_now_ms() + r->set.duration_s * 1e3;
    while (r->rounds < MAX_ROUNDS &&
           (r->rounds < LEAST || (r->set.iters ? r->rounds < r->set.iters : bench_now_ms() < end))) {
        TSM_TRY_RETURN(time_round(r, r->rounds, error));
        r->rounds++;
        bench_crowd_look(&r->crowd);
    }
    return TSM_OK;
}

static void print_table(race *r, double frame_ms, double window_ms, double ratio)
{
    printf("%s, %s, %d threads, %dx%d, %d rounds\n", bench_cpu_name(), r->engine_info.library, r->engine_info.threads,
           r->set.size, r->set.size, r->rounds);
    printf("2D frame %.3f ms; a stream's frame costs %.3f x that; its caches take %llu bytes\n", frame_ms, ratio,
           (unsigned long long)r->info.cache_bytes);
    printf("window of %d frames, run again for each: %.3f ms a frame, %.1f streams at 30 fps\n", r->set.window,
           window_ms, 1000 / FPS / window_ms);
    printf("%8s  %12s  %10s\n", "streams", "ms a frame", "at 30 fps");
    for (int i = 0; i < r->rows; i++) {
        const double ms = bench_median(r->table[i].ms, r->rounds) / r->table[i].streams;

        printf("%8d  %12.3f  %10.1f\n", r->table[i].streams, ms, 1000 / FPS / ms);
    }
}

static void print_json(race *r, double frame_ms, double window_ms, double ratio)
{
    json_t *rows = json_array();

    for (int i = 0; i < r->rows; i++) {
        const double ms = bench_median(r->table[i].ms, r->rounds) / r->table[i].streams;

        json_array_append_new(rows, json_pack("{s:i, s:f, s:f}", "streams", r->table[i].streams, "ms_per_frame", ms,
                                              "streams_at_30_fps", 1000 / FPS / ms));
    }
    bench_print_json(json_pack(
        "{s:s, s:s, s:i, s:i, s:I, s:f, s:f, s:{s:i, s:f}, s:o, s:s}", "device", r->engine_info.device, "library",
        r->engine_info.library, "threads", r->engine_info.threads, "size", r->set.size, "cache_bytes",
        (json_int_t)r->info.cache_bytes, "frame_2d_ms", frame_ms, "ratio_to_2d", ratio, "window", "frames",
        r->set.window, "ms_per_frame", window_ms, "rows", rows, "commit", bench_commit()));
}

static void stop(race *r)
{
    tsm_online_destroy(&r->online);
    tsm_context_destroy(&r->frame);
    tsm_context_destroy(&r->window);
    tsm_engine_destroy(&r->engine);
    tsm_engine_destroy(&r->plain);
    for (int i = 0; i < r->rows; i++) free(r->table[i].ms);
    free(r->frames);
    free(r->slots);
    free(r->logits);
    free(r->frame_ms);
    free(r->window_ms);
    free(r->ratios);
}

int bench_online(int argc, char **argv)
{
    race r = { .set = { .device = "cpu", .size = 224, .streams = 16, .window = 8, .duration_s = 10 } };
    const bench_option options[] = {
        { "model", BENCH_TEXT, &r.set.model },      { "device", BENCH_TEXT, &r.set.device },
        { "size", BENCH_COUNT, &r.set.size },       { "threads", BENCH_COUNT, &r.set.threads },
        { "streams", BENCH_COUNT, &r.set.streams }, { "window", BENCH_COUNT, &r.set.window },
        { "iters", BENCH_COUNT, &r.set.iters },     { "duration", BENCH_SECONDS, &r.set.duration_s },
        { "json", BENCH_FLAG, &r.set.json },        { 0 }
    };
    int positional, result = BENCH_DONE;
    tsm_error error;

    if (!bench_parse(argc, argv, options, &positional)) return BENCH_USAGE;
    if (positional || !r.set.model || r.set.streams < 1 || r.set.window < 1 || r.set.size < 1) {
        bench_fail("online: --model M, and at least one stream, frame and pixel, are needed");
        return BENCH_USAGE;
    }
    if (race_all(&r, &error) != TSM_OK) {
        result = bench_fail("%s", error.text);
    } else {
        const double frame_ms = bench_median(r.frame_ms, r.rounds), window_ms = bench_median(r.window_ms, r.rounds);
        const double ratio = bench_median(r.ratios, r.rounds);

        if (r.set.json)
            print_json(&r, frame_ms, window_ms, ratio);
        else
            print_table(&r, frame_ms, window_ms, ratio);
        bench_crowd_warn(&r.crowd);
    }
    stop(&r);
    return result;
}
