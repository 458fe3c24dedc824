/* SPDX-License-Identifier: Apache-2.0 */
/* eval_write.c - tables of an evaluation: scores, videos, classes, confusion, submissions, features. */
#include "evaluation.h"
#include "npy.h"
#include "output.h"
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), of = strlen(ending);

    return length >= of && strcmp(path + length - of, ending) == 0;
}

/* ---- Text ---------------------------------------------------------------------------------------------------- */

static void print(output_file *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(output_file *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(out->file, format, arguments); /* output_commit says whether that went well */
    va_end(arguments);
}

/* A field of a CSV: in quotes where it needs them. */
static void print_field(output_file *out, const char *text)
{
    if (!strpbrk(text, ",;\"\n\r")) {
        fputs(text, out->file);
        return;
    }
    fputc('"', out->file);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out->file);
        fputc(*text, out->file);
    }
    fputc('"', out->file);
}

static tsm_status write_text(const evaluation *e, const char *path, void (*write)(const evaluation *, output_file *),
                             tsm_error *error)
{
    output_file out = { 0 };
    tsm_status status;

    if (!path) return TSM_OK;
    status = output_open(&out, path, error);
    if (status != TSM_OK) return status;
    write(e, &out);
    return output_commit(&out, error);
}

/* ---- The tables ---------------------------------------------------------------------------------------------- */

static void write_videos(const evaluation *e, output_file *out)
{
    char a[24], b[24];

    print(out, "path,frames,label,class,found,found_class,right\n");
    for (int i = 0; i < e->list.count; i++) {
        const int label = e->list.videos[i].label, found = e->found[i];

        print_field(out, e->list.videos[i].path);
        print(out, ",%d,%d,", e->frames[i], label);
        print_field(out, eval_class_name(e, label, a));
        if (found < 0) {
            print(out, ",,,\n");
            continue;
        }
        print(out, ",%d,", found);
        print_field(out, eval_class_name(e, found, b));
        print(out, ",%d\n", found == label);
    }
}

static void write_classes(const evaluation *e, output_file *out)
{
    const metrics *m = &e->metrics;
    char room[24];

    print(out, "index,class,videos,prec1,prec5\n");
    for (int i = 0; i < e->classes; i++) {
        print(out, "%d,", i);
        print_field(out, eval_class_name(e, i, room));
        if (m->of_class[i])
            print(out, ",%d,%.4f,%.4f\n", m->of_class[i], metrics_share(m->right1_of[i], m->of_class[i]),
                  metrics_share(m->right5_of[i], m->of_class[i]));
        else
            print(out, ",0,,\n");
    }
}

/* A row a class of the list, a column a class that was found. */
static void write_confusion(const evaluation *e, output_file *out)
{
    char room[24];

    for (int column = 0; column < e->classes; column++) {
        fputc(',', out->file);
        print_field(out, eval_class_name(e, column, room));
    }
    fputc('\n', out->file);
    for (int row = 0; row < e->classes; row++) {
        print_field(out, eval_class_name(e, row, room));
        for (int column = 0; column < e->classes; column++)
            print(out, ",%u", e->metrics.confusion[(size_t)row * (size_t)e->classes + (size_t)column]);
        fputc('\n', out->file);
    }
}

static void write_score_table(const evaluation *e, output_file *out)
{
    char room[24];

    print(out, "path");
    for (int i = 0; i < e->classes; i++) {
        fputc(',', out->file);
        print_field(out, eval_class_name(e, i, room));
    }
    fputc('\n', out->file);
    for (int video = 0; video < e->list.count; video++) {
        print_field(out, e->list.videos[video].path);
        for (int i = 0; i < e->classes; i++) {
            if (e->failed[video])
                fputc(',', out->file);
            else
                print(out, ",%.9g", (double)e->scores[(size_t)video * (size_t)e->classes + (size_t)i]);
        }
        fputc('\n', out->file);
    }
}

/* The name of a video without folders and ending. */
static void print_id(output_file *out, const char *path)
{
    const char *slash = strrchr(path, '/'), *id = slash ? slash + 1 : path, *dot = strrchr(id, '.');

    print(out, "%.*s", (int)(dot && dot > id ? (size_t)(dot - id) : strlen(id)), id);
}

/* As the release writes them: `id;class`, or `id;` and the five best indices. */
static void write_submission(const evaluation *e, output_file *out)
{
    const int five = e->options->submission_form == EVAL_SUBMIT_FIVE;
    char room[24];

    for (int video = 0; video < e->list.count; video++) {
        const float *scores = e->scores + (size_t)video * (size_t)e->classes;
        int best[5] = { 0 }, found = 0;

        if (e->failed[video]) continue;
        print_id(out, e->list.videos[video].path);
        for (int i = 0; i < e->classes; i++) {
            int at = found < 5 ? found++ : 5;

            while (at > 0 && scores[i] > scores[best[at - 1]]) {
                if (at < 5) best[at] = best[at - 1];
                at--;
            }
            if (at < 5) best[at] = i;
        }
        if (!five) {
            print(out, ";%s\n", eval_class_name(e, best[0], room));
            continue;
        }
        for (int i = 0; i < found; i++) print(out, ";%d", best[i]);
        fputc('\n', out->file);
    }
}

/* ---- Arrays -------------------------------------------------------------------------------------------------- */

/* float32 (videos, values) in the order of the list; NaN for a video that failed. */
static tsm_status write_array(const evaluation *e, const char *path, const float *rows, int values, tsm_error *error)
{
    const int64_t dims[] = { e->list.count, values };
    output_file out = { 0 };
    float *failed = report_alloc((size_t)values, sizeof *failed, error);
    tsm_status status = failed ? output_open(&out, path, error) : TSM_ERROR_MEMORY;

    for (int i = 0; failed && i < values; i++) failed[i] = NAN;
    if (status == TSM_OK) status = npy_begin(&out, TSM_FLOAT32, dims, 2, error);
    for (int i = 0; i < e->list.count && status == TSM_OK; i++)
        status = npy_append(&out, TSM_FLOAT32, e->failed[i] ? failed : rows + (size_t)i * (size_t)values,
                            (size_t)values, error);
    if (status == TSM_OK) status = output_commit(&out, error);
    output_abort(&out);
    free(failed);
    return status;
}

static tsm_status write_scores(const evaluation *e, tsm_error *error)
{
    const char *path = e->options->scores;

    if (!path) return TSM_OK;
    if (ends_with(path, ".npy")) return write_array(e, path, e->scores, e->classes, error);
    return write_text(e, path, write_score_table, error);
}

tsm_status eval_write_tables(const evaluation *e, tsm_error *error)
{
    const eval_options *o = e->options;
    tsm_status status = write_scores(e, error);

    if (status == TSM_OK) status = write_text(e, o->videos, write_videos, error);
    if (status == TSM_OK) status = write_text(e, o->per_class, write_classes, error);
    if (status == TSM_OK) status = write_text(e, o->submission, write_submission, error);
    if (status == TSM_OK && o->features) status = write_array(e, o->features, e->features, e->feature_count, error);
    if (status != TSM_OK || !o->confusion) return status;
    if (!e->metrics.confusion)
        return report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: a confusion matrix of more than %d classes",
                           o->confusion, METRICS_MAX_CONFUSION);
    return write_text(e, o->confusion, write_confusion, error);
}

/* What cannot be written is found before the work begins. */
tsm_status eval_check_outputs(const eval_options *o, tsm_error *error)
{
    const char *const paths[] = { o->scores,  o->videos,     o->per_class, o->confusion,
                                  o->picture, o->submission, o->summary,   o->features };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        tsm_status status;

        if (!paths[i]) continue;
        if (strcmp(paths[i], "-") == 0)
            return report_fail(error, TSM_ERROR_ARGUMENT, "-: files of an evaluation have names");
        for (size_t k = 0; k < i; k++)
            if (paths[k] && strcmp(paths[k], paths[i]) == 0)
                return report_fail(error, TSM_ERROR_ARGUMENT, "%s: is the name of two outputs", paths[i]);
        status = output_check(paths[i], error);
        if (status != TSM_OK) return status;
    }
    return TSM_OK;
}
