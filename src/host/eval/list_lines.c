/* SPDX-License-Identifier: Apache-2.0 */
/* list_lines.c - lists with a video a line: numbers behind a path, a path alone, a name behind a semicolon. */
#include "failure.h"
#include "label_list.h"
#include "list.h"

#include <stdlib.h>
#include <string.h>

/* Cuts the last word off the text, without the white space between; its length, 0 where there is but one word. */
static size_t cut_word(const char *text, size_t *length)
{
    size_t end = *length, begin = end;

    while (begin > 0 && text[begin - 1] != ' ' && text[begin - 1] != '\t') begin--;
    if (begin == 0) return 0;
    *length = begin;
    while (*length > 0 && (text[*length - 1] == ' ' || text[*length - 1] == '\t')) --*length;
    return *length ? end - begin : 0;
}

/* A number at the end of the line, cut off; -1, and nothing is cut, where there is none. */
static int64_t cut_number(const char *text, size_t *length)
{
    size_t before = *length, word = cut_word(text, length);
    int64_t number = word ? label_index(text + before - word, word) : -1;

    if (number < 0) *length = before;
    return number;
}

/* The first label of the last word, which is cut off; *others and *count are those behind it, in the text. -1, and
 * nothing is cut, where it is no label. */
static int64_t cut_labels(const char *text, size_t *length, label_line *others)
{
    size_t before = *length, word = cut_word(text, length), first;
    const char *at = text + before - word, *comma = memchr(at, ',', word);
    int64_t label;

    first = comma ? (size_t)(comma - at) : word;
    label = word ? label_index(at, first) : -1;
    *others = (label_line){ .text = (char *)(uintptr_t)(at + first), .length = word - first };
    if (label < 0) *length = before;
    return label;
}

/* ",17,4" as numbers. */
static tsm_status read_others(video_list *l, label_line others, list_video *video, tsm_error *error)
{
    const char *at = others.text, *end = at + others.length;
    int count = 0;

    for (const char *c = at; c < end; c++) count += *c == ',';
    if (count == 0) return TSM_OK;
    video->others = malloc((size_t)count * sizeof *video->others);
    if (!video->others) return eval_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", l->name);
    while (at < end) {
        const char *next = memchr(at + 1, ',', (size_t)(end - at - 1));
        int64_t label;

        if (!next) next = end;
        label = label_index(at + 1, (size_t)(next - at - 1));
        if (label < 0) return list_fail(l, video->line, error, "has a label that is no number");
        video->others[video->other_count++] = (int)label;
        at = next;
    }
    return TSM_OK;
}

/* The form of the first line is that of all. */
static list_form form_of(const label_line *line)
{
    size_t length = line->length;
    label_line others;

    if (memchr(line->text, ';', line->length)) return LIST_CSV;
    if (cut_labels(line->text, &length, &others) < 0) return LIST_FOLDERS;
    return cut_number(line->text, &length) < 0 ? LIST_MMACTION2 : LIST_RELEASE;
}

static tsm_status add_csv(video_list *l, const label_line *line, bool first, tsm_error *error)
{
    const char *mark = memchr(line->text, ';', line->length);
    size_t id = mark ? (size_t)(mark - line->text) : 0, rest = mark ? line->length - id - 1 : 0;

    if (!mark) return list_fail(l, line->number, error, "has no semicolon between video and class");
    if (first && label_title_of(mark + 1, rest) == TITLE_NAME) return TSM_OK;
    while (id > 0 && line->text[id - 1] == ' ') id--;
    while (rest > 0 && mark[1] == ' ') mark++, rest--;
    return list_add(l, line->text, id, mark + 1, rest, (list_video){ .label = -1, .line = line->number }, error);
}

static tsm_status add_folders(video_list *l, const label_line *line, tsm_error *error)
{
    const char *slash = memrchr(line->text, '/', line->length), *class;
    size_t length;

    if (!slash) return list_fail(l, line->number, error, "has neither a label nor a folder that names the class");
    class = memrchr(line->text, '/', (size_t)(slash - line->text));
    class = class ? class + 1 : line->text;
    length = (size_t)(slash - class);
    return list_add(l, line->text, line->length, class, length, (list_video){ .label = -1, .line = line->number },
                    error);
}

static tsm_status add_numbers(video_list *l, const label_line *line, tsm_error *error)
{
    const bool counted = l->form == LIST_RELEASE;
    size_t length = line->length;
    label_line others;
    const int64_t label = cut_labels(line->text, &length, &others);
    const int64_t frames = counted && label >= 0 ? cut_number(line->text, &length) : 0;
    list_video video = { .label = (int)label, .frames = (int)frames, .line = line->number };
    tsm_status status;

    if (label < 0 || frames < 0)
        return list_fail(l, line->number, error, "is not `%s`", counted ? "path num_frames label" : "path label");
    status = read_others(l, others, &video, error);
    if (status == TSM_OK) status = list_add(l, line->text, length, NULL, 0, video, error);
    if (status != TSM_OK) free(video.others);
    return status;
}

tsm_status list_parse_lines(video_list *l, char *text, size_t bytes, tsm_error *error)
{
    char *end = text + bytes;
    label_line line;
    int number = 0;
    bool first = true;

    while (label_next_line(&text, end, &number, &line)) {
        tsm_status status;

        if (l->form == LIST_AUTO) l->form = form_of(&line);
        switch (l->form) {
        case LIST_CSV: status = add_csv(l, &line, first, error); break;
        case LIST_FOLDERS: status = add_folders(l, &line, error); break;
        default: status = add_numbers(l, &line, error);
        }
        if (status != TSM_OK) return status;
        first = false;
    }
    return TSM_OK;
}
