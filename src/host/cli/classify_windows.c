/* SPDX-License-Identifier: Apache-2.0 */
/* classify_windows.c - see classify_windows.h. */
#include "classify_windows.h"

#include "commands.h"
#include "json_out.h"
#include "report.h"
#include "shown.h"
#include "classification.h"

#include <stdio.h>

static void print_place(const char *input, double start_s, double end_s, int first, int frames)
{
    shown_print(stdout, input_name(input));
    if (end_s > 0)
        printf(": %.2f to %.2f s", start_s, end_s);
    else
        printf(": frames %d to %d", first, first + frames - 1);
}

static int print_window(const classify_windows *c, const char *input, const tsm_window *where,
                        const tsm_result *result)
{
    const ranking *r = c->ranking;
    const classification v = { .input = input,
                               .clips = &result->info,
                               .network_ms = result->network_ms,
                               .count = r->top,
                               .classes = r->classes,
                               .labels = r->labels,
                               .scores = r->top_scores,
                               .logits = r->top_logits };

    progress_clear(c->progress);
    if (c->json) return classification_print_window_json(&v, where) == 0 ? EXIT_DONE : EXIT_FAILED;
    print_place(input, where->start_s, where->end_s, where->first, where->frames);
    printf("\n");
    classification_print_labels(&v);
    return EXIT_DONE;
}

static int print_span(const classify_windows *c, const char *input, const span *one)
{
    char room[24];

    progress_clear(c->progress);
    if (c->json) {
        json_t *line =
            json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:i, s:f, s:i}", "input", json_out_text(input), "start",
                      json_out_rounded(one->start_s, 3), "end", json_out_rounded(one->end_s, 3), "first_frame",
                      one->first, "frames", one->frames, "label", json_out_text(span_label(one, room)), "index",
                      one->class, "score", one->score, "windows", one->windows);

        return json_out_print(json_out_add_bytes(line, "input_bytes", input)) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    print_place(input, one->start_s, one->end_s, one->first, one->frames);
    printf(": %.4f  ", one->score);
    shown_print(stdout, span_label(one, room));
    printf("\n");
    return EXIT_DONE;
}

/* The spans of an input whose last window is there. */
static int finish_input(const classify_windows *c, int input, spans *s)
{
    tsm_error error;
    int result = EXIT_DONE;

    for (int i = 0; c->merged && i < s->count; i++)
        if (s->items[i].class >= 0 && print_span(c, c->inputs->items[input], &s->items[i]) != EXIT_DONE)
            result = EXIT_FAILED;
    if (c->subtitles && s->count > 0 && spans_write_subtitles(s, c->subtitles, &error) != TSM_OK) {
        progress_clear(c->progress);
        report_line("%s", error.text);
        result = EXIT_FAILED;
    }
    spans_clear(s);
    return result;
}

static int fail_input(const classify_windows *c, const char *input, tsm_error *failure)
{
    progress_clear(c->progress);
    report_name(failure, input_name(input));
    report_line("%s", failure->text);
    if (c->json) classification_print_failure(input, failure);
    return EXIT_FAILED;
}

static int take_window(const classify_windows *c, const window_item *item, const tsm_result *result, spans *s)
{
    const char *input = c->inputs->items[item->input];
    const ranking *r = c->ranking;
    tsm_error error = result->error;
    tsm_status status = result->status;
    bool labelled;

    if (status == TSM_OK) status = ranking_fill(c->ranking, c->mode, result->outputs, result->count, &error);
    labelled = status == TSM_OK && r->top > 0 && r->top_scores[0] >= c->threshold;
    if (status == TSM_OK)
        status = spans_add(s, &item->where, labelled ? r->classes[0] : -1,
                           labelled ? tsm_model_label(r->model, r->classes[0]) : NULL,
                           labelled ? r->top_scores[0] : 0, &error);
    if (status != TSM_OK) return fail_input(c, input, &error);
    return c->merged ? EXIT_DONE : print_window(c, input, &item->where, result);
}

int classify_windows_show(const classify_windows *c)
{
    const tsm_result *result;
    tsm_error error;
    spans s = { 0 };
    int input = 0, worst = EXIT_DONE;
    tsm_status status;

    while ((status = tsm_pipeline_next(c->pipeline, &result, &error)) == TSM_OK && result) {
        window_item *item = result->user;

        if (item->input != input && finish_input(c, input, &s) != EXIT_DONE) worst = EXIT_FAILED;
        input = item->input;
        if (take_window(c, item, result, &s) != EXIT_DONE) worst = EXIT_FAILED;
        progress_update(c->progress, item->failed ? input + 1
                                                  : input + (double)(item->where.first + item->where.frames) /
                                                                (result->info.frames + 1));
        window_feed_done(c->feed, item);
        if (report_output(EXIT_DONE) != EXIT_DONE) break;
    }
    progress_clear(c->progress);
    if (c->inputs->count && finish_input(c, input, &s) != EXIT_DONE) worst = EXIT_FAILED;
    if (status == TSM_OK) return result ? EXIT_FAILED : worst;
    report_line("%s", error.text);
    return EXIT_FAILED;
}
