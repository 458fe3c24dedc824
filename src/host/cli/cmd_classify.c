/* SPDX-License-Identifier: Apache-2.0 */
/* tsm classify: what happens in each video. */
#include "classify.h"
#include "classify_windows.h"
#include "cli/draw/sheet.h"
#include "commands.h"
#include "feed.h"
#include "options.h"
#include "report.h"
#include "classification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stop(classify *c)
{
    progress_clear(&c->progress);
    tsm_pipeline_destroy(&c->pipeline);
    feed_close(&c->feed);
    window_feed_close(&c->window_feed);
    sheet_abort(&c->sheet);
    features_abort(&c->features);
    ranking_close(&c->ranking);
    runner_close(&c->net);
    paths_clear(&c->inputs);
    free(c->logits);
}

static tsm_status read_inputs(classify *c, char **arguments, int count, tsm_error *error)
{
    tsm_status status = TSM_OK;

    for (int i = 0; i < count && status == TSM_OK; i++) status = paths_add(&c->inputs, arguments[i], error);
    if (c->list && status == TSM_OK) status = paths_add_list(&c->inputs, c->list, NULL, error);
    if (status == TSM_OK && c->subtitles && c->inputs.count != 1)
        return report_fail(error, TSM_ERROR_ARGUMENT, "%s: subtitles are of one video, not of %d", c->subtitles,
                           c->inputs.count);
    return status;
}

static bool has_windows(const classify *c)
{
    return c->windows.seconds > 0 || c->windows.frames > 0;
}

/* Several clips at a time, a thread each, are faster than one with all threads; a few are not. */
static bool runs_side_by_side(const classify *c)
{
    const double clips = (c->s.views ? c->s.views : 1) * tsm_sampling_clips((tsm_sampling)c->s.sampling);

    return has_windows(c) || c->inputs.count * clips >= 4;
}

static tsm_status open_network(classify *c, tsm_error *error)
{
    settings s = c->s;
    tsm_status status;

    s.features = c->features_path != NULL;
    if (runs_side_by_side(c)) s.threads = 1;
    status = runner_open(&c->net, &s, 0, error);
    if (status != TSM_OK) return status;
    if (c->net.info.in_channels != 3)
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: takes %d channels, not RGB frames", c->net.path,
                           c->net.info.in_channels);
    status = ranking_open(&c->ranking, c->net.model, c->net.info.classes, c->top, error);
    c->ranking.multi_label = c->multi_label;
    c->ranking.threshold = c->threshold;
    return status;
}

static tsm_status open_pipeline(classify *c, tsm_error *error)
{
    tsm_pipeline_options options = TSM_PIPELINE_OPTIONS_INIT;
    tsm_video_options video = settings_video(&c->s, &c->net.info);
    uint64_t most =
        video.max_bytes && (uint64_t)video.max_bytes < INPUT_MAX_BYTES ? (uint64_t)video.max_bytes : INPUT_MAX_BYTES;
    tsm_status status = feed_open(&c->feed, &c->inputs, most, error);

    if (status != TSM_OK) return status;
    c->mode = video.mode;
    if (runs_side_by_side(c)) video.threads = 1;
    options.video = &video;
    options.workers = c->s.threads;
    options.resize_on_device = c->net.scales && !c->sheet_path;
    options.next = has_windows(c) ? window_feed_next : feed_next;
    options.next_user = has_windows(c) ? (void *)&c->window_feed : &c->feed;
    window_feed_open(&c->window_feed, &c->inputs, most, &c->windows, &video);
    return tsm_pipeline_create(&c->pipeline, c->net.engine, &options, error);
}

/* Everything that can fail before the first input is opened. */
static tsm_status start(classify *c, tsm_error *error)
{
    tsm_status status = open_network(c, error);

    if (status == TSM_OK && c->sheet_path)
        status = sheet_open(&c->sheet, c->sheet_path, c->inputs.count, c->net.info.segments, c->ranking.most, error);
    if (status == TSM_OK && c->features_path)
        status = features_open(&c->features, c->features_path, c->net.engine, c->inputs.count, error);
    if (status == TSM_OK) status = open_pipeline(c, error);
    progress_begin(&c->progress, "videos", c->inputs.count);
    return status;
}

/* Logits of the result's clips: its outputs, or what the classifier makes of those where they are features. */
static tsm_status find_logits(classify *c, const tsm_result *result, const float **logits, tsm_error *error)
{
    const size_t values = (size_t)result->count * (size_t)c->net.info.classes;
    float *room;

    *logits = result->outputs;
    if (!c->features_path) return TSM_OK;
    room = realloc(c->logits, values * sizeof *room);
    if (!room) return report_fail(error, TSM_ERROR_MEMORY, "out of memory for %zu logits", values);
    c->logits = room;
    *logits = room;
    return tsm_model_classify(c->net.model, result->outputs, result->count, result->values, room, error);
}

/* A row for the sheet; `frames` is NULL for an input that failed, and `title` says why. A sheet that cannot be
 * written is given up with its own error, and the inputs go on. */
static int add_to_sheet(classify *c, const char *title, const tsm_tensor *frames)
{
    sheet_row row = { .title = title };
    tsm_error error = { 0 };

    if (!c->sheet) return EXIT_DONE;
    if (frames) {
        row.frames = frames->data;
        row.size = (int)frames->dims[2];
        row.labels = c->ranking.labels;
        row.scores = c->ranking.top_scores;
        row.count = c->ranking.top;
    }
    if (sheet_add(c->sheet, &row, &error) == TSM_OK) return EXIT_DONE;
    sheet_abort(&c->sheet);
    progress_clear(&c->progress);
    report_line("%s", error.text);
    return EXIT_FAILED;
}

static int show(classify *c, const char *input, const tsm_result *result)
{
    const tsm_tensor frames = tsm_clips_tensor(result->clips);
    classification v = { .input = input,
                         .clips = &result->info,
                         .network_ms = result->network_ms,
                         .count = c->ranking.top,
                         .classes = c->ranking.classes,
                         .labels = c->ranking.labels,
                         .scores = c->ranking.top_scores,
                         .logits = c->ranking.top_logits };
    int status = EXIT_DONE;

    progress_clear(&c->progress);
    if (result->info.note) report_line("%s: %s", input_name(input), result->info.note);
    if (!c->s.json) {
        classification_print_text(&v);
    } else if (classification_print_json(&v) != 0) {
        status = EXIT_FAILED;
    }
    return add_to_sheet(c, input_name(input), &frames) == EXIT_DONE ? status : EXIT_FAILED;
}

static int show_failure(classify *c, const char *input, tsm_error *failure)
{
    progress_clear(&c->progress);
    report_name(failure, input_name(input));
    report_line("%s", failure->text);
    if (c->s.json) classification_print_failure(input, failure);
    add_to_sheet(c, failure->text, NULL);
    return EXIT_FAILED;
}

static int take_result(classify *c, const tsm_result *result)
{
    const char *input = c->inputs.items[result->index];
    tsm_error error = result->error;
    tsm_status status = result->status;
    const float *logits;

    if (status == TSM_OK) status = find_logits(c, result, &logits, &error);
    if (status == TSM_OK) status = ranking_fill(&c->ranking, c->mode, logits, result->count, &error);
    if (c->features_path && features_add(&c->features, status == TSM_OK ? result : NULL, &c->feature_error) != TSM_OK)
        return EXIT_FAILED;
    return status == TSM_OK ? show(c, input, result) : show_failure(c, input, &error);
}

/* The sheet and the features, where anything went well. */
static int finish(classify *c, int done)
{
    tsm_error error = { 0 };
    int result = EXIT_DONE;

    if (c->sheet && done > 0 && sheet_commit(&c->sheet, &error) != TSM_OK) result = EXIT_FAILED;
    if (result == EXIT_DONE && c->features_path && done > 0 && features_commit(&c->features, &error) != TSM_OK)
        result = EXIT_FAILED;
    if (result != EXIT_DONE) report_line("%s", error.text);
    return result;
}

static int classify_all(classify *c)
{
    int result = EXIT_DONE, done = 0;
    const tsm_result *next;
    tsm_error error = { 0 };
    tsm_status status;

    while ((status = tsm_pipeline_next(c->pipeline, &next, &error)) == TSM_OK && next) {
        if (take_result(c, next) == EXIT_DONE) {
            done++;
        } else {
            result = EXIT_FAILED;
        }
        feed_done(&c->feed, next->index);
        progress_update(&c->progress, (double)next->index + 1);
        /* Nobody reads on, or the disk is full: the rest would be lost too. */
        if (report_output(EXIT_DONE) != EXIT_DONE) return EXIT_FAILED;
        if (c->feature_error.code != TSM_OK) break;
    }
    progress_clear(&c->progress);
    if (status == TSM_OK && c->feature_error.code != TSM_OK) {
        status = c->feature_error.code;
        error = c->feature_error;
    }
    if (status != TSM_OK) {
        report_line("%s", error.text);
        return EXIT_FAILED;
    }
    return finish(c, done) == EXIT_DONE ? result : EXIT_FAILED;
}

static int show_windows(classify *c)
{
    const classify_windows windows = { .inputs = &c->inputs,
                                       .feed = &c->window_feed,
                                       .pipeline = c->pipeline,
                                       .ranking = &c->ranking,
                                       .mode = c->mode,
                                       .progress = &c->progress,
                                       .json = c->s.json,
                                       .merged = c->spans,
                                       .threshold = c->threshold_given || c->multi_label ? c->threshold : 0,
                                       .subtitles = c->subtitles };

    return classify_windows_show(&windows);
}

/* What the texts of options say. Returns EXIT_DONE, or EXIT_USAGE with a line on stderr. */
static int read_texts(classify *c, const option_table *table, const char *threshold, const char *window,
                      const char *stride)
{
    tsm_windows_options *w = &c->windows;

    c->threshold_given = threshold != NULL;
    if (threshold && !settings_fraction(threshold, &c->threshold))
        return options_wrong(table, "--threshold %s: want a number from 0 to 1", threshold);
    if (window && !window_length(window, &w->seconds, &w->frames))
        return options_wrong(table, "--window %s: want seconds, 2.5, or frames, 64f", window);
    if (stride && !window_length(stride, &w->stride_seconds, &w->stride_frames))
        return options_wrong(table, "--stride %s: want seconds, 2.5, or frames, 64f", stride);
    if (!window && (stride || c->spans || c->subtitles))
        return options_wrong(table, "--stride, --spans and --subtitles are for --window");
    if (window && (c->sheet_path || c->features_path))
        return options_wrong(table, "--sheet and --features have a row an input, not a window");
    if (threshold && !c->multi_label && !window)
        return options_wrong(table, "--threshold is for --multi-label and --window");
    if (c->sheet_path && c->features_path) return options_wrong(table, "--sheet and --features are two outputs");
    return EXIT_DONE;
}

int cmd_classify(int argc, char **argv)
{
    classify c = { .top = 5, .threshold = 0.5, .windows = TSM_WINDOWS_OPTIONS_INIT };
    const char *threshold = NULL, *window = NULL, *stride = NULL;
    const option_spec specs[] = {
        OPTION_SPEC_TEXT("list", "FILE", &c.list,
                         "inputs, a path a line, from the list's folder; - is standard input"),
        OPTION_SPEC_NUMBER("top", &c.top, 1, 1000000, "labels an input, 5 by default"),
        OPTION_SPEC_FLAG("multi-label", &c.multi_label, "labels do not exclude each other: a score each of its own"),
        OPTION_SPEC_TEXT("threshold", "SCORE", &threshold,
                         "the least score of --multi-label (0.5 by default), of a window"),
        OPTION_SPEC_TEXT("window", "LENGTH", &window,
                         "labels along time: of windows of so many seconds, 2, or frames, 64f"),
        OPTION_SPEC_TEXT("stride", "LENGTH", &stride, "from one window to the next, otherwise its length"),
        OPTION_SPEC_FLAG("spans", &c.spans, "windows with one label become a span"),
        OPTION_SPEC_TEXT("subtitles", "OUT.srt", &c.subtitles, "spans of one video as SubRip, or .vtt as WebVTT"),
        OPTION_SPEC_TEXT("features", "OUT.npy", &c.features_path,
                         "what is pooled before the classifier, a row an input"),
        OPTION_SPEC_TEXT("sheet", "OUT.png", &c.sheet_path, "draw the sampled frames with the scores"),
        SETTINGS_SPECS_JSON(c.s),
        SETTINGS_SPECS_MODEL(c.s),
        SETTINGS_SPECS_VIDEO(c.s),
        SETTINGS_SPECS_ENGINE(c.s),
    };
    const option_table table = {
        "classify", "INPUT...",
        "Names what happens in video files, folders of JPEG or PNG frames, or all in a folder.", specs,
        sizeof specs / sizeof *specs
    };
    tsm_error error = { 0 };
    int count, wrong, result = EXIT_FAILED;

    switch (options_parse(&table, argc, argv, &count)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    if (count == 0 && !c.list) return options_wrong(&table, "no input");
    wrong = read_texts(&c, &table, threshold, window, stride);
    if (wrong != EXIT_DONE) return wrong;
    if (read_inputs(&c, argv, count, &error) == TSM_OK && start(&c, &error) == TSM_OK) {
        result = has_windows(&c) ? show_windows(&c) : classify_all(&c);
    } else {
        report_line("%s", error.text);
    }
    stop(&c);
    return result;
}
