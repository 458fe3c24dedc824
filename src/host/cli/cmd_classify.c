/* SPDX-License-Identifier: Apache-2.0 */
/* tsm classify: what happens in each video. */
#include "clock.h"
#include "commands.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "runner.h"
#include "eval/eval.h"
#include "settings.h"
#include "cli/draw/sheet.h"
#include "classification.h"
#include "video_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef char class_name[24]; /* "class 17", for a class without a label */

typedef struct classify {
    settings s;
    int top; /* labels an input */
    const char *sheet_path;
    int inputs, at; /* how many, and which one is being worked on */
    runner net;
    sheet *sheet;
    progress progress;
    float *logits; /* of the clips of one input; its room in clips */
    int room;
    double *scores, *means; /* (classes) */
    int *classes;           /* (top), and so are those below */
    const char **labels;
    class_name *names;
    double *top_scores, *top_logits;
} classify;

/* One input on its way. */
typedef struct video {
    video_input input;
    tsm_clips *clips;
    tsm_clips_info info;
    tsm_tensor frames;
    tsm_resize resize; /* on the device; all zero where frames are cut already */
    double network_ms;
} video;

static void stop(classify *c)
{
    progress_clear(&c->progress);
    sheet_abort(&c->sheet);
    runner_close(&c->net);
    free(c->logits);
    free(c->scores);
    free(c->means);
    free(c->classes);
    free(c->labels);
    free(c->names);
    free(c->top_scores);
    free(c->top_logits);
}

/* Everything that can fail before the first input is opened. */
static tsm_status start(classify *c, tsm_error *error)
{
    tsm_status status = runner_open(&c->net, &c->s, 0, error);
    size_t classes, top;

    if (status != TSM_OK) return status;
    if (c->net.info.in_channels != 3) {
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: takes %d channels, not RGB frames", c->net.path,
                           c->net.info.in_channels);
    }
    if (c->top > c->net.info.classes) c->top = c->net.info.classes;
    classes = (size_t)c->net.info.classes;
    top = (size_t)c->top;
    c->scores = report_alloc(classes, sizeof *c->scores, error);
    c->means = report_alloc(classes, sizeof *c->means, error);
    c->classes = report_alloc(top, sizeof *c->classes, error);
    c->labels = report_alloc(top, sizeof *c->labels, error);
    c->names = report_alloc(top, sizeof *c->names, error);
    c->top_scores = report_alloc(top, sizeof *c->top_scores, error);
    c->top_logits = report_alloc(top, sizeof *c->top_logits, error);
    if (!c->scores || !c->means || !c->classes || !c->labels || !c->names || !c->top_scores || !c->top_logits) {
        return TSM_ERROR_MEMORY;
    }
    if (c->sheet_path) {
        status = sheet_open(&c->sheet, c->sheet_path, c->inputs, c->net.info.segments, c->top, error);
    }
    progress_begin(&c->progress, "videos", c->inputs);
    return status;
}

static tsm_status make_room(classify *c, int clips, tsm_error *error)
{
    if (clips <= c->room) return TSM_OK;
    free(c->logits);
    c->room = 0;
    c->logits = report_alloc((size_t)clips * (size_t)c->net.info.classes, sizeof *c->logits, error);
    if (!c->logits) return TSM_ERROR_MEMORY;
    c->room = clips;
    return TSM_OK;
}

/* Scales and cuts on the device what it can scale: one view, frames of one size, as the release scales. A sheet needs
 * the pixels here. */
static tsm_status load_unscaled(classify *c, tsm_video_options options, video *v, tsm_error *error)
{
    tsm_status status;

    options.raw = 1;
    options.allocator = &c->net.allocator;
    status = video_input_load(&v->input, &options, &v->clips, error);
    v->resize.struct_size = sizeof v->resize;
    if (status == TSM_OK) status = tsm_clips_get_resize(v->clips, 0, &v->resize, error);
    if (status != TSM_OK) {
        tsm_clips_destroy(&v->clips);
        v->resize = (tsm_resize){ 0 };
    }
    return status;
}

static tsm_status load(classify *c, const tsm_video_options *options, video *v, tsm_error *error)
{
    tsm_status status = TSM_ERROR_UNSUPPORTED;

    if (c->net.scales && !c->sheet_path && options->views <= 1 && options->mode == TSM_MODE_MIT)
        status = load_unscaled(c, *options, v, error);
    /* Frames of several sizes, or too large to page-lock: the host scales them. */
    if (status == TSM_ERROR_UNSUPPORTED || status == TSM_ERROR_MEMORY)
        status = video_input_load(&v->input, options, &v->clips, error);
    if (status != TSM_OK) return status;
    v->frames = tsm_clips_tensor(v->clips);
    v->info.struct_size = sizeof v->info;
    return tsm_clips_get_info(v->clips, &v->info);
}

/* All clips through the network, a batch at a time. */
static tsm_status run_clips(classify *c, video *v, tsm_error *error)
{
    int count = (int)v->frames.dims[0], batch = runner_batch(count);
    const tsm_resize *resize = v->resize.struct_size ? &v->resize : NULL;
    tsm_status status = make_room(c, count, error);

    if (status == TSM_OK) status = runner_plan(&c->net, batch, v->info.crop, v->info.crop, resize, error);
    for (int first = 0; first < count && status == TSM_OK; first += batch) {
        int from = first + batch > count ? count - batch : first;
        double before = clock_ms();

        status = runner_run(&c->net, &v->frames, from, c->logits + (size_t)from * (size_t)c->net.info.classes, error);
        v->network_ms += clock_ms() - before;
        progress_update(&c->progress, c->at + (double)(from + batch) / count);
    }
    return status;
}

/* The best classes, with their names, into the arrays that a classification and a sheet show. */
static void rank(classify *c)
{
    scores_top(c->scores, c->means, c->net.info.classes, c->top, c->classes);
    for (int i = 0; i < c->top; i++) {
        const char *label = tsm_model_label(c->net.model, c->classes[i]);

        snprintf(c->names[i], sizeof c->names[i], "class %d", c->classes[i]);
        c->labels[i] = label ? label : c->names[i];
        c->top_scores[i] = c->scores[c->classes[i]];
        c->top_logits[i] = c->means[c->classes[i]];
    }
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
        row.labels = c->labels;
        row.scores = c->top_scores;
        row.count = c->top;
    }
    if (sheet_add(c->sheet, &row, &error) == TSM_OK) return EXIT_DONE;
    sheet_abort(&c->sheet);
    progress_clear(&c->progress);
    report_line("%s", error.text);
    return EXIT_FAILED;
}

static int show(classify *c, const char *input, const video *done)
{
    classification v = { .input = input,
                         .clips = &done->info,
                         .network_ms = done->network_ms,
                         .count = c->top,
                         .classes = c->classes,
                         .labels = c->labels,
                         .scores = c->top_scores,
                         .logits = c->top_logits };
    int status = EXIT_DONE;

    progress_clear(&c->progress);
    if (done->info.note) report_line("%s: %s", input_name(input), done->info.note);
    if (!c->s.json) {
        classification_print_text(&v);
    } else if (classification_print_json(&v) != 0) {
        status = EXIT_FAILED;
    }
    return add_to_sheet(c, input_name(input), &done->frames) == EXIT_DONE ? status : EXIT_FAILED;
}

static int classify_input(classify *c, const char *input)
{
    tsm_video_options options = settings_video(&c->s, &c->net.info);
    video v = { .input = VIDEO_INPUT_INIT };
    tsm_error error = { 0 };
    int result = EXIT_FAILED;
    tsm_status status = video_input_open(&v.input, input, &options, &error);

    c->net.deadline_ms = clock_ms() + options.max_seconds * 1e3;
    if (status == TSM_OK) status = load(c, &options, &v, &error);
    if (status == TSM_OK) status = run_clips(c, &v, &error);
    if (status == TSM_ERROR_CANCELLED)
        report_fail(&error, status, "stopped after the %g seconds that it may take", options.max_seconds);
    if (status == TSM_OK) {
        status = scores_combine(options.mode, c->logits, (int)v.frames.dims[0], c->net.info.classes, c->scores,
                                c->means, &error);
    }
    if (status == TSM_OK) {
        rank(c);
        result = show(c, input, &v);
    } else {
        progress_clear(&c->progress);
        report_name(&error, input_name(input));
        report_line("%s", error.text);
        add_to_sheet(c, error.text, NULL);
    }
    tsm_clips_destroy(&v.clips);
    video_input_close(&v.input);
    return result;
}

static int classify_all(classify *c, char **inputs)
{
    int result = EXIT_DONE, done = 0;
    tsm_error error = { 0 };

    for (c->at = 0; c->at < c->inputs; c->at++) {
        progress_update(&c->progress, c->at);
        if (classify_input(c, inputs[c->at]) == EXIT_DONE) {
            done++;
        } else {
            result = EXIT_FAILED;
        }
        /* Nobody reads on, or the disk is full: the rest would be lost too. */
        if (report_output(EXIT_DONE) != EXIT_DONE) return EXIT_FAILED;
    }
    if (c->sheet && done > 0 && sheet_commit(&c->sheet, &error) != TSM_OK) {
        report_line("%s", error.text);
        return EXIT_FAILED;
    }
    return result;
}

int cmd_classify(int argc, char **argv)
{
    classify c = { .top = 5 };
    const option_spec specs[] = {
        OPTION_SPEC_NUMBER("top", &c.top, 1, 1000000, "labels an input, 5 by default"),
        OPTION_SPEC_TEXT("sheet", "OUT.png", &c.sheet_path, "draw the sampled frames with the scores"),
        SETTINGS_SPECS_JSON(c.s),
        SETTINGS_SPECS_MODEL(c.s),
        SETTINGS_SPECS_VIDEO(c.s),
        SETTINGS_SPECS_ENGINE(c.s),
    };
    const option_table table = { "classify", "INPUT...",
                                 "Names what happens in video files, or folders of JPEG or PNG frames.", specs,
                                 sizeof specs / sizeof *specs };
    tsm_error error = { 0 };
    int result;

    switch (options_parse(&table, argc, argv, &c.inputs)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    if (c.inputs == 0) return options_wrong(&table, "no input");
    if (start(&c, &error) == TSM_OK) {
        result = classify_all(&c, argv);
    } else {
        report_line("%s", error.text);
        result = EXIT_FAILED;
    }
    stop(&c);
    return result;
}
