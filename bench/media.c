/* SPDX-License-Identifier: Apache-2.0 */
/* media.c - tsm-bench media: from a file to the frames that a network reads; decoding and preprocessing apart. */
#include <stdlib.h>
#include <tsm/video.h>

#include "bench.h"
#include "core/status.h"

#define MAX_RUNS 10000

typedef struct settings {
    int segments, threads, warmup, iters;
    bool json;
} settings;

/* Medians of one input. */
typedef struct timing {
    double total_ms, decode_ms, preprocess_ms, min_ms;
} timing;

static tsm_status load_once(const char *path, const settings *set, double ms[3], json_t **about, tsm_error *error)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_clips *clips = NULL;
    const double start = bench_now_ms();
    tsm_status status;

    options.segments = set->segments;
    options.threads = set->threads;
    TSM_TRY(tsm_video_load(&clips, path, &options, error));
    ms[0] = bench_now_ms() - start;
    TSM_TRY(tsm_clips_get_info(clips, &info));
    ms[1] = info.decode_ms;
    ms[2] = info.preprocess_ms;
    if (!*about)
        *about =
            json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "input", path, "codec", info.codec ? info.codec : "", "width",
                      info.width, "height", info.height, "frames", info.frames, "segments", info.segments);
fail:
    tsm_clips_destroy(&clips);
    return status;
}

static tsm_status time_input(const char *path, const settings *set, timing *result, json_t **about, tsm_error *error)
{
    double *ms[3] = { calloc(MAX_RUNS, sizeof **ms), calloc(MAX_RUNS, sizeof **ms), calloc(MAX_RUNS, sizeof **ms) };
    tsm_status status = TSM_OK;

    if (!ms[0] || !ms[1] || !ms[2]) status = tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    for (int i = -set->warmup; i < set->iters && status == TSM_OK; i++) {
        double one[3] = { 0 };

        status = load_once(path, set, one, about, error);
        for (int k = 0; k < 3 && i >= 0; k++) ms[k][i] = one[k];
    }
    if (status == TSM_OK)
        *result = (timing){ bench_median(ms[0], set->iters), bench_median(ms[1], set->iters),
                            bench_median(ms[2], set->iters), bench_percentile(ms[0], set->iters, 0) };
    for (int k = 0; k < 3; k++) free(ms[k]);
    return status;
}

static bool report_input(const char *path, const settings *set, json_t *results)
{
    FILE *to = set->json ? stderr : stdout;
    json_t *about = NULL;
    timing result;
    tsm_error error;

    if (time_input(path, set, &result, &about, &error) != TSM_OK) {
        bench_fail("%s", error.text);
        json_decref(about);
        return false;
    }
    fprintf(to, "%9.2f %9.2f %9.2f %9.2f  %s\n", result.total_ms, result.min_ms, result.decode_ms,
            result.preprocess_ms, path);
    json_object_set_new(about, "total_ms", json_real(result.total_ms));
    json_object_set_new(about, "min_ms", json_real(result.min_ms));
    json_object_set_new(about, "decode_ms", json_real(result.decode_ms));
    json_object_set_new(about, "preprocess_ms", json_real(result.preprocess_ms));
    json_array_append_new(results, about);
    return true;
}

int bench_media(int argc, char **argv)
{
    settings set = { .segments = 8, .threads = 1, .warmup = 1, .iters = 15 };
    const bench_option options[] = {
        { "segments", BENCH_COUNT, &set.segments }, { "threads", BENCH_COUNT, &set.threads },
        { "warmup", BENCH_COUNT, &set.warmup },     { "iters", BENCH_COUNT, &set.iters },
        { "json", BENCH_FLAG, &set.json },          { 0 }
    };
    int inputs, failed = 0;

    if (!bench_parse(argc, argv, options, &inputs)) return BENCH_USAGE;
    if (!inputs || set.iters < 1 || set.iters > MAX_RUNS) {
        bench_fail("media: %s", inputs ? "--iters is out of range" : "no input");
        return BENCH_USAGE;
    }
    json_t *results = json_array();
    fprintf(set.json ? stderr : stdout,
            "%d frames, %d decoder threads, %s, commit %s\n%9s %9s %9s %9s  (ms, medians of %d)\n", set.segments,
            set.threads, bench_cpu_name(), bench_commit(), "total", "min", "decode", "preproc", set.iters);
    for (int i = 0; i < inputs; i++) failed += !report_input(argv[i], &set, results);
    if (set.json)
        bench_print_json(json_pack("{s:s, s:s, s:i, s:i, s:o}", "cpu", bench_cpu_name(), "commit", bench_commit(),
                                   "segments", set.segments, "threads", set.threads, "inputs", results));
    else
        json_decref(results);
    return failed ? BENCH_FAILED : BENCH_DONE;
}
