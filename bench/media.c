/* SPDX-License-Identifier: Apache-2.0 */
/* media.c - tsm-bench media: from a file to the frames that a network reads; decoding and preprocessing apart. */
#include <tsm/video.h>

#include "bench.h"
#include "core/status.h"

typedef struct settings {
    bench_list segments, threads;
    bench_limits limits;
    bench_output output;
} settings;

/* An input that is loaded again and again. */
typedef struct loading {
    const char *path;
    int segments, threads;
    bench_samples decode_ms, preprocess_ms;
    tsm_clips_info info; /* of the latest; its pointers are gone */
    char codec[24];
} loading;

static const bench_manual manual = {
    "media", "decoding and preprocessing of videos or folders of frames", "INPUT... [OPTION]...",
    "Loads each input as `tsm classify` does: finds and decodes the frames of one clip, scales\n"
    "and crops them. p50 and p90 are of the whole; decode and preprocess are its parts, as\n"
    "medians. The frames and pixels are those that the tests compare with the reference\n"
    "pipelines.\n",
    "  tsm-bench media clip.mp4 folder/of/frames\n"
    "  tsm-bench media --segments 8,16,32 --threads 1,2 clip.mp4 --format csv\n"
};

static const bench_column columns[] = { { "frames", "segments", 6, 0, 0 },
                                        { "threads", "threads", 7, 0, 0 },
                                        { "clips/s", "clips_per_s", 9, 2, 0 },
                                        { "p50 ms", "latency_ms.p50", 9, 2, 0 },
                                        { "p90", "latency_ms.p90", 9, 2, 0 },
                                        { "min", "latency_ms.min", 9, 2, 0 },
                                        { "spread %", "spread", 8, 1, 100 },
                                        { "decode", "decode_ms", 9, 2, 0 },
                                        { "preprocess", "preprocess_ms", 10, 2, 0 },
                                        { " codec", "codec", 6, -1, 0 },
                                        { "input", "input", 5, -1, 0 },
                                        { 0 } };

static tsm_status load_once(bench_contender *contender, tsm_error *error)
{
    loading *l = contender->user;
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    tsm_clips *clips = NULL;
    const double begin = bench_now_ms();
    tsm_status status;
    double ms;

    options.segments = l->segments;
    options.threads = l->threads;
    TSM_TRY(tsm_video_load(&clips, l->path, &options, error));
    ms = bench_now_ms() - begin;
    l->info = (tsm_clips_info)TSM_CLIPS_INFO_INIT;
    TSM_TRY(tsm_clips_get_info(clips, &l->info));
    snprintf(l->codec, sizeof l->codec, "%s", l->info.codec ? l->info.codec : "");
    if (!bench_samples_add(&contender->turns, ms) || !bench_samples_add(&l->decode_ms, l->info.decode_ms) ||
        !bench_samples_add(&l->preprocess_ms, l->info.preprocess_ms))
        TSM_TRY(tsm_fail(error, TSM_ERROR_MEMORY, "out of memory"));
fail:
    tsm_clips_destroy(&clips);
    return status;
}

static json_t *make_row(const loading *l, const bench_summary *s)
{
    const bench_summary decode = bench_summarise(&l->decode_ms), preprocess = bench_summarise(&l->preprocess_ms);

    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:o, s:f, s:f, s:f, s:f, s:o}", "input", l->path,
                     "codec", l->codec, "width", l->info.width, "height", l->info.height, "frames", l->info.frames,
                     "segments", l->info.segments, "threads", l->threads, "clips_per_s", 1e3 / s->median,
                     "frames_per_s", 1e3 / s->median * l->info.segments, "latency_ms", bench_summary_json(s),
                     "total_ms", s->median, "min_ms", s->min, "decode_ms", decode.median, "preprocess_ms",
                     preprocess.median, "spread", bench_real(s->spread));
}

static bool measure(const char *path, int segments, int threads, const settings *set, bench_report *report)
{
    loading l = { .path = path, .segments = segments, .threads = threads };
    bench_contender contender = { .turn = load_once, .user = &l };
    bench_watch watch;
    bench_rounds rounds = { .limits = set->limits, .contenders = &contender, .count = 1, .watch = &watch };
    tsm_error error = { 0 };
    tsm_status status;

    bench_watch_begin(&watch, false);
    status = bench_take_turns(&rounds, &error);
    if (status == TSM_OK) {
        const bench_seen seen = bench_watch_end(&watch);
        const bench_summary summary = bench_summarise(&contender.turns);

        bench_report_row(report, make_row(&l, &summary));
        bench_warn_samples(report, path, &summary);
        bench_warn_seen(report, &seen, false);
    } else {
        bench_fail("%s", error.text);
    }
    bench_contender_clear(&contender);
    bench_samples_clear(&l.decode_ms);
    bench_samples_clear(&l.preprocess_ms);
    return status == TSM_OK;
}

static int run(char **inputs, int count, const settings *set)
{
    bench_report report;
    int failed = 0, result;

    if (!bench_report_begin(&report, "media", &set->output, columns)) return BENCH_USAGE;
    bench_report_heading(&report, "decoding and preprocessing on %s, commit %s", bench_cpu_name(), bench_commit());
    for (int i = 0; i < count; i++)
        for (int s = 0; s < set->segments.count; s++)
            for (int t = 0; t < set->threads.count; t++)
                failed +=
                    !measure(inputs[i], (int)set->segments.values[s], (int)set->threads.values[t], set, &report);
    result = bench_report_end(&report);
    return failed ? BENCH_FAILED : result;
}

int bench_media(int argc, char **argv)
{
    settings set = {
        .segments = bench_list_of(8), .threads = bench_list_of(1), .limits = { 1, -1, 2 }, .output = BENCH_OUTPUT_INIT
    };
    const bench_option axes[] = { { "segments", BENCH_LIST, &set.segments, "LIST", "frames a clip" },
                                  { "threads", BENCH_LIST, &set.threads, "LIST", "decoder threads" },
                                  { 0 } };
    const bench_option limits[] = BENCH_LIMIT_OPTIONS(set.limits);
    const bench_option outputs[] = BENCH_OUTPUT_OPTIONS(set.output);
    const bench_option options[] = { { NULL, BENCH_GROUP, (void *)axes, NULL, "Axes" },
                                     { NULL, BENCH_GROUP, (void *)limits, NULL, "How long" },
                                     { NULL, BENCH_GROUP, (void *)outputs, NULL, "Output" },
                                     { 0 } };
    int inputs;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &inputs)) return BENCH_USAGE;
    if (!bench_limits_settle(&set.limits)) return BENCH_USAGE;
    if (!inputs) return bench_fail("media: no input"), BENCH_USAGE;
    return run(argv, inputs, &set);
}
