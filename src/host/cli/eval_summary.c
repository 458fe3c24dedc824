/* SPDX-License-Identifier: Apache-2.0 */
/* eval_summary.c - what an evaluation found, in one object with all that it was done with, and in words. */
#include "evaluation.h"
#include "eval_protocol.h"
#include "json_out.h"
#include "output.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *share(int part, int whole)
{
    double low, high;

    metrics_interval(part, whole, &low, &high);
    return json_pack("{s:o, s:i, s:i, s:[o, o]}", "value", json_out_rounded(metrics_share(part, whole), 6), "right",
                     part, "of", whole, "interval95", json_out_rounded(low, 6), json_out_rounded(high, 6));
}

static json_t *configuration(const evaluation *e)
{
    const eval_options *o = e->options;
    const settings *s = &o->s;

    return json_pack(
        "{s:o, s:s, s:o, s:o, s:s, s:s, s:i, s:b, s:s, s:s, s:o}", "list", json_out_text(o->list), "form",
        (const char *[]){ "auto", "release", "mmaction2", "folders", "csv", "json", "kinetics" }[e->list.form],
        "root", json_out_text(o->root), "template", json_out_text(o->template), "mode",
        settings_name(settings_modes, s->mode), "sampling", settings_name(settings_samplings, s->sampling), "views",
        s->views ? s->views : 1, "full_res", s->full_res, "average",
        e->averaging == EVAL_PROBABILITIES ? "probabilities" : "logits", "protocol",
        o->protocol ? settings_name(eval_protocols, o->protocol) : "none", "frames", json_out_text(s->frames));
}

/* Videos whose number of frames is not what the list says. */
static int count_odd_frames(const evaluation *e)
{
    int odd = 0;

    for (int i = 0; i < e->list.count; i++)
        odd += e->list.videos[i].frames && e->frames[i] && e->list.videos[i].frames != e->frames[i];
    return odd;
}

static json_t *summary(const evaluation *e)
{
    const metrics *m = &e->metrics;

    return json_pack("{s:s, s:o, s:O, s:i, s:i, s:i, s:i, s:O, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "tsm",
                     tsm_version(), "configuration", configuration(e), "models", e->models, "classes", e->classes,
                     "videos", e->list.count, "evaluated", m->videos, "failed", e->failed_count, "failures",
                     e->failures, "frames_differ", count_odd_frames(e), "prec1", share(m->right1, m->videos), "prec5",
                     share(m->right5, m->videos), "mean_class_accuracy", json_out_rounded(metrics_mean_class(m), 6),
                     "seconds", json_out_rounded(e->seconds, 3), "resumed", json_integer(e->resumed),
                     "mean_average_precision",
                     e->options->multi_label ? json_out_rounded(e->mean_ap, 6) : json_null());
}

tsm_status eval_write_summary(const evaluation *e, tsm_error *error)
{
    output_file out = { 0 };
    json_t *value;
    char *text;
    tsm_status status;

    if (e->options->s.json && json_out_print(summary(e)) != 0)
        return report_fail(error, TSM_ERROR_MEMORY, "standard output: out of memory");
    if (!e->options->summary) return TSM_OK;
    value = summary(e);
    text = value ? json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!text) return report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", e->options->summary);
    status = output_open(&out, e->options->summary, error);
    if (status == TSM_OK) {
        fprintf(out.file, "%s\n", text);
        status = output_commit(&out, error);
    }
    free(text);
    return status;
}

static void print_share(const char *what, int part, int whole)
{
    double low, high;

    metrics_interval(part, whole, &low, &high);
    printf("%-21s%.2f%%  (%d of %d; 95%% within %.2f and %.2f)\n", what, 100 * metrics_share(part, whole), part,
           whole, 100 * low, 100 * high);
}

void eval_print(const evaluation *e)
{
    const metrics *m = &e->metrics;
    const int odd = count_odd_frames(e);

    printf("%d of %d videos, %d classes, %.1f s\n", m->videos, e->list.count, e->classes, e->seconds);
    print_share("Prec@1", m->right1, m->videos);
    print_share("Prec@5", m->right5, m->videos);
    printf("%-21s%.2f%%\n", "mean class accuracy", 100 * metrics_mean_class(m));
    if (e->options->multi_label) printf("%-21s%.2f%%\n", "mean AP", 100 * e->mean_ap);
    if (e->failed_count) printf("%d could not be read and are left out\n", e->failed_count);
    if (odd) printf("%d have another number of frames than the list says; what was found counts\n", odd);
}
