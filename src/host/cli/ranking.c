/* SPDX-License-Identifier: Apache-2.0 */
/* ranking.c - see ranking.h. */
#include "ranking.h"

#include "eval/eval.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

tsm_status ranking_open(ranking *r, const tsm_model *model, int class_count, int most, tsm_error *error)
{
    const size_t classes = (size_t)class_count, top = (size_t)(most < class_count ? most : class_count);

    *r = (ranking){ .model = model, .class_count = class_count, .most = (int)top };
    r->scores = report_alloc(classes, sizeof *r->scores, error);
    r->means = report_alloc(classes, sizeof *r->means, error);
    r->classes = report_alloc(top, sizeof *r->classes, error);
    r->labels = report_alloc(top, sizeof *r->labels, error);
    r->names = report_alloc(top, sizeof *r->names, error);
    r->top_scores = report_alloc(top, sizeof *r->top_scores, error);
    r->top_logits = report_alloc(top, sizeof *r->top_logits, error);
    if (r->scores && r->means && r->classes && r->labels && r->names && r->top_scores && r->top_logits) return TSM_OK;
    ranking_close(r);
    return TSM_ERROR_MEMORY;
}

void ranking_close(ranking *r)
{
    free(r->scores);
    free(r->means);
    free(r->classes);
    free(r->labels);
    free(r->names);
    free(r->top_scores);
    free(r->top_logits);
    *r = (ranking){ 0 };
}

tsm_status ranking_fill(ranking *r, tsm_video_mode mode, const float *logits, int clips, tsm_error *error)
{
    tsm_status status = r->multi_label
                            ? scores_combine_multi(mode, logits, clips, r->class_count, r->scores, r->means, error)
                            : scores_combine(mode, logits, clips, r->class_count, r->scores, r->means, error);

    if (status != TSM_OK) return status;
    scores_top(r->scores, r->means, r->class_count, r->most, r->classes);
    for (r->top = 0; r->top < r->most; r->top++) {
        const int i = r->top, class = r->classes[i];
        const char *label = tsm_model_label(r->model, class);

        if (r->multi_label && r->scores[class] < r->threshold) break;
        snprintf(r->names[i], sizeof r->names[i], "class %d", class);
        r->labels[i] = label ? label : r->names[i];
        r->top_scores[i] = r->scores[class];
        r->top_logits[i] = r->means[class];
    }
    return TSM_OK;
}
