/* SPDX-License-Identifier: Apache-2.0 */
/* list_kinetics.c - Kinetics' tables: label, youtube_id, time_start, time_end; a field may stand in quotes. */
#include "label_list.h"
#include "list.h"

#include <stdio.h>
#include <string.h>

enum { LABEL, ID, START, END, COLUMNS, MAX_FIELDS = 16, MAX_ID = 64 };

typedef struct field {
    const char *text;
    size_t length;
} field;

/* The fields of a line, at most MAX_FIELDS; quotes around one are dropped. Returns how many. */
static int split(const label_line *line, field fields[MAX_FIELDS])
{
    const char *at = line->text, *end = at + line->length;
    int count = 0;

    while (count < MAX_FIELDS) {
        const bool quoted = at < end && *at == '"';
        const char *stop = memchr(at + quoted, quoted ? '"' : ',', (size_t)(end - at - quoted)), *next;

        if (!stop) stop = end;
        fields[count++] = (field){ at + quoted, (size_t)(stop - at - quoted) };
        next = memchr(stop, ',', (size_t)(end - stop));
        if (!next) return count;
        at = next + 1;
    }
    return count;
}

static bool is_called(const field *f, const char *name)
{
    return f->length == strlen(name) && strncmp(f->text, name, f->length) == 0;
}

/* Where each column is; false where one is missing. */
static bool find_columns(const label_line *line, int columns[COLUMNS])
{
    static const char *const names[COLUMNS] = { "label", "youtube_id", "time_start", "time_end" };
    field fields[MAX_FIELDS];
    int count = split(line, fields);

    for (int c = 0; c < COLUMNS; c++) {
        columns[c] = -1;
        for (int i = 0; i < count; i++)
            if (is_called(&fields[i], names[c])) columns[c] = i;
        if (columns[c] < 0) return false;
    }
    return true;
}

static tsm_status add_row(video_list *l, const label_line *line, const int columns[COLUMNS], tsm_error *error)
{
    field fields[MAX_FIELDS];
    int count = split(line, fields);
    const field *id = &fields[columns[ID]];
    int64_t start, end;
    char name[MAX_ID + 32];

    for (int c = 0; c < COLUMNS; c++)
        if (columns[c] >= count) return list_fail(l, line->number, error, "has %d columns", count);
    start = label_index(fields[columns[START]].text, fields[columns[START]].length);
    end = label_index(fields[columns[END]].text, fields[columns[END]].length);
    if (start < 0 || end < 0)
        return list_fail(l, line->number, error, "time_start and time_end are not whole seconds");
    if (id->length == 0 || id->length > MAX_ID || memchr(id->text, '/', id->length))
        return list_fail(l, line->number, error, "youtube_id is none");
    snprintf(name, sizeof name, "%.*s_%06lld_%06lld", (int)id->length, id->text, (long long)start, (long long)end);
    return list_add(l, name, strlen(name), fields[columns[LABEL]].text, fields[columns[LABEL]].length,
                    (list_video){ .label = -1, .line = line->number }, error);
}

tsm_status list_parse_kinetics(video_list *l, char *text, size_t bytes, bool *found, tsm_error *error)
{
    char *end = text + bytes;
    int number = 0, columns[COLUMNS];
    label_line line;

    *found = label_next_line(&text, end, &number, &line) && find_columns(&line, columns);
    if (!*found) return TSM_OK;
    l->form = LIST_KINETICS;
    while (label_next_line(&text, end, &number, &line)) {
        tsm_status status = add_row(l, &line, columns, error);

        if (status != TSM_OK) return status;
    }
    return TSM_OK;
}
