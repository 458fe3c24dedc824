/* SPDX-License-Identifier: Apache-2.0 */
/* tsm stream: what happens, frame by frame, while it happens. */
#include "clock.h"
#include "commands.h"
#include "options.h"
#include "report.h"
#include "runner.h"
#include "eval/eval.h"
#include "settings.h"
#include "cli/draw/overlay.h"
#include "stream_label.h"
#include "stream_line.h"
#include "stream_reader.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/online.h>

enum { QUEUE = 4, ATTEMPTS = 10, WINDOW = 12, LATE_MS = 1000 };
enum { DROP_NONE = 1, DROP_OLDEST = 2 };

static const option_choice drops[] = { { "none", DROP_NONE }, { "oldest", DROP_OLDEST }, { 0 } };
static const option_choice smoothings[] = { { "none", TSM_CONSENSUS_NONE },
                                            { "mean", TSM_CONSENSUS_MEAN },
                                            { "window", TSM_CONSENSUS_WINDOW },
                                            { "exponential", TSM_CONSENSUS_EXPONENTIAL },
                                            { 0 } };

typedef char class_name[24]; /* "class 17", for a class without a label */

typedef struct stream {
    settings s;
    const char *source;
    int top, every, queue, count, drop, real_time, allow_network, reconnect, smoothing, window, weight, debounce,
        margin;
    const char *size, *rate; /* of raw frames, "640x480" and frames a second */
    const char *overlay_path;
    overlay *overlay;
    stream_plan plan;
    runner net; /* model and engine */
    tsm_online *online;
    stream_reader *reader;
    stream_label label;
    float *logits, *consensus;
    double *scores, *means;
    int *classes;
    const char **labels;
    class_name *names, shown_name;
    uint64_t predictions;
    double most_behind_ms;
} stream;

/* ---- Signals: the line that is being written comes out whole, then it ends ------------------------------------- */

static volatile sig_atomic_t stop_wanted;

static void ask_to_stop(int number)
{
    (void)number;
    stop_wanted = 1;
}

static int is_stopped(void)
{
    return stop_wanted;
}

/* What ignores a signal, as nohup does, goes on ignoring it. */
static void listen_to_signals(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct sigaction action = { .sa_handler = ask_to_stop };
        struct sigaction old;

        sigaction(numbers[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
    }
}

/* ---- Making ready -----------------------------------------------------------------------------------------------
 */

static tsm_status check_network(const stream *c, tsm_error *error)
{
    const tsm_model_info *info = &c->net.info;

    if (info->in_channels != 3)
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: takes %d channels, not RGB frames", c->net.path,
                           info->in_channels);
    if (info->shifts > 0 && info->shift_direction != TSM_UNIDIRECTIONAL)
        return report_fail(
            error, TSM_ERROR_UNSUPPORTED,
            "%s: takes channels from frames to come, which a live stream does not have; --shift-direction "
            "unidirectional takes them from the past alone, if it was trained so",
            c->net.path);
    return TSM_OK;
}

static tsm_status make_room(stream *c, tsm_error *error)
{
    const size_t classes = (size_t)c->net.info.classes;
    size_t top;

    if (c->top > c->net.info.classes) c->top = c->net.info.classes;
    top = (size_t)c->top;
    c->logits = report_alloc(classes, sizeof *c->logits, error);
    c->consensus = report_alloc(classes, sizeof *c->consensus, error);
    c->scores = report_alloc(classes, sizeof *c->scores, error);
    c->means = report_alloc(classes, sizeof *c->means, error);
    c->classes = report_alloc(top, sizeof *c->classes, error);
    c->labels = report_alloc(top, sizeof *c->labels, error);
    c->names = report_alloc(top, sizeof *c->names, error);
    return c->logits && c->consensus && c->scores && c->means && c->classes && c->labels && c->names
               ? TSM_OK
               : TSM_ERROR_MEMORY;
}

static tsm_status make_online(stream *c, tsm_error *error)
{
    tsm_online_options options = TSM_ONLINE_OPTIONS_INIT;
    tsm_status status;

    options.height = options.width = c->net.info.input_size;
    options.consensus = (tsm_consensus)c->smoothing;
    if (c->smoothing == TSM_CONSENSUS_WINDOW) options.window = c->window;
    if (c->smoothing == TSM_CONSENSUS_EXPONENTIAL) options.weight = (float)c->weight / 100;
    status = tsm_online_create(&c->online, c->net.engine, &options, error);
    if (status != TSM_OK) report_name(error, c->net.path);
    return status;
}

static void make_plan(stream *c)
{
    const tsm_video_options video = settings_video(&c->s, &c->net.info);

    c->plan.source = c->source;
    c->plan.feed.struct_size = sizeof c->plan.feed;
    c->plan.feed.allow_network = c->allow_network;
    c->plan.feed.threads = c->s.threads;
    c->plan.feed.max_pixels = video.max_pixels;
    c->plan.mode = video.mode;
    c->plan.crop = c->net.info.input_size;
    c->plan.scale = video.scale_size;
    c->plan.every = c->every;
    c->plan.queue = c->queue;
    c->plan.real_time = c->real_time != 0;
    c->plan.drop_oldest = c->drop == DROP_OLDEST;
    c->plan.attempts = c->reconnect ? c->reconnect : ATTEMPTS;
    c->plan.past_end = c->reconnect != 0;
    c->plan.keep_pixels = c->overlay_path != NULL;
    c->plan.stopped = is_stopped;
}

static tsm_status start(stream *c, tsm_error *error)
{
    tsm_status status = runner_open(&c->net, &c->s, 0, error);

    if (status != TSM_OK) return status;
    status = check_network(c, error);
    if (status == TSM_OK) status = make_room(c, error);
    if (status == TSM_OK) status = make_online(c, error);
    if (status != TSM_OK) return status;
    if (c->overlay_path) {
        status = overlay_open(&c->overlay, c->overlay_path, error);
        if (status != TSM_OK) return status;
        listen_to_signals(); /* in the place of what takes an unfinished output away: this one is finished first */
    }
    make_plan(c);
    return stream_reader_open(&c->reader, &c->plan, error);
}

static void stop(stream *c)
{
    stream_reader_close(&c->reader);
    overlay_abort(&c->overlay);
    tsm_online_destroy(&c->online);
    runner_close(&c->net);
    free(c->logits);
    free(c->consensus);
    free(c->scores);
    free(c->means);
    free(c->classes);
    free(c->labels);
    free(c->names);
}

/* ---- Predicting -------------------------------------------------------------------------------------------------
 */

static tsm_status predict(stream *c, const stream_frame *frame, tsm_error *error)
{
    const int slot = 0, side = c->net.info.input_size, classes = c->net.info.classes;
    const tsm_tensor input = {
        .data = frame->crop, .dtype = TSM_UINT8, .layout = TSM_NTHWC, .ndim = 5, .dims = { 1, 1, side, side, 3 }
    };
    const tsm_tensor consensus = {
        .data = c->consensus, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { 1, classes }
    };
    tsm_status status = tsm_online_push(c->online, &slot, 1, &input, NULL, &consensus, error);

    if (status != TSM_OK) {
        report_name(error, c->net.path);
        return status;
    }
    status = scores_combine(TSM_MODE_MIT, c->consensus, 1, classes, c->scores, c->means, error);
    if (status == TSM_OK) scores_top(c->scores, c->means, classes, c->top, c->classes);
    return status;
}

static const char *name_class(const stream *c, int index, class_name name)
{
    const char *label = tsm_model_label(c->net.model, index);

    snprintf(name, sizeof(class_name), "class %d", index);
    return label ? label : name;
}

/* A line goes out in one piece. */
static int show(stream *c, const stream_frame *frame)
{
    const double now = clock_ms();
    stream_line line = { .frame = frame->number,
                         .time_s = frame->time_s,
                         .latency_ms = now - frame->arrived_ms,
                         .behind_ms = frame->due_ms > 0 ? fmax(0, now - frame->due_ms) : -1,
                         .dropped = stream_reader_dropped(c->reader),
                         .count = c->top,
                         .classes = c->classes,
                         .scores = c->scores,
                         .labels = c->labels };
    int status = 0;

    line.changed = stream_label_take(&c->label, c->scores, c->classes[0]);
    line.label = c->label.shown;
    line.label_text = name_class(c, line.label, c->shown_name);
    for (int i = 0; i < c->top; i++) c->labels[i] = name_class(c, c->classes[i], c->names[i]);
    if (line.behind_ms > c->most_behind_ms) c->most_behind_ms = line.behind_ms;
    if (c->s.json)
        status = stream_line_print_json(&line);
    else
        stream_line_print_text(&line);
    return report_output(status == 0 ? EXIT_DONE : EXIT_FAILED);
}

/* Whether it kept up, where there was something to keep up with. */
static void report_pace(stream *c)
{
    const uint64_t dropped = stream_reader_dropped(c->reader);

    if (dropped == 0 && c->most_behind_ms < LATE_MS) return;
    report_line("%s: did not keep up: %llu predictions, %llu frames dropped, at most %.1f s behind",
                stream_reader_name(c->reader), (unsigned long long)c->predictions, (unsigned long long)dropped,
                c->most_behind_ms * 1e-3);
}

static tsm_status draw(stream *c, const stream_frame *frame, tsm_error *error)
{
    class_name name;

    if (!c->overlay) return TSM_OK;
    return overlay_add(c->overlay, frame->pixels, frame->width, frame->height, frame->time_s,
                       name_class(c, c->label.shown, name), c->scores[c->label.shown], error);
}

/* What was seen of a stream is kept, however it ended. */
static int finish_overlay(stream *c)
{
    tsm_error error = { 0 };

    if (!c->overlay || overlay_commit(&c->overlay, &error) == TSM_OK) return EXIT_DONE;
    report_line("%s", error.text);
    return EXIT_FAILED;
}

/* To the end of the stream, or of the lines that were asked for. *shown is false where nobody reads on. */
static tsm_status follow(stream *c, bool *shown, tsm_error *error)
{
    const stream_frame *frame;
    tsm_status status;

    *shown = true;
    while ((status = stream_reader_next(c->reader, &frame, error)) == TSM_OK && frame) {
        status = predict(c, frame, error);
        if (status != TSM_OK) return status;
        *shown = show(c, frame) == EXIT_DONE;
        status = draw(c, frame, error);
        if (status != TSM_OK || !*shown) return status;
        c->predictions++;
        if (c->count && c->predictions == (uint64_t)c->count) break;
    }
    return status;
}

static int follow_and_finish(stream *c)
{
    tsm_error error = { 0 };
    bool shown;
    const tsm_status status = follow(c, &shown, &error);
    int result = shown ? EXIT_DONE : EXIT_FAILED;

    if (status != TSM_OK) {
        report_line("%s", error.text);
        result = EXIT_FAILED;
    }
    if (finish_overlay(c) != EXIT_DONE) return EXIT_FAILED;
    if (result == EXIT_DONE) report_pace(c);
    return result;
}

/* ---- The command ------------------------------------------------------------------------------------------------
 */

/* "640x480" and "29.97". */
static int read_raw(stream *c, const option_table *table)
{
    tsm_feed_options *feed = &c->plan.feed;
    char end;

    if (!c->size && c->rate) return options_wrong(table, "--rate is of raw frames, whose --size is missing");
    if (!c->size) return EXIT_DONE;
    if (sscanf(c->size, "%5dx%5d%c", &feed->raw_width, &feed->raw_height, &end) != 2 || feed->raw_width < 1 ||
        feed->raw_height < 1 || feed->raw_width > TSM_MAX_SIDE || feed->raw_height > TSM_MAX_SIDE)
        return options_wrong(table, "--size '%s' is not WIDTHxHEIGHT, 1 to %d each", c->size, TSM_MAX_SIDE);
    if (c->rate &&
        (sscanf(c->rate, "%lf%c", &feed->raw_rate, &end) != 1 || !(feed->raw_rate > 0) || feed->raw_rate > 1e6))
        return options_wrong(table, "--rate '%s' is not a number of frames a second", c->rate);
    return EXIT_DONE;
}

static int run(stream *c)
{
    tsm_error error = { 0 };
    int result = EXIT_FAILED;

    listen_to_signals();
    if (start(c, &error) == TSM_OK)
        result = follow_and_finish(c);
    else if (stop_wanted)
        result = EXIT_DONE;
    else
        report_line("%s", error.text);
    stop(c);
    return result;
}

int cmd_stream(int argc, char **argv)
{
    stream c = { .top = 1, .every = 1, .queue = QUEUE, .window = WINDOW, .weight = 25, .debounce = 1 };
    int positional;
    const option_spec specs[] = {
        OPTION_SPEC_NUMBER("top", &c.top, 1, 1000000, "labels a line, 1 by default"),
        OPTION_SPEC_NUMBER("every", &c.every, 1, 1000000, "a prediction every so many frames, 1 by default"),
        OPTION_SPEC_CHOICE("smooth", &c.smoothing, smoothings, "logits of frames to those of a line"),
        OPTION_SPEC_NUMBER("window", &c.window, 1, TSM_MAX_SEGMENTS, "frames of --smooth window, 12 by default"),
        OPTION_SPEC_NUMBER("weight", &c.weight, 1, 100, "percent of a frame in --smooth exponential, 25 by default"),
        OPTION_SPEC_NUMBER("debounce", &c.debounce, 1, 1000000, "lines that another label must lead, 1 by default"),
        OPTION_SPEC_NUMBER("margin", &c.margin, 0, 100, "percent of the score by which it must lead"),
        OPTION_SPEC_NUMBER("count", &c.count, 1, 1 << 30, "end after so many lines"),
        OPTION_SPEC_CHOICE("drop", &c.drop, drops, "which frames give way where predictions do not keep up"),
        OPTION_SPEC_NUMBER("queue", &c.queue, 1, 1024, "frames that may wait, 4 by default"),
        OPTION_SPEC_FLAG("realtime", &c.real_time, "frames of a file come when they are due"),
        OPTION_SPEC_TEXT("size", "WxH", &c.size, "the input is raw RGB frames of this size"),
        OPTION_SPEC_TEXT("rate", "R", &c.rate, "raw frames a second, 30 by default"),
        OPTION_SPEC_FLAG("allow-network", &c.allow_network, "open rtsp://, rtsps://, http:// and https:// addresses"),
        OPTION_SPEC_NUMBER("reconnect", &c.reconnect, 1, 1000000,
                           "attempts in a row to open an address again, also where it ended"),
        OPTION_SPEC_TEXT("overlay", "OUT.mp4", &c.overlay_path, "write the frames with their labels drawn on them"),
        OPTION_SPEC_CHOICE("mode", &c.s.mode, settings_modes, "whose pixels to equal"),
        OPTION_SPEC_NUMBER("scale-size", &c.s.scale_size, 1, TSM_MAX_SCALE_SIZE, "pixels of the short side"),
        OPTION_SPEC_NUMBER("max-pixels", &c.s.max_pixels, 1, 1 << 26, "of a frame as it comes, 67108864 by default"),
        SETTINGS_SPECS_JSON(c.s),
        SETTINGS_SPECS_MODEL(c.s),
        SETTINGS_SPECS_ENGINE(c.s),
    };
    const option_table table = { "stream", "INPUT",
                                 "Names what happens, frame by frame, in a file, a pipe, a camera or an address.",
                                 specs, sizeof specs / sizeof *specs };
    int wrong;

    switch (options_parse(&table, argc, argv, &positional)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    if (positional != 1) return options_wrong(&table, positional ? "more than one input" : "no input");
    c.source = argv[0];
    wrong = read_raw(&c, &table);
    if (wrong) return wrong;
    c.label = (stream_label){ .patience = c.debounce, .margin = c.margin / 100.0, .shown = -1 };
    return run(&c);
}
