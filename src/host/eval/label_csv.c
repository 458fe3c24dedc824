/* SPDX-License-Identifier: Apache-2.0 */
/* label_csv.c - tables whose first line names their columns: names with an id, or Kinetics' lists of videos, where
 * the classes are the different labels in alphabetical order. Columns are separated by commas, semicolons or tabs; a
 * field in quotes may hold those, and "" for a quote. */
#include "label_list.h"

#include <string.h>

#define MAX_COLUMNS 64 /* further ones hold nothing that is looked for */

typedef struct field {
    char *text;
    size_t length;
} field;

/* Unquotes a field in place, from behind its opening quote; returns what follows the closing one, NULL without
 * one. */
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

/* Splits a line into fields; returns how many, -1 where a quote is not closed. */
static int split(const label_line *line, char separator, field fields[MAX_COLUMNS])
{
    char *at = line->text, *end = at + line->length;
    int count = 0;

    while (count < MAX_COLUMNS) {
        field *f = &fields[count++];
        char *stop;

        if (at < end && *at == '"') {
            at = unquote(at + 1, end, f);
            if (!at) return -1;
            stop = memchr(at, separator, (size_t)(end - at));
        } else {
            stop = memchr(at, separator, (size_t)(end - at));
            *f = (field){ at, (size_t)((stop ? stop : end) - at) };
        }
        if (!stop) break;
        at = stop + 1;
    }
    return count;
}

static field trimmed(field f)
{
    while (f.length > 0 && (f.text[f.length - 1] == ' ' || f.text[f.length - 1] == '\t')) f.length--;
    for (; f.length > 0 && (*f.text == ' ' || *f.text == '\t'); f.length--) f.text++;
    return f;
}

/* The column whose title means this; -1 where there is none. */
static int find_column(const field *fields, int count, label_title title)
{
    for (int i = 0; i < count; i++) {
        field f = trimmed(fields[i]);

        if (label_title_of(f.text, f.length) == title) return i;
    }
    return -1;
}

/* Where a table has what, and what separates its columns. */
typedef struct table {
    char separator;
    int name, id, video; /* columns; -1: none */
} table;

/* Whether the line is the header of a known table. */
static bool read_header(const label_line *line, table *t)
{
    static const char separators[] = ",;\t";
    field fields[MAX_COLUMNS];

    /* Splitting undoes quotes in place, and no header that is known has any. */
    if (memchr(line->text, '"', line->length)) return false;
    for (const char *s = separators; *s; s++) {
        int count = split(line, *s, fields);

        *t = (table){ .separator = *s };
        t->name = find_column(fields, count, TITLE_NAME);
        t->id = find_column(fields, count, TITLE_INDEX);
        t->video = find_column(fields, count, TITLE_VIDEO);
        if (t->video >= 0 || (t->name >= 0 && t->id >= 0)) return true;
    }
    return false;
}

static tsm_status read_row(label_list *list, const label_line *line, const table *t, tsm_error *error)
{
    field fields[MAX_COLUMNS], id;
    int count = split(line, t->separator, fields), most = t->video < 0 && t->id > t->name ? t->id : t->name;
    label_name made = { .line = line->number };

    if (count < 0) return label_list_fail(list, line->number, error, "has a quote that is not closed");
    if (count <= most)
        return label_list_fail(list, line->number, error, "has %d columns, fewer than the first line needs", count);
    if (t->video < 0) {
        id = trimmed(fields[t->id]);
        made.index = label_index(id.text, id.length);
        if (made.index < 0)
            return label_list_fail(list, line->number, error, "has the index '%.*s'",
                                   (int)(id.length < 40 ? id.length : 40), id.text);
    }
    made.text = fields[t->name].text;
    made.length = fields[t->name].length;
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
    int number = 0;
    table t;
    label_line line;
    char *at = text;
    tsm_status status = TSM_OK;

    *found = label_next_line(&at, text + bytes, &number, &line) && read_header(&line, &t);
    if (!*found) return TSM_OK;
    if (t.name < 0) return label_list_fail(list, line.number, error, "names no column label");
    while (status == TSM_OK && label_next_line(&at, text + bytes, &number, &line))
        status = read_row(list, &line, &t, error);
    if (status != TSM_OK) return status;
    if (t.video < 0) return label_list_order(list, error);
    unite(list);
    return TSM_OK;
}
