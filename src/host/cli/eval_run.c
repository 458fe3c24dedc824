/* SPDX-License-Identifier: Apache-2.0 */
/* eval_run.c - from a list to scores: where its videos are, which networks score them, and what is counted. */
#include "clock.h"
#include "eval_state.h"
#include "evaluation.h"
#include "input.h"
#include "npy.h"
#include "paths.h"
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *eval_class_name(const evaluation *e, int class, char room[24])
{
    if (e->labels) return e->labels[class];
    snprintf(room, 24, "class %d", class);
    return room;
}

/* ---- The list ------------------------------------------------------------------------------------------------ */

/* The template with the list's path in the place of {}; released with free. */
static char *apply_template(const char *template, const char *path)
{
    const char *mark = template ? strstr(template, "{}") : NULL;
    char *made;

    if (!mark) return strdup(path);
    if (asprintf(&made, "%.*s%s%s", (int)(mark - template), template, path, mark + 2) < 0) return NULL;
    return made;
}

/* What the files are called where a list has nothing but their ids. */
static const char *default_template(list_form form)
{
    switch (form) {
    case LIST_JSON: return "{}.webm";
    case LIST_KINETICS: return "{}.mp4";
    default: return NULL;
    }
}

static tsm_status make_paths(evaluation *e, tsm_error *error)
{
    const eval_options *o = e->options;
    const char *template = o->template ? o->template : default_template(e->list.form);
    const char *slash = strrchr(o->list, '/');
    char *folder = o->root ? strdup(o->root) : slash ? strndup(o->list, (size_t)(slash - o->list) + 1) : strdup("");

    e->paths = folder ? report_alloc((size_t)e->list.count, sizeof *e->paths, error) : NULL;
    for (int i = 0; e->paths && i < e->list.count; i++) {
        char *name = apply_template(template, e->list.videos[i].path);

        e->paths[i] = name ? paths_join(folder, name) : NULL;
        free(name);
        if (!e->paths[i]) break;
    }
    free(folder);
    if (e->paths && e->paths[e->list.count - 1]) return TSM_OK;
    return report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", o->list);
}

static tsm_status read_list(evaluation *e, tsm_error *error)
{
    const eval_options *o = e->options;
    char *text = NULL;
    size_t bytes;
    tsm_status status = input_read_all(o->list, LIST_MAX_BYTES, &text, &bytes, error);

    if (status == TSM_OK) status = list_parse(&e->list, text, bytes, input_name(o->list), (list_form)o->form, error);
    if (status == TSM_OK) e->list_hash = eval_state_hash(text, bytes);
    free(text);
    for (int i = 0; i < e->list.count && status == TSM_OK; i++)
        if (e->list.videos[i].other_count && !o->multi_label)
            status = list_fail(&e->list, e->list.videos[i].line, error, "has several labels: --multi-label");
    return status == TSM_OK ? make_paths(e, error) : status;
}

/* ---- The members of an ensemble ------------------------------------------------------------------------------ */

/* The next of the texts that commas separate; false at the end. Released with free; NULL when out of memory. */
static bool next_text(const char **at, char **text)
{
    size_t length;

    if (!*at) return false;
    length = strcspn(*at, ",");
    *text = strndup(*at, length);
    *at = (*at)[length] ? *at + length + 1 : NULL;
    return true;
}

static tsm_status add_members(evaluation *e, const char *names, tsm_error *error)
{
    char *name;

    while (next_text(&names, &name)) {
        if (!name) return report_fail(error, TSM_ERROR_MEMORY, "ensemble: out of memory");
        if (e->member_count == EVAL_MAX_MEMBERS) {
            free(name);
            return report_fail(error, TSM_ERROR_UNSUPPORTED, "ensemble: more than %d members", EVAL_MAX_MEMBERS);
        }
        e->members[e->member_count++] = (eval_member){ .name = name, .coefficient = 1 };
    }
    return TSM_OK;
}

/* Reads a number a member, in their order. */
static tsm_status read_numbers(const char *option, const char *texts, int count, double numbers[EVAL_MAX_MEMBERS],
                               tsm_error *error)
{
    const char *at = texts;

    for (int i = 0; i < count; i++) {
        char *end = NULL;

        numbers[i] = at ? strtod(at, &end) : NAN;
        if (!end || end == at || (*end && *end != ',') || !isfinite(numbers[i]))
            return report_fail(error, TSM_ERROR_ARGUMENT, "--%s %s: want %d numbers, a comma between two", option,
                               texts, count);
        at = *end ? end + 1 : NULL;
    }
    if (!at) return TSM_OK;
    return report_fail(error, TSM_ERROR_ARGUMENT, "--%s %s: want %d numbers", option, texts, count);
}

static tsm_status read_members(evaluation *e, tsm_error *error)
{
    const eval_options *o = e->options;
    double numbers[EVAL_MAX_MEMBERS] = { 0 };
    tsm_status status = TSM_OK;

    if (o->models)
        status = add_members(e, o->models, error);
    else
        e->members[e->member_count++] = (eval_member){ .coefficient = 1 }; /* --model, or what is found without it */
    e->model_count = e->member_count;
    if (status == TSM_OK && o->extra_scores) status = add_members(e, o->extra_scores, error);
    if (!o->models && o->s.model && status == TSM_OK) e->members[0].name = strdup(o->s.model);
    if (status == TSM_OK && o->segments)
        status = read_numbers("segments-each", o->segments, e->model_count, numbers, error);
    for (int i = 0; o->segments && status == TSM_OK && i < e->model_count; i++) {
        if (numbers[i] < 1 || numbers[i] > TSM_MAX_SEGMENTS || numbers[i] != floor(numbers[i]))
            return report_fail(error, TSM_ERROR_ARGUMENT, "--segments-each %s: 1 to %d are possible", o->segments,
                               TSM_MAX_SEGMENTS);
        e->members[i].segments = (int)numbers[i];
    }
    if (status == TSM_OK && o->coefficients)
        status = read_numbers("coefficients", o->coefficients, e->member_count, numbers, error);
    for (int i = 0; o->coefficients && status == TSM_OK && i < e->member_count; i++)
        e->members[i].coefficient = numbers[i];
    return status;
}

/* Scores that were made before, (videos, classes) in the order of the list; NaN is a video that failed. */
static tsm_status add_file(evaluation *e, const eval_member *member, tsm_error *error)
{
    const size_t count = (size_t)e->list.count * (size_t)e->classes;
    npy_reader in = NPY_READER_INIT;
    float *row = NULL;
    tsm_status status = npy_open(&in, member->name, error);

    if (status == TSM_OK && (in.array.dtype != TSM_FLOAT32 || in.array.ndim != 2 ||
                             in.array.dims[0] != e->list.count || in.array.dims[1] != e->classes))
        status = report_fail(error, TSM_ERROR_FORMAT, "%s: is not float32 (%d, %d), videos and classes", member->name,
                             e->list.count, e->classes);
    if (status == TSM_OK && !(row = report_alloc(count, sizeof *row, error))) status = TSM_ERROR_MEMORY;
    if (status == TSM_OK) status = npy_read(&in, 0, count, row, error);
    for (size_t i = 0; i < count && status == TSM_OK; i++) {
        size_t video = i / (size_t)e->classes;

        if (isnan(row[i]) && !e->failed[video]) {
            e->failed[video] = true;
            e->failed_count++;
        }
        e->scores[i] += (float)(member->coefficient / e->member_count) * row[i];
    }
    free(row);
    npy_close(&in);
    return status;
}

/* ---- The whole ----------------------------------------------------------------------------------------------- */

static int has_class(const void *user, int video, int class)
{
    const list_video *v = &((const evaluation *)user)->list.videos[video];

    for (int k = 0; k < v->other_count; k++)
        if (v->others[k] == class) return 1;
    return v->label == class;
}

/* The first label, and those behind it. */
static tsm_status count_several(evaluation *e, int video, const float *scores, tsm_error *error)
{
    const list_video *v = &e->list.videos[video];
    int *labels = report_alloc((size_t)v->other_count + 1, sizeof *labels, error);

    if (!labels) return TSM_ERROR_MEMORY;
    labels[0] = v->label;
    if (v->other_count) memcpy(labels + 1, v->others, (size_t)v->other_count * sizeof *labels);
    e->found[video] = metrics_add_several(&e->metrics, labels, v->other_count + 1, scores);
    free(labels);
    return TSM_OK;
}

static tsm_status count_video(evaluation *e, int video, tsm_error *error)
{
    const float *scores = e->scores + (size_t)video * (size_t)e->classes;

    if (e->options->multi_label) return count_several(e, video, scores, error);
    e->found[video] = metrics_add(&e->metrics, e->list.videos[video].label, scores);
    return TSM_OK;
}

static tsm_status count_all(evaluation *e, tsm_error *error)
{
    tsm_status status = metrics_open(&e->metrics, e->classes, error);

    for (int i = 0; i < e->list.count && status == TSM_OK; i++) {
        e->found[i] = -1;
        if (!e->failed[i]) status = count_video(e, i, error);
    }
    if (status == TSM_OK && e->metrics.videos == 0)
        return report_fail(error, TSM_ERROR_FORMAT, "%s: none of its %d videos could be read", e->list.name,
                           e->list.count);
    if (status != TSM_OK || !e->options->multi_label) return status;
    return metrics_mean_ap(e->scores, e->list.count, e->classes, has_class, e, e->failed, &e->mean_ap, error);
}

tsm_status eval_run(evaluation *e, tsm_error *error)
{
    const double begin = clock_ms();
    tsm_status status = read_members(e, error);

    e->models = json_array();
    e->failures = json_array();
    if (status == TSM_OK && (!e->models || !e->failures))
        status = report_fail(error, TSM_ERROR_MEMORY, "out of memory for a summary");
    if (status == TSM_OK) status = read_list(e, error);
    for (int i = 0; i < e->member_count && status == TSM_OK; i++)
        status = i < e->model_count ? eval_run_model(e, i, error) : add_file(e, &e->members[i], error);
    e->seconds = (clock_ms() - begin) / 1e3;
    return status == TSM_OK ? count_all(e, error) : status;
}
