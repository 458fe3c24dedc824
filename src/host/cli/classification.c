/* SPDX-License-Identifier: Apache-2.0 */
#include "classification.h"

#include "input.h"
#include "json_out.h"
#include "shown.h"

#include <stdio.h>

void classification_print_text(const classification *v)
{
    shown_print(stdout, input_name(v->input));
    if (v->clips->pattern) {
        printf(" (");
        shown_print(stdout, v->clips->pattern);
        printf(")");
    }
    printf(": %d frame%s; decode %.1f ms, preprocess %.1f ms, network %.1f ms\n", v->clips->frames,
           v->clips->frames == 1 ? "" : "s", v->clips->decode_ms, v->clips->preprocess_ms, v->network_ms);
    classification_print_labels(v);
}

void classification_print_labels(const classification *v)
{
    for (int i = 0; i < v->count; i++) {
        printf("  %.4f  ", v->scores[i]);
        shown_print(stdout, v->labels[i]);
        printf("\n");
    }
}

static json_t *top_list(const classification *v)
{
    json_t *list = json_array();

    for (int i = 0; list && i < v->count; i++) {
        json_t *entry = json_pack("{s:o, s:i, s:f, s:f}", "label", json_out_text(v->labels[i]), "index",
                                  v->classes[i], "score", v->scores[i], "logit", v->logits[i]);

        if (!entry || json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

int classification_print_json(const classification *v)
{
    const tsm_clips_info *clips = v->clips;
    json_t *line =
        json_pack("{s:o, s:i, s:o, s:o, s:o, s:{s:o, s:o, s:o}}", "input", json_out_text(v->input), "frames",
                  clips->frames, "pattern", json_out_text(clips->pattern), "sampled",
                  json_out_rows(clips->numbers, clips->samples, clips->segments), "top", top_list(v), "ms", "decode",
                  json_out_rounded(clips->decode_ms, 3), "preprocess", json_out_rounded(clips->preprocess_ms, 3),
                  "network", json_out_rounded(v->network_ms, 3));

    return json_out_print(json_out_add_bytes(line, "input_bytes", v->input));
}

int classification_print_window_json(const classification *v, const tsm_window *where)
{
    json_t *line = json_pack("{s:o, s:i, s:o, s:o, s:i, s:i, s:o, s:o, s:{s:o}}", "input", json_out_text(v->input),
                             "window", where->index, "start", json_out_rounded(where->start_s, 3), "end",
                             json_out_rounded(where->end_s, 3), "first_frame", where->first, "frames", where->frames,
                             "sampled", json_out_rows(v->clips->numbers, v->clips->samples, v->clips->segments),
                             "top", top_list(v), "ms", "network", json_out_rounded(v->network_ms, 3));

    return json_out_print(json_out_add_bytes(line, "input_bytes", v->input));
}

int classification_print_failure(const char *input, const tsm_error *error)
{
    json_t *line = json_pack("{s:o, s:{s:s, s:o}}", "input", json_out_text(input), "error", "code",
                             tsm_status_name(error->code), "text", json_out_text(error->text));

    return json_out_print(json_out_add_bytes(line, "input_bytes", input));
}
