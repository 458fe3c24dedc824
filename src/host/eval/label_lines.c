/* SPDX-License-Identifier: Apache-2.0 */
/* label_lines.c - names that stand one a line, alone, after their index or before it.
 *
 * Nothing in such a file says which: it is what more than half of the lines look like, and then all of them must.
 * A file that can be read in both ways, with indices that make sense in both, is refused. */
#include "label_list.h"

#include <string.h>

typedef enum form { NAME_ALONE, INDEX_FIRST, INDEX_LAST } form;

static bool is_gap(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the index off a line; false where it has none on that side of a name. */
static bool split_line(const label_name *line, form how, label_name *name)
{
    const char *text = line->text;
    size_t length = line->length, at = how == INDEX_FIRST ? 0 : length;

    *name = *line;
    if (how == INDEX_FIRST) {
        while (at < length && !is_gap(text[at])) at++;
        name->index = label_index(text, at);
        name->text += at;
        name->length -= at;
    } else {
        while (at > 0 && !is_gap(text[at - 1])) at--;
        name->index = label_index(text + at, length - at);
        name->length = at;
    }
    return name->index >= 0 && name->length > 0;
}

static size_t count_lines(const label_list *lines, form how)
{
    label_name name;
    size_t count = 0;

    for (size_t i = 0; i < lines->count; i++) count += split_line(&lines->items[i], how, &name);
    return count;
}

/* Names like "class 1", "class 2" end in a number that is no index. */
static tsm_status check_names(const label_list *list, tsm_error *error)
{
    label_list sorted = { .path = list->path };
    tsm_status status = TSM_OK;

    for (size_t i = 0; i < list->count && status == TSM_OK; i++)
        status = label_list_add(&sorted, list->items[i], error);
    if (status == TSM_OK) label_list_sort_names(&sorted);
    for (size_t i = 1; i < sorted.count && status == TSM_OK; i++) {
        const label_name *a = &sorted.items[i - 1], *b = &sorted.items[i];

        if (a->length == b->length && memcmp(a->text, b->text, a->length) == 0)
            status =
                label_list_fail(list, b->line, error,
                                "has the name of line %d before its index; is that a part of the name?", a->line);
    }
    label_list_clear(&sorted);
    return status;
}

/* Reads all lines in one way. On failure `list` is empty. */
static tsm_status read_lines(const label_list *lines, form how, label_list *list, tsm_error *error)
{
    tsm_status status = TSM_OK;

    for (size_t i = 0; i < lines->count && status == TSM_OK; i++) {
        const label_name *line = &lines->items[i];
        label_name name;

        if (split_line(line, how, &name))
            status = label_list_add(list, name, error);
        else
            status = label_list_fail(lines, line->line, error, "has no index %s a name, as most lines have",
                                     how == INDEX_FIRST ? "before" : "after");
    }
    if (status == TSM_OK) status = label_list_order(list, error);
    if (status == TSM_OK && how == INDEX_LAST) status = check_names(list, error);
    if (status != TSM_OK) label_list_clear(list);
    return status;
}

/* Both kinds of index are there: only one of them may make sense. */
static tsm_status read_either(const label_list *lines, label_list *list, tsm_error *error)
{
    label_list other = { .path = list->path };
    bool last = read_lines(lines, INDEX_LAST, &other, NULL) == TSM_OK;
    tsm_status status = read_lines(lines, INDEX_FIRST, list, last ? NULL : error);

    if (status == TSM_OK && last) {
        status = label_list_fail(lines, lines->items[0].line, error,
                                 "begins and ends in an index, and so do the others; which is it?");
    } else if (last) {
        label_list_clear(list);
        *list = other;
        return TSM_OK;
    }
    label_list_clear(&other);
    return status;
}

tsm_status label_parse_lines(label_list *list, char *text, size_t bytes, tsm_error *error)
{
    label_list lines = { .path = list->path };
    bool first, last;
    int number = 0;
    label_line line;
    tsm_status status = TSM_OK;

    for (char *at = text; status == TSM_OK && label_next_line(&at, text + bytes, &number, &line);)
        status = label_list_add(&lines, (label_name){ line.text, line.length, 0, line.number }, error);
    if (status == TSM_OK) {
        first = count_lines(&lines, INDEX_FIRST) * 2 > lines.count;
        last = count_lines(&lines, INDEX_LAST) * 2 > lines.count;
        if (!first && !last) {
            *list = lines;
            return TSM_OK;
        }
        status = first && last ? read_either(&lines, list, error)
                               : read_lines(&lines, first ? INDEX_FIRST : INDEX_LAST, list, error);
    }
    label_list_clear(&lines);
    return status;
}
