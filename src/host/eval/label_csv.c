/* SPDX-License-Identifier: Apache-2.0 */
/* label_csv.c - tables whose first line names their columns: names with an id, or Kinetics' lists of videos, where
 * the classes are the different labels in alphabetical order. A field in quotes may hold commas, and "" for a quote.
 */
#include "label_list.h"

#include <string.h>
#include <strings.h>

#define MAX_COLUMNS 64 /* further ones hold nothing that is looked for */

typedef struct field {
    char *text;
    size_t length;
} field;

/* Unquotes a field in place, from behind its opening quote; returns what follows the closing one, NULL without one.
 */
static char *unquote(char *at, const char *end, field *f)
{
    char *out = at;

    f->text = at;
    for (; at < end; at++) {
        if (*at == '"') {
            if (at + 1 == end || at[1] != '"') break;
            at++;
        }
        *out++ = *at;
    }
    f->length = (size_t)(out - f->text);
    return at < end ? at + 1 : NULL;
}

/* Splits a line at its commas; the number of fields, -1 where a quote is not closed. */
static int split(const label_line *line, field fields[MAX_COLUMNS])
{
    char *at = line->text, *end = at + line->length;
    int count = 0;

    while (count < MAX_COLUMNS) {
        field *f = &fields[count++];
        char *comma;

        if (at < end && *at == '"') {
            at = unquote(at + 1, end, f);
            if (!at) return -1;
            comma = memchr(at, ',', (size_t)(end - at));
        } else {
            comma = memchr(at, ',', (size_t)(end - at));
            *f = (field){ at, (size_t)((comma ? comma : end) - at) };
        }
        if (!comma) break;
        at = comma + 1;
    }
    return count;
}

/* The column of either title; -1 where there is none. */
static int find_column(const field *fields, int count, const char *title, const char *other)
{
    for (int i = 0; i < count; i++) {
        if (fields[i].length == strlen(title) && strncasecmp(fields[i].text, title, fields[i].length) == 0) return i;
        if (fields[i].length == strlen(other) && strncasecmp(fields[i].text, other, fields[i].length) == 0) return i;
    }
    return -1;
}

static tsm_status read_row(label_list *list, const label_line *line, int name, int id, tsm_error *error)
{
    field fields[MAX_COLUMNS];
    int count = split(line, fields);
    label_name made = { .line = line->number };

    if (count < 0) return label_list_fail(list, line->number, error, "has a quote that is not closed");
    if (count <= name || count <= id)
        return label_list_fail(list, line->number, error, "has %d columns, fewer than the first line needs", count);
    if (id >= 0) made.index = label_index(fields[id].text, fields[id].length);
    if (made.index < 0)
        return label_list_fail(list, line->number, error, "has the index '%.*s'",
                               (int)(fields[id].length < 40 ? fields[id].length : 40), fields[id].text);
    made.text = fields[name].text;
    made.length = fields[name].length;
    return label_list_add(list, made, error);
}

/* Leaves each name once. */
static void unite(label_list *list)
{
    size_t kept = 0;

    label_list_sort_names(list);
    for (size_t i = 0; i < list->count; i++) {
        const label_name *before = kept ? &list->items[kept - 1] : NULL, *name = &list->items[i];

        if (!before || before->length != name->length || memcmp(before->text, name->text, name->length) != 0)
            list->items[kept++] = *name;
    }
    list->count = kept;
}

tsm_status label_parse_csv(label_list *list, char *text, size_t bytes, bool *found, tsm_error *error)
{
    field fields[MAX_COLUMNS];
    int number = 0, count, name, id, video;
    label_line line;
    char *at = text;
    tsm_status status = TSM_OK;

    *found = false;
    /* Splitting undoes quotes in place, and no header that is known has any. */
    if (!label_next_line(&at, text + bytes, &number, &line) || memchr(line.text, '"', line.length)) return TSM_OK;
    count = split(&line, fields);
    name = find_column(fields, count, "name", "label");
    id = find_column(fields, count, "id", "index");
    video = find_column(fields, count, "youtube_id", "youtube_id");
    *found = video >= 0 || (name >= 0 && id >= 0);
    if (!*found) return TSM_OK;
    if (name < 0) return label_list_fail(list, line.number, error, "names no column label");
    while (status == TSM_OK && label_next_line(&at, text + bytes, &number, &line))
        status = read_row(list, &line, name, video >= 0 ? -1 : id, error);
    if (status != TSM_OK) return status;
    if (video < 0) return label_list_order(list, error);
    unite(list);
    return TSM_OK;
}
