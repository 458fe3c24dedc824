/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_line.h"

#include "json_out.h"
#include "shown.h"

#include <stdio.h>

void stream_line_print_text(const stream_line *line)
{
    printf("%.3f s  frame %llu  ", line->time_s, (unsigned long long)line->frame);
    shown_print(stdout, line->label_text);
    printf("%s ", line->changed ? " *" : "");
    for (int i = 0; i < line->count; i++) {
        printf("%s %.4f ", i ? " |" : "", line->scores[line->classes[i]]);
        shown_print(stdout, line->labels[i]);
    }
    printf("  %.1f ms", line->latency_ms);
    if (line->behind_ms >= 0) printf(", %.1f ms behind", line->behind_ms);
    printf("\n");
}

static json_t *top_list(const stream_line *line)
{
    json_t *list = json_array();

    for (int i = 0; list && i < line->count; i++) {
        json_t *entry = json_pack("{s:o, s:i, s:f}", "label", json_out_text(line->labels[i]), "index",
                                  line->classes[i], "score", line->scores[line->classes[i]]);

        if (!entry || json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

int stream_line_print_json(const stream_line *line)
{
    json_t *behind = line->behind_ms >= 0 ? json_out_rounded(line->behind_ms, 3) : json_null();

    return json_out_print(json_pack("{s:I, s:o, s:o, s:i, s:b, s:o, s:o, s:o, s:I}", "frame", (json_int_t)line->frame,
                                    "time", json_out_rounded(line->time_s, 6), "label",
                                    json_out_text(line->label_text), "index", line->label, "changed", line->changed,
                                    "top", top_list(line), "latency_ms", json_out_rounded(line->latency_ms, 3),
                                    "behind_ms", behind, "dropped", (json_int_t)line->dropped));
}
