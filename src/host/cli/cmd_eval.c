/* SPDX-License-Identifier: Apache-2.0 */
/* tsm eval: how well a network knows the videos of a list. */
#include "commands.h"
#include "eval_protocol.h"
#include "evaluation.h"
#include "options.h"
#include "report.h"

#include <stdlib.h>

static const option_choice forms[] = {
    { "auto", LIST_AUTO }, { "release", LIST_RELEASE }, { "mmaction2", LIST_MMACTION2 }, { "folders", LIST_FOLDERS },
    { "csv", LIST_CSV },   { "json", LIST_JSON },       { "kinetics", LIST_KINETICS },   { 0 }
};
static const option_choice averagings[] = { { "logits", EVAL_LOGITS },
                                            { "probabilities", EVAL_PROBABILITIES },
                                            { 0 } };
static const option_choice submissions[] = { { "names", EVAL_SUBMIT_NAMES }, { "five", EVAL_SUBMIT_FIVE }, { 0 } };

static void clear(evaluation *e)
{
    for (int i = 0; e->paths && i < e->list.count; i++) free(e->paths[i]);
    for (int i = 0; e->labels && i < e->classes; i++) free(e->labels[i]);
    for (int i = 0; i < e->member_count; i++) free(e->members[i].name);
    json_decref(e->models);
    json_decref(e->failures);
    metrics_close(&e->metrics);
    list_clear(&e->list);
    free(e->paths);
    free(e->labels);
    free(e->scores);
    free(e->features);
    free(e->failed);
    free(e->frames);
    free(e->found);
}

static int evaluate(const eval_options *options)
{
    evaluation e = { .options = options };
    tsm_error error = { 0 };
    tsm_status status = eval_check_outputs(options, &error);

    e.averaging = options->averaging                      ? (eval_averaging)options->averaging
                  : options->s.mode == TSM_MODE_MMACTION2 ? EVAL_PROBABILITIES
                                                          : EVAL_LOGITS;
    if (status == TSM_OK) status = eval_run(&e, &error);
    if (status == TSM_OK) status = eval_write_tables(&e, &error);
    if (status == TSM_OK) status = eval_write_picture(&e, &error);
    if (status == TSM_OK && !options->s.json) eval_print(&e);
    if (status == TSM_OK) status = eval_write_summary(&e, &error);
    if (status != TSM_OK) report_line("%s", error.text);
    clear(&e);
    return status == TSM_OK ? EXIT_DONE : EXIT_FAILED;
}

static int check(const option_table *table, const eval_options *o, int positional, char **argv)
{
    if (positional > 0) return options_wrong(table, "unexpected argument '%s'", argv[0]);
    if (!o->list) return options_wrong(table, "--list is missing");
    if (o->models && o->s.model) return options_wrong(table, "--model and --models are two ways to say it");
    if (o->multi_label && (o->confusion || o->picture))
        return options_wrong(table, "several labels have no confusion matrix");
    if (o->segments && !o->models) return options_wrong(table, "--segments-each is for --models");
    return EXIT_DONE;
}

int cmd_eval(int argc, char **argv)
{
    eval_options o = { 0 };
    const option_spec specs[] = {
        OPTION_SPEC_TEXT("list", "FILE", &o.list, "the videos and their classes"),
        OPTION_SPEC_CHOICE("form", &o.form, forms, "of the list, found by itself otherwise"),
        OPTION_SPEC_TEXT("root", "DIR", &o.root, "where the videos are, otherwise beside the list"),
        OPTION_SPEC_TEXT("template", "TEXT", &o.template, "what {}, the list's path, is part of: {}.webm"),
        OPTION_SPEC_CHOICE("protocol", &o.protocol, eval_protocols, "sampling, views and mode of published figures"),
        OPTION_SPEC_CHOICE("average", &o.averaging, averagings,
                           "over clips and networks, as the mode does otherwise"),
        OPTION_SPEC_FLAG("multi-label", &o.multi_label,
                         "videos have several labels, `path 3,17`: mean average precision"),
        OPTION_SPEC_TEXT("models", "A,B,...", &o.models, "an ensemble of networks"),
        OPTION_SPEC_TEXT("segments-each", "N,N,...", &o.segments, "of the networks of an ensemble"),
        OPTION_SPEC_TEXT("add-scores", "X.npy,...", &o.extra_scores, "scores made before, as of a flow network"),
        OPTION_SPEC_TEXT("coefficients", "C,C,...", &o.coefficients, "of networks and scores, 1 by default"),
        OPTION_SPEC_TEXT("resume", "STATE", &o.state, "keep what is done in this file, and go on from there"),
        OPTION_SPEC_FLAG("strict", &o.strict, "a video that cannot be read ends the work"),
        OPTION_SPEC_TEXT("scores", "OUT", &o.scores, "scores of every video, .npy or .csv"),
        OPTION_SPEC_TEXT("videos", "OUT.csv", &o.videos, "what every video was taken for"),
        OPTION_SPEC_TEXT("per-class", "OUT.csv", &o.per_class, "Prec@1 and Prec@5 of every class"),
        OPTION_SPEC_TEXT("confusion", "OUT.csv", &o.confusion, "which classes are taken for which"),
        OPTION_SPEC_TEXT("confusion-svg", "OUT.svg", &o.picture, "the same as a picture"),
        OPTION_SPEC_TEXT("submission", "OUT.csv", &o.submission, "id;class of every video, for a test server"),
        OPTION_SPEC_CHOICE("submission-form", &o.submission_form, submissions, "the class, or the five best indices"),
        OPTION_SPEC_TEXT("features", "OUT.npy", &o.features, "what is pooled before the classifier, of every video"),
        OPTION_SPEC_TEXT("summary", "OUT.json", &o.summary, "the figures, and all they were found with"),
        SETTINGS_SPECS_JSON(o.s),
        SETTINGS_SPECS_MODEL(o.s),
        SETTINGS_SPECS_VIDEO(o.s),
        SETTINGS_SPECS_ENGINE(o.s),
    };
    const option_table table = { "eval", "--list FILE", "Tells how well a network knows the videos of a list.", specs,
                                 sizeof specs / sizeof *specs };
    int positional, wrong;

    switch (options_parse(&table, argc, argv, &positional)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    wrong = check(&table, &o, positional, argv);
    if (wrong != EXIT_DONE) return wrong;
    eval_protocol_apply(o.protocol, &o.s);
    return evaluate(&o);
}
