/* SPDX-License-Identifier: Apache-2.0 */
/* eval_model.c - one network over all videos: what is kept in the state already, the rest through a pipeline. */
#include "clock.h"
#include "eval_state.h"
#include "evaluation.h"
#include "features.h"
#include "json_out.h"
#include "progress.h"
#include "report.h"
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct model_run {
    evaluation *e;
    runner net;
    tsm_video_mode scores_mode;
    eval_state state;
    tsm_pipeline *pipeline;
    progress progress;
    int values;               /* of a row: classes, and features behind them */
    float *rows;              /* (videos, values) */
    int *frames;              /* (videos) */
    bool *done;               /* (videos) */
    int at, doing;            /* the next video to be given; how many are to be done in this run */
    int right, count;         /* so far, for the progress */
    double *combined, *means; /* (classes) */
    float *logits;            /* of one video's features */
} model_run;

static void close_run(model_run *r)
{
    progress_clear(&r->progress);
    tsm_pipeline_destroy(&r->pipeline);
    eval_state_close(&r->state);
    runner_close(&r->net);
    free(r->rows);
    free(r->frames);
    free(r->done);
    free(r->combined);
    free(r->means);
    free(r->logits);
}

static settings member_settings(const evaluation *e, int member)
{
    settings s = e->options->s;

    s.model = e->members[member].name;
    if (e->members[member].segments) s.segments = e->members[member].segments;
    s.features = e->options->features != NULL && member == 0;
    s.threads = 1; /* clips run side by side */
    return s;
}

static tsm_status make_rows(model_run *r, int values, tsm_error *error)
{
    const evaluation *e = r->e;
    const size_t videos = (size_t)e->list.count, classes = (size_t)e->classes;

    if ((double)videos * values * sizeof(float) > (double)settings_max_memory(&e->options->s))
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%d videos of %d scores: more than --max-memory",
                           e->list.count, values);
    r->values = values;
    r->rows = report_alloc(videos * (size_t)values, sizeof *r->rows, error);
    r->frames = report_alloc(videos, sizeof *r->frames, error);
    r->done = report_alloc(videos, sizeof *r->done, error);
    r->combined = report_alloc(classes, sizeof *r->combined, error);
    r->means = report_alloc(classes, sizeof *r->means, error);
    return r->rows && r->frames && r->done && r->combined && r->means ? TSM_OK : TSM_ERROR_MEMORY;
}

/* ---- What the network is, for the state and the summary ------------------------------------------------------ */

static json_t *describe(const model_run *r, const eval_member *member, const tsm_video_options *video)
{
    const tsm_model_info *info = &r->net.info;
    tsm_engine_info engine = TSM_ENGINE_INFO_INIT;

    tsm_engine_get_info(r->net.engine, &engine);
    return json_pack(
        "{s:o, s:s, s:i, s:i, s:i, s:s, s:s, s:f, s:s, s:s, s:s, s:i, s:i}", "file", json_out_text(r->net.path),
        "arch", info->arch, "classes", info->classes, "segments", info->segments, "shift_div", info->shift_div,
        "shift_place", settings_name(settings_places, info->shift_place), "shift_direction",
        settings_name(settings_directions, info->shift_direction), "coefficient", member->coefficient, "device",
        engine.device, "library", engine.library, "precision", settings_name(settings_precisions, engine.precision),
        "input_size", video->input_size, "scale_size", video->scale_size);
}

/* A line a setting that rows depend on. Released with free. */
static char *made_with(const model_run *r, const tsm_video_options *video)
{
    const evaluation *e = r->e;
    const tsm_model_info *info = &r->net.info;
    tsm_engine_info engine = TSM_ENGINE_INFO_INIT;
    struct stat file = { 0 };
    char *text = NULL;

    tsm_engine_get_info(r->net.engine, &engine);
    if (stat(r->net.path, &file) != 0) file.st_size = 0; /* a stream */
    if (asprintf(
            &text,
            "version %s\nlist %016llx of %d videos\nmodel %s %s\nparameters %llu\nclasses %d\nsegments %d\n"
            "file of %lld bytes from %lld\nshift div %d\nshift place %d\nshift direction %d\ndevice %s %s\nprecision "
            "%d\nmode %d\nsampling %d\n"
            "views %d\nfull-res %d\ninput size %d\nscale size %d\nframes %s\nscores %d of several labels %d\nvalues "
            "%d\nroot %s\n"
            "template %s\n",
            tsm_version(), (unsigned long long)e->list_hash, e->list.count, r->net.path, info->arch,
            (unsigned long long)info->parameters, info->classes, info->segments, (long long)file.st_size,
            (long long)file.st_mtime, info->shift_div, (int)info->shift_place, (int)info->shift_direction,
            engine.device, engine.library, (int)engine.precision, (int)video->mode, (int)video->sampling,
            video->views ? video->views : 1, video->full_res, video->input_size, video->scale_size,
            video->frames ? video->frames : "", (int)e->averaging, e->options->multi_label, r->values,
            e->options->root ? e->options->root : "", e->options->template ? e->options->template : "") < 0)
        return NULL;
    return text;
}

static tsm_status open_state(model_run *r, int member, const tsm_video_options *video, tsm_error *error)
{
    const char *state = r->e->options->state;
    char path[4096], *text;
    tsm_status status;

    if (!state) return TSM_OK;
    snprintf(path, sizeof path, member ? "%s.%d" : "%s", state, member + 1);
    text = made_with(r, video);
    if (!text) return report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", path);
    status = eval_state_open(&r->state, member ? path : state, text, r->e->list.count, r->values, r->rows, r->frames,
                             r->done, error);
    r->state.path = state;
    free(text);
    for (int i = 0; i < r->e->list.count && member == 0; i++) r->e->resumed += r->done[i];
    return status;
}

/* ---- The pipeline -------------------------------------------------------------------------------------------- */

static int next_video(void *user, tsm_source *source)
{
    model_run *r = user;
    const evaluation *e = r->e;

    while (r->at < e->list.count && (r->done[r->at] || e->failed[r->at])) r->at++;
    if (r->at == e->list.count) return 0;
    source->path = e->paths[r->at];
    source->user = (void *)(uintptr_t)r->at++;
    return 1;
}

static tsm_status open_pipeline(model_run *r, tsm_video_options video, tsm_error *error)
{
    tsm_pipeline_options options = TSM_PIPELINE_OPTIONS_INIT;

    video.threads = 1;
    options.video = &video;
    options.workers = r->e->options->s.threads;
    options.resize_on_device = r->net.scales;
    options.next = next_video;
    options.next_user = r;
    return tsm_pipeline_create(&r->pipeline, r->net.engine, &options, error);
}

/* The row of a video: its scores, and its features behind them. */
static tsm_status make_row(model_run *r, const tsm_result *result, float *row, tsm_error *error)
{
    const int classes = r->e->classes;
    const float *logits = result->outputs;
    tsm_status status;

    if (r->values > classes) {
        float *room = realloc(r->logits, (size_t)result->count * (size_t)classes * sizeof *room);

        if (!room) return report_fail(error, TSM_ERROR_MEMORY, "out of memory for %d clips", result->count);
        logits = r->logits = room;
        status = tsm_model_classify(r->net.model, result->outputs, result->count, result->values, room, error);
        if (status != TSM_OK) return status;
        features_mean(result->outputs, result->count, result->values, row + classes);
    }
    status = r->e->options->multi_label
                 ? scores_combine_multi(r->scores_mode, logits, result->count, classes, r->combined, r->means, error)
                 : scores_combine(r->scores_mode, logits, result->count, classes, r->combined, r->means, error);
    for (int i = 0; i < classes && status == TSM_OK; i++)
        row[i] = (float)(r->e->averaging == EVAL_PROBABILITIES ? r->combined[i] : r->means[i]);
    return status;
}

static int best_of(const float *row, int classes)
{
    int best = 0;

    for (int i = 1; i < classes; i++)
        if (row[i] > row[best]) best = i;
    return best;
}

/* A video that cannot be read is said, counted and left out of everything. */
static tsm_status note_failure(model_run *r, int video, const tsm_error *why, tsm_error *error)
{
    evaluation *e = r->e;
    tsm_error failure = *why;

    progress_clear(&r->progress);
    report_name(&failure, e->paths[video]);
    if (e->options->strict) {
        *error = failure;
        return failure.code;
    }
    report_line("%s; left out", failure.text);
    e->failed[video] = true;
    e->failed_count++;
    if (json_array_append_new(e->failures,
                              json_pack("{s:o, s:i, s:o}", "path", json_out_text(e->paths[video]), "line",
                                        e->list.videos[video].line, "error", json_out_text(failure.text))) == 0)
        return TSM_OK;
    return report_fail(error, TSM_ERROR_MEMORY, "out of memory for a failed video");
}

static tsm_status take_result(model_run *r, const tsm_result *result, tsm_error *error)
{
    const int video = (int)(uintptr_t)result->user;
    float *row = r->rows + (size_t)video * (size_t)r->values;
    tsm_error why = result->error;
    tsm_status status = result->status;

    if (status == TSM_OK) status = make_row(r, result, row, &why);
    if (status != TSM_OK) return note_failure(r, video, &why, error);
    r->frames[video] = result->info.frames;
    r->done[video] = true;
    r->count++;
    r->right += best_of(row, r->e->classes) == r->e->list.videos[video].label;
    return eval_state_add(&r->state, video, result->info.frames, row, error);
}

/* What takes the threads' time: more than they have is there to do, or they wait for the disk. */
static const char *bottleneck(model_run *r, char *text, size_t bytes)
{
    tsm_pipeline_info info = TSM_PIPELINE_INFO_INIT;
    double busy;

    tsm_pipeline_get_info(r->pipeline, &info);
    busy = info.load_ms + info.network_ms;
    if (busy <= 0) return "";
    snprintf(text, bytes, ", Prec@1 %.1f, %s takes %.0f%%", 100 * metrics_share(r->right, r->count),
             info.load_ms > info.network_ms ? "decoding" : "the network",
             100 * (info.load_ms > info.network_ms ? info.load_ms : info.network_ms) / busy);
    return text;
}

static tsm_status run_videos(model_run *r, tsm_error *error)
{
    const tsm_result *result;
    char note[96] = "";
    tsm_status status;
    int at = 0;

    progress_begin(&r->progress, "videos", r->doing);
    while ((status = tsm_pipeline_next(r->pipeline, &result, error)) == TSM_OK && result) {
        status = take_result(r, result, error);
        if (status != TSM_OK) break;
        progress_update_note(&r->progress, ++at, bottleneck(r, note, sizeof note));
    }
    progress_clear(&r->progress);
    return status;
}

/* ---- The whole ----------------------------------------------------------------------------------------------- */

static tsm_status copy_labels(evaluation *e, const runner *net, tsm_error *error)
{
    if (!net->info.has_labels || e->labels) return TSM_OK;
    e->labels = report_alloc((size_t)e->classes, sizeof *e->labels, error);
    if (!e->labels) return TSM_ERROR_MEMORY;
    for (int i = 0; i < e->classes; i++) {
        e->labels[i] = strdup(tsm_model_label(net->model, i));
        if (!e->labels[i]) return report_fail(error, TSM_ERROR_MEMORY, "out of memory for labels");
    }
    return TSM_OK;
}

/* Room for what is kept a video, once the number of classes is known. */
static tsm_status make_room(evaluation *e, int classes, tsm_error *error)
{
    const size_t videos = (size_t)e->list.count;

    e->classes = classes;
    if ((double)videos * classes * sizeof(float) > (double)settings_max_memory(&e->options->s))
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%d videos of %d classes: more than --max-memory",
                           e->list.count, classes);
    e->scores = report_alloc(videos * (size_t)classes, sizeof *e->scores, error);
    e->failed = report_alloc(videos, sizeof *e->failed, error);
    e->frames = report_alloc(videos, sizeof *e->frames, error);
    e->found = report_alloc(videos, sizeof *e->found, error);
    return e->scores && e->failed && e->frames && e->found ? TSM_OK : TSM_ERROR_MEMORY;
}

static tsm_status open_network(model_run *r, int member, tsm_error *error)
{
    evaluation *e = r->e;
    const settings s = member_settings(e, member);
    tsm_status status = runner_open(&r->net, &s, 0, error);

    if (status != TSM_OK) return status;
    if (r->net.info.in_channels != 3)
        return report_fail(error, TSM_ERROR_UNSUPPORTED,
                           "%s: takes %d channels, not RGB frames: its scores can be "
                           "added by --add-scores",
                           r->net.path, r->net.info.in_channels);
    if (e->classes && e->classes != r->net.info.classes)
        return report_fail(error, TSM_ERROR_MODEL, "%s: has %d classes, the ones before it %d", r->net.path,
                           r->net.info.classes, e->classes);
    if (!e->classes) status = make_room(e, r->net.info.classes, error);
    return status == TSM_OK ? copy_labels(e, &r->net, error) : status;
}

static const char *label_of(const void *user, int i)
{
    return tsm_model_label(user, i);
}

static tsm_status prepare(model_run *r, int member, tsm_video_options *video, tsm_error *error)
{
    evaluation *e = r->e;
    tsm_engine_info engine = TSM_ENGINE_INFO_INIT;
    settings s = member_settings(e, member);
    tsm_status status = open_network(r, member, error);

    if (status != TSM_OK) return status;
    tsm_engine_get_info(r->net.engine, &engine);
    *video = settings_video(&s, &r->net.info);
    r->scores_mode = e->averaging == EVAL_PROBABILITIES ? TSM_MODE_MMACTION2 : TSM_MODE_MIT;
    status = list_resolve(&e->list, label_of, r->net.model, e->classes, error);
    if (status == TSM_OK) status = make_rows(r, e->classes + (s.features ? engine.values : 0), error);
    if (status == TSM_OK) status = open_state(r, member, video, error);
    if (status == TSM_OK && json_array_append_new(e->models, describe(r, &e->members[member], video)) != 0)
        status = report_fail(error, TSM_ERROR_MEMORY, "out of memory for a summary");
    for (int i = 0; i < e->list.count && status == TSM_OK; i++) r->doing += !r->done[i] && !e->failed[i];
    return status;
}

static tsm_status keep_features(const model_run *r, tsm_error *error)
{
    evaluation *e = r->e;
    const size_t classes = (size_t)e->classes, count = (size_t)r->values - classes;

    if (count == 0) return TSM_OK;
    e->feature_count = (int)count;
    e->features = report_alloc((size_t)e->list.count * count, sizeof *e->features, error);
    if (!e->features) return TSM_ERROR_MEMORY;
    for (size_t i = 0; i < (size_t)e->list.count; i++)
        memcpy(e->features + i * count, r->rows + i * (classes + count) + classes, count * sizeof(float));
    return TSM_OK;
}

static void add_scores(const model_run *r, const eval_member *member)
{
    evaluation *e = r->e;
    const float weight = (float)(member->coefficient / e->member_count);

    for (int video = 0; video < e->list.count; video++) {
        const float *row = r->rows + (size_t)video * (size_t)r->values;
        float *sum = e->scores + (size_t)video * (size_t)e->classes;

        for (int i = 0; i < e->classes; i++) sum[i] += e->member_count == 1 ? row[i] : weight * row[i];
        if (r->frames[video]) e->frames[video] = r->frames[video];
    }
}

tsm_status eval_run_model(evaluation *e, int member, tsm_error *error)
{
    model_run r = { .e = e, .state = EVAL_STATE_INIT };
    tsm_video_options video;
    tsm_status status = prepare(&r, member, &video, error);

    if (status == TSM_OK && r.doing) status = open_pipeline(&r, video, error);
    if (status == TSM_OK && r.doing) status = run_videos(&r, error);
    if (status == TSM_OK) status = keep_features(&r, error);
    if (status == TSM_OK) add_scores(&r, &e->members[member]);
    close_run(&r);
    return status;
}
