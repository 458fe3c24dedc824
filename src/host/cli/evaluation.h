/* SPDX-License-Identifier: Apache-2.0 */
/* evaluation.h - the state of tsm eval: a list of videos, networks that score them, and what became of each video. */
#ifndef TSM_CLI_EVALUATION_H
#define TSM_CLI_EVALUATION_H

#include "eval/eval.h"
#include "settings.h"

#include <jansson.h>
#include <tsm/pipeline.h>

#define EVAL_MAX_MEMBERS 16

/* What is asked for. */
typedef struct eval_options {
    settings s;
    const char *list, *root, *template;
    const char *models, *segments, *coefficients, *extra_scores; /* of an ensemble, separated by commas */
    int form, protocol, averaging, strict, multi_label;
    const char *state;
    const char *scores, *videos, *per_class, *confusion, *picture, *submission, *summary, *features;
    int submission_form;
} eval_options;

typedef enum eval_averaging { EVAL_LOGITS = 1, EVAL_PROBABILITIES = 2 } eval_averaging;
typedef enum eval_submission { EVAL_SUBMIT_NAMES = 0, EVAL_SUBMIT_FIVE = 1 } eval_submission;

/* A network of an ensemble, or scores that were made before. */
typedef struct eval_member {
    char *name; /* owned */
    int segments;
    double coefficient;
} eval_member;

typedef struct evaluation {
    const eval_options *options;
    eval_averaging averaging;
    uint64_t list_hash;
    video_list list;
    char **paths; /* of the videos: root and template around what the list has */
    eval_member members[EVAL_MAX_MEMBERS];
    int member_count, model_count; /* the first ones are networks, the others scores */

    int classes;               /* 0 until the first network is there */
    char **labels;             /* (classes); NULL where there are none */
    json_t *models, *failures; /* arrays, for the summary */
    float *scores;   /* (videos, classes): the sum over the members, each times its coefficient, over their number */
    float *features; /* (videos, feature_count) of the first network, or NULL */
    int feature_count;
    bool *failed; /* (videos) by any member */
    int *frames;  /* (videos), as they were found */
    int failed_count, resumed;
    double seconds;
    metrics metrics;
    double mean_ap; /* with several labels */
    int *found;     /* (videos) the best class, -1 of one that failed */
} evaluation;

/* eval_run.c: scores of all videos by all members. Errors: everything that ends the work. */
tsm_status eval_run(evaluation *e, tsm_error *error);

/* eval_model.c: one network over the videos that have no row yet; adds its scores. */
tsm_status eval_run_model(evaluation *e, int member, tsm_error *error);

/* The name of a class: its label, or "class 17" in `room`. */
const char *eval_class_name(const evaluation *e, int class, char room[24]);

/* eval_write.c, eval_picture.c, eval_summary.c: what is asked for, each a file that appears complete or not at all.
 */
tsm_status eval_check_outputs(const eval_options *options, tsm_error *error);
tsm_status eval_write_tables(const evaluation *e, tsm_error *error);
tsm_status eval_write_picture(const evaluation *e, tsm_error *error);
tsm_status eval_write_summary(const evaluation *e, tsm_error *error);
void eval_print(const evaluation *e);

#endif
