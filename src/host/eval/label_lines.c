/* SPDX-License-Identifier: Apache-2.0 */
/* label_lines.c - names that stand one a line, alone, after their index or before it; between the two a comma,
 * semicolon, colon, tab, spaces, or what else people put there ("1. a", "1) a", "1 - a", "1|a", "a=1", "a -> 1").
 *
 * Nothing in such a file says which: it is what more than half of the lines look like, and then all of them must, but
 * for a first line of two titles. A file that can be read in both ways, with indices that make sense in both, is
 * refused. */
#include "label_list.h"

#include <string.h>

typedef enum form { NAME_ALONE, INDEX_FIRST, INDEX_LAST } form;

static bool is_gap(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_mark(char c)
{
    return c && strchr(",;:|", c);
}

static size_t gap_length(const char *text, size_t length)
{
    size_t at = 0;

    while (at < length && is_gap(text[at])) at++;
    return at;
}

/* Bytes of the mark at text[at], of which there are `length`; 0: none. A dash needs gaps around it, a full stop and
 * a bracket stand behind the index. */
static size_t mark_length(const char *text, size_t at, size_t length)
{
    const size_t left = length - at;

    if (left == 0) return 0;
    if (left > 1 && (text[at] == '-' || text[at] == '=') && text[at + 1] == '>') return 2;
    if (is_mark(text[at]) || text[at] == '=') return 1;
    if (left < 2 || !is_gap(text[at + 1])) return 0;
    return (text[at] == '-' && at > 0) || ((text[at] == '.' || text[at] == ')') && at == 0);
}

/* Bytes between an index at the beginning of a line and the name behind it. */
static size_t separator_after(const char *text, size_t length)
{
    const size_t gap = gap_length(text, length), mark = mark_length(text, gap, length);

    return gap + mark + gap_length(text + gap + mark, length - gap - mark);
}

/* Bytes between a name and the index at the end of a line: the longest end of `text` that is all separator. */
static size_t separator_before(const char *text, size_t length)
{
    size_t at = 0, most = length < 64 ? length : 64;

    while (at < length && is_gap(text[length - 1 - at])) at++;
    for (size_t end = at + 1; end <= at + 3 && end <= most; end++)
        if (separator_after(text + length - end, end) == end && text[length - end] != '.' &&
            text[length - end] != ')')
            at = end;
    while (at < length && is_gap(text[length - 1 - at])) at++;
    return at;
}

/* The number that a field is: digits, in quotes or not, and ".0" behind them, which tables of floats have; -1 where
 * it is anything else. */
static int64_t field_index(const char *text, size_t length)
{
    if (length > 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text) {
        text++;
        length -= 2;
    }
    if (length > 2 && memcmp(text + length - 2, ".0", 2) == 0) length -= 2;
    return label_index(text, length);
}

static bool is_of_index(char c)
{
    return (c >= '0' && c <= '9') || c == '"' || c == '\'';
}

/* Whether the text begins (or, backwards, ends) in an index; *taken becomes how many bytes. */
static int64_t index_at_end(const char *text, size_t length, bool backwards, size_t *taken)
{
    size_t at = 0;

    while (at < length) {
        const char *c = backwards ? text + length - 1 - at : text + at;

        if (!is_of_index(*c) && !(*c == '.' && c > text && c + 1 < text + length && c[1] == '0')) break;
        at++;
    }
    *taken = at;
    return field_index(backwards ? text + length - at : text, at);
}

static void drop_quotes(label_name *name)
{
    const char quote = name->text[0];

    if (name->length < 2 || (quote != '"' && quote != '\'') || name->text[name->length - 1] != quote) return;
    name->text++;
    name->length -= 2;
    name->quote = quote;
}

/* Takes the index off a line; false where it has none on that side of a name. */
static bool split_line(const label_name *line, form how, label_name *name)
{
    bool last = how == INDEX_LAST;
    size_t index, separator;

    *name = *line;
    name->index = index_at_end(line->text, line->length, last, &index);
    if (name->index < 0 || index == line->length) return false;
    separator = last ? separator_before(line->text, line->length - index)
                     : separator_after(line->text + index, line->length - index);
    name->length -= index + separator;
    if (!last) name->text += index + separator;
    if (separator == 0 || name->length == 0) return false;
    /* An empty field between them: two marks. */
    if (is_mark(last ? name->text[name->length - 1] : name->text[0])) return false;
    drop_quotes(name);
    return name->length > 0;
}

/* A first line such as "class: index". */
static bool is_header(const label_name *line)
{
    size_t at = 0, separator;

    while (at < line->length && !is_gap(line->text[at]) && !is_mark(line->text[at])) at++;
    separator = separator_after(line->text + at, line->length - at);
    return separator > 0 &&
           label_title_pair(line->text, at, line->text + at + separator, line->length - at - separator);
}

/* A first line without an index, where all others have one and those begin at 0: then no name is without one, and
 * this is none, whatever it says. */
static bool has_header(const label_list *lines, form how)
{
    label_name name;
    bool from_zero = false;

    if (lines->count < 2 || split_line(&lines->items[0], how, &name)) return false;
    for (size_t i = 1; i < lines->count; i++) {
        if (!split_line(&lines->items[i], how, &name)) return false;
        from_zero = from_zero || name.index == 0;
    }
    return from_zero;
}

/* Whether more than half of the lines are of this form. */
static bool mostly(const label_list *lines, form how)
{
    label_name name;
    size_t count = 0;

    for (size_t i = 0; i < lines->count; i++) count += split_line(&lines->items[i], how, &name);
    return count * 2 > lines->count;
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

    for (size_t i = has_header(lines, how); i < lines->count && status == TSM_OK; i++) {
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

/* Tables whose last column is empty end every line in the same mark. */
static void drop_empty_column(label_list *lines)
{
    char mark = '\0';

    for (size_t i = 0; i < lines->count; i++) {
        const char last = lines->items[i].text[lines->items[i].length - 1];

        if (!strchr(",;", last) || (mark && last != mark) || lines->items[i].length < 2) return;
        mark = last;
    }
    for (size_t i = 0; i < lines->count; i++) lines->items[i].length--;
}

tsm_status label_parse_lines(label_list *list, char *text, size_t bytes, tsm_error *error)
{
    label_list lines = { .path = list->path };
    bool first, last;
    int number = 0;
    label_line line;
    tsm_status status = TSM_OK;

    for (char *at = text; status == TSM_OK && label_next_line(&at, text + bytes, &number, &line);)
        status = label_list_add(&lines, (label_name){ .text = line.text, .length = line.length, .line = line.number },
                                error);
    if (status == TSM_OK) {
        drop_empty_column(&lines);
        if (lines.count > 1 && is_header(&lines.items[0]))
            memmove(lines.items, lines.items + 1, --lines.count * sizeof *lines.items);
        first = mostly(&lines, INDEX_FIRST);
        last = mostly(&lines, INDEX_LAST);
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
